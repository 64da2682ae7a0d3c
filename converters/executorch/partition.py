"""Which operations go to a backend, and which stay with ExecuTorch's portable kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

LARGE = 2**15  # numbers; what is smaller costs less than handing it over


def in_network(node: torch.fx.Node) -> bool:
    """Whether a node came from a member's network; weights and constants go along."""
    stack = node.meta.get("nn_module_stack") or {}
    return node.op == "placeholder" or any(
        path.split(".")[-1] == "network" for path, _ in stack.values()
    )


def large_outside(node: torch.fx.Node) -> bool:
    """Whether a node outside the networks makes enough numbers to be worth handing over."""
    if node.op == "placeholder":
        return True
    made = node.meta.get("val")
    return not in_network(node) and isinstance(made, torch.Tensor) and made.numel() >= LARGE


def network_partitioner() -> Any:
    """XNNPACK's partitioner, kept to the networks and to the preprocessing's large operations.

    A network stays a delegate of its own: what quantizes or counts it finds nothing else there.
    """
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    class KeptTo(XnnpackPartitioner):  # type: ignore[misc]
        """Nodes are dropped before pieces are formed, so that no piece goes round a gap."""

        keeps: Callable[[torch.fx.Node], bool]

        def get_matched_nodes_from_configs(self, ep: Any) -> list[list[torch.fx.Node]]:
            matched = super().get_matched_nodes_from_configs(ep)
            kept = [[n for n in nodes if self.keeps(n)] for nodes in matched]
            return [nodes for nodes in kept if any(n.op == "call_function" for n in nodes)]

        def generate_partitions(self, ep: Any) -> list[Any]:
            pieces = []
            for keeps in (in_network, large_outside):
                self.keeps = keeps
                pieces += super().generate_partitions(ep)
            for number, piece in enumerate(pieces):
                piece.id = number  # each run counts from 0
            return pieces

    return KeptTo()

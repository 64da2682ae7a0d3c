"""Which operations go to a backend, and which stay with ExecuTorch's portable kernels."""

from __future__ import annotations

from typing import Any

import torch


def in_network(node: torch.fx.Node) -> bool:
    """Whether a node came from a member's network; weights and constants go along."""
    stack = node.meta.get("nn_module_stack") or {}
    return node.op == "placeholder" or any(
        path.split(".")[-1] == "network" for path, _ in stack.values()
    )


def network_partitioner() -> Any:
    """XNNPACK's partitioner, kept to the network.

    Left to itself it also takes fifteen scattered pieces of the preprocessing, which measured no
    faster (105 ms against 105 ms for everything before the network).
    """
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    class NetworkPartitioner(XnnpackPartitioner):  # type: ignore[misc]
        def generate_partitions(self, ep: Any) -> list[Any]:
            partitions = super().generate_partitions(ep)
            for partition in partitions:
                for node in [n for n in partition.nodes if not in_network(n)]:
                    partition.remove_node(node)
            return [p for p in partitions if any(n.op == "call_function" for n in p.nodes)]

    return NetworkPartitioner()

"""What may run a network inside a `.pte`, as data: how it is asked for, and what its file shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from converters.executorch.coreml import coreml_partitioner
from converters.executorch.partition import in_network, network_partitioner
from mobileseg.errors import UnknownName

Partitioner = Callable[[str], Any]  # precision -> what to_edge_transform_and_lower takes


@dataclass(frozen=True, slots=True)
class Backend:
    """A row of the table."""

    name: str  # as typed after --backend
    delegate: str  # its id in the file
    partitioner: Partitioner
    precisions: tuple[str, ...]
    halves_network: bool  # fp16 is in the graph, and not left to the backend
    not_here: str | None  # why no machine that converts can also run it; None: it can

    def refuse_precision(self, precision: str) -> None:
        """Raise UnknownName for a precision that it does not have."""
        if precision not in self.precisions:
            raise UnknownName(f"executorch precision of {self.name}", precision, self.precisions)


def _xnnpack(precision: str) -> Any:
    return network_partitioner()


def _coreml(precision: str) -> Any:
    return _only_networks(coreml_partitioner(precision))


def _vulkan(precision: str) -> Any:
    from executorch.backends.vulkan.partitioner.vulkan_partitioner import VulkanPartitioner

    return _only_networks(VulkanPartitioner({"force_fp16": precision == "fp16"}))


def _only_networks(inner: Any) -> Any:
    """A partitioner that gives back everything outside the networks.

    In half precision the crop's coordinates would be off by a hundred grey levels, and a backend
    that takes the preprocessing takes it in its own precision.
    """
    from executorch.exir.backend.partitioner import Partitioner, PartitionResult

    class OnlyNetworks(Partitioner):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.delegation_spec = inner.delegation_spec

        def ops_to_not_decompose(self, ep: Any) -> Any:
            return inner.ops_to_not_decompose(ep)

        def partition(self, exported_program: Any) -> PartitionResult:
            result = inner.partition(exported_program)
            nodes = list(exported_program.graph.nodes)
            for node in nodes:
                if node.op == "call_function" and not in_network(node):
                    node.meta.pop("delegation_tag", None)
            for node in nodes:  # a constant goes where all of its users go
                tags = {user.meta.get("delegation_tag") for user in node.users}
                if node.op != "call_function" and tags != {node.meta.get("delegation_tag")}:
                    node.meta.pop("delegation_tag", None)
            left = {n.meta["delegation_tag"] for n in nodes if "delegation_tag" in n.meta}
            result.partition_tags = {
                tag: spec for tag, spec in result.partition_tags.items() if tag in left
            }
            return result

    return OnlyNetworks()


BACKENDS: Mapping[str, Backend] = {
    backend.name: backend
    for backend in (
        Backend("xnnpack", "XnnpackBackend", _xnnpack, ("fp32", "fp16", "int8"), True, None),
        Backend(
            "coreml",
            "CoreMLBackend",
            _coreml,
            ("fp32", "fp16"),
            False,
            "its delegate is Core ML, which runs on Apple systems only",
        ),
        Backend(
            "vulkan",
            "VulkanBackend",
            _vulkan,
            ("fp32", "fp16"),
            False,
            "its delegate is Vulkan, which ExecuTorch's Python runtime does not have",
        ),
    )
}

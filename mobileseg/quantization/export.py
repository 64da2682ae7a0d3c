"""A network as a graph of operations whose places have names that outlast an export.

PyTorch numbers a graph's nodes; the numbers move when a layer comes or goes. A *site* is named
after the module that computes it: `decoder.4.up.5.relu:relu_.default`.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node


class Maps(nn.Module):
    """A network's maps of logits as the tuple that an export wants.

    Args:
        network: with batch norm folded.
        sides: all that training supervises, else the answer alone.
    """

    def __init__(self, network: nn.Module, *, sides: bool) -> None:
        super().__init__()
        self.network = network
        self.sides = sides

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, S, S) normalised -> maps (N, C, ·, ·); the first is the answer."""
        if self.sides:
            return tuple(cast(Any, self.network).supervised(x))
        return (self.network(x)[0],)


def export_network(network: nn.Module, side_px: int, *, sides: bool = False) -> GraphModule:
    """The graph of a network.

    Args:
        network: with batch norm folded.
        sides: with all maps that training supervises, for any number of pictures; else the
            answer for one picture.
    """
    pictures = torch.zeros(2 if sides else 1, 3, side_px, side_px)
    some = torch.export.Dim("pictures", min=1, max=64)
    shapes = {"x": {0: some}} if sides else None
    program = torch.export.export(
        Maps(network, sides=sides).eval(), (pictures,), dynamic_shapes=shapes, strict=False
    )
    graph = program.module()
    assert isinstance(graph, GraphModule)
    return graph


def module_path(node: Node) -> str:
    """The innermost module that a node came from, seen from the network; empty for its input."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values()]
    return paths[-1].removeprefix("network").removeprefix(".") if paths else ""


def sites(graph: GraphModule) -> dict[str, str]:
    """Node name -> site, for the input and everything that is computed."""
    named: dict[str, str] = {}
    seen: dict[str, int] = {}
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            named[node.name] = "input"
        elif node.op == "call_function":
            site = f"{module_path(node)}:{getattr(node.target, '__name__', node.target)}"
            again = seen.get(site, 0)
            seen[site] = again + 1
            named[node.name] = f"{site}.{again}" if again else site
    return named

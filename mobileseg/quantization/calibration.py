"""The range of every value inside a network, over pictures of its own training.

Nothing else will do: random input never shows the ranges that a retina makes, and test pictures
would leak into the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Interpreter, Node

from mobileseg.errors import BadInput
from mobileseg.quantization.export import export_network, sites

Ranges = dict[str, tuple[float, float]]  # site -> least and largest value
FEWEST = 8  # pictures; below, one picture's odd light sets the scale of a layer


class _Recorder(Interpreter):
    """Runs a graph and widens the ranges by what it sees."""

    def __init__(self, graph: GraphModule) -> None:
        super().__init__(graph)
        self.sites = sites(graph)
        self.ranges: Ranges = {}

    def run_node(self, n: Node) -> Any:
        value = super().run_node(n)
        site = self.sites.get(n.name)
        if site is not None and isinstance(value, Tensor):
            low, high = (float(v) for v in torch.aminmax(value))
            before = self.ranges.get(site, (low, high))
            self.ranges[site] = (min(low, before[0]), max(high, before[1]))
        return value


@torch.no_grad()
def calibrate(
    network: nn.Module,
    pictures: Iterable[Tensor],
    side_px: int,
    tick: Callable[[], None] = lambda: None,
) -> Ranges:
    """Least and largest value at every site, in float32.

    The whole range is kept: clipping the tails, as histogram observers do, cost the trained XS
    0.004 AUPR on its validation pictures, and lesions are in the tails.

    Args:
        network: with batch norm folded.
        pictures: (1, 3, side, side) each, normalised.
        tick: called once a picture.

    Raises:
        BadInput: fewer than 8 pictures.
    """
    recorder = _Recorder(export_network(network, side_px))
    seen = 0
    for picture in pictures:
        recorder.run(picture)
        seen += 1
        tick()
    if seen < FEWEST:
        raise BadInput(
            f"found {seen} calibration pictures; expected at least {FEWEST}: name the folder that "
            "the run was trained on"
        )
    return recorder.ranges

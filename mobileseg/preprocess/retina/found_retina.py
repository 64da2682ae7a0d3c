"""Where finder 2 found the retina, as tensors, and the disc of a network's picture that it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mobileseg.preprocess.area_resize import Box


@dataclass(frozen=True, slots=True)
class FoundRetina:
    """`reference.Retina`, each (1,) float32; truths are 0 or 1."""

    box: Box
    found: Tensor
    round: Tensor
    visible: Tensor
    rows: tuple[Tensor, Tensor]
    columns: tuple[Tensor, Tensor]


def disc(found: FoundRetina, index: Tensor) -> Tensor:
    """`Retina.disc`, (1, 1, side, side) float32, 0 or 1.

    Args:
        index: (side,) 0, 1, 2 …
    """
    count = index.shape[0]
    side = float(count)
    left, top, box_side, _ = found.box
    centred = index * 2.0 + (1.0 - side)
    # Squares of odd numbers: an eighth of what is above 1 is whole, and small enough to add up.
    eighth = (centred * centred - 1.0) * 0.125
    rows = _touching(index, top, box_side, found.rows) * found.found
    columns = _touching(index, left, box_side, found.columns)
    # How much less than the radius' square a pixel's distance has; outside the picture too little.
    most = side * side * 0.125
    room = (most - eighth * found.round) * rows - (1.0 - rows)
    needed = eighth + (1.0 - columns) * (2.0 * most)
    spare = room.reshape(-1, 1) - needed.reshape(1, -1)  # whole; 0 and less: outside
    # min(max(spare, 0), 1) of a whole number, in operations that ExecuTorch is quick at.
    inside = (spare.abs() - (spare - 1.0).abs() + 1.0) * 0.5
    return inside.reshape(1, 1, count, count)


def _touching(
    index: Tensor, start: Tensor, length: Tensor, of_picture: tuple[Tensor, Tensor]
) -> Tensor:
    """(side,): 1 where a stretch touches the picture. Below 2**24 as the box is."""
    count = float(index.shape[0])
    zero = torch.zeros_like(length)
    begin, end = (torch.minimum(torch.maximum(v - start, zero), length) * count for v in of_picture)
    stretch = index * length
    return (stretch + length > begin).to(torch.float32) * (stretch < end).to(torch.float32)

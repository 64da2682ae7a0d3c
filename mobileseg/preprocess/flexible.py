"""The preprocessing for frames of several sizes in one graph; equal to graph.py in every value.

No height or width is a number here, so a tracer cannot make one of them part of the graph: a row's
place is a running sum of ones, a height their total. Both are whole numbers below 2**24.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mobileseg.preprocess.area_resize import Box, ByMatmul, split
from mobileseg.preprocess.graph import Preprocess
from mobileseg.preprocess.reference import ROW_SHARE_PERCENT
from mobileseg.preprocess.retina.frame_lines import FrameLines, LinesOfAnySize
from mobileseg.spec import PreprocessSpec


def _places(frame: Tensor) -> tuple[Tensor, Tensor]:
    """(H,) and (W,) float32: 0, 1, 2 … along the rows and columns of a (1, 3, H, W) frame."""
    ones = torch.ones_like(frame[0, 0])
    return torch.cumsum(ones[:, 0], dim=0) - 1.0, torch.cumsum(ones[0], dim=0) - 1.0


def _length(places: Tensor) -> Tensor:
    """(1,): how many there are."""
    return (torch.amax(places, dim=0) + 1.0).reshape(1)


def _extent(counts: Tensor, places: Tensor, across_px: Tensor) -> tuple[Tensor, Tensor]:
    """(1,) first and last row (or column) with enough retina; (n, -1) where there is none."""
    hit = (counts * 100.0 >= across_px * float(ROW_SHARE_PERCENT)).to(torch.float32)
    beyond = _length(places)
    first = torch.amin(places * hit + beyond * (1.0 - hit), dim=0)
    last = torch.amax((places + 1.0) * hit, dim=0) - 1.0
    return first.reshape(1), last.reshape(1)


class ByMatmulOfAnySize(ByMatmul):
    """`ByMatmul` for a frame whose size is known only when it comes."""

    def sums(self, frame: Tensor, box: Box) -> tuple[Tensor, Tensor]:
        """(3, side, side) high and low of the sums, in 1/(crop width · height)."""
        left, top, width, height = box
        row_places, column_places = _places(frame)
        rows = self._overlaps(top, height, row_places)  # side H
        columns = self._overlaps(left, width, column_places)  # side W
        parts = torch.cat(split(torch.matmul(rows, frame[0])))  # 6 side W
        parts = torch.matmul(parts, columns.transpose(0, 1))  # 6 side side
        return parts[:3], parts[3:]


class FlexiblePreprocess(Preprocess):
    """Frame -> picture after CLAHE, for frames of any size up to `LARGEST_FRAME_PX`.

    Args:
        spec: sizes and constants; of the frame's size nothing but its limits is used.
        histogram: see `Preprocess`.
    """

    def __init__(self, spec: PreprocessSpec, histogram: str = "matmul") -> None:
        super().__init__(spec, histogram, "matmul")
        self.sampling = ByMatmulOfAnySize(spec)
        self.lines = LinesOfAnySize()

    def frame_lines(self, frame: Tensor) -> FrameLines:
        """What finder 2 looks at."""
        lines: FrameLines = self.lines(frame, *_places(frame))
        return lines

    def by_threshold(self, frame: Tensor) -> tuple[Box, Tensor]:
        """Left, top, width, height, each (1,), and the share of retina (1, 1)."""
        retina = self.sampling.retina(frame)
        row_counts, column_counts = self.sampling.counts(retina)
        rows, columns = _places(frame)
        height, width = _length(rows), _length(columns)
        top, bottom = _extent(row_counts, rows, width)
        left, right = _extent(column_counts, columns, height)
        found = (bottom >= 0.0).to(torch.float32) * (right >= 0.0).to(torch.float32)
        top, left = top * found, left * found
        box_h = (bottom - top + 1.0) * found + height * (1.0 - found)
        box_w = (right - left + 1.0) * found + width * (1.0 - found)
        if self.spec.crop == "square":
            side = torch.maximum(box_h, box_w)
            top = top - torch.floor((side - box_h) * 0.5)
            left = left - torch.floor((side - box_w) * 0.5)
            box_h, box_w = side, side
        inside = self.sampling.inside(
            retina, self._within(rows, top, box_h), self._within(columns, left, box_w)
        )
        share = inside / (box_h * box_w) * found
        return (left, top, box_w, box_h), share.reshape(1, 1)

"""The preprocessing as torch operations that every converter accepts; equal to reference.py.

What is special here: grey levels are decided in whole numbers. Float32 holds whole numbers below
2**24 exactly, so every sum below stays under that and no runtime can get another result by adding
in another order. A sum too large is kept as `high * 1024 + low`.

What converters need shows in the code: sizes are fixed, nothing is indexed by data except one
`index_select`, booleans become floats before arithmetic, a division always divides a tensor by a
tensor (coremltools 9.0 turns `constant / tensor` into 1/(x + 1e-4)), and a single number has shape
(1,), not () (the lite interpreter promotes a zero-dimensional float32 times a constant to float64).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.preprocess.clahe_graph import Clahe
from mobileseg.preprocess.reference import ROW_SHARE_PERCENT
from mobileseg.spec import PreprocessSpec

SPLIT = 1024.0  # a power of two, so that splitting and joining a sum rounds nothing


def _extent(counts: Tensor, index: Tensor, along_px: int, across_px: int) -> tuple[Tensor, Tensor]:
    """(1,) first and last row (or column) with enough retina; (n, -1) where there is none."""
    hit = counts * 100.0 >= float(ROW_SHARE_PERCENT * across_px)
    beyond = torch.full_like(index, float(along_px))
    first = torch.amin(torch.where(hit, index, beyond), dim=0, keepdim=True)
    last = torch.amax(torch.where(hit, index, torch.full_like(index, -1.0)), dim=0, keepdim=True)
    return first, last


def _overlaps(
    start: Tensor, length: Tensor, pixels: Tensor, stretches: Tensor, count: float
) -> Tensor:
    """(count, pixels) whole overlaps in 1/count pixel; see reference.py's twin.

    Sizes come as numbers: taken from a tensor's shape, a tracer would make them part of the graph.
    """
    i = stretches.reshape(-1, 1) * length
    k = (pixels.reshape(1, -1) - start) * count
    return torch.clamp(torch.minimum(i + length, k + count) - torch.maximum(i, k), min=0.0)


def _rounded_mean(high: Tensor, low: Tensor, area: Tensor) -> Tensor:
    """floor((high·1024 + low) / area + 1/2), exactly.

    The float quotient is right to 1e-4, so its rounding errs at most at a tie; the remainder,
    which float32 holds exactly, says which way.
    """
    area_high = torch.floor(area * (1.0 / SPLIT))
    area_low = area - area_high * SPLIT
    mean = torch.floor((high * SPLIT + low) / area.expand_as(high) + 0.5)
    remainder = (high - mean * area_high) * SPLIT + (low - mean * area_low)
    up = (2.0 * remainder >= area).to(torch.float32)
    down = (2.0 * remainder < -area).to(torch.float32)
    return mean + up - down


class Preprocess(nn.Module):
    """Frame -> picture after CLAHE, for one fixed frame size.

    Args:
        spec: sizes and constants.
        histogram: how CLAHE counts grey levels, "scatter" (fast on ExecuTorch and TorchScript)
            or "matmul" (fast on Core ML); equal results.
    """

    row_index: Tensor
    column_index: Tensor
    side_index: Tensor

    def __init__(self, spec: PreprocessSpec, histogram: str = "scatter") -> None:
        super().__init__()
        self.spec = spec
        height, width = spec.frame_hw
        for name, count in (("row", height), ("column", width), ("side", spec.side_px)):
            index = torch.from_numpy(np.arange(count, dtype=np.float32))
            self.register_buffer(f"{name}_index", index, persistent=False)
        self.clahe = Clahe(spec.side_px, spec.clahe_clip, spec.clahe_tiles, histogram)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Crop, resize, equalise.

        Args:
            frame: (1, 3, H, W) float32 RGB, whole numbers 0..255.

        Returns:
            enhanced: (1, 3, side, side) float32, 0..255, after CLAHE.
            crop: (1, 4) float32: left, top, width, height in frame pixels.
            retina: (1, 1) float32: share of the crop that is retina; 0: none found.
        """
        box, retina = self.find_crop(frame)
        levels = self.crop_and_resize(frame, box)
        return self.enhance(levels), torch.cat(box).reshape(1, 4), retina

    def find_crop(self, frame: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor]:
        """Left, top, width, height, each (1,), and the share of retina (1, 1)."""
        brightest = torch.amax(frame, dim=1)[0]  # H W
        retina = (brightest > float(self.spec.retina_threshold)).to(torch.float32)
        height, width = self.spec.frame_hw
        top, bottom = _extent(retina.sum(dim=1), self.row_index, height, width)
        left, right = _extent(retina.sum(dim=0), self.column_index, width, height)
        found = (bottom >= 0.0).to(torch.float32) * (right >= 0.0).to(torch.float32)
        top, left = top * found, left * found
        box_h = (bottom - top + 1.0) * found + float(height) * (1.0 - found)
        box_w = (right - left + 1.0) * found + float(width) * (1.0 - found)
        if self.spec.crop == "square":
            side = torch.maximum(box_h, box_w)
            top = top - torch.floor((side - box_h) * 0.5)
            left = left - torch.floor((side - box_w) * 0.5)
            box_h, box_w = side, side
        inside = self._within(self.row_index, top, box_h).reshape(-1, 1) * self._within(
            self.column_index, left, box_w
        ).reshape(1, -1)
        share = (retina * inside).sum().reshape(1) / (box_h * box_w) * found
        return (left, top, box_w, box_h), share.reshape(1, 1)

    @staticmethod
    def _within(index: Tensor, start: Tensor, length: Tensor) -> Tensor:
        return (index >= start).to(torch.float32) * (index < start + length).to(torch.float32)

    def crop_and_resize(self, frame: Tensor, box: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
        """(1, 3, side, side) whole grey levels: exact area means, rounded half up."""
        left, top, width, height = box
        side = float(self.spec.side_px)
        rows = _overlaps(top, height, self.row_index, self.side_index, side)  # side H
        columns = _overlaps(left, width, self.column_index, self.side_index, side)  # side W
        sums = torch.matmul(rows, frame[0])  # 3 side W, up to 255 · height
        high = torch.floor(sums * (1.0 / SPLIT))
        parts = torch.cat([high, sums - high * SPLIT])  # 6 side W
        parts = torch.matmul(parts, columns.transpose(0, 1))  # 6 side side
        return _rounded_mean(parts[:3], parts[3:], height * width).unsqueeze(0)

    def enhance(self, levels: Tensor) -> Tensor:
        """CLAHE on V = max(R, G, B), RGB scaled by V'/V; black stays black."""
        value = torch.amax(levels, dim=1, keepdim=True)  # 1 1 side side
        equalised: Tensor = self.clahe(value)
        return levels * (equalised / torch.clamp(value, min=1.0))

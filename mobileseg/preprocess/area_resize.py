"""Two ways to read a frame: which pixels are retina, and sums over each output pixel's area.

Both give the same whole numbers. `ByMatmul` multiplies with two dense overlap matrices: few large
operations, for Core ML and a GPU. `ByTaps` reads the bytes of the few frame rows that each output
row overlaps, then the few columns, which costs a phone's processor a tenth of that.

Every sum is a whole number below 2**24, which float32 holds exactly; a sum too large is kept as
`high * 1024 + low`. See graph.py.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.preprocess.retina.constants import largest_box_px
from mobileseg.spec import PreprocessSpec

SPLIT = 1024.0  # a power of two, so that splitting and joining a sum rounds nothing
GROUP_PX = 16  # pixels summed over their channels by one row of a product: a kernel's full width

Box = tuple[Tensor, Tensor, Tensor, Tensor]  # left, top, width, height, each (1,) float32


def split(sums: Tensor) -> tuple[Tensor, Tensor]:
    """Whole sums below 2**24 -> high and low with sums = high · 1024 + low."""
    high = torch.floor(sums * (1.0 / SPLIT))
    return high, sums - high * SPLIT


def most_taps(longest_px: int, count: int) -> int:
    """How many pixels one of `count` equal stretches of at most `longest_px` pixels can touch.

    A stretch of p/q pixels (in lowest terms) begins at a whole number of q-ths of a pixel, so it
    touches at most ceil((p + q - 1) / q).
    """

    def touched(length: int) -> int:
        shared = math.gcd(length, count)
        p, q = length // shared, count // shared
        return -((1 - p - q) // q)

    return max(touched(length) for length in range(1, longest_px + 1))


def _hold(module: nn.Module, name: str, count: int) -> None:
    """A buffer 0..count-1, float32, that no weights file holds."""
    index = torch.from_numpy(np.arange(count, dtype=np.float32))
    module.register_buffer(name, index, persistent=False)


def _overlap(start: Tensor, length: Tensor, pixel: Tensor, count: float) -> Tensor:
    """Whole overlaps, in 1/count pixel, of stretches [start, start + length) with pixels.

    Args:
        start, length: of the stretches, in 1/count pixel from the crop's edge.
        pixel: from the crop's edge.
    """
    k = pixel * count
    return torch.clamp(torch.minimum(start + length, k + count) - torch.maximum(start, k), min=0.0)


class ByMatmul(nn.Module):
    """From (1, 3, H, W) float32 RGB, whole numbers 0..255.

    Sizes come as numbers: taken from a tensor's shape, a tracer would make them part of the graph.
    """

    row_index: Tensor
    column_index: Tensor
    side_index: Tensor

    def __init__(self, spec: PreprocessSpec) -> None:
        super().__init__()
        self.side, self.threshold = float(spec.side_px), float(spec.retina_threshold)
        _hold(self, "row_index", spec.frame_hw[0])
        _hold(self, "column_index", spec.frame_hw[1])
        _hold(self, "side_index", spec.side_px)

    def retina(self, frame: Tensor) -> Tensor:
        """(H, W) float32: 1 where any channel is brighter than the threshold, else 0."""
        brightest = torch.amax(frame, dim=1)[0]
        return (brightest > self.threshold).to(torch.float32)

    def counts(self, retina: Tensor) -> tuple[Tensor, Tensor]:
        """(H,) and (W,): retina pixels of each row and column."""
        return retina.sum(dim=1), retina.sum(dim=0)

    def inside(self, retina: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """(1,): retina pixels in the rows and columns that are 1."""
        return (retina * (rows.reshape(-1, 1) * columns.reshape(1, -1))).sum().reshape(1)

    def sums(self, frame: Tensor, box: Box) -> tuple[Tensor, Tensor]:
        """(3, side, side) high and low of the sums, in 1/(crop width · height)."""
        left, top, width, height = box
        rows = self._overlaps(top, height, self.row_index)  # side H
        columns = self._overlaps(left, width, self.column_index)  # side W
        parts = torch.cat(split(torch.matmul(rows, frame[0])))  # 6 side W, up to 255 · height
        parts = torch.matmul(parts, columns.transpose(0, 1))  # 6 side side
        return parts[:3], parts[3:]

    def _overlaps(self, start: Tensor, length: Tensor, pixels: Tensor) -> Tensor:
        """(side, pixels) whole overlaps; see reference.py's twin."""
        stretches = self.side_index.reshape(-1, 1) * length
        return _overlap(stretches, length, pixels.reshape(1, -1) - start, self.side)


class ByTaps(nn.Module):
    """From (1, H, W, 3) uint8 RGB, an app's bytes.

    Bytes become float32 by being joined to a few float32 zeros: ExecuTorch's `cat` converts in a
    plain loop, 3 million of them in half a millisecond where its cast takes thirteen. The zeros
    serve as a row or column of pixels outside.
    """

    row_index: Tensor
    column_index: Tensor
    side_index: Tensor
    row_taps: Tensor
    column_taps: Tensor
    zero: Tensor
    row_ones: Tensor
    column_ones: Tensor
    channels: Tensor

    def __init__(self, spec: PreprocessSpec) -> None:
        super().__init__()
        self.height, self.width = spec.frame_hw
        self.side_px, self.side = spec.side_px, float(spec.side_px)
        self.threshold = float(spec.retina_threshold)
        longest = max(spec.frame_hw) if spec.finder == 1 else largest_box_px(spec.frame_hw)
        rows_px, columns_px = (
            (longest, longest) if spec.crop == "square" else (self.height, self.width)
        )
        _hold(self, "row_index", self.height + 1)  # the last one is the row of zeros
        _hold(self, "column_index", self.width)
        _hold(self, "side_index", spec.side_px)
        _hold(self, "row_taps", most_taps(rows_px, spec.side_px))
        _hold(self, "column_taps", most_taps(columns_px, spec.side_px))
        self.group_px = math.gcd(GROUP_PX, self.width)
        channels = torch.kron(torch.eye(self.group_px), torch.ones(3, 1))
        self.register_buffer("channels", channels, persistent=False)
        self.register_buffer("zero", torch.zeros(1, 1), persistent=False)
        self.register_buffer("row_ones", torch.ones(1, self.height + 1), persistent=False)
        self.register_buffer("column_ones", torch.ones(self.width, 1), persistent=False)

    def retina(self, frame: Tensor) -> Tensor:
        """(H + 1, W) float32: 1 where any channel is brighter than the threshold, else 0.

        What the three channels exceed the threshold by, at most 1 each, is summed by a product.
        """
        rows = frame.reshape(self.height, 3 * self.width)
        rows = torch.cat([rows, self.zero.expand(1, 3 * self.width)])  # float32 from here on
        beyond = torch.clamp(rows, self.threshold, self.threshold + 1.0)
        sums = torch.matmul(beyond.reshape(-1, 3 * self.group_px), self.channels)
        return torch.clamp(sums - 3.0 * self.threshold, 0.0, 1.0).reshape(-1, self.width)

    def counts(self, retina: Tensor) -> tuple[Tensor, Tensor]:
        """(H + 1,) and (W,): retina pixels of each row and column."""
        rows = torch.matmul(retina, self.column_ones)
        return rows.reshape(-1), torch.matmul(self.row_ones, retina).reshape(-1)

    def inside(self, retina: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """(1,): retina pixels in the rows and columns that are 1."""
        return torch.matmul(
            torch.matmul(rows.reshape(1, -1), retina), columns.reshape(-1, 1)
        ).reshape(1)

    def sums(self, frame: Tensor, box: Box) -> tuple[Tensor, Tensor]:
        """(3, side, side) high and low of the sums, in 1/(crop width · height)."""
        left, top, width, height = box
        side = self.side_px
        pixels = frame.reshape(self.height, 3 * self.width)
        zeros = self.zero.expand(side, 3)
        index, weight = self._taps(top, height, self.row_taps, self.height)
        sums = self._weighed(
            [
                torch.cat([torch.index_select(pixels, 0, i), zeros], dim=1)
                for i in torch.split(index, side)
            ],
            weight,
        )  # side 3(W+1), up to 255 · height
        # A pixel's column in one row, its channels side by side.
        columns = sums.transpose(0, 1).reshape(-1, 3 * side)  # W+1 3·side
        index, weight = self._taps(left, width, self.column_taps, self.width)
        high, low = (
            self._weighed(
                [torch.index_select(part, 0, i) for i in torch.split(index, side)],
                weight,
            )
            .reshape(side, 3, side)
            .permute(1, 2, 0)
            for part in split(columns)
        )
        return high, low

    def _taps(
        self, start: Tensor, length: Tensor, taps: Tensor, pixels: int
    ) -> tuple[Tensor, list[Tensor]]:
        """(taps · side,) int32 frame pixels to read, and per tap (side, 1) their whole overlaps.

        The first pixel is right: a float32 quotient below 4096 of whole numbers rounds to the
        next whole number only if nearer to it than 1/8192, and it is at least 1/side away.
        """
        stretches = self.side_index * length  # side
        first = torch.floor(stretches / torch.full_like(stretches, self.side))
        pixel = first.reshape(1, -1) + taps.reshape(-1, 1)  # taps side, from the crop's edge
        weight = _overlap(stretches.reshape(1, -1), length, pixel, self.side)
        place = pixel + start
        nearest = torch.clamp(place, 0.0, float(pixels - 1))
        weight = weight * (place == nearest).to(torch.float32)  # outside the frame: black
        each = torch.split(weight.reshape(-1, 1), self.side_px)
        return nearest.reshape(-1).to(torch.int32), list(each)

    @staticmethod
    def _weighed(read: list[Tensor], weight: list[Tensor]) -> Tensor:
        total = read[0] * weight[0]
        for values, share in zip(read[1:], weight[1:], strict=True):
            total = total + values * share
        return total


SAMPLINGS: dict[str, type[ByMatmul] | type[ByTaps]] = {"matmul": ByMatmul, "taps": ByTaps}

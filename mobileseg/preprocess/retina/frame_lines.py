"""64 rows and 64 columns of a frame, their pixels summed by cells: what retina finder 2 looks at.

Two forms, as in area_resize.py: from an app's bytes for a processor, from planes for Core ML and a
GPU. Equal results; reference.py's `_lines` is the definition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.preprocess.retina import constants as at


@dataclass(frozen=True, slots=True)
class FrameLines:
    """A frame along its lines.

    Attributes:
        cells: (3, 2, LINES, CELLS) float32: sums over a cell's pixels, rows before columns.
        across: (2, LINES): where a line lies, in units.
        cell_px, height, width: (1,): pixels of a cell, of the frame.
    """

    cells: Tensor
    across: Tensor
    cell_px: Tensor
    height: Tensor
    width: Tensor


class FixedLines(nn.Module):
    """What lines of a frame of one size have in common, whatever the frame comes as."""

    rows: Tensor
    columns: Tensor
    across: Tensor
    sizes: Tensor

    def __init__(self, frame_hw: tuple[int, int]) -> None:
        super().__init__()
        self.frame_hw, self.px = frame_hw, at.cell_px(frame_hw)
        self.cells = tuple(n // self.px for n in frame_hw)  # down, across
        places = [line_places(n) for n in frame_hw]
        for name, place in zip(("rows", "columns"), places, strict=True):
            self.register_buffer(name, torch.from_numpy(place.astype(np.int32)), persistent=False)
        units = np.stack([(at.UNITS * place + 2) // self.px for place in places])
        self._hold("across", units)
        self._hold("sizes", np.array([self.px, *frame_hw]))

    def _hold(self, name: str, values: np.ndarray) -> None:
        held = torch.from_numpy(np.ascontiguousarray(values, np.float32))
        self.register_buffer(name, held, persistent=False)

    def _with(self, cells: Tensor) -> FrameLines:
        return FrameLines(cells, self.across, self.sizes[:1], self.sizes[1:2], self.sizes[2:])


def line_places(length_px: int) -> np.ndarray:
    """(LINES,) pixels along an axis at which lines are read."""
    places: np.ndarray = ((2 * np.arange(at.LINES) + 1) * length_px) // (2 * at.LINES)
    return places


class LinesOfBytes(FixedLines):
    """From (1, H, W, 3) uint8 RGB."""

    sums: Tensor
    row: Tensor

    def __init__(self, frame_hw: tuple[int, int]) -> None:
        super().__init__(frame_hw)
        self._hold("sums", np.kron(np.ones((self.px, 1)), np.eye(3)))
        # Bytes become float32 by being joined to a row of it: see `area_resize.ByTaps`.
        self._hold("row", np.zeros((1, 1)))

    def forward(self, frame: Tensor) -> FrameLines:
        (height, width), (down, across), px = self.frame_hw, self.cells, self.px
        rows = torch.index_select(frame.reshape(height, 3 * width), 0, self.rows)
        rows = self._floats(rows)[:, : across * px * 3]
        along = torch.matmul(rows.reshape(-1, px * 3), self.sums).reshape(at.LINES, across, 3)
        columns = torch.index_select(frame.reshape(height, width, 3), 1, self.columns)
        columns = self._floats(columns.reshape(height, 3 * at.LINES))[: down * px]
        columns = columns.reshape(down, px, 3 * at.LINES)
        upright = columns[:, 0]
        for i in range(1, px):
            upright = upright + columns[:, i]
        both = [along.permute(2, 0, 1), upright.reshape(down, at.LINES, 3).permute(2, 1, 0)]
        return self._with(torch.stack([self._filled(cells) for cells in both], dim=1))

    def _floats(self, rows: Tensor) -> Tensor:
        return torch.cat([rows, self.row.expand(1, rows.shape[1])])[: rows.shape[0]]

    def _filled(self, cells: Tensor) -> Tensor:
        """(3, LINES, n) to CELLS with zeros."""
        missing = at.CELLS - cells.shape[2]
        return (
            torch.cat([cells, self.row.expand(3, at.LINES, missing)], dim=2) if missing else cells
        )


class LinesOfPlanes(FixedLines):
    """From (1, 3, H, W) float32 RGB, whole numbers 0..255."""

    cells_down: Tensor
    cells_across: Tensor

    def __init__(self, frame_hw: tuple[int, int]) -> None:
        super().__init__(frame_hw)
        for name, pixels in zip(("cells_down", "cells_across"), frame_hw, strict=True):
            cell = np.arange(pixels)[:, None] // self.px
            whole = cell < pixels // self.px  # what is left over of a cell is not looked at
            self._hold(name, (cell == np.arange(at.CELLS)) & whole)

    def forward(self, frame: Tensor) -> FrameLines:
        rows = torch.index_select(frame[0], 1, self.rows)  # 3 LINES W
        columns = torch.index_select(frame[0], 2, self.columns)  # 3 H LINES
        along = torch.matmul(rows, self.cells_across)
        upright = torch.matmul(columns.transpose(1, 2), self.cells_down)
        return self._with(torch.stack([along, upright], dim=1))


class LinesOfAnySize(nn.Module):
    """`LinesOfPlanes` for a frame whose size is known only when it comes."""

    line: Tensor
    cell: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, count in (("line", at.LINES), ("cell", at.CELLS)):
            index = torch.from_numpy(np.arange(count, dtype=np.float32))
            self.register_buffer(name, index, persistent=False)

    def forward(self, frame: Tensor, rows: Tensor, columns: Tensor) -> FrameLines:
        """
        Args:
            rows, columns: (H,) and (W,): 0, 1, 2 …
        """
        height, width = (torch.amax(n, dim=0, keepdim=True) + 1.0 for n in (rows, columns))
        longest = torch.maximum(height, width)
        px = torch.floor((longest + float(at.CELLS - 1)) * (1.0 / at.CELLS))
        places = [
            torch.floor((self.line * 2.0 + 1.0) * n * (0.5 / at.LINES)) for n in (height, width)
        ]
        along = torch.index_select(frame[0], 1, places[0].to(torch.int32))  # 3 LINES W
        upright = torch.index_select(frame[0], 2, places[1].to(torch.int32))  # 3 H LINES
        cells = [
            torch.matmul(along, self._cells(columns, px, width)),
            torch.matmul(upright.transpose(1, 2), self._cells(rows, px, height)),
        ]
        across = torch.stack([_quotient(p * float(at.UNITS) + 2.0, px) for p in places])
        return FrameLines(torch.stack(cells, dim=1), across, px, height, width)

    def _cells(self, pixels: Tensor, px: Tensor, length: Tensor) -> Tensor:
        """(n, CELLS): 1 where a pixel is of a cell that lies whole within the line."""
        cell = _quotient(pixels, px)
        whole = (cell < _quotient(length, px)).to(torch.float32)
        return (cell.unsqueeze(1) == self.cell).to(torch.float32) * whole.unsqueeze(1)


def _quotient(whole: Tensor, px: Tensor) -> Tensor:
    """floor(whole / px): moved off the whole quotients, which a division may miss."""
    return torch.floor((whole + 0.5) / px)

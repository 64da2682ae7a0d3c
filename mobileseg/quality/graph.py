"""The values as torch operations that every converter accepts; equal to values.py but for rounding.

Sums up to a cell are whole numbers that float32 holds (to 4 rows of 128 squares at the largest
side exactly, there to a 2**-24th); what follows is a few quotients. See preprocess/graph.py for
what converters need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.quality import values as at

MOST_ROWS = 16  # that are added one by one; a graph grows by two operations with each


@dataclass(frozen=True, slots=True)
class MeasuredInGraph:
    """`values.Measured`, float32; single numbers have shape (1,)."""

    cells: Tensor  # 3 CELLS CELLS
    whole: Tensor  # CELLS CELLS, 0 or 1
    inner: Tensor
    clipped: Tensor  # CELLS CELLS
    differences: Tensor  # LAGS
    bends: Tensor  # 2
    covered: Tensor  # 1
    round: Tensor  # 1, 0 or 1

    def mean(self, values: Tensor) -> Tensor:
        """(…, CELLS, CELLS) -> (…,) over the whole cells; 0 where there are none."""
        count = torch.clamp(self.whole.sum().reshape(1), min=1.0)
        each = at.CELLS * at.CELLS
        flat = values.reshape(-1, each) * self.whole.reshape(1, each)
        return flat.sum(dim=1) / count


def shifted(x: Tensor, by: int, dim: int) -> Tensor:
    """(n, m): what stands `by` places further along, around the end."""
    if not by:
        return x
    first, rest = (x[:by], x[by:]) if dim == 0 else (x[:, :by], x[:, by:])
    return torch.cat([rest, first], dim=dim)


class Measure(nn.Module):
    """Levels before CLAHE and disc -> what all values are computed from.

    Args:
        side_px: of the picture, a multiple of 32.
    """

    into_cells: Tensor
    luma: Tensor

    def __init__(self, side_px: int) -> None:
        super().__init__()
        self.side, self.step = side_px, at.row_step(side_px)
        self.cell_px = side_px // at.CELLS
        self.reach = -(-at.LAGS[-1] // self.cell_px)
        self.circle = float(at.circle_pixels(side_px))
        columns = np.kron(np.eye(at.CELLS), np.ones((self.cell_px, 1)))  # side CELLS
        self._hold("into_cells", columns)
        self._hold("luma", np.array(at.LUMA).reshape(3, 1, 1))

    def _hold(self, name: str, values: np.ndarray) -> None:
        held = torch.from_numpy(np.ascontiguousarray(values, np.float32))
        self.register_buffer(name, held, persistent=False)

    def forward(self, levels: Tensor, disc: Tensor, seen_round: Tensor) -> MeasuredInGraph:
        """Look at a picture.

        Args:
            levels: (1, 3, side, side) whole grey levels; what is outside the disc does not count.
            disc: (1, 1, side, side), 0 or 1.
            seen_round: (1,), 0 or 1.
        """
        side, step = self.side, self.step
        full = float(self.cell_px**2)
        # Whole numbers, so that what a cell lacks is 0 or at least 1.
        lacking = full - self._cell_sums(disc.reshape(side, side), 1)
        whole = 1.0 - torch.clamp(lacking, max=1.0)
        inner = whole
        for _ in range(self.reach):
            inner = self._eroded(inner)
        sampled = levels.reshape(3, side // step, step, side)[:, :, 0]  # 3 rows side
        red, green, blue = sampled[0], sampled[1], sampled[2]
        per_cell = 1.0 / float(self.cell_px * (self.cell_px // step))
        cells = torch.stack([self._cell_sums(c, step) for c in (red, green, blue)]) * per_cell
        brightest = torch.maximum(torch.maximum(red, green), blue)
        # min(max(v - (CLIPPED - 1), 0), 1) of whole numbers, which ExecuTorch is quick at.
        above = (brightest - (at.CLIPPED - 1.0)).abs() - (brightest - float(at.CLIPPED)).abs()
        clipped = (self._cell_sums(above, step) * per_cell + 1.0) * 0.5
        return MeasuredInGraph(
            cells,
            whole,
            inner,
            clipped,
            self._differences(levels[:, 1].reshape(side, side), green, inner, per_cell),
            self._bends(green, inner, per_cell),
            disc.sum().reshape(1),
            seen_round,
        )

    def _cell_sums(self, values: Tensor, step: int) -> Tensor:
        """(side / step, side) -> (CELLS, CELLS)."""
        count = self.cell_px // step
        rows = values.reshape(at.CELLS, count, self.side)
        if count > MOST_ROWS:
            total = rows.sum(dim=1)
        else:  # row by row, at which ExecuTorch is quick, so that the product is a small one
            total = rows[:, 0]
            for row in range(1, count):
                total = total + rows[:, row]
        return torch.matmul(total, self.into_cells)

    def _differences(
        self, green: Tensor, sampled: Tensor, inner: Tensor, per_cell: float
    ) -> Tensor:
        """(LAGS,) D(k) over the inner cells."""
        count = torch.clamp(inner.sum().reshape(1) * 2.0, min=1.0)
        rows = green.reshape(self.side // self.step, self.step, self.side)
        found = []
        for lag in at.LAGS:
            below = shifted(rows[:, lag % self.step], lag // self.step, 0)
            across, down = shifted(sampled, lag, 1) - sampled, below - sampled
            sums = self._cell_sums(across * across + down * down, self.step) * per_cell
            found.append((sums * inner).sum().reshape(1) / count)
        return torch.cat(found)

    def _bends(self, sampled: Tensor, inner: Tensor, per_cell: float) -> Tensor:
        """(2,): `values._bends`."""
        lag = at.vessel_lag(self.side)
        count = torch.clamp(inner.sum().reshape(1), min=1.0)
        slope = shifted(sampled, lag, 1) - sampled
        bend = slope - shifted(slope, lag, 1)
        found = []
        for values in (bend * bend.abs(), bend * bend):
            sums = self._cell_sums(values, self.step) * per_cell
            found.append((sums * inner).sum().reshape(1) / count)
        return torch.cat(found)

    @staticmethod
    def _eroded(cells: Tensor) -> Tensor:
        edge = torch.zeros_like(cells[:1])
        up, down = torch.cat([cells[1:], edge]), torch.cat([edge, cells[:-1]])
        side = edge.reshape(-1, 1)
        left, right = torch.cat([cells[:, 1:], side], 1), torch.cat([side, cells[:, :-1]], 1)
        return cells * up * down * left * right


def light(seen: MeasuredInGraph, luma: Tensor) -> Tensor:
    """(1,): `Measured.light`."""
    return seen.mean((seen.cells * luma).sum(dim=0)) * (1.0 / 255.0)


def sharpness(seen: MeasuredInGraph) -> Tensor:
    """(1,): `Measured.sharpness`."""
    one, two, four = (seen.differences[i : i + 1] for i in range(3))
    detail = two - one
    noise = torch.relu(one - detail) * at.NOISE_LEFT
    return torch.relu(detail) / (torch.relu(four - two) + noise + at.NO_STRUCTURE)


def field(seen: MeasuredInGraph, circle: float, square: float) -> Tensor:
    """(1,): `Measured.field`."""
    of_circle = seen.covered * (1.0 / circle) * seen.round
    return of_circle + seen.covered * (at.UNSEEN / square) * (1.0 - seen.round)


def glare(seen: MeasuredInGraph) -> Tensor:
    """(1,): `Measured.glare`."""
    darkest = torch.amin(seen.cells, dim=0)
    most = torch.amax((darkest * seen.whole).reshape(-1), dim=0, keepdim=True)
    return (most - seen.mean(darkest)) * (1.0 / 255.0)


def chromaticity(seen: MeasuredInGraph) -> Tensor:
    """(2,): `Measured.chromaticity`."""
    mean = seen.mean(seen.cells)  # 3
    total = torch.clamp(mean.sum().reshape(1), min=1.0)
    return mean[:2] / total

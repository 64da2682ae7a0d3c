"""What a picture's quality is judged by, in NumPy: the definition that the graph is held to.

Seven values, each a plain number, from the whole grey levels before CLAHE inside the retina's
disc. Most come from a grid of 32x32 *cells*, of which only those count that lie in the disc whole,
so that the rim, and what lies outside it, says nothing. Rows are sampled (`row_step`): some 128 of
them say as much as all, at a quarter of the cost at 512 px.

Sharpness is a ratio of differences of structure functions. D(k) is the mean squared difference of
two green levels k pixels apart. White noise of variance s², a sensor's or that of rounding, adds
2 s² to every D(k) alike, so it cancels in D(2) - D(1), the detail at the network's resolution, and
in D(4) - D(2), the structure around it; light scales both alike. Where nothing is sharp D grows
with the square of k, and the ratio is 1/4; it is 1/2 where D grows with k. A quarter of the noise
stands below the fraction too: a lesion of four pixels averages it so far, and detail that drowns
in it is not to be had. Measured on IDRiD at 256 px: 0.68 (0.49 to 0.80) clean, the same at a
sixteenth of the light, 0.35 with a blur of 1.8 pixels, less with noise on top.

Source: structure functions for noise against detail: Kolmogorov 1941; cancelling white noise by
their differences is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CELLS = 32  # each way; every side is a multiple of it
ROWS = 128  # that are looked at, of larger pictures
LAGS = (1, 2, 4, 8)  # pixels; powers of two, each the double of the one before
LUMA = (0.299, 0.587, 0.114)  # Rec. 601
CLIPPED = 250  # grey levels; from here on a channel is at white, JPEG's ringing allowed for
UNSEEN = 2 / np.pi  # field where no circle was seen: the square inside one, at most so much
# Grey levels squared, which keep a quotient a number where there is no structure at all: a tenth
# of what a sixteenth of the light leaves of it.
NO_STRUCTURE = 0.1
NOISE_LEFT = 0.25  # of its variance, over the four pixels of a small lesion


@dataclass(frozen=True, slots=True)
class Value:
    """A row of the table: what one number means, and which flags its limits raise."""

    name: str
    meaning: str  # for the manifest: one sentence, with unit
    flag_below: str | None = None
    flag_above: str | None = None


VALUES = {
    value.name: value
    for value in (
        Value(
            "light",
            "Mean luma (Rec. 601) of the retina before CLAHE, as a share of white.",
            "too-dark",
            "too-bright",
        ),
        Value(
            "clipping",
            "Share of the retina's pixels where the brightest channel is at white (250 of 255).",
            None,
            "too-bright",
        ),
        Value(
            "sharpness",
            "Detail of one to two pixels at the network's resolution, as a share of structure of "
            "two to four and of noise; 0.25 where nothing is sharp; light cancels.",
            "blurred",
        ),
        Value(
            "field",
            "Share of the retina's circle that lies in the picture; where too little of its edge "
            "does to see one, at most 0.64, as of a square inside a circle.",
            "field-cut",
        ),
        Value(
            "glare",
            "By how much the whitest of 32x32 cells is whiter (in its darkest channel) than the "
            "retina's mean, as a share of white.",
            None,
            "glare",
        ),
        Value(
            "colour",
            "Distance of the retina's mean colour from the training pictures', in their standard "
            "deviations.",
            None,
            "odd-colour",
        ),
        Value("fundus", "Likeness to a fundus photo, 0 to 1.", "not-fundus"),
    )
}
NAMES = tuple(VALUES)


def row_step(side_px: int) -> int:
    """Of how many rows one is looked at: a divisor of a cell's rows."""
    rows = side_px // CELLS
    return max(s for s in range(1, rows + 1) if rows % s == 0 and (s == 1 or side_px // s >= ROWS))


def vessel_lag(side_px: int) -> int:
    """Of `LAGS`, the one nearest below half a cell: a large vessel's width at every side."""
    half = side_px // CELLS // 2
    return max(lag for lag in LAGS if lag <= max(half, 1))


def circle_pixels(side_px: int) -> int:
    """Pixels of a circle that fills the square; see `Retina.disc`."""
    squared = (2 * np.arange(side_px) + 1 - side_px) ** 2
    return int((squared + squared[:, None] <= side_px**2).sum())


@dataclass(frozen=True, slots=True)
class Measured:
    """What all values are computed from, float64."""

    cells: NDArray[np.float64]  # (3, CELLS, CELLS) mean levels
    whole: NDArray[np.bool_]  # (CELLS, CELLS): which lie in the disc whole
    inner: NDArray[np.bool_]  # and their neighbours too
    clipped: NDArray[np.float64]  # (CELLS, CELLS) share of a cell's pixels
    differences: NDArray[np.float64]  # (LAGS,) D(k) over the inner cells; 0 where there are none
    bends: NDArray[np.float64]  # (2,) second differences at `vessel_lag` along rows: c·|c|, c²
    covered: int  # pixels of the disc
    side_px: int
    round: bool

    def mean(self, values: NDArray[np.float64]) -> float:
        """Over the whole cells; 0 where there are none."""
        return float((values * self.whole).sum() / max(self.whole.sum(), 1))

    @property
    def light(self) -> float:
        return self.mean(np.einsum("c,cij->ij", np.array(LUMA), self.cells)) / 255

    @property
    def clipping(self) -> float:
        return self.mean(self.clipped)

    @property
    def sharpness(self) -> float:
        one, two, four, _ = self.differences
        detail = two - one
        noise = max(one - detail, 0)  # what structure of such a slope does not explain
        return float(max(detail, 0) / (max(four - two, 0) + NOISE_LEFT * noise + NO_STRUCTURE))

    @property
    def field(self) -> float:
        if self.round:
            return self.covered / circle_pixels(self.side_px)
        return UNSEEN * self.covered / self.side_px**2

    @property
    def glare(self) -> float:
        darkest = self.cells.min(axis=0)
        return (float((darkest * self.whole).max()) - self.mean(darkest)) / 255

    @property
    def chromaticity(self) -> NDArray[np.float64]:
        """(2,): red and green as shares of all three; 0 without a retina."""
        mean = np.array([self.mean(channel) for channel in self.cells])
        shares: NDArray[np.float64] = mean[:2] / max(mean.sum(), 1.0)
        return shares


def measure(levels: NDArray[np.uint8], disc: NDArray[np.bool_], seen_round: bool) -> Measured:
    """Look at a picture.

    Args:
        levels: (side, side, 3) whole grey levels before CLAHE.
        disc: (side, side).
        seen_round: whether the retina's circle was seen (`Retina.round`).
    """
    side, step = len(levels), row_step(len(levels))
    green = levels[..., 1].astype(np.int64)
    whole = _per_cell(disc, 1) == 1.0
    rows = levels.transpose(2, 0, 1)[:, ::step]  # 3 side/step side
    inner = _eroded(whole, -(-LAGS[-1] * CELLS // side))
    return Measured(
        np.stack([_per_cell(channel, step) for channel in rows]),
        whole,
        inner,
        _per_cell(rows.max(axis=0) >= CLIPPED, step),
        np.array([_difference(green, lag, inner) for lag in LAGS]),
        _bends(green[::step], inner),
        int(disc.sum()),
        side,
        seen_round,
    )


def _per_cell(values: NDArray[np.generic], step: int) -> NDArray[np.float64]:
    """(side / step, side) -> (CELLS, CELLS) means."""
    rows, side = values.shape
    assert rows * step == side
    blocks = values.astype(np.float64).reshape(CELLS, rows // CELLS, CELLS, side // CELLS)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return means


def _eroded(cells: NDArray[np.bool_], times: int) -> NDArray[np.bool_]:
    """Those whose four neighbours, so many times over, are there too."""
    for _ in range(times):
        beside = np.pad(cells, 1)
        cells = cells & beside[:-2, 1:-1] & beside[2:, 1:-1] & beside[1:-1, :-2] & beside[1:-1, 2:]
    return cells


def _difference(green: NDArray[np.int64], lag: int, inner: NDArray[np.bool_]) -> float:
    """D(lag), pairs to the right and downwards from the sampled rows."""
    step = row_step(len(green))
    # Pairs that would reach around the edge begin in cells that are never inner ones.
    squared = sum((np.roll(green, -lag, axis) - green)[::step] ** 2 for axis in (0, 1))
    return float((_per_cell(np.asarray(squared), step) * inner).sum() / max(2 * inner.sum(), 1))


def _bends(sampled: NDArray[np.int64], inner: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(2,) means over the inner cells; a dark line is a valley, of negative second difference."""
    lag, step = vessel_lag(sampled.shape[1]), row_step(sampled.shape[1])
    slope = np.roll(sampled, -lag, 1) - sampled
    bend = slope - np.roll(slope, -lag, 1)
    count = max(inner.sum(), 1)
    signed, squared = (
        float((_per_cell(v, step) * inner).sum() / count) for v in (bend * np.abs(bend), bend**2)
    )
    return np.array([signed, squared])

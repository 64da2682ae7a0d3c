"""How well probabilities agree with what is there: calibration errors, Brier score, a diagram.

Over pixels of the retina, not of the square: its black corners are no lesion in every picture, and
would make any figure look better than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.prepared import Prepared

BINS = 15  # Guo et al. 2017, and most since


@dataclass(frozen=True, slots=True)
class Bin:
    """Pixels of like probability."""

    pixels: int
    probability: float  # their mean
    share: float  # of them that are lesion


@dataclass(frozen=True, slots=True)
class Reliability:
    """One lesion over one set of pictures."""

    pixels: int
    share: float  # of them that are lesion
    ece: float  # expected calibration error, `BINS` bins of equal width
    adaptive_ece: float  # the same, bins of equal numbers of pixels
    brier: float  # mean squared difference of probability and truth
    bins: tuple[Bin, ...]  # of equal width, the empty ones left out: the diagram

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "bins": [asdict(one) for one in self.bins]}


def reliability(truth: NDArray[np.bool_], probability: NDArray[np.float32]) -> Reliability:
    """Measure one lesion's probabilities.

    Args:
        truth: (n,) whether a pixel is lesion; at least one pixel.
        probability: (n,) of that, 0..1.

    Source: ECE: Naeini et al. 2015, as in Guo et al. 2017, arXiv:1706.04599, equation 3; adaptive:
        Nixon et al. 2019, arXiv:1904.01685, its bins for two classes; Brier 1950.
    """
    bins = _bins(np.minimum((probability * BINS).astype(np.int64), BINS - 1), truth, probability)
    # Ranks cut into equal parts; equal probabilities may fall apart, which moves no mean of theirs.
    ranks = np.empty(len(truth), np.int64)
    ranks[np.argsort(probability, kind="stable")] = np.arange(len(truth)) * BINS // len(truth)
    squares = (probability - truth.astype(np.float32)) ** 2
    return Reliability(
        pixels=len(truth),
        share=float(truth.mean()),
        ece=_error(bins),
        adaptive_ece=_error(_bins(ranks, truth, probability)),
        brier=float(squares.mean(dtype=np.float64)),
        bins=bins,
    )


def _bins(
    place: NDArray[np.int64], truth: NDArray[np.bool_], probability: NDArray[np.float32]
) -> tuple[Bin, ...]:
    counts = np.bincount(place, minlength=BINS)
    sums = (np.bincount(place, weights, BINS) for weights in (probability, truth))
    return tuple(
        Bin(int(n), float(p / n), float(t / n)) for n, p, t in zip(counts, *sums, strict=True) if n
    )


def _error(bins: Sequence[Bin]) -> float:
    pixels = sum(one.pixels for one in bins)
    return sum(one.pixels * abs(one.probability - one.share) for one in bins) / pixels


def retina_pixels(
    prepared: Sequence[Prepared], maps: Sequence[NDArray[Any]], channel: int, threshold: int
) -> NDArray[Any]:
    """(n,) values of one lesion over the retina's pixels of all pictures.

    Args:
        maps: a picture's (C, side, side) masks or probabilities, for each of `prepared`.
        threshold: grey level above which a pixel is retina where no disc is known (finder 1).
    """
    pairs = zip(prepared, maps, strict=True)
    return np.concatenate([m[channel][p.picture.retina_pixels(threshold)] for p, m in pairs])

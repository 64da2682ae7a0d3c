"""How much a figure would move with other patients: resample the pictures, not the pixels.

Pixels of one eye are no independent cases, so an interval over pixels would be far too narrow.
Everything resampled here is a count per picture, so a resample is a weighted sum of counts.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mobileseg.evaluation.binned_pr_curve import cumulated, step_area

RESAMPLES = 1000
LEVEL = 0.95
AT_ONCE = 50  # resamples in memory; all of them at once would take gigabytes

Weights = NDArray[np.float64]
Interval = tuple[float, float]


def draw(pictures: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Weights:
    """(resamples, pictures): how often each picture was drawn; every row sums to `pictures`."""
    drawn = np.random.default_rng(seed).integers(pictures, size=(resamples, pictures))
    return np.stack([np.bincount(row, minlength=pictures) for row in drawn]).astype(np.float64)


def interval(values: NDArray[np.float64]) -> Interval:
    """The middle 95 % of the resampled figures, ends included.

    Resamples without a lesion have no figure (NaN) and are left out; NaN where all are.
    """
    defined = values[~np.isnan(values)]
    if not defined.size:
        return math.nan, math.nan
    low, high = np.percentile(defined, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


def resample_ratio(
    weights: Weights, above: NDArray[np.int64], below: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(resamples,): sum of (pictures,) counts over sum of counts; NaN where that is 0."""
    with np.errstate(invalid="ignore"):
        ratio: NDArray[np.float64] = (weights @ above) / (weights @ below)
    return ratio


def resample_aupr(weights: Weights, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Pooled average precision of every resample.

    Args:
        counts: (pictures, 2, K): pixels without and with the lesion in K stretches of rising
            probability (`binned_pr_curve.groups`: within 1e-4 of exact).

    Returns:
        (resamples,) float64; NaN where no picture with the lesion was drawn.
    """
    if not counts.shape[2]:
        return np.full(len(weights), math.nan)
    _, hits, predicted = cumulated(counts.astype(np.float64))
    values = []
    for rows in np.split(weights, range(AT_ONCE, len(weights), AT_ONCE)):
        drawn = rows @ hits  # sums of sums: cumulated once for all
        gained = np.diff(drawn, axis=-1, prepend=0)  # whole numbers: as exact as a sum of its own
        values.append(step_area(gained, drawn, rows @ predicted))
    return np.concatenate(values)

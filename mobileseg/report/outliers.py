"""Mean and SD over runs, with and without the boxplot's outliers.

The paper's Table 3 leaves outliers out and does not say by which rule. Ours is the boxplot's own
(Tukey 1977): further than 1.5 interquartile ranges outside the quartiles, quartiles interpolated
linearly, as NumPy and matplotlib do, so that table and figure drop the same runs. Three runs or
fewer never have an outlier by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

WHISKER_IQR = 1.5
RULE = (
    f"outlier: more than {WHISKER_IQR} interquartile ranges outside the quartiles of that "
    "lesion's runs (quartiles by linear interpolation)"
)


@dataclass(frozen=True, slots=True)
class Summary:
    """Some runs' figures in three numbers."""

    n: int
    mean: float | None  # None: no run
    sd: float | None  # of a sample (divided by n - 1); None: fewer than two runs


def fences(values: Sequence[float]) -> tuple[float, float]:
    """The lowest and highest value that is no outlier; infinite where there is no value."""
    if not values:
        return -math.inf, math.inf
    low, high = (float(q) for q in np.quantile(np.asarray(values, np.float64), (0.25, 0.75)))
    reach = WHISKER_IQR * (high - low)
    return low - reach, high + reach


def is_outlier(values: Sequence[float]) -> list[bool]:
    """For each value, whether it lies outside the fences of all of them."""
    low, high = fences(values)
    return [not low <= v <= high for v in values]


def without_outliers(values: Sequence[float]) -> list[float]:
    """The values inside the fences, in their order."""
    return [v for v, out in zip(values, is_outlier(values), strict=True) if not out]


def summarise(values: Sequence[float]) -> Summary:
    """Number, mean and sample SD."""
    return Summary(
        len(values),
        fmean(values) if values else None,
        stdev(values) if len(values) > 1 else None,
    )

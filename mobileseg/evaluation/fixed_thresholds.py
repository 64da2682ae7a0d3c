"""AUPR read at a few fixed thresholds, as the literature on IDRiD reports it.

Figures so made are not the exact ones and not each other's: a curve of 11 points cuts corners,
and where it starts and ends depends on the code. Both conventions here follow one code: a pixel
is predicted where its probability is *above* the threshold (float32 against float32), precision
is 1 where nothing is predicted, and the area is trapezoids between the points, from the recall at
threshold 0 (no point is added at recall 1) to recall 0 at threshold 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Convention:
    """Evenly spaced thresholds from 0 to 1, both included."""

    points: int
    source: str

    @property
    def thresholds(self) -> NDArray[np.float32]:
        """(T,) rising."""
        return np.linspace(0, 1, self.points).astype(np.float32)


CONVENTIONS = {
    row.points: row
    for row in (
        Convention(
            33,
            "IDRiD challenge, Porwal et al. 2020, doi:10.1016/j.media.2019.101561, section 6: "
            "0, 8, 16, …, 256 in grey levels. It says neither how pixels at a threshold count nor "
            "how the area is taken: as in the code of the next row, which names 33 as its other "
            "choice",
        ),
        Convention(
            11,
            "M2MRF, github.com/CVIU-CSU/M2MRF-Lesion-Segmentation, my_metrics.py; HRDecoder, "
            "github.com/CVIU-CSU/HRDecoder, lesion_metric.py: sigmoid_metrics of both",
        ),
    )
}


def count_above(
    truth: NDArray[np.bool_], probability: NDArray[np.float32], convention: Convention
) -> NDArray[np.int64]:
    """(2, T): lesion pixels and pixels above each threshold; they add up over pictures.

    Args:
        truth: any shape, bool.
        probability: the same shape, float32 in 0..1.
    """
    thresholds = convention.thresholds
    flat = probability.ravel()
    passed = (flat > thresholds[0]).astype(np.intp)  # thresholds below it; hardly a pixel has more
    more = np.flatnonzero(flat > thresholds[1])
    passed[more] = np.searchsorted(thresholds, flat[more], side="left")
    counted = [
        np.bincount(p, minlength=len(thresholds) + 1) for p in (passed[truth.ravel()], passed)
    ]
    return np.stack([c[::-1].cumsum()[-2::-1] for c in counted])


def area(above: NDArray[np.int64], lesion_pixels: int) -> float:
    """AUPR from `count_above`; NaN where there is no lesion pixel."""
    from sklearn.metrics import auc

    if not lesion_pixels:
        return math.nan
    hits, predicted = above
    precision = np.where(predicted > 0, hits / np.maximum(predicted, 1), 1.0)
    return float(auc(hits / lesion_pixels, precision))

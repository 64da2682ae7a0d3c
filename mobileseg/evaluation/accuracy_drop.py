"""Another form of a network against the network itself: what was lost, lesion by lesion.

Both are scored at the reference's own threshold, and lesions are counted at the network's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mobileseg.evaluation.metrics import aupr


@dataclass(frozen=True, slots=True)
class Missed:
    """A true lesion that the reference finds and the other form does not."""

    picture: str
    x: int  # its centre, pixels at the network's size
    y: int
    pixels: int


@dataclass(frozen=True, slots=True)
class Against:
    """One lesion over a set of pictures. A drop below 0 is a gain."""

    lesion: str
    pictures: int
    lesions: int  # true components, 8-connected
    threshold: float
    aupr: float  # the other form's
    aupr_drop: float
    recall: float  # the other form's lesion recall
    recall_drop: float
    missed: tuple[Missed, ...]
    gained: int  # lesions that only the other form finds

    @property
    def smallest_step(self) -> float:
        """What one lesion weighs in the recall; NaN where there is none."""
        return 1 / self.lesions if self.lesions else float("nan")


def against(
    lesion: str,
    names: Sequence[str],
    truth: NDArray[np.bool_],
    reference: NDArray[np.float32],
    other: NDArray[np.float32],
    threshold: float,
) -> Against:
    """Compare two sets of answers.

    Args:
        names: of the N pictures.
        truth: (N, H, W).
        reference, other: (N, H, W) probabilities.
        threshold: the reference's.

    Source: DESIGN, "lesion recall".
    """
    at = np.float32(threshold)
    missed: list[Missed] = []
    gained = lesions = found = found_before = 0
    for name, mask, before, now in zip(names, truth, reference >= at, other >= at, strict=True):
        count, labels, stats, centres = cv2.connectedComponentsWithStats(
            mask.astype(np.uint8), connectivity=8
        )
        hit_before, hit_now = (_hit(np.asarray(labels), p, count) for p in (before, now))
        lesions += count - 1
        found_before += int(hit_before.sum())
        found += int(hit_now.sum())
        gained += int((hit_now & ~hit_before).sum())
        for i in np.flatnonzero(hit_before & ~hit_now):
            x, y = (round(float(v)) for v in centres[i])
            missed.append(Missed(name, x, y, int(stats[i, cv2.CC_STAT_AREA])))
    area, area_before = aupr(truth, other), aupr(truth, reference)
    whole = lesions or float("nan")
    return Against(
        lesion=lesion,
        pictures=len(truth),
        lesions=lesions,
        threshold=threshold,
        aupr=area,
        aupr_drop=area_before - area,
        recall=found / whole,
        recall_drop=(found_before - found) / whole,
        missed=tuple(missed),
        gained=gained,
    )


def _hit(labels: NDArray[np.int32], mask: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """(count,) per component, whether the mask overlaps it; the background never counts."""
    hit = np.zeros(count, bool)
    hit[np.unique(labels[mask])] = True
    hit[0] = False
    return hit

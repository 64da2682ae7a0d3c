"""What masks made at one threshold are worth, over a set of pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobileseg.evaluation.lesion_level import LesionCounts, count_lesions
from mobileseg.evaluation.surface_distance import hausdorff


@dataclass(frozen=True, slots=True)
class Outcome:
    """One picture at one threshold."""

    hits: int  # pixels
    false: int
    missed: int
    hausdorff: float  # pixels; see mobileseg.evaluation.surface_distance
    hausdorff_95: float
    lesions: LesionCounts


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """A set of pictures at one threshold: shares are pooled, distances and counts are means."""

    threshold: float
    dice: float  # NaN: nothing to find and nothing found
    precision: float  # NaN: nothing predicted
    recall: float  # NaN: nothing to find
    hausdorff: float  # mean over pictures, pixels
    hausdorff_95: float
    lesion_recall: float  # NaN: no lesion
    false_positives_per_image: float


def judge_picture(
    truth: NDArray[np.bool_],
    probability: NDArray[np.float32],
    threshold: float,
    *,
    empty: str = "diagonal",
) -> Outcome:
    """Threshold one picture, float32 against float32, and count.

    Args:
        truth: (H, W) bool.
        probability: (H, W) float32, 0..1.
        empty: see `mobileseg.evaluation.surface_distance.EMPTY`.
    """
    predicted = probability >= np.float32(threshold)
    hits = int((truth & predicted).sum())
    largest, robust = hausdorff(truth, predicted, empty=empty)
    return Outcome(
        hits=hits,
        false=int(predicted.sum()) - hits,
        missed=int(truth.sum()) - hits,
        hausdorff=largest,
        hausdorff_95=robust,
        lesions=count_lesions(truth, predicted),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def pool(threshold: float, outcomes: list[Outcome]) -> AtThreshold:
    """The figures of a set of pictures, at least one."""
    hits, false, missed = (
        sum(column) for column in zip(*((o.hits, o.false, o.missed) for o in outcomes), strict=True)
    )
    return AtThreshold(
        threshold=threshold,
        dice=_share(2 * hits, 2 * hits + false + missed),
        precision=_share(hits, hits + false),
        recall=_share(hits, hits + missed),
        hausdorff=float(np.mean([o.hausdorff for o in outcomes])),
        hausdorff_95=float(np.mean([o.hausdorff_95 for o in outcomes])),
        lesion_recall=_share(
            sum(o.lesions.found for o in outcomes), sum(o.lesions.lesions for o in outcomes)
        ),
        false_positives_per_image=sum(o.lesions.false_positives for o in outcomes) / len(outcomes),
    )

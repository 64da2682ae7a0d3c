"""Each metric twice: as the evaluation computes it, and the plain way, with the usual libraries.

The plain way is what a careful script does: one call of scikit-learn for all pixels, one of a
distance transform or of DeepMind's surface-distance for each picture. Where two figures come from
one curve or one set of distances, the plain way shares it too (`aupr_and_threshold`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mobileseg.evaluation.accumulators import KeptPixels
from mobileseg.evaluation.lesion_evaluation import Answered, evaluate_lesion
from mobileseg.evaluation.metrics import aupr, best_threshold, dice
from mobileseg.evaluation.pr_curve import average_precision, best_threshold_on
from mobileseg.evaluation.surface_distance import EMPTY, hausdorff

Figures = NDArray[np.float64]
SURFACE_DISTANCE = "surface_distance"  # as it is imported; surface-distance on PyPI


@dataclass(frozen=True, slots=True)
class Case:
    """One lesion over a set of pictures."""

    truth: NDArray[np.bool_]  # (N, H, W)
    probability: NDArray[np.float32]  # (N, H, W), 0..1
    threshold: float

    @property
    def predicted(self) -> NDArray[np.bool_]:
        return self.probability >= np.float32(self.threshold)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric, both ways; both give figures in the same order."""

    metric: str
    ours: Callable[[Case], Figures]
    plain: Callable[[Case], Figures]
    plain_way: str
    tolerance: float | None  # of each figure; None: another definition, the difference is shown
    needs: str | None = None  # a package that is no dependency of ours

    def why_not(self) -> str | None:
        """None if this interpreter has what the plain way needs."""
        if self.needs is None or find_spec(self.needs):
            return None
        return f"no {self.needs} here: pip install --no-deps surface-distance==0.1"


def _our_aupr(case: Case) -> Figures:
    return np.array([average_precision(*_tensors(case))])


def _our_threshold(case: Case) -> Figures:
    return np.array([best_threshold_on(*_tensors(case))])


def _tensors(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(case.truth), torch.from_numpy(case.probability)


def _our_curve(case: Case) -> Figures:
    pixels = KeptPixels()
    pixels.add(case.truth, case.probability)
    return np.array([pixels.aupr(), pixels.best_threshold()])


def _plain_curve(case: Case) -> Figures:
    from sklearn.metrics import precision_recall_curve

    if not case.truth.any():
        return np.array([math.nan, 0.5])
    truth, probability = case.truth.ravel(), case.probability.ravel()
    precision, recall, thresholds = precision_recall_curve(truth, probability)
    area = -np.sum(np.diff(recall) * precision[:-1])  # what average_precision_score sums
    total = precision + recall
    f1 = 2 * precision * recall / np.where(total > 0, total, 1)
    return np.array([area, thresholds[int(np.argmax(f1[:-1]))]])


def _our_aupr_by_picture(case: Case) -> Figures:
    pairs = zip(*_tensors(case), strict=True)
    return np.array([average_precision(t, p) for t, p in pairs])


def _plain_aupr_by_picture(case: Case) -> Figures:
    pairs = zip(case.truth, case.probability, strict=True)
    return np.array([aupr(t, p) for t, p in pairs])


def _plain_dice(case: Case) -> Figures:
    from sklearn.metrics import f1_score

    predicted = case.predicted
    if not (case.truth.any() or predicted.any()):
        return np.array([math.nan])
    return np.array([f1_score(case.truth.ravel(), predicted.ravel())])


def _by_picture(find: Callable[[Any, Any], tuple[float, float]]) -> Callable[[Case], Figures]:
    """Hausdorff of every picture, then Hausdorff 95 of every picture."""

    def figures(case: Case) -> Figures:
        pairs = zip(case.truth, case.predicted, strict=True)
        return np.array([find(t, p) for t, p in pairs]).T.ravel()

    return figures


def with_our_rule_for_empty(
    find: Callable[[Any, Any], tuple[float, float]],
) -> Callable[[Any, Any], tuple[float, float]]:
    """The libraries know no rule for empty masks: they divide by nothing, or fail."""

    def ruled(truth: Any, predicted: Any) -> tuple[float, float]:
        some = bool(truth.any()) + bool(predicted.any())
        if some == 2:
            return find(truth, predicted)
        distance = EMPTY["diagonal"](*truth.shape) if some else 0.0
        return distance, distance

    return ruled


@with_our_rule_for_empty
def scipy_hausdorff(truth: Any, predicted: Any) -> tuple[float, float]:
    """Our definition, written down plainly: erode, transform the whole picture, take the most."""
    from scipy import ndimage

    borders = [mask & ~ndimage.binary_erosion(mask) for mask in (truth, predicted)]
    directed = [
        ndimage.distance_transform_edt(~other)[own] for own, other in (borders, borders[::-1])
    ]
    largest, robust = (max(float(np.percentile(d, q)) for d in directed) for q in (100, 95))
    return largest, robust


@with_our_rule_for_empty
def deepmind_hausdorff(truth: Any, predicted: Any) -> tuple[float, float]:
    """As surface-distance's own example calls it, at one millimetre a pixel."""
    from surface_distance import compute_robust_hausdorff, compute_surface_distances

    distances = compute_surface_distances(truth, predicted, (1, 1))
    return compute_robust_hausdorff(distances, 100), compute_robust_hausdorff(distances, 95)


def whole_evaluation(case: Case) -> object:
    """All that `evaluate` says of a lesion; its pictures are walked through twice."""
    pairs = list(zip(case.truth, case.probability, strict=True))
    return evaluate_lesion(
        "EX", lambda: (Answered(str(i), *pair) for i, pair in enumerate(pairs)), case.threshold
    )


ROUNDING = 1e-12  # of float64 sums in another order
COMPARISONS = (
    Comparison(
        "aupr",
        _our_aupr,
        lambda case: np.array([aupr(case.truth, case.probability)]),
        "sklearn.metrics.average_precision_score, all pixels pooled",
        ROUNDING,
    ),
    Comparison(
        "best_threshold",
        _our_threshold,
        lambda case: np.array([best_threshold(case.truth, case.probability)]),
        "sklearn.metrics.precision_recall_curve, then the highest F1",
        0,
    ),
    Comparison(
        "aupr_and_threshold",
        _our_curve,
        _plain_curve,
        "one sklearn.metrics.precision_recall_curve for both",
        ROUNDING,
    ),
    Comparison(
        "aupr_by_picture",
        _our_aupr_by_picture,
        _plain_aupr_by_picture,
        "sklearn.metrics.average_precision_score, picture by picture",
        ROUNDING,
    ),
    Comparison(
        "dice",
        lambda case: np.array([dice(case.truth, case.predicted)]),
        _plain_dice,
        "sklearn.metrics.f1_score, all pixels pooled",
        ROUNDING,
    ),
    Comparison(
        "hausdorff",
        _by_picture(hausdorff),
        _by_picture(scipy_hausdorff),
        "scipy.ndimage: binary_erosion and distance_transform_edt of the whole picture",
        0,
    ),
    Comparison(
        "hausdorff_surface_distance",
        _by_picture(hausdorff),
        _by_picture(deepmind_hausdorff),
        "surface-distance: compute_surface_distances, compute_robust_hausdorff at 100 and 95",
        None,
        SURFACE_DISTANCE,
    ),
)
# What a report has of a lesion, each figure computed once; ours against the plain ways.
TOGETHER = ("aupr_and_threshold", "aupr_by_picture", "dice", "hausdorff_surface_distance")

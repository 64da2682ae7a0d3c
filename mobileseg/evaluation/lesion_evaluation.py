"""Every figure of one lesion, from pictures that are walked through twice.

Once for the curve, because the oracle threshold is read off it; then for the masks at both
thresholds and the counts that are resampled. Between the two nothing but counts is kept, so camera
pictures need not fit into memory together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mobileseg.evaluation import binned_pr_curve as binned
from mobileseg.evaluation import bootstrap
from mobileseg.evaluation.accumulators import KeptPixels, Pixels
from mobileseg.evaluation.bootstrap import Interval
from mobileseg.evaluation.fixed_thresholds import CONVENTIONS, area, count_above
from mobileseg.evaluation.threshold_metrics import AtThreshold, Outcome, judge_picture, pool


class Answered(NamedTuple):
    """One lesion in one picture: what is there and what the network says."""

    name: str
    truth: NDArray[np.bool_]  # (H, W)
    probability: NDArray[np.float32]  # (H, W), 0..1


Walk = Callable[[], Iterator[Answered]]  # starts anew at every call


@dataclass(frozen=True, slots=True)
class Areas:
    """AUPR three ways; see `mobileseg.evaluation.fixed_thresholds` for the last two."""

    exact: float
    at_33: float
    at_11: float


@dataclass(frozen=True, slots=True)
class LesionEvaluation:
    """Everything known about how well one lesion is found over a set of pictures."""

    lesion: str
    pictures: int
    undefined: tuple[str, ...]  # pictures without the lesion: they have no curve of their own
    pooled: Areas  # one curve of all pixels
    per_image: Areas  # mean over the pictures that have the lesion
    uncertainty: float  # of pooled.exact where pixels were only counted, else 0
    chosen: AtThreshold  # at the run's own threshold
    oracle: AtThreshold  # at the threshold that is best on these very pictures
    interval_95: dict[str, Interval]  # "aupr" (pooled), "dice", "lesion_recall" (both `chosen`)

    @property
    def with_lesion(self) -> int:
        return self.pictures - len(self.undefined)


@dataclass(frozen=True, slots=True)
class _CurveCounts:
    """What the first walk leaves of one picture."""

    name: str
    lesion_pixels: int
    above: dict[int, NDArray[np.int64]]  # by convention
    exact: float


def evaluate_lesion(
    code: str,
    walk: Walk,
    threshold: float,
    *,
    pixels: Callable[[], Pixels] = KeptPixels,
    empty: str = "diagonal",
    resamples: int = bootstrap.RESAMPLES,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> LesionEvaluation:
    """Score one lesion.

    Args:
        walk: yields the same pictures, at least one, each time it is called.
        threshold: the run's own, chosen on other pictures.
        pixels: KeptPixels (exact) or CountedPixels (constant memory).
        empty: see `mobileseg.evaluation.surface_distance.EMPTY`.
        seed: of the bootstrap.
        tick: called twice a picture (a progress bar).
    """
    everything = pixels()
    curves = []
    for picture in walk():
        own = pixels()
        own.add(picture.truth, picture.probability)
        everything.include(own)
        curves.append(_counts(picture, own))
        tick()
    best = everything.best_threshold()
    stretches = binned.Grouped(everything.stretches())
    grouped: list[binned.Counts] = []
    chosen: list[Outcome] = []
    oracle: list[Outcome] = []
    for _, truth, probability in walk():
        grouped.append(stretches.count(truth, probability))
        chosen.append(judge_picture(truth, probability, threshold, empty=empty))
        oracle.append(judge_picture(truth, probability, best, empty=empty))
        tick()
    weights = bootstrap.draw(len(curves), resamples=resamples, seed=seed)
    return LesionEvaluation(
        lesion=code,
        pictures=len(curves),
        undefined=tuple(c.name for c in curves if not c.lesion_pixels),
        pooled=_pooled(everything.aupr(), curves),
        per_image=_per_image(curves),
        uncertainty=everything.uncertainty(),
        chosen=pool(threshold, chosen),
        oracle=pool(best, oracle),
        interval_95={
            "aupr": bootstrap.interval(bootstrap.resample_aupr(weights, np.stack(grouped))),
            **_intervals(weights, chosen),
        },
    )


def _counts(picture: Answered, own: Pixels) -> _CurveCounts:
    return _CurveCounts(
        name=picture.name,
        lesion_pixels=int(picture.truth.sum()),
        above={
            points: count_above(picture.truth, picture.probability, convention)
            for points, convention in CONVENTIONS.items()
        },
        exact=own.aupr(),
    )


def _pooled(exact: float, curves: list[_CurveCounts]) -> Areas:
    lesion_pixels = sum(c.lesion_pixels for c in curves)
    at = {
        points: area(np.sum([c.above[points] for c in curves], axis=0), lesion_pixels)
        for points in CONVENTIONS
    }
    return Areas(exact, at[33], at[11])


def _per_image(curves: list[_CurveCounts]) -> Areas:
    defined = [c for c in curves if c.lesion_pixels]
    at = {
        points: _mean([area(c.above[points], c.lesion_pixels) for c in defined])
        for points in CONVENTIONS
    }
    return Areas(_mean([c.exact for c in defined]), at[33], at[11])


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _intervals(weights: NDArray[np.float64], outcomes: list[Outcome]) -> dict[str, Interval]:
    hits, wrong, lesions, found = np.array(
        [(o.hits, o.false + o.missed, o.lesions.lesions, o.lesions.found) for o in outcomes]
    ).T
    ratios = {
        "dice": bootstrap.resample_ratio(weights, 2 * hits, 2 * hits + wrong),
        "lesion_recall": bootstrap.resample_ratio(weights, found, lesions),
    }
    return {name: bootstrap.interval(values) for name, values in ratios.items()}

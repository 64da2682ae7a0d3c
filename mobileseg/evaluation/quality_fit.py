"""Fit what a picture's quality costs: spoil training pictures, count what is still found.

    model = fit_quality(run, samples, log=remark)

No human label is needed. Each of a run's own training pictures is spoiled by known grades of each
fault (`spoiling`), the run answers, and of each lesion the share of recall that is left, relative
to the clean picture at the run's threshold, is what quality is to say. A few constants map the
values of a picture (mobileseg.quality.values) to that share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from mobileseg.data.idrid import Sample
from mobileseg.data.prepared import read_framed
from mobileseg.errors import BadInput
from mobileseg.evaluation.lesion_level import count_lesions
from mobileseg.evaluation.reference import measured, reference_probabilities
from mobileseg.evaluation.spoiling import CUTS, SPOILS, Cut, Spoiled, spoiled
from mobileseg.quality.falloff import Falloff, Hinge
from mobileseg.quality.limits import colour_of, limits_of
from mobileseg.quality.model import FAULTS, QualityModel
from mobileseg.quality.values import Measured
from mobileseg.runs import Run

FEWEST = 8  # pictures; fewer say nothing of how clean ones differ
# Where a fault may begin, as percentiles of the clean training pictures' values, better side last;
# and the value at which it counts as 1. Colour has no end: ten SDs on.
BEGINS = (0, 10, 25, 50)
FULL: dict[str, float | None] = {
    "dark": 0.0,
    "bright": 1.0,
    "clipping": 1.0,
    "blur": 0.25,  # nothing sharp at all
    "field": 0.0,
    "glare": 1.0,
    "colour": None,
}
COLOUR_SDS = 10.0
LEAST_SPAN = 0.05  # between where a fault begins and where it is full
MOST_IDEAL, MOST_WEIGHT = 6.0, 40.0  # log odds: 0.998; and what is gone at a fortieth of a fault
RIDGE = 1e-5  # of squared weights: one that changes nothing is 0
SWEEPS = 2  # over the faults' beginnings, each in turn; a third changes nothing


@dataclass(frozen=True, slots=True)
class Observation:
    """One picture, spoiled or not: what it shows of itself, and what the run found in it."""

    picture: str
    spoil: str  # "": clean
    seen: Measured
    left: dict[str, float]  # lesion -> recall relative to the clean picture, 0..1
    lesions: dict[str, int]  # lesion -> how many were found in the clean picture, above 0


def fit_quality(
    run: Run,
    samples: Sequence[Sample],
    *,
    log: Callable[[str], None] = lambda said: None,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
    spoils: Sequence[Mapping[str, float]] = SPOILS,
    cuts: Sequence[Cut] = CUTS,
) -> QualityModel:
    """Spoil pictures, ask the run, fit.

    Args:
        run: whatever is to have the quality, an ensemble or a combination too; its thresholds
            (and its calibration) are those it will answer with.
        samples: its own training pictures.
        log: told what was fitted, a line a lesion.
        on_progress: pictures done, and of how many.
        spoils, cuts: what is done to each picture.

    Raises:
        BadInput: fewer than `FEWEST` pictures, a lesion that is found in none of them, a run
            without retina finder 2, or weights that hold NaN.
    """
    seen = observe(run, samples, on_progress, spoils, cuts)
    model = fit(seen, run.config.lesions)
    for code in run.config.lesions:
        log(f"{code}: {agreement(model, seen, code)}")
    return model


def observe(
    run: Run,
    samples: Sequence[Sample],
    on_progress: Callable[[int, int], None] = lambda done, of: None,
    spoils: Sequence[Mapping[str, float]] = SPOILS,
    cuts: Sequence[Cut] = CUTS,
) -> list[Observation]:
    """Every picture, clean and spoiled, as the run sees it; see `fit_quality`."""
    refuse_run(run)
    if len(samples) < FEWEST:
        raise BadInput(
            f"{run.path}: found {len(samples)} of its training pictures; expected at least "
            f"{FEWEST}: name the folder that it was trained on"
        )
    assert run.networks  # read now, so that damaged weights fail before minutes of work
    found: list[Observation] = []
    for place, sample in enumerate(samples):
        framed = read_framed(sample, run.config.lesions, run.config.preprocess)
        variants = spoiled(framed, run.config, [SEED, place], spoils, cuts)
        found += observed(run, sample.name, variants)
        on_progress(place + 1, len(samples))
    for code in run.config.lesions:
        if not any(code in one.left for one in found):
            raise BadInput(
                f"{run.path}: found no {code} in any of {len(samples)} clean pictures; expected "
                "some: of nothing there is no share left"
            )
    return found


SEED = 14  # of what a grade leaves open; any would do, but always the same


def refuse_run(run: Run) -> None:
    """Raise BadInput for a run whose pictures have no disc."""
    if run.config.preprocess.finder < 2:
        raise BadInput(
            f"{run.path}: found retina finder {run.config.preprocess.finder}; expected 2, whose "
            "disc quality is measured on: train it anew"
        )


def observed(run: Run, name: str, variants: Iterator[Spoiled]) -> Iterator[Observation]:
    """The clean picture's first."""
    clean: dict[str, int] = {}
    for variant in variants:
        found = _found(run, variant)
        if not variant.name:
            clean = {code: count for code, count in found.items() if count}
        left = {code: min(1.0, found[code] / count) for code, count in clean.items()}
        yield Observation(name, variant.name, measured(variant.picture), left, clean)


def _found(run: Run, variant: Spoiled) -> dict[str, int]:
    """Lesion -> how many of its true lesions the run's mask overlaps."""
    probabilities = reference_probabilities(run, variant.picture)
    config = run.config
    return {
        code: count_lesions(
            variant.truth[code], probabilities[place] >= np.float32(config.thresholds[code])
        ).found
        for place, code in enumerate(config.lesions)
        if code in variant.truth
    }


def fit(seen: Sequence[Observation], lesions: Sequence[str]) -> QualityModel:
    """The constants by which values say what is left."""
    clean = [one.seen for one in seen if not one.spoil]
    colour = colour_of([one.chromaticity for one in clean])
    unfitted = QualityModel(
        colour,
        dict.fromkeys(FAULTS, Hinge(0, 1)),
        {},
        limits_of({name: [0.0, 1.0] for name in NUMBERS}),
    )
    numbers = [unfitted.values(one.seen) for one in seen]
    by_value = {
        name: [n[name] for n, one in zip(numbers, seen, strict=True) if not one.spoil]
        for name in NUMBERS
    }
    faults, falloffs = _best(seen, lesions, numbers, by_value)
    return QualityModel(colour, faults, falloffs, limits_of(by_value))


NUMBERS = tuple(dict.fromkeys((*FAULTS.values(), "fundus")))


def _best(
    seen: Sequence[Observation],
    lesions: Sequence[str],
    numbers: Sequence[Mapping[str, float]],
    clean: Mapping[str, Sequence[float]],
) -> tuple[dict[str, Hinge], dict[str, Falloff]]:
    """Where each fault begins, tried in turn, and each lesion's weights at that."""

    def fitted(begins: Mapping[str, int]) -> tuple[float, dict[str, Hinge], dict[str, Falloff]]:
        hinges = {fault: _hinge(fault, begins[fault], clean) for fault in FAULTS}
        rows = np.array(
            [[hinge.of(n[FAULTS[fault]]) for fault, hinge in hinges.items()] for n in numbers]
        )
        found = {code: _weights(rows, seen, code) for code in lesions}
        return (
            sum(loss for loss, _ in found.values()),
            hinges,
            {c: f for c, (_, f) in found.items()},
        )

    chosen = dict.fromkeys(FAULTS, BEGINS[1])
    best = fitted(chosen)
    for _ in range(SWEEPS):
        for fault in FAULTS:
            for begins in BEGINS:
                tried = {**chosen, fault: begins}
                if tried != chosen and (other := fitted(tried))[0] < best[0]:
                    chosen, best = tried, other
    return best[1], best[2]


def _hinge(fault: str, percentile: int, clean: Mapping[str, Sequence[float]]) -> Hinge:
    """Of the worse side's percentile: the lowest values where less is worse, else the highest."""
    values, full = clean[FAULTS[fault]], FULL[fault]
    rising = full is None or full == 1.0
    begins = float(np.percentile(values, 100 - percentile if rising else percentile))
    if full is None:
        return Hinge(begins, begins + COLOUR_SDS)
    begins = min(begins, full - LEAST_SPAN) if rising else max(begins, full + LEAST_SPAN)
    return Hinge(begins, full)


def _weights(
    rows: NDArray[np.float64], seen: Sequence[Observation], code: str
) -> tuple[float, Falloff]:
    """Least squares of what is left; a picture counts with the root of its lesions."""
    there = np.array([code in one.left for one in seen])
    x = rows[there]
    left = np.array([one.left[code] for one in seen if code in one.left])
    counts = np.sqrt([one.lesions[code] for one in seen if code in one.left])
    share = counts / counts.sum()

    def loss(t: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        top, at = _sigmoid(t[0]), _sigmoid(t[0] - x @ t[1:])
        off = at / top - left
        # Of the ideal and of each weight.
        by_odds = 2 * share * off * at * (1 - at) / top
        by_ideal = by_odds.sum() - (2 * share * off * at).sum() * (1 - top) / top
        gradient = np.concatenate([[by_ideal], -by_odds @ x + 2 * RIDGE * t[1:]])
        return float((share * off**2).sum() + RIDGE * (t[1:] ** 2).sum()), gradient

    bounds = [(-2.0, MOST_IDEAL)] + [(0.0, MOST_WEIGHT)] * x.shape[1]
    start = np.array([2.0] + [3.0] * x.shape[1])
    found: Any = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    ideal, *weights = (round(float(v), 4) for v in found.x)
    return float(found.fun), Falloff(ideal, dict(zip(FAULTS, weights, strict=True)))


def _sigmoid(odds: Any) -> Any:
    return 0.5 * (1 + np.tanh(0.5 * odds))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well quality says what is left, of one lesion."""

    pictures: int  # clean and spoiled
    rank_correlation: float  # Spearman's, picture by picture
    mean_error: float  # absolute, likewise, weighted by the root of the lesions
    spoils: int
    rank_correlation_spoils: float  # of each spoil's pictures together: lesions counted over all
    mean_error_spoils: float

    def __str__(self) -> str:
        return (
            f"off by {self.mean_error_spoils:.2f} on average over {self.spoils} kinds of pictures, "
            f"{self.mean_error:.2f} over {self.pictures} pictures; rank correlation "
            f"{self.rank_correlation_spoils:.2f} and {self.rank_correlation:.2f}"
        )


def agreement(model: QualityModel, seen: Sequence[Observation], code: str) -> Agreement:
    """Hold quality against what was really left."""
    from scipy.stats import spearmanr

    own = [one for one in seen if code in one.left]
    said = np.array([model.shares(model.values(one.seen))[code] for one in own])
    left = np.array([one.left[code] for one in own])
    counts = np.array([one.lesions[code] for one in own], float)
    kinds = sorted({one.spoil for one in own})
    places = [np.array([one.spoil == kind for one in own]) for kind in kinds]
    together = np.array(
        [[np.average(v[p], weights=counts[p]) for v in (said, left)] for p in places]
    )
    roots = np.sqrt(counts)
    return Agreement(
        len(own),
        float(spearmanr(said, left).statistic),
        float((roots * np.abs(said - left)).sum() / roots.sum()),
        len(kinds),
        float(spearmanr(together[:, 0], together[:, 1]).statistic),
        float(np.abs(together[:, 0] - together[:, 1]).mean()),
    )

"""What is held against a tolerance, which stage it speaks of, and what is found wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from converters.parity import stages
from converters.parity.difference import Apart
from converters.parity.result import Parity, Verdict
from converters.parity.tolerances import BUILT_IN, TOLERANCES, Gate, Limit

END_TO_END = "end to end"
SAME_TENSOR = "from the same tensor"
CHECKS = "checks of the file"
HARD = "hard pictures"


WORST_PIXEL = ("folded", "written", "same_tensor")  # figures that one pixel decides
ROUNDING = 1e-9  # of the difference between two shares, each of which is a quotient


def largest(steps: list[Apart], name: str) -> float:
    """NaN if any is NaN."""
    return float(np.max([getattr(a, name) for a in steps]))


def drop(parity: Parity, name: str) -> float:
    """The reference's score less the file's, of the lesion that loses most; NaN: undefined."""
    drops = [
        getattr(first, name) - getattr(last, name)
        for first, last in (_ends(scores) for scores in parity.task.values())
        if not math.isnan(getattr(first, name))  # no such lesion in these pictures
    ]
    return float(np.max(drops)) if drops else 0.0


def _ends(scores: Mapping[str, object]) -> tuple[object, object]:
    values = list(scores.values())
    return values[0], values[-1]


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the gate."""

    key: str  # of a row of TOLERANCES
    stage: str  # what it speaks of
    text: str
    of: Callable[[Parity], float]
    probabilities: bool = False  # only where the file answers probabilities


def _step(key: str, stage: str, name: str, text: str) -> Figure:
    return Figure(
        key, stage, text, lambda p: largest(p.step(stage), name), stage == stages.ARTIFACT
    )


def _quality(key: str, stage: str) -> Figure:
    """Of every picture, hard ones too: quality is what is said of those."""
    return Figure(
        key,
        stage,
        "max |Δ quality|",
        lambda p: float(np.max([one.quality[stage] for one in (*p.pictures, *p.hard)])),
    )


LEVELS = "share of levels"
FIGURES = (
    Figure(
        "level_flips",
        stages.PREPROCESSING,
        f"{LEVELS} flipped before CLAHE",
        lambda p: p.share("level_flips", "level_pixels"),
    ),
    Figure(
        "moved",
        stages.PREPROCESSING,
        f"{LEVELS} moved after CLAHE",
        lambda p: p.share("moved", "level_pixels"),
    ),
    Figure(
        "moved_levels",
        stages.PREPROCESSING,
        "levels moved after CLAHE",
        lambda p: float(np.max([picture.moved_levels for picture in p.pictures])),
    ),
    _quality("quality_levels", stages.PREPROCESSING),
    _quality("quality_eager", stages.EAGER),
    _quality("quality_exported", stages.EXPORTED),
    _quality("quality_written", stages.ARTIFACT),
    _step("folded", stages.EAGER, "max", "max |Δp|"),
    _step("exported", stages.EXPORTED, "max", "max |Δp|"),
    _step("rounded_mean", stages.QUANTIZED, "mean", "mean |Δp| of a picture"),
    Figure(
        "rounded_flipped",
        stages.QUANTIZED,
        "share of flipped mask pixels",
        lambda p: p.flipped_share(p.step(stages.QUANTIZED)),
    ),
    _step("written", stages.ARTIFACT, "max", "max |Δp|"),
    Figure(
        "same_tensor",
        SAME_TENSOR,
        "max |Δp|",
        lambda p: largest([picture.same_tensor for picture in p.pictures], "max"),
        probabilities=True,
    ),
    Figure(
        "mean",
        END_TO_END,
        "mean |Δp| of a picture",
        lambda p: largest([picture.end_to_end for picture in p.pictures], "mean"),
        probabilities=True,
    ),
    Figure(
        "flipped",
        END_TO_END,
        "share of flipped mask pixels",
        lambda p: p.flipped_share([picture.end_to_end for picture in p.pictures]),
    ),
    Figure("aupr", END_TO_END, "AUPR lost", lambda p: drop(p, "aupr"), probabilities=True),
    Figure("dice", END_TO_END, "Dice lost", lambda p: drop(p, "dice")),
    Figure("recall", END_TO_END, "lesion recall lost", lambda p: drop(p, "recall")),
    Figure(
        "hard_mean",
        HARD,
        "mean |Δp| of a picture",
        lambda p: largest([picture.end_to_end for picture in p.hard], "mean"),
    ),
    Figure(
        "hard_flipped",
        HARD,
        "share of a picture's mask pixels flipped",
        lambda p: max(picture.end_to_end.pixels / picture.mask_pixels for picture in p.hard),
    ),
)


QUALITY_KEYS = tuple(figure.key for figure in FIGURES if figure.key.startswith("quality_"))


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure beside its limit."""

    figure: Figure
    found: float
    limit: Limit

    @property
    def holds(self) -> bool:
        return self.found <= self.limit.most  # NaN does not

    def __str__(self) -> str:
        return f"{self.figure.text} {self.found:.3g}, at most {self.limit.most:.3g}"


def judged(parity: Parity, gate: Gate = BUILT_IN) -> list[Judged]:
    """Every figure that this bundle has."""
    found = []
    for figure in FIGURES:
        limit = gate.limits[parity.precision].get(figure.key)
        if limit is None or not _has(parity, figure):
            continue
        if figure.key in WORST_PIXEL and limit is TOLERANCES[parity.precision][figure.key]:
            limit = _calibrated(parity, limit)
        if figure.key == "recall":
            limit = _at_least_one_lesion(parity, limit)
        found.append(Judged(figure, figure.of(parity), limit))
    return found


def _has(parity: Parity, figure: Figure) -> bool:
    if figure.stage == HARD:
        return bool(parity.hard)
    if figure.key in QUALITY_KEYS and not any(p.quality for p in parity.pictures):
        return False
    if not parity.pictures or (figure.probabilities and parity.head != "probabilities"):
        return False
    return figure.stage in (*parity.stages, SAME_TENSOR, END_TO_END)


def calibrated_most(most: float, factor: float, step: float) -> float:
    """A limit of what is equal but for rounding before the calibration, which rounds it coarser.

    Two float32 steps: runtimes' sigmoids differ by so much next to 1, and some of them next to 0.

    Args:
        most: the limit before it.
        factor: the most that it multiplies a difference of logits by.
        step: the most that it makes of a float32 step (`Calibration.largest_step`).
    """
    return most * factor + 2 * step


def _calibrated(parity: Parity, limit: Limit) -> Limit:
    if not parity.calibration_step:
        return limit
    most = calibrated_most(limit.most, parity.calibration_factor, parity.calibration_step)
    return Limit(
        most, f"{limit.why}; calibration makes {parity.calibration_step:.1e} of a float32 step"
    )


def _at_least_one_lesion(parity: Parity, limit: Limit) -> Limit:
    """Recall moves in steps of one lesion, and one may hang on a pixel at the threshold."""
    counts = [_ends(scores)[0] for scores in parity.task.values()]
    fewest = min((n for n in (getattr(s, "lesions", 0) for s in counts) if n), default=0)
    if fewest and 1 / fewest > limit.most:
        why = f"one of {fewest} lesions: the smallest step of these pictures"
        return Limit(1 / fewest + ROUNDING, why)
    return limit


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it should be."""

    stage: str
    text: str

    def __str__(self) -> str:
        return f"{self.stage}: {self.text}"


def faults(parity: Parity, gate: Gate = BUILT_IN) -> list[Fault]:
    """Every way in which it differs; the stage that comes first made it."""
    found = [Fault(CHECKS, f"{c.name}: found {c.found}") for c in parity.checks if not c.holds]
    found += [Fault(stages.ARTIFACT, text) for text in parity.refused]
    found += [Fault(j.figure.stage, str(j)) for j in judged(parity, gate) if not j.holds]
    for where, pictures in ((END_TO_END, parity.pictures), (HARD, parity.hard)):
        for p in pictures:
            if not p.box_equal:
                found.append(Fault(where, f"{p.name}: crop or retina share differs"))
            if not p.in_range:
                found.append(Fault(where, f"{p.name}: not finite, or outside 0..1"))
    return found


def made_by(parity: Parity, gate: Gate = BUILT_IN) -> str | None:
    """The first stage at fault; None: none is, or only the whole way is."""
    at_fault = {fault.stage for fault in faults(parity, gate)}
    return next((s for s in stages.STAGES if s in at_fault), None)


def untested(parity: Parity, gate: Gate = BUILT_IN) -> list[str]:
    """What these pictures leave open, in words; the gate may ask for more of them."""
    if not parity.pictures:
        return []
    said = []
    needed = {"labelled": 8, "cropped": 4} | dict(gate.pictures)
    if parity.labelled < needed["labelled"]:
        said.append(
            f"{parity.labelled} labelled picture(s), fewer than {needed['labelled']}: what the "
            "differences mean for lesions is hardly tested"
        )
    if parity.cropped < needed["cropped"]:
        said.append(
            f"{parity.cropped} picture(s) whose crop is not the whole, fewer than "
            f"{needed['cropped']}: crop and resize are hardly tested"
        )
    return said


def verdict(parity: Parity, gate: Gate = BUILT_IN) -> Verdict:
    """Differs if anything does; agrees only if everything that was asked for was run."""
    if faults(parity, gate):
        return Verdict.DIFFERS
    too_few = any(getattr(parity, name) < count for name, count in gate.pictures.items())
    if parity.not_run or not parity.pictures or too_few:
        return Verdict.NOT_RUN
    return Verdict.AGREES


def in_words(parity: Parity, gate: Gate = BUILT_IN) -> str:
    """The verdict, and on what: "agrees (Linux evaluation)"."""
    said = verdict(parity, gate).value
    ran = parity.pictures and parity.evaluation
    return f"{said} ({parity.evaluation})" if ran else said

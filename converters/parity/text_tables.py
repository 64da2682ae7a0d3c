"""The outcome as rows of text, for a terminal and a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from converters.parity.difference import Apart
from converters.parity.metrics import (
    END_TO_END,
    SAME_TENSOR,
    faults,
    in_words,
    largest,
    made_by,
    untested,
    verdict,
)
from converters.parity.result import Parity, Verdict
from converters.parity.task_metrics import TaskScore
from converters.parity.tolerances import BUILT_IN, Gate

Rows = list[list[str]]
NONE = "–"


def summary(results: Sequence[Parity], gate: Gate = BUILT_IN) -> Rows:
    """Figures down, bundles across; the header first."""
    columns = [_figures(result, gate) for result in results]
    names = list(dict.fromkeys(name for column in columns for name in column))
    header = ["", *(f"{r.target} {r.made}" for r in results)]
    return [header, *([name, *(c.get(name, NONE) for c in columns)] for name in names)]


def _figures(result: Parity, gate: Gate) -> dict[str, str]:
    """What a person reads of one bundle: name of the figure -> its text."""
    if not result.pictures:
        return {"verdict": in_words(result, gate)}
    pictures = result.pictures
    ends = [p.end_to_end for p in pictures]
    pixels = sum(p.mask_pixels for p in pictures)
    return {
        "verdict": in_words(result, gate),
        "pictures": str(len(pictures)),
        "of them labelled": str(result.labelled),
        "of them cropped": str(result.cropped),
        f"max |Δp|, {SAME_TENSOR}": number(largest([p.same_tensor for p in pictures], "max")),
        f"max |Δp|, {END_TO_END}": number(largest(ends, "max")),
        f"mean |Δp|, {END_TO_END}": number(_mean(ends)),
        "mask pixels flipped": f"{sum(a.pixels for a in ends)} of {pixels}",
        "levels off before CLAHE": f"{sum(p.level_flips for p in pictures)} px",
        "hard pictures, mean |Δp|": number(largest([p.end_to_end for p in result.hard], "mean"))
        if result.hard
        else NONE,
    }


SCORES = {"aupr": "AUPR", "dice": "Dice", "recall": "recall"}


def stage_table(result: Parity) -> Rows:
    """Stages across: how far each is from the one before, and in task units from the first.

    The first column holds the scores themselves.
    """
    lesions = list(result.pictures[0].end_to_end.flipped)
    steps = [result.step(stage) for stage in result.stages]
    rows = [
        ["", result.first, *result.stages],
        ["max |Δp|", NONE, *(number(largest(step, "max")) for step in steps)],
        ["mean |Δp|", NONE, *(number(_mean(step)) for step in steps)],
    ]
    for code in lesions:
        flipped = (str(sum(a.flipped[code] for a in step)) for step in steps)
        rows.append([f"{code} flipped", NONE, *flipped])
    for code, scores in result.task.items():
        rows += [[f"{code} {text}", *_scores(scores, name)] for name, text in SCORES.items()]
    return rows


def _mean(steps: list[Apart]) -> float:
    return sum(a.mean for a in steps) / len(steps)


def _scores(scores: Mapping[str, TaskScore], name: str) -> list[str]:
    """The first stage's, and what the others have more or less."""
    first, *others = (float(getattr(score, name)) for score in scores.values())
    if math.isnan(first):  # no such lesion in these pictures
        return [NONE] * len(scores)
    return [f"{first:.4f}", *(f"{v - first:+.1e}" if v != first else "0" for v in others)]


def number(value: float) -> str:
    """Two digits; a difference that is none is 0."""
    return f"{value:.1e}" if value else "0"


def remarks(results: Sequence[Parity], gate: Gate = BUILT_IN) -> list[str]:
    """A line for everything that is not plain agreement, and for what is blind to something."""
    lines = []
    for result in results:
        said = verdict(result, gate)
        if result.not_run:
            held = f"{sum(c.holds for c in result.checks)} of {len(result.checks)} checks hold"
            lines.append(f"{result.bundle}: not run: {result.not_run} ({held})")
        lines += [f"{result.bundle}: {text}" for text in untested(result, gate)]
        if said is Verdict.NOT_RUN and not result.not_run:
            lines.append(f"{result.bundle}: not run: {gate.source} asks for more pictures")
        made = made_by(result, gate)
        lines += [f"{result.bundle}: differs: {fault}" for fault in faults(result, gate)]
        if made:
            lines.append(f"{result.bundle}: the first stage at fault: {made}")
        if result.pictures and result.blind_to:
            lines.append(
                f"{result.bundle}: {result.evaluation} cannot see {result.blind_to}; "
                "verify_on_mac.py and --import settle that"
            )
    return lines

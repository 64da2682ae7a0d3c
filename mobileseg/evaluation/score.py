"""Score a run on labelled pictures, at the network's resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.prepared import Prepared
from mobileseg.evaluation.metrics import aupr, dice
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.runs import Run


@dataclass(frozen=True, slots=True)
class LesionScore:
    """How well one lesion is found over a set of pictures."""

    lesion: str
    pictures: int
    with_lesion: int  # pictures that have it
    aupr: float  # exact, pixels pooled over all pictures
    dice: float  # pooled, at `threshold`
    threshold: float  # chosen on the run's validation pictures


def score_run(
    run: Run, prepared: Sequence[Prepared], tick: Callable[[], None] = lambda: None
) -> list[LesionScore]:
    """One score per lesion of the run's task, in channel order."""
    probability = []
    for sample in prepared:
        probability.append(reference_probabilities(run, sample.picture))
        tick()
    return [
        score_lesion(
            code,
            np.stack([p.masks[c] for p in prepared]),
            np.stack([p[c] for p in probability]),
            run.config.thresholds[code],
        )
        for c, code in enumerate(run.config.lesions)
    ]


def score_lesion(
    code: str, truth: NDArray[np.bool_], probability: NDArray[np.float32], threshold: float
) -> LesionScore:
    """Score (N, H, W) probabilities against (N, H, W) masks."""
    return LesionScore(
        lesion=code,
        pictures=len(truth),
        with_lesion=int(truth.any(axis=(1, 2)).sum()),
        aupr=aupr(truth, probability),
        dice=dice(truth, probability >= np.float32(threshold)),
        threshold=threshold,
    )

"""Score a run on labelled pictures: a few figures at once, or all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mobileseg.data.idrid import Sample
from mobileseg.data.prepared import Prepared
from mobileseg.evaluation.accumulators import CountedPixels, KeptPixels, Pixels
from mobileseg.evaluation.lesion_evaluation import (
    Answered,
    LesionEvaluation,
    Walk,
    evaluate_lesion,
)
from mobileseg.evaluation.metrics import dice
from mobileseg.evaluation.original_resolution import locate_all, walk_photos
from mobileseg.evaluation.pr_curve import average_precision
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.evaluation.threshold_metrics import AtThreshold
from mobileseg.protocols import PROTOCOLS
from mobileseg.runs import Run


@dataclass(frozen=True, slots=True)
class LesionScore:
    """The few figures that a first look needs; LesionEvaluation has them all."""

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
    probability = _probabilities(run, prepared, tick)
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
        aupr=average_precision(torch.from_numpy(truth), torch.from_numpy(probability)),
        dice=dice(truth, probability >= np.float32(threshold)),
        threshold=threshold,
    )


def _probabilities(
    run: Run, prepared: Sequence[Prepared], tick: Callable[[], None]
) -> list[NDArray[np.float32]]:
    """(C, side, side) per picture."""
    answers = []
    for sample in prepared:
        answers.append(reference_probabilities(run, sample.picture))
        tick()
    return answers


def evaluate_run(
    run: Run,
    prepared: Sequence[Prepared],
    *,
    empty: str = "diagonal",
    tick: Callable[[], None] = lambda: None,
) -> list[LesionEvaluation]:
    """All figures at the network's resolution, per lesion of the run's task in channel order.

    Args:
        empty: Hausdorff distance where one mask is empty; see `evaluation.surface_distance`.
        tick: called once a picture (a progress bar).
    """
    probability = _probabilities(run, prepared, tick)

    def walk_stored(channel: int) -> Walk:
        return lambda: (
            Answered(p.name, p.masks[channel], answer[channel])
            for p, answer in zip(prepared, probability, strict=True)
        )

    return _evaluate(run, lambda code, channel: walk_stored(channel), KeptPixels, empty)


def evaluate_original(
    run: Run,
    folder: Path,
    samples: Sequence[Sample],
    *,
    empty: str = "diagonal",
    tick: Callable[[], None] = lambda: None,
) -> list[LesionEvaluation]:
    """All figures on the photos' own pixels; pixels are counted, not kept.

    Args:
        folder: named where a file cannot be used.
        empty: as in `evaluate_run`.
        tick: called once a photo, then twice a photo and lesion (a progress bar).

    Raises:
        BadInput: one report that names every file that cannot be used.
    """
    located = locate_all(run, folder, samples, tick)
    frame_hw = run.config.preprocess.frame_hw
    return _evaluate(
        run,
        lambda code, channel: partial(walk_photos, located, code, channel, frame_hw),
        CountedPixels,
        empty,
        tick,
    )


def _evaluate(
    run: Run,
    walk: Callable[[str, int], Walk],
    pixels: Callable[[], Pixels],
    empty: str,
    tick: Callable[[], None] = lambda: None,
) -> list[LesionEvaluation]:
    return [
        evaluate_lesion(
            code,
            walk(code, channel),
            run.config.thresholds[code],
            pixels=pixels,
            empty=empty,
            tick=tick,
        )
        for channel, code in enumerate(run.config.lesions)
    ]


def evaluation_json(
    run: Run,
    prepared: Sequence[Prepared],
    *,
    data: str,
    split: str,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """`evaluate_run` as `mobileseg evaluate --json` prints it.

    Args:
        data: the data set's folder name.
        tick: called once a picture (a progress bar).
    """
    evaluations = evaluate_run(run, prepared, tick=tick)
    return to_json(run, evaluations, data=data, split=split, resolution="network")


def leaks(run: Run) -> tuple[str, ...]:
    """What of the test set the run's protocol lets into its scores, in sentences."""
    row = PROTOCOLS.get(_protocol(run))
    return row.leaks if row else ()


def _protocol(run: Run) -> str:
    return str(run.config.training.get("protocol", "unknown"))


def to_json(
    run: Run,
    evaluations: Sequence[LesionEvaluation],
    *,
    data: str,
    split: str,
    resolution: str,
) -> dict[str, Any]:
    """The contract with whoever reads evaluations; what is undefined is None, never NaN."""
    return {
        "run": str(run.path),
        "data": data,
        "split": split,
        "resolution": resolution,
        "side_px": run.config.preprocess.side_px,
        "protocol": _protocol(run),
        "leaks": list(leaks(run)),
        "lesions": [_lesion_json(e) for e in evaluations],
    }


def _lesion_json(evaluation: LesionEvaluation) -> dict[str, Any]:
    return {
        "lesion": evaluation.lesion,
        "pictures": evaluation.pictures,
        "with_lesion": evaluation.with_lesion,
        "aupr": _defined(evaluation.pooled.exact),
        "aupr_33": _defined(evaluation.pooled.at_33),
        "aupr_11": _defined(evaluation.pooled.at_11),
        "aupr_per_image": {
            "exact": _defined(evaluation.per_image.exact),
            "33": _defined(evaluation.per_image.at_33),
            "11": _defined(evaluation.per_image.at_11),
            "undefined": list(evaluation.undefined),
        },
        **_at_threshold_json(evaluation.chosen),
        "oracle": _at_threshold_json(evaluation.oracle),
        "interval_95": {
            name: [_defined(end) for end in ends] for name, ends in evaluation.interval_95.items()
        },
    }


def _at_threshold_json(at: AtThreshold) -> dict[str, float | None]:
    return {name: _defined(value) for name, value in asdict(at).items()}


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""What calibration is worth on the test set, and what members' disagreement is.

    python benchmarks/calibration.py --data IDRiD runs/ex runs/ex3 -o benchmarks/results/…

A row for each run, form (fp32, int8 if the run has one) and lesion: errors before and after, on the
test pictures, with constants fitted on the run's validation pictures; mask pixels that changed
sides. Of an ensemble also the share of wrong pixels among the 5 % most uncertain, by the members'
disagreement and, to compare, by the one probability p (1 - p) that every file has.
Nothing is written into a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from converters.bundle.evidence import record
from converters.calibrate import (
    Answers,
    calibrate_form,
    int8_answers,
    reference_answers,
    refuse_uncalibratable,
)
from converters.run_pictures import Pictures, read_pictures
from mobileseg.data.prepared import Prepared
from mobileseg.evaluation.disagreement import disagreement, worth
from mobileseg.evaluation.metrics import aupr
from mobileseg.evaluation.reliability import Reliability, retina_pixels
from mobileseg.files.atomic import write_json
from mobileseg.quantization.quantized_run import is_quantized
from mobileseg.runs import Run, open_run

PATH = click.Path(path_type=Path)
FIGURES = ("ece", "adaptive_ece", "brier")


@click.command()
@click.argument("runs", nargs=-1, required=True, type=PATH)
@click.option("--data", type=PATH, required=True)
@click.option("--int8/--no-int8", default=True, show_default=True)
@click.option("-o", "--output", type=PATH, required=True)
def main(runs: tuple[Path, ...], data: Path, int8: bool, output: Path) -> None:
    """Fit, measure and write the JSON."""
    rows = []
    for run in map(open_run, runs):
        refuse_uncalibratable(run)
        pictures = read_pictures(run, data)
        forms = {"fp32": reference_answers(run)}
        if int8 and is_quantized(run):
            forms["int8"] = int8_answers(run)
        for name, answers in forms.items():
            for row in _rows(run, name, answers, pictures):
                rows.append(record() | {"data": data.name, "split": "test"} | row)
                print(row, flush=True)
    write_json(output, rows)


def _rows(run: Run, name: str, answers: Answers, pictures: Pictures) -> Iterator[dict[str, Any]]:
    form = calibrate_form(run, name, answers, pictures, test=True)
    raw = answers(pictures.test)
    for channel, (code, (before, after)) in enumerate(form.test.items()):
        one = form.constants[code]
        truth, p = _pixels(run, pictures.test, raw, channel)
        calibrated = one.of(p)
        threshold = run.config.uncalibrated().thresholds[code]
        mask = p >= np.float32(threshold)
        moved = mask != (calibrated >= np.float32(one.threshold(threshold)))
        yield {
            "run": run.path.resolve().name,
            "variant": run.config.variant,
            "members": len(run.config.members),
            "side": run.config.preprocess.side_px,
            "precision": name,
            "lesion": code,
            **one.to_json(),
            "pictures": len(pictures.test),
            "validation_pictures": len(pictures.validation),
            "pixels": before.pixels,
            "lesion_share": before.share,
            **_figures("before", before),
            **_figures("after", after),
            "aupr_before": aupr(truth, p),
            "aupr_after": aupr(truth, calibrated),
            "mask_pixels_moved": int(moved.sum()),
            **(
                _uncertainty(run, pictures.test, channel, mask != truth, calibrated)
                if name == "fp32"
                else {}
            ),
        }


def _figures(when: str, found: Reliability) -> dict[str, float]:
    return {f"{name}_{when}": getattr(found, name) for name in FIGURES}


def _pixels(
    run: Run, prepared: Sequence[Prepared], maps: Sequence[NDArray[np.float32]], channel: int
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    threshold = run.config.preprocess.retina_threshold
    masks = [p.masks for p in prepared]
    return (
        retina_pixels(prepared, masks, channel, threshold),
        retina_pixels(prepared, maps, channel, threshold),
    )


def _uncertainty(
    run: Run,
    prepared: Sequence[Prepared],
    channel: int,
    wrong: NDArray[np.bool_],
    calibrated: NDArray[np.float32],
) -> dict[str, Any]:
    found = {"by_probability": worth(wrong, calibrated * (1 - calibrated)).to_json()}
    if len(run.config.members) > 1:
        maps = [disagreement(run, p.picture) for p in prepared]
        _, apart = _pixels(run, prepared, maps, channel)
        found["by_members"] = worth(wrong, apart).to_json()
    return {"most_uncertain_share": 0.05, "most_uncertain": found}


if __name__ == "__main__":
    main()

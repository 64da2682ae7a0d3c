"""What the demo found, gathered into report.html for a person and report.json for a machine."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileseg.cli import parity as parity_verb
from mobileseg.cli.console import finite

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from converters.parity.result import Parity
    from converters.predict.predictor import Predictor
    from converters.report_page import PictureRow
    from mobileseg.evaluation.score import LesionScore
    from mobileseg.runs import Run

TRUTH, PHOTO, REFERENCE = "true mask", "picture", "PyTorch (reference)"


def write_report(
    output: Path,
    run: Run,
    data: Path,
    scores: Sequence[LesionScore],
    results: Sequence[Parity],
    not_made: Sequence[str],
    pictures: Sequence[str],
) -> Path:
    """Write report.html and report.json into `output`; returns the page.

    Args:
        pictures: names of the test pictures to show.
    """
    from converters.bundle.evidence import record
    from converters.parity.text_tables import remarks, summary
    from converters.report_page import Report, as_rows, render
    from mobileseg.files.atomic import write_json, write_text
    from mobileseg.lesions import LESIONS
    from mobileseg.models.profile import profile

    config = run.config
    noted = {**record(), "data": _described(data)}
    costs = profile(config.variant, config.preprocess.side_px)
    write_json(
        output / "report.json",
        finite(
            {
                **noted,
                "variant": config.variant,
                "task": config.task,
                "side_px": config.preprocess.side_px,
                "training": config.training,
                "scores": [asdict(s) for s in scores],
                "parity": [_short(parity_verb.to_json(r)) for r in results],
                "not_run": list(not_made),
            }
        ),
    )
    report = Report(
        title=f"U²-Net-{config.variant.upper()}, {config.task}, {config.preprocess.side_px} px",
        record=noted,
        curve=_curve(run.path / "metrics.csv"),
        scores=as_rows(
            ["lesion", "pictures", "with it", "AUPR", "Dice", "threshold"],
            [
                [
                    LESIONS[s.lesion].name,
                    s.pictures,
                    s.with_lesion,
                    f"{s.aupr:.4f}",
                    f"{s.dice:.4f}",
                    f"{s.threshold:.3f}",
                ]
                for s in scores
            ],
        ),
        parity=summary(results),
        remarks=[*remarks(results), *not_made],
        profile=as_rows(
            ["variant", "MACs G", "parameters M", "fp32 MB"],
            [
                [
                    config.variant,
                    f"{costs.macs_true_g:.2f}",
                    f"{costs.params_m:.3f}",
                    f"{costs.size_mb:.2f}",
                ]
            ],
        ),
        colours={LESIONS[code].name: LESIONS[code].colour for code in config.lesions},
        pictures=_picture_rows(run, data, results, not_made, pictures),
    )
    page = output / "report.html"
    write_text(page, render(report))
    return page


def _described(data: Path) -> str:
    return f"{data.name} (IDRiD layout)"


def _short(values: dict[str, Any]) -> dict[str, Any]:
    """Without the line per picture, which stands in the bundle's own evidence."""
    return {k: v for k, v in values.items() if k not in ("pictures", "bundle")} | {
        "pictures": len(values["pictures"])
    }


def _curve(path: Path) -> list[dict[str, float]]:
    with path.open(newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _picture_rows(
    run: Run,
    data: Path,
    results: Sequence[Parity],
    not_made: Sequence[str],
    names: Sequence[str],
) -> list[PictureRow]:
    """Per picture: itself, its true masks, and what the reference and each artifact mark."""
    from converters.predict.predictor import open_predictor
    from converters.report_page import PictureRow
    from mobileseg.data.idrid import read_idrid

    samples = {s.name: s for s in read_idrid(data).split("test", run.config.lesions)}
    who: dict[str, Predictor | str] = {REFERENCE: open_predictor(run.path)}
    for result in results:
        name = f"{result.target} {result.made}"
        who[name] = (
            f"not run: {result.not_run}" if result.not_run else open_predictor(result.bundle)
        )
    who |= {line.split(":")[0]: line for line in not_made}
    rows = []
    for name in names:
        sample = samples[name]
        seen: dict[str, NDArray[np.uint8] | str] = dict(_true_masks(sample, run))
        note = ""
        for label, predictor in who.items():
            seen[label], counted = _seen(predictor, sample.picture)
            note = note or counted
        rows.append(PictureRow(name, seen, note))
    return rows


def _seen(predictor: Predictor | str, picture: Path) -> tuple[NDArray[np.uint8] | str, str]:
    from mobileseg.evaluation.overlay import overlay

    if isinstance(predictor, str):
        return predictor, ""
    prediction = predictor.predict(picture)
    # What is wrong with the picture stands before any figure.
    quality = [] if prediction.quality is None else [f"quality {prediction.quality.percent} %"]
    counted = "; ".join(
        [
            *quality,
            *(
                f"{code}: {f.count} found, {100 * f.area:.2f} % of the retina"
                for code, f in prediction.lesions.items()
            ),
        ]
    )
    return overlay(prediction), " ".join([*prediction.sentences, counted])


def _true_masks(sample: Any, run: Run) -> dict[str, NDArray[np.uint8]]:
    """The picture alone, and with its masks, as fitted into the frame."""
    from mobileseg.data.images import read_mask, read_photo
    from mobileseg.data.prepared import coverage_in_frame
    from mobileseg.evaluation.overlay import blend
    from mobileseg.lesions import LESIONS
    from mobileseg.spec import fitted_hw, photo_to_frame

    frame_hw = run.config.preprocess.frame_hw
    photo = read_photo(sample.picture)
    height, width = fitted_hw((photo.shape[0], photo.shape[1]), frame_hw)
    plain = photo_to_frame(photo, frame_hw)[:height, :width]
    marked = plain
    for code in run.config.lesions:
        if code in sample.masks:
            covered = coverage_in_frame(read_mask(sample.masks[code]), frame_hw)
            marked = blend(marked, covered[:height, :width] >= 128, LESIONS[code].colour)
    return {PHOTO: plain, TRUTH: marked}

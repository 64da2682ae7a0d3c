"""`mobileseg calibrate`: probabilities that mean what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import progress, remark, show_json, show_table
from mobileseg.cli.options import data_option, json_option
from mobileseg.errors import BadInput, MissingToolkit

if TYPE_CHECKING:
    from converters.calibrate import Form
    from converters.run_pictures import Pictures
    from mobileseg.evaluation.reliability import Reliability
    from mobileseg.quality.model import QualityModel
    from mobileseg.runs import Run

RECORD, FIGURE = "calibration.json", "calibration.png"  # beside the run's config.json
FEW = 8  # validation pictures; fewer are said to be few


@click.command(short_help="Make a run's probabilities mean what they say.")
@click.argument("run", type=click.Path(path_type=Path))
@data_option(
    required=True,
    text="IDRiD folder that the run was trained on: its validation pictures calibrate.",
)
@click.option(
    "--int8/--no-int8",
    "int8",
    default=None,
    help="Calibrate the run's int8 form too, through a file of its own. "
    "[default: if it has one and executorch is installed]",
)
@click.option(
    "--quality/--no-quality",
    "quality",
    default=None,
    help="Fit what a picture's quality costs, too: minutes, on spoiled training pictures. "
    "[default: if the run has retina finder 2]",
)
@click.option("--test", is_flag=True, help="State the result on the test pictures too.")
@json_option()
def command(
    run: Path, data: Path, int8: bool | None, quality: bool | None, test: bool, as_json: bool
) -> None:
    """Calibrate RUN: of the pixels said to be lesion at 0.7, seven in ten then are.

    Two constants a lesion (Platt scaling), fitted on the pictures that the run kept for validation.
    They go into its config.json and from there into every file that is converted; thresholds go
    along, so that masks stay. calibration.json and calibration.png beside it say what was gained.
    Calling it again fits anew, from what the network says itself.

    And quality: the run's training pictures are spoiled by known amounts of blur, darkness, glare
    and more, and what is still found in them teaches it to say, of any picture, how much would be.

    \b
    Example:
        mobileseg calibrate runs/ex --data IDRiD --test
    """
    from converters.calibrate import refuse_uncalibratable
    from converters.run_pictures import read_pictures
    from mobileseg.runs import open_run

    opened = open_run(run)
    _refuse_shipped(run)
    refuse_uncalibratable(opened)
    with progress() as bar:
        task = bar.add_task("reading and answering", total=None, note="")
        pictures = read_pictures(opened, data, partial(bar.advance, task))
        forms, not_run = calibrated_forms(opened, pictures, int8=int8, test=test)
        model, said = fitted_quality(opened, pictures, quality, partial(bar.update, task))
    told = record(opened, pictures, forms, not_run, test=test) | {"quality": said}
    keep(opened, forms, told, model)
    if as_json:
        show_json(told)
    else:
        show(run, opened, pictures, forms, test=test)
    for line in said:
        remark(f"quality: {line}")
    if not_run:
        remark(f"int8: not run, {not_run}; its files stay without calibration")


def _refuse_shipped(run: Path) -> None:
    if not run.exists():  # opened by its name alone
        raise BadInput(f"{run}: ships with the package, which nothing changes; copy it, then again")


def calibrated_forms(
    run: Run, pictures: Pictures, *, int8: bool | None, test: bool
) -> tuple[list[Form], str | None]:
    """Float32, and int8 if there is one; and why that was not run, if it should have been.

    Raises:
        BadInput: see `calibrate_form`; or int8 was asked for and there is none.
        MissingToolkit: int8 was asked for by name, and executorch is not installed.
    """
    from converters.calibrate import calibrate_form, int8_answers, reference_answers
    from mobileseg.quantization.quantized_run import is_quantized, open_quantized

    forms = [
        calibrate_form(run, "fp32", reference_answers(run, pictures.tick), pictures, test=test)
    ]
    if int8 is False or (int8 is None and not is_quantized(run)):
        return forms, None
    open_quantized(run)
    try:
        answers = int8_answers(run)
    except MissingToolkit as error:
        if int8:
            raise
        return forms, str(error)
    return [*forms, calibrate_form(run, "int8", answers, pictures, test=test)], None


def fitted_quality(
    run: Run, pictures: Pictures, asked: bool | None, show_progress: Callable[..., None]
) -> tuple[QualityModel | None, list[str]]:
    """The model, and what is to be said of it; None: the run goes on without, or with what it had.

    Raises:
        BadInput: see `mobileseg.evaluation.quality_fit.fit_quality`; asked for in vain.
    """
    from mobileseg.evaluation.quality_fit import fit_quality, refuse_run

    if asked is False:
        return run.config.quality, []
    try:
        refuse_run(run)
    except BadInput as error:
        if asked:
            raise
        return None, [f"not fitted, {error}"]
    said: list[str] = []

    def progressed(done: int, of: int) -> None:
        show_progress(description="spoiling pictures", completed=done, total=of)

    samples = pictures.samples("train")
    return fit_quality(run, samples, log=said.append, on_progress=progressed), said


def record(
    run: Run, pictures: Pictures, forms: list[Form], not_run: str | None, *, test: bool
) -> dict[str, Any]:
    """All that was found, as `--json` prints it and calibration.json keeps it."""
    from mobileseg.evaluation.reliability import BINS
    from mobileseg.files.atomic import sha256
    from mobileseg.runs import WEIGHTS

    return {
        "schema": 1,
        "run": run.path.resolve().name,
        "weights_sha256": sha256(run.path / WEIGHTS),
        "data": pictures.data.resolve().name,
        "side_px": run.config.preprocess.side_px,
        "bins": BINS,
        "validation_pictures": [p.name for p in pictures.validation],
        "test_pictures": len(pictures.test) if test else None,
        "forms": {form.name: form.to_json(run.config) for form in forms},
        "int8_not_run": not_run,
    }


def keep(run: Run, forms: list[Form], told: dict[str, Any], quality: QualityModel | None) -> None:
    """Put the constants into the run, and what was found beside it; all of it, or nothing."""
    from converters.calibrate import replace_all
    from mobileseg.files.atomic import json_text
    from mobileseg.quantization.quantized_run import RECORD as QUANTIZED
    from mobileseg.quantization.quantized_run import with_constants
    from mobileseg.report.reliability import reliability_png

    first = forms[0]
    config = replace(run.config.calibrated(first.constants), quality=quality)
    part = "test" if first.test else "validation"
    lesions = told["forms"][first.name]
    measured = {code: one[part] for code, one in lesions.items()}
    files = {
        "config.json": json_text(config.to_json()).encode(),
        RECORD: json_text(told).encode(),
        FIGURE: reliability_png(measured, f"{part} pictures"),
    }
    for form in forms[1:]:
        files[QUANTIZED] = json_text(with_constants(run, form.constants)).encode()
    replace_all(run.path, files)


def show(run: Path, opened: Run, pictures: Pictures, forms: list[Form], *, test: bool) -> None:
    """A table a set of pictures; a row a form and lesion."""
    count = len(pictures.validation)
    if count < FEW:
        remark(f"{count} validation picture(s) are few: the constants are rough")
    validation = [(f, c, one.before, one.after) for f in forms for c, one in f.fitted.items()]
    _table(f"{run}: validation, {count} pictures, on which it was fitted", validation)
    if test:
        measured = [(f, c, *pair) for f in forms for c, pair in f.test.items()]
        _table(f"{run}: test, {len(pictures.test)} pictures", measured)
    before = opened.config.uncalibrated().thresholds
    for form in forms:
        after = opened.config.calibrated(form.constants).thresholds
        for code, one in form.constants.items():
            click.echo(
                f"{form.name} {code}: a {one.a:.4f}, b {one.b:.4f}, "
                f"threshold {before[code]:.4f} -> {after[code]:.4f}"
            )
    click.echo(f"{run}: calibrated; {RECORD} and {FIGURE} beside it tell it all")


def _table(title: str, rows: list[tuple[Form, str, Reliability, Reliability]]) -> None:
    show_table(
        title,
        ["", "lesion pixels", "ECE", "adaptive ECE", "Brier"],
        [
            [name, share, *(f"{figure:.5f}" for figure in (r.ece, r.adaptive_ece, r.brier))]
            for form, code, before, after in rows
            for name, share, r in (
                (f"{form.name} {code}", f"{before.share:.2%}", before),
                ("  calibrated", "", after),
            )
        ],
    )

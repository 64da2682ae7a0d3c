"""`mobileseg evaluate`: everything known about a run's answers on labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mobileseg.cli.console import finite, progress, remark, show_json, show_table
from mobileseg.cli.options import data_option, json_option

if TYPE_CHECKING:
    from mobileseg.data.idrid import Sample
    from mobileseg.evaluation.bootstrap import Interval
    from mobileseg.evaluation.lesion_evaluation import LesionEvaluation
    from mobileseg.evaluation.threshold_metrics import AtThreshold
    from mobileseg.runs import Run

RESOLUTIONS = {"network": "the network's {side} px", "original": "the photos' own pixels"}
ORACLE = "oracle: chosen on these pictures"
DOUBTFUL = 1e-4  # of a counted AUPR; beyond it a reader must know


@click.command(short_help="Score a trained run on labelled pictures.")
@click.argument("run", type=click.Path(path_type=Path))
@data_option(required=True, text="IDRiD folder with pictures and masks.")
@click.option("--split", type=click.Choice(["test", "train"]), default="test", show_default=True)
@click.option(
    "--resolution",
    type=click.Choice(list(RESOLUTIONS)),
    default="network",
    show_default=True,
    help="Compare at the network's side, or brought back onto each photo's own pixels.",
)
@json_option()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the JSON to a file too.",
)
def command(
    run: Path, data: Path, split: str, resolution: str, as_json: bool, output: Path | None
) -> None:
    """Score RUN: AUPR three ways, Dice, Hausdorff and lesions counted, with 95 % intervals.

    Masks are made at the threshold found in validation, and, labelled as an oracle, at the one
    that is best on these very pictures. Intervals are a bootstrap over pictures.

    \b
    Example:
        mobileseg evaluate runs/ex --data IDRiD
        mobileseg evaluate runs/ex --data IDRiD --resolution original -o original.json
    """
    from mobileseg.data.idrid import read_idrid
    from mobileseg.evaluation.score import leaks, to_json
    from mobileseg.files.atomic import write_json
    from mobileseg.runs import open_run

    opened = open_run(run)
    samples = read_idrid(data).split(split, opened.config.lesions)
    evaluate = {"network": _at_network, "original": _on_photos}[resolution]
    evaluations = evaluate(opened, data, samples)
    for line in _doubts(evaluations):
        remark(line)
    answer = to_json(
        opened, evaluations, data=data.resolve().name, split=split, resolution=resolution
    )
    if output:
        write_json(output, finite(answer))
    if as_json:
        show_json(answer)
        return
    where = RESOLUTIONS[resolution].format(side=opened.config.preprocess.side_px)
    show_table(
        f"{run} on the {split} set of {data}, at {where}",
        ["", *(e.lesion for e in evaluations)],
        _rows(evaluations),
    )
    for leak in leaks(opened):
        click.echo(f"leak of protocol {answer['protocol']}: {leak}")


def _at_network(run: Run, data: Path, samples: list[Sample]) -> list[LesionEvaluation]:
    from mobileseg.data.prepared import prepare_all
    from mobileseg.evaluation.score import evaluate_run

    config = run.config
    rule = config.training["mask_rule"]
    with progress() as bar:
        task = bar.add_task("reading and scoring", total=2 * len(samples), note="")
        tick = lambda: bar.advance(task)  # noqa: E731
        prepared = prepare_all(data, samples, config.lesions, config.preprocess, rule, tick)
        return evaluate_run(run, prepared, tick=tick)


def _on_photos(run: Run, data: Path, samples: list[Sample]) -> list[LesionEvaluation]:
    from mobileseg.evaluation.score import evaluate_original

    with progress() as bar:
        steps = len(samples) * (1 + 2 * len(run.config.lesions))
        task = bar.add_task("reading and scoring", total=steps, note="")
        return evaluate_original(run, data, samples, tick=lambda: bar.advance(task))


def _doubts(evaluations: list[LesionEvaluation]) -> list[str]:
    return [
        f"{e.lesion}: probabilities crowd so closely that the AUPR is known to ±{e.uncertainty:.4f}"
        for e in evaluations
        if e.uncertainty > DOUBTFUL
    ]


def _rows(evaluations: list[LesionEvaluation]) -> list[list[str]]:
    """One row per figure, one column per lesion."""
    columns = [_column(e) for e in evaluations]
    return [[name, *(column[name] for column in columns)] for name in columns[0]]


def _column(e: LesionEvaluation) -> dict[str, str]:
    ends = e.interval_95
    areas = {"exact": "exact", "at_33": "33 thresholds", "at_11": "11 thresholds"}
    pooled = {name: f"{getattr(e.pooled, field):.4f}" for field, name in areas.items()}
    return {
        "pictures": str(e.pictures),
        "with the lesion": str(e.with_lesion),
        "AUPR, pixels pooled": "",
        "  exact": f"{pooled.pop('exact')} {_between(ends['aupr'])}",
        **{f"  {name}": figure for name, figure in pooled.items()},
        "AUPR, mean over pictures": "",
        **{f"  {name} ": f"{getattr(e.per_image, field):.4f}" for field, name in areas.items()},
        "  undefined, no lesion": _named(e.undefined),
        "validation threshold": f"{e.chosen.threshold:.4f}",
        **_masks(e.chosen, ends),
        ORACLE: f"{e.oracle.threshold:.4f}",
        **{f"{name} ": figure for name, figure in _masks(e.oracle, {}).items()},
    }


def _masks(at: AtThreshold, ends: dict[str, Interval]) -> dict[str, str]:
    """Figures of the masks at one threshold; the table's rows need names of their own."""
    dice, lesion_recall = (
        f" {_between(ends[name])}" if name in ends else "" for name in ("dice", "lesion_recall")
    )
    return {
        "  Dice": f"{at.dice:.4f}{dice}",
        "  precision": f"{at.precision:.4f}",
        "  recall": f"{at.recall:.4f}",
        "  Hausdorff, px": f"{at.hausdorff:.1f}",
        "  Hausdorff 95, px": f"{at.hausdorff_95:.1f}",
        "  lesion recall": f"{at.lesion_recall:.4f}{lesion_recall}",
        "  false positives per image": f"{at.false_positives_per_image:.2f}",
    }


def _between(ends: Interval) -> str:
    return f"({ends[0]:.4f}–{ends[1]:.4f})"


def _named(names: tuple[str, ...]) -> str:
    return f"{len(names)}: {', '.join(names)}" if names else "0"

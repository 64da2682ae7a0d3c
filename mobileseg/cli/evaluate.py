"""`mobileseg evaluate`: a run's scores on labelled pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from mobileseg.cli.console import progress, show_json, show_table
from mobileseg.cli.options import data_option, json_option


@click.command(short_help="Score a trained run on labelled pictures.")
@click.argument("run", type=click.Path(path_type=Path))
@data_option(required=True, text="IDRiD folder with pictures and masks.")
@click.option("--split", type=click.Choice(["test", "train"]), default="test", show_default=True)
@json_option()
def command(run: Path, data: Path, split: str, as_json: bool) -> None:
    """Score RUN: exact pooled AUPR, and Dice at the threshold found in validation.

    \b
    Example:
        mobileseg evaluate runs/ex --data IDRiD
    """
    from mobileseg.data.idrid import read_idrid
    from mobileseg.data.prepared import prepare_all
    from mobileseg.evaluation.score import score_run
    from mobileseg.runs import open_run

    opened = open_run(run)
    config = opened.config
    samples = read_idrid(data).split(split, config.lesions)
    rule = config.training["mask_rule"]
    with progress() as bar:
        task = bar.add_task("reading and scoring", total=2 * len(samples), note="")
        tick = lambda: bar.advance(task)  # noqa: E731
        prepared = prepare_all(data, samples, config.lesions, config.preprocess, rule, tick)
        scores = score_run(opened, prepared, tick)
    if as_json:
        show_json(
            {
                "run": str(run),
                "data": str(data),
                "split": split,
                "side_px": config.preprocess.side_px,
                "lesions": [asdict(s) for s in scores],
            }
        )
        return
    show_table(
        f"{run} on the {split} set of {data}, at {config.preprocess.side_px} px",
        ["lesion", "pictures", "with it", "AUPR", "Dice", "threshold"],
        [
            [
                s.lesion,
                str(s.pictures),
                str(s.with_lesion),
                f"{s.aupr:.4f}",
                f"{s.dice:.4f}",
                f"{s.threshold:.3f}",
            ]
            for s in scores
        ],
    )

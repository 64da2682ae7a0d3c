"""`mobileseg ensemble`: several runs to one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from mobileseg.cli.console import progress, show_json, show_table
from mobileseg.cli.options import data_option, force_option, json_option


@click.command(short_help="Average runs, or lay their lesions side by side.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="RUN",
    help="Run folder to write; evaluate, convert, parity and predict take it like any run.",
)
@click.option(
    "--best",
    type=click.IntRange(min=1),
    metavar="K",
    help="Of each task, take only the K runs with the highest mean AUPR. [default: all]",
)
@data_option(
    required=False,
    text="IDRiD folder the runs were trained on: the threshold of an average is found there.",
)
@force_option("an ensemble RUN")
@json_option()
def command(
    runs: tuple[Path, ...],
    output: Path,
    best: int | None,
    data: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make one run of several.

    Runs of one task are averaged (an ensemble). Runs of different tasks stand side by side (a
    combination): four of MA, HE, EX and SE, or MA,HE and EX,SE, give one file that shows four
    lesions. All share one preprocessing; each keeps its own mean and SD.

    Protocol clean ranks and finds thresholds on the validation pictures, paper on the test
    pictures. Where nothing is averaged or ranked, no --data is needed.

    \b
    Example:
        mobileseg ensemble runs/ex-0 runs/ex-1 runs/ex-2 -o runs/ex3 --data IDRiD
        mobileseg ensemble runs/ex-* --best 3 -o runs/ex-best --data IDRiD
        mobileseg ensemble runs/ma runs/he runs/ex runs/se -o runs/four
    """
    from mobileseg.ensembling.combine import combine
    from mobileseg.files.atomic import read_json
    from mobileseg.runs import open_run

    opened = [open_run(run) for run in runs]
    with progress() as bar:
        task = bar.add_task("choosing", total=None, note="")
        done = combine(
            opened, output, data=data, best=best, force=force, tick=partial(bar.advance, task)
        )
    record = read_json(output / "run.json")
    if as_json:
        show_json({"run": str(output), "task": done.config.task, **record})
    else:
        _show(output, done.config.task, record)


def _show(output: Path, task: str, record: dict[str, Any]) -> None:
    if record["best"] is not None:
        show_table(
            f"By AUPR on {record['members_chosen_on']} pictures"
            if record["members_chosen_on"]
            else "All that were given",
            ["run", "task", "mean AUPR", "taken"],
            [
                [c["name"], c["task"], _figure(c["mean_aupr"]), "yes" if c["chosen"] else "no"]
                for c in record["candidates"]
            ],
        )
    show_table(
        f"{output}: task {task}",
        ["lesion", "members", "threshold", "found on", "AUPR there"],
        [
            [
                code,
                ", ".join(m["name"] for m in record["members"] if code in _lesions(m["task"])),
                f"{t['value']:.4f}",
                "its own run" if t["chosen_on"] == "own" else f"{t['chosen_on']} pictures",
                _figure(t["aupr"]),
            ]
            for code, t in record["thresholds"].items()
        ],
    )
    for leak in record["leaks"]:
        click.echo(f"protocol {record['protocol']}: {leak}")


def _lesions(task: str) -> tuple[str, ...]:
    from mobileseg.lesions import task_lesions

    return task_lesions(task)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"

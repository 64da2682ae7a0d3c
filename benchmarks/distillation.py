"""What a teacher brought to runs that were trained by hand: scored anew, as a JSON list.

    python benchmarks/distillation.py --data IDRiD --teacher RUN --plain RUN … --distilled RUN … \\
        --control RUN … --command "mobileseg train …" -o benchmarks/results/…

A row a lesion, on the test pictures. Controls were trained as long as the distilled ones, from the
same weights, without the teacher: what they gained, more training alone brings. A study of
mobileseg study prints the same without them.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import click
from scoring import Scorer, Scores

from converters.bundle.evidence import record
from mobileseg.files.atomic import sha256, write_json
from mobileseg.lesions import task_lesions
from mobileseg.runs import WEIGHTS, Run, open_run
from mobileseg.study.distillation_gain import Gain

RUNS = click.Path(path_type=Path)


@click.command()
@click.option("--data", type=RUNS, required=True)
@click.option("--teacher", type=RUNS, required=True)
@click.option("--plain", type=RUNS, multiple=True, required=True)
@click.option("--distilled", type=RUNS, multiple=True, required=True)
@click.option("--control", type=RUNS, multiple=True)
@click.option("--command", "asked", required=True, help="What was typed to train them.")
@click.option("-o", "--output", type=RUNS, required=True)
def main(
    data: Path,
    teacher: Path,
    plain: tuple[Path, ...],
    distilled: tuple[Path, ...],
    control: tuple[Path, ...],
    asked: str,
    output: Path,
) -> None:
    """Score every run on the test pictures and write the JSON."""
    ensemble = open_run(teacher)
    config = ensemble.config
    groups = {
        "plain": [open_run(path) for path in plain],
        "distilled": [open_run(path) for path in distilled],
        "control": [open_run(path) for path in control],
    }
    _refuse_another_teacher(ensemble, groups["distilled"])
    scorer = Scorer(data, groups["plain"][0])
    taught, scores = scorer(ensemble), scorer.groups(groups)
    head = record() | {"command": asked, "data": data.name, "variant": config.variant}
    rows = [
        head
        | {"side": config.preprocess.side_px, "protocol": config.training["protocol"]}
        | {"lesion": code}
        | _row(_named(scores, code, "pooled"), taught[code]["pooled"])
        | {"per_picture": _row(_named(scores, code, "per_picture"), taught[code]["per_picture"])}
        | {"training": {p: r[0].config.training for p, r in groups.items() if r}}
        for code in task_lesions(config.task)
    ]
    write_json(output, rows)
    for row in rows:
        print(row["lesion"], row["plain_mean"], row["teacher"], row["distilled_mean"])
        print("gap closed:", row["gap_closed"], row["undecidable"] or "")


def _refuse_another_teacher(teacher: Run, distilled: list[Run]) -> None:
    ours = sha256(teacher.path / WEIGHTS)
    for run in distilled:
        named = run.config.training.get("teacher") or {}
        if named.get("weights_sha256") != ours:
            raise click.ClickException(f"{run.path}: {teacher.path} is not its teacher")


def _named(
    scores: dict[str, dict[str, Scores]], code: str, how: str
) -> dict[str, dict[str, float]]:
    """Group -> run -> one lesion's AUPR."""
    return {p: {n: s[code][how] for n, s in of.items()} for p, of in scores.items()}


def _row(scores: dict[str, dict[str, float]], teacher: float) -> dict[str, Any]:
    row = Gain(scores["plain"], teacher, scores["distilled"]).to_json()
    if not scores["control"]:
        return row
    control = Gain(scores["plain"], teacher, scores["control"])
    told = control.to_json()
    return row | {
        "control": told["distilled"],
        "control_mean": told["distilled_mean"],
        "control_sd": told["distilled_sd"],
        "gap_closed_by_control": control.closed,
        "distilled_above_control": statistics.mean(scores["distilled"].values())
        - told["distilled_mean"],
    }


if __name__ == "__main__":
    main()

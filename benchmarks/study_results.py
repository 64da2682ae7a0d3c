"""A study's scores as the JSON list that README.md's table is made from.

    python benchmarks/study_results.py STUDY --command "mobileseg study …" -o benchmarks/results/…

A row per model and lesion, over its complete runs, none left out.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import click

from converters.bundle.evidence import record
from mobileseg.files.atomic import read_json, write_json
from mobileseg.report.load import read_study
from mobileseg.report.rows import Row, as_rows


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--command", "asked", required=True, help="What was typed to train the study.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(study: Path, asked: str, output: Path) -> None:
    """Write the JSON list of STUDY."""
    opened = read_study(study)
    rows = [
        _result(row, lesion, asked) | {"approximate_masks": lesion in opened.approximate}
        for row in as_rows(opened.complete)
        for lesion in row.runs[0].lesions
    ]
    write_json(output, rows)


def _result(row: Row, lesion: str, asked: str) -> dict[str, Any]:
    first = row.runs[0]
    config = read_json(first.path / "config.json")
    auprs, dices = row.values(lesion), row.values(lesion, "dice")
    trained = [run.record for run in row.runs]
    return {
        "date": record()["date"],
        "machine": f"{record()['machine'].split(',')[0]}, {first.record.get('threads')} thread(s)",
        "gpu": first.record.get("gpu"),
        "command": asked,
        "data": first.evaluation.setting.data if first.evaluation else None,
        "variant": row.variant,
        "ensemble": list(first.members) or None,
        "task": first.task,
        "lesion": lesion,
        "protocol": config["training"]["protocol"],
        "side": config["preprocess"]["side_px"],
        "epochs": config["training"].get("epochs"),
        "runs": len(auprs),
        "aupr_mean": statistics.mean(auprs),
        "aupr_sd": statistics.stdev(auprs) if len(auprs) > 1 else None,
        "dice_mean": statistics.mean(dices),
        "aupr": dict(zip(row.named_values(lesion), auprs, strict=True)),
        "interval_95": {run.name: run.lesions[lesion].interval for run in row.runs},
        "lesion_recall": statistics.mean(row.values(lesion, "lesion_recall")),
        "false_positives_per_image": statistics.mean(row.values(lesion, "false_positives")),
        "training": config["training"],
        "wall_s": [t.get("wall_s") for t in trained],
    }


if __name__ == "__main__":
    main()

"""What settling batch norm brought to runs that were trained by hand: scored anew, as a JSON list.

    python benchmarks/settling.py --data IDRiD --plain RUN … --control RUN … --settled RUN … \\
        --command "mobileseg train …" -o benchmarks/results/…

A row a lesion, on the test pictures. The settled went on from the plain runs for some epochs, the
controls for as many without settling; or, without controls, both are one training from the start.
"""

from __future__ import annotations

from pathlib import Path

import click
from scoring import Scorer, spread

from converters.bundle.evidence import record
from mobileseg.files.atomic import read_json, write_json
from mobileseg.runs import open_run

RUNS = click.Path(path_type=Path)
GROUPS = ("plain", "control", "settled")


@click.command()
@click.option("--data", type=RUNS, required=True)
@click.option("--plain", type=RUNS, multiple=True, required=True)
@click.option("--control", type=RUNS, multiple=True)
@click.option("--settled", type=RUNS, multiple=True, required=True)
@click.option("--command", "asked", required=True, help="What was typed to train the settled.")
@click.option("-o", "--output", type=RUNS, required=True)
def main(data: Path, asked: str, output: Path, **groups: tuple[Path, ...]) -> None:
    """Score every run and add a row a lesion to the JSON."""
    opened = {part: [open_run(path) for path in groups[part]] for part in GROUPS}
    config = opened["plain"][0].config
    scores = Scorer(data, opened["plain"][0]).groups(opened)
    head = record() | {"command": asked, "data": data.name, "variant": config.variant}
    rows = [
        head
        | {"side": config.preprocess.side_px, "lesion": lesion, "split": "test"}
        | {
            part: {
                how: spread([s[lesion][how] for s in of.values()])
                for how in ("pooled", "per_picture")
            }
            for part, of in scores.items()
            if of
        }
        | {"training": {part: runs[0].config.training for part, runs in opened.items() if runs}}
        for lesion in config.lesions
    ]
    write_json(output, (read_json(output) if output.exists() else []) + rows)


if __name__ == "__main__":
    main()

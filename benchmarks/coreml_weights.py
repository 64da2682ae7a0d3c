"""What Core ML's compressed weights weigh and cost, read back out of the saved packages.

    python benchmarks/coreml_weights.py --data IDRiD xs-ex s-ex -o benchmarks/results/…

The saved weights are put back into PyTorch and scored there on the test pictures: a Mac is not
needed for that, but neither is its rounding in it. In fp16 the values between layers are rounded
too, so its row has sizes alone.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import coremltools

from converters.bundle.evidence import record
from converters.coreml import converter as coreml_program
from converters.coreml.compression import COMPRESSIONS, saved_weights, with_saved_weights
from converters.judge import Judge
from converters.quiet import quiet
from converters.run_pictures import read_pictures
from converters.targets import artifact_size, target
from mobileseg.files.atomic import write_json
from mobileseg.runs import Run, open_run

PATH = click.Path(path_type=Path)
GRAPHS = ("network", "whole")


@click.command()
@click.argument("runs", nargs=-1, required=True, type=PATH)
@click.option("--data", type=PATH, required=True)
@click.option("-o", "--output", type=PATH, required=True)
def main(runs: tuple[Path, ...], data: Path, output: Path) -> None:
    """Convert, read back, score and write the JSON."""
    rows = []
    with TemporaryDirectory() as folder:
        for run in map(open_run, runs):
            judge = Judge(run, read_pictures(run, data).test)
            for precision in ("fp32", "fp16", *COMPRESSIONS):
                head = record() | {"data": data.name, "split": "test"}
                rows.append(head | _row(run, precision, judge, Path(folder)))
                print({k: v for k, v in rows[-1].items() if k not in head}, flush=True)
    write_json(output, rows)


def _row(run: Run, precision: str, judge: Judge, folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"variant": run.config.variant, "side": run.config.preprocess.side_px}
    row |= {"precision": precision, "ios": "16"}
    for graph in GRAPHS:
        path = folder / f"{run.path.name}-{precision}-{graph}.mlpackage"
        row[f"{graph}_package_bytes"] = _convert(run, precision, graph, path)
        (weights,) = path.rglob("weight.bin")
        row[f"{graph}_weight_bytes"] = weights.stat().st_size
    if precision == "fp16":
        return row
    saved = saved_weights(coremltools, folder / f"{run.path.name}-{precision}-network.mlpackage")
    (found,) = judge.of_ensemble(with_saved_weights(run.ensemble, saved))
    return row | {
        "lesion": found.lesion,
        "aupr": found.aupr,
        "aupr_drop": found.aupr_drop,
        "lesion_recall_drop": found.recall_drop,
        "lesions": found.lesions,
        "lesions_missed": len(found.missed),
        "lesions_gained": found.gained,
    }


def _convert(run: Run, precision: str, graph: str, path: Path) -> int:
    frames = [run.config.preprocess.frame_hw]
    order = target("coreml").order(frames, precision=precision, graph=graph)
    with quiet():
        coreml_program.export(run, order, path)
        broken = [c.name for c in coreml_program.inspect(path, run, order) if not c.holds]
    if broken:
        raise click.ClickException(f"{path.name}: {', '.join(broken)}")
    return artifact_size(path)


if __name__ == "__main__":
    main()

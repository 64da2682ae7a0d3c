"""What lean networks save in a `.pte`, and how far each is from the floor of this core.

    taskset -c 0 python benchmarks/lean.py -o benchmarks/results/lean-cpu.json

The shipped XS and S at 512 px, network alone, float32, one thread: XNNPACK files of the plain graph
and of both lean forms, and onnxruntime on the plain export, take turns in one process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click
import numpy as np
import torch

from converters.bench.latency import one_thread, race
from converters.bench.noise import doubts, load_average
from converters.bench.results import row
from converters.bench.roofline import floor, measure_core
from converters.deployable import NetworkAlone, exported
from converters.executorch.backends import BACKENDS
from converters.quiet import quiet
from converters.targets import TARGETS, Runner
from mobileseg.files.atomic import write_json
from mobileseg.models.ensemble import Ensemble
from mobileseg.models.reparameterize import DIRECT, TAPS, lean_members
from mobileseg.models.weights import fold_batch_norm
from mobileseg.runs import Run, open_run

SIDE_PX = 512
REFERENCE = "onnxruntime"
FORMS: dict[str, Callable[[Ensemble], Ensemble]] = {
    "plain": lambda ensemble: cast(Ensemble, fold_batch_norm(ensemble)),
    f"lean, {DIRECT}": lambda ensemble: lean_members(ensemble, DIRECT),
    f"lean, {TAPS}": lambda ensemble: lean_members(ensemble, TAPS),
}


@click.command()
@click.option("--runs", default="xs-ex,s-ex", show_default=True)
@click.option("--turns", default=15, show_default=True, type=click.IntRange(2))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(runs: str, turns: int, output: Path) -> None:
    one_thread()
    load, core, rows = load_average(), measure_core(), []
    for name in runs.split(","):
        run = open_run(Path(name))
        with tempfile.TemporaryDirectory() as folder:
            runners = {form: _file(run, form, Path(folder)) for form in FORMS}
            runners[REFERENCE] = _onnx(run, Path(folder))
            noise = np.random.default_rng(0).uniform(0, 255, (3, SIDE_PX, SIDE_PX))
            laps = race(runners, noise.astype(np.float32), turns)
        least = floor(core, run.config.variant, SIDE_PX)
        for form, lap in laps.items():
            engine = REFERENCE if form == REFERENCE else "ExecuTorch"
            rows.append(
                row(
                    packages=("torch", "executorch", "onnxruntime"),
                    variant=run.config.variant,
                    members=1,
                    engine=engine,
                    precision="fp32",
                    graph="network",
                    form="plain" if engine == REFERENCE else form,
                    threads=1,
                    side=SIDE_PX,
                    p10_ms=lap.p10_ms,
                    median_ms=lap.median_ms,
                    p90_ms=lap.p90_ms,
                    ratio_to_onnxruntime_fp32=lap.median_ms / laps[REFERENCE].median_ms,
                    ratio_to_plain=lap.median_ms / laps["plain"].median_ms,
                    limit_share=least.ms / lap.median_ms,
                    floor_compute_ms=least.compute_ms,
                    floor_move_ms=least.move_ms,
                    binds=least.binds,
                    core_gmacs_per_s=core.macs_per_s / 1e9,
                    core_gb_per_s=core.bytes_per_s / 1e9,
                )
            )
            click.echo(f"{name} {engine} {form}: {lap.median_ms:.0f} ms", err=True)
    said = doubts(rows, load, threads=1, cores=1)
    write_json(output, [r | {"doubts": said} for r in rows])


def _file(run: Run, form: str, folder: Path) -> Runner:
    """The network as XNNPACK's file, reopened."""
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    graph = NetworkAlone(FORMS[form](run.ensemble), SIDE_PX)
    path = folder / f"{form}.pte"
    with quiet():
        lowered = to_edge_transform_and_lower(
            exported(graph),
            partitioner=[BACKENDS["xnnpack"].partitioner("fp32")],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
        path.write_bytes(lowered.to_executorch().buffer)
        return TARGETS["executorch"].converter().load(path)


def _onnx(run: Run, folder: Path) -> Runner:
    graph: Any = NetworkAlone(FORMS["plain"](run.ensemble), SIDE_PX)
    path = folder / "plain.onnx"
    with quiet(), torch.no_grad():
        torch.onnx.export(
            graph, (graph.example(),), str(path), dynamo=True, external_data=False, verbose=False
        )
    return TARGETS["onnx"].converter().load(path)


if __name__ == "__main__":
    main()

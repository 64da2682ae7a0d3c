"""How time and memory grow with side, batch and members: everything takes turns in one run.

    python benchmarks/scale.py -o benchmarks/results/scale-cpu.json

The shipped XS, one thread. Side: ExecuTorch float32 files of the network alone; members: of the
whole pipeline, whose preprocessing is shared; batch: PyTorch eager, because a phone's file takes
one picture. Every case has a process of its own, so
that its memory is its own. `--sides 64,96 --batches 1,2 --members 1,2 --rounds 2` is a quick try.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from converters.bench.engines import ENGINES, Entrant
from converters.bench.interleaved import Field, Pace
from converters.bench.noise import doubts, load_average
from converters.bench.results import cores
from converters.options import Order
from converters.quiet import quiet
from converters.targets import TARGETS
from mobileseg.files.atomic import write_json
from mobileseg.models.weights import save_weights
from mobileseg.run_config import Member
from mobileseg.runs import Run, open_run, pretrained_run, save_members

TARGET = "executorch"
GROUPED_MEMBERS = 3  # the paper's ensembles, written with grouped convolutions too


@dataclass(frozen=True, slots=True)
class Case:
    """One point of one curve."""

    axis: str
    value: int
    entrant: Entrant
    picture: NDArray[Any] | None = None


def whole_numbers(_: click.Context, __: click.Parameter, value: str) -> list[int]:
    try:
        return [int(part) for part in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"{value!r}: expected whole numbers, as in 256,512") from None


@click.command()
@click.option("--sides", default="256,384,512,768,1024,1536", callback=whole_numbers)
@click.option("--batches", default="1,2,4,8", callback=whole_numbers)
@click.option("--members", default="1,2,3,4", callback=whole_numbers)
@click.option("--rounds", default=7, type=click.IntRange(2))
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="For the files; those that lie there from an earlier run are taken as they are.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(
    sides: list[int],
    batches: list[int],
    members: list[int],
    rounds: int,
    folder: Path | None,
    output: Path,
) -> None:
    load, pace = load_average(), Pace(rounds)
    with nullcontext(folder) if folder else tempfile.TemporaryDirectory() as made:
        into = Path(made)
        cases = [
            *_by_side(into, sides),
            *_by_batch(batches),
            *_by_members(into, members, "serial"),
            *_by_members(into, [m for m in members if m == GROUPED_MEMBERS], "grouped"),
        ]
        pictures = {c.entrant.name: c.picture for c in cases if c.picture is not None}
        rows = Field([c.entrant for c in cases], pace, _say, pictures).measure()
    for case, found in zip(cases, rows, strict=True):
        found |= {"axis": case.axis, "value": case.value}
    said = doubts([r for r in rows if r["not_measured"] is None], load, pace.threads, cores())
    write_json(output, [r | {"doubts": said} for r in rows])
    for doubt in said:
        _say(f"do not trust these figures: {doubt}")


def _say(text: str) -> None:
    click.echo(text, err=True)


def _by_side(folder: Path, sides: list[int]) -> Iterator[Case]:
    for side in sides:
        run = _sized(folder / f"side-{side}", side)
        yield Case("side", side, _written(run, f"side {side}", "network"))


def _by_batch(batches: list[int]) -> Iterator[Case]:
    run = open_run(pretrained_run())
    spec = run.config.preprocess
    order = Order((spec.frame_hw,), graph="network")
    noise = np.random.default_rng(0)
    for batch in batches:
        pictures = noise.uniform(0, 255, (batch, 3, spec.side_px, spec.side_px))
        entrant = Entrant("PyTorch eager", order, run.path.resolve(), label=f"batch {batch}")
        yield Case("batch", batch, entrant, pictures.astype(np.float32))


def _by_members(folder: Path, members: list[int], member_execution: str) -> Iterator[Case]:
    axis = "members" if member_execution == "serial" else member_execution
    for count in members:
        run = _several(folder / f"{axis}-{count}", count)
        yield Case(axis, count, _written(run, f"{axis} {count}", "whole", member_execution))


def _sized(folder: Path, side_px: int) -> Run:
    """The shipped run with another side, and a frame no smaller."""
    run = open_run(pretrained_run())
    frame = max(side_px, *run.config.preprocess.frame_hw)
    spec = replace(run.config.preprocess, side_px=side_px, frame_hw=(frame, frame))
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", replace(run.config, preprocess=spec).to_json())
    save_weights(run.network, folder / "best.safetensors")
    return open_run(folder)


def _several(folder: Path, count: int) -> Run:
    """An ensemble of the shipped run with itself: what it answers does not matter here."""
    run = open_run(pretrained_run())
    config = run.config
    member = Member(config.variant, config.task, config.normalisation, "xs-ex", "0" * 64)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", replace(config, ensemble=(member,) * count).to_json())
    save_members([deepcopy(run.network) for _ in range(count)], folder / "best.safetensors")
    return open_run(folder)


def _written(run: Run, label: str, graph: str, member_execution: str = "serial") -> Entrant:
    _say(f"writing {label}")
    target = TARGETS[TARGET]
    frame = run.config.preprocess.frame_hw
    order = target.order([frame], graph=graph, member_execution=member_execution)
    artifact = run.path / target.artifact
    if not artifact.exists():
        with quiet():
            target.converter().export(run, order, artifact)
    return Entrant(ENGINES[TARGET], order, run.path.resolve(), TARGET, artifact, label)


if __name__ == "__main__":
    main()

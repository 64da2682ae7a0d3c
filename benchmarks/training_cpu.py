"""Training steps on a CPU: what keeping memory, channels_last and bf16 bring.

    python benchmarks/training_cpu.py --threads 1 -o benchmarks/results/training-cpu.json

U²-Net-XS for one lesion, a batch of 4, forward, loss, backward and Adam on random pictures: what
`train` does a step, without data. Each arm is a process of its own, because the allocator's
settings are a process's, and they take turns step by step. Ratios are of rounds: the plain arm's
step over this arm's in the same round, so above 1 is faster. `cpu` ratios are of the time that the
process itself used: where other work shares the cores, only those are steady.

`fast_precision` is what `mobileseg.training.processor` says of this processor.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from converters.bench.results import row
from mobileseg.files.atomic import write_json
from mobileseg.models.build import build
from mobileseg.training.allocator import keep_large_blocks
from mobileseg.training.config import TrainConfig
from mobileseg.training.losses import deep_supervision
from mobileseg.training.processor import fast_precision

WARM_UP = 2  # rounds: oneDNN chooses kernels in the first step, the heap has its size after it
THREADS_SLEEP = {"OMP_WAIT_POLICY": "passive"}  # else an arm that waits takes the others' cores
MB = 1e6


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to take a step."""

    keep_blocks: bool = False
    channels_last: bool = False
    bf16: bool = False


ARMS = {  # the first is what the others are compared with
    "plain": Arm(),
    "allocator": Arm(keep_blocks=True),
    "allocator, channels_last": Arm(keep_blocks=True, channels_last=True),
    "allocator, channels_last, bf16": Arm(keep_blocks=True, channels_last=True, bf16=True),
}


@dataclass(frozen=True, slots=True)
class Step:
    """What one step took, from inside its process."""

    wall_s: float
    cpu_s: float  # of all its threads
    page_faults: int
    peak_mb: float  # of the process, so far
    loss: float


@dataclass(slots=True)
class Taken:
    """The counted steps of one arm."""

    steps: list[Step] = field(default_factory=list)

    def of(self, name: str) -> list[float]:
        return [getattr(step, name) for step in self.steps]


def step_of(arm: Arm, side: int, batch: int) -> Iterator[float]:
    """Steps of a fresh XS without end, each yielding its loss."""
    random = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    layout = torch.channels_last if arm.channels_last else torch.contiguous_format
    network = build("xs", 1).train()
    network.to(memory_format=layout)  # type: ignore[call-overload]
    choices = TrainConfig()
    loss_of, adam = deep_supervision(choices), torch.optim.Adam(network.parameters(), choices.lr)
    pictures = torch.randn(batch, 3, side, side, generator=random).contiguous(memory_format=layout)
    masks = (torch.rand(batch, 1, side, side, generator=random) < 0.02).float()
    while True:
        with torch.autocast("cpu", torch.bfloat16, enabled=arm.bf16):
            maps = [m.to(pictures.dtype) for m in network(pictures)]
        loss = loss_of(maps, masks)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        yield loss.item()


def work(link: Connection, arm: Arm, side: int, batch: int, threads: int) -> None:
    """An arm's process: a step for each message, until there are no more."""
    torch.set_num_threads(threads)
    link.send(keep_large_blocks() if arm.keep_blocks else True)
    steps = step_of(arm, side, batch)
    while link.recv():
        before = resource.getrusage(resource.RUSAGE_SELF)
        wall, cpu = time.perf_counter(), time.process_time()
        loss = next(steps)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        after = resource.getrusage(resource.RUSAGE_SELF)
        faults = after.ru_minflt - before.ru_minflt
        link.send(Step(wall, cpu, faults, after.ru_maxrss * 1024 / MB, loss))  # Linux: kilobytes


@contextmanager
def process_of(arm: Arm, side: int, batch: int, threads: int) -> Iterator[Connection]:
    """An arm's process, which says whether it can be what it is to be; ended with the block."""
    os.environ.update(THREADS_SLEEP)
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=work, args=(theirs, arm, side, batch, threads), daemon=True)
    worker.start()
    theirs.close()
    try:
        yield ours
        ours.send(False)
    finally:
        ours.close()  # what still waits for a message ends by EOFError, and is killed below
        worker.join(timeout=10)
        worker.kill()


def measure(side: int, batch: int, threads: int, rounds: int) -> dict[str, Taken]:
    """Every arm's steps, taken in turns."""
    taken = {name: Taken() for name in ARMS}
    with ExitStack() as stack:
        links = {
            name: stack.enter_context(process_of(arm, side, batch, threads))
            for name, arm in ARMS.items()
        }
        able = [link.recv() for link in links.values()]
        if not all(able):
            raise click.ClickException("the allocator keeps no blocks here: not the GNU C library")
        for round_ in range(WARM_UP + rounds):
            for name, link in links.items():
                link.send(True)
                step = link.recv()
                if round_ >= WARM_UP:
                    taken[name].steps.append(step)
    return taken


def ratios(plain: Taken, other: Taken, clock: str) -> dict[str, float]:
    """How many times as fast, over the rounds: median, p10 and p90."""
    each = np.array(plain.of(clock)) / np.array(other.of(clock))
    p10, median, p90 = (round(float(v), 3) for v in np.percentile(each, [10, 50, 90]))
    return {"median": median, "p10": p10, "p90": p90}


def rows(taken: Mapping[str, Taken], side: int, batch: int, threads: int) -> list[dict[str, Any]]:
    """A row for each arm."""
    plain = taken[next(iter(ARMS))]
    written = []
    for name, arm in ARMS.items():
        own, wall = taken[name], np.array(taken[name].of("wall_s"))
        written.append(
            row(
                packages=("torch",),
                variant="xs",
                engine="train",
                precision="bf16" if arm.bf16 else "fp32",
                threads=threads,
                side=side,
                median_ms=round(1000 * float(np.median(wall)), 1),
                p90_ms=round(1000 * float(np.percentile(wall, 90)), 1),
                peak_mb=round(max(own.of("peak_mb"))),
                arm=name,
                data="noise",
                batch=batch,
                rounds=len(own.steps),
                images_per_s=round(batch / float(np.median(wall)), 3),
                images_per_cpu_s=round(batch / statistics.median(own.of("cpu_s")), 3),
                ratio_to_plain=ratios(plain, own, "wall_s"),
                ratio_to_plain_cpu=ratios(plain, own, "cpu_s"),
                page_faults_per_step=round(statistics.median(own.of("page_faults"))),
                loss_last=round(own.steps[-1].loss, 4),
                fast_precision=fast_precision(),
            )
        )
    return written


def told(found: Mapping[str, Any]) -> str:
    """A row in a line."""
    wall, cpu = found["ratio_to_plain"], found["ratio_to_plain_cpu"]
    return (
        f"{found['side']} px, {found['arm']}: {found['images_per_s']} images/s, "
        f"ratio {wall['median']} ({wall['p10']}-{wall['p90']}), "
        f"cpu {cpu['median']} ({cpu['p10']}-{cpu['p90']}), {found['peak_mb']} MB, "
        f"{found['page_faults_per_step']} page faults a step"
    )


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path))
@click.option("--sides", default="256,512", show_default=True, help="Pixels, between commas.")
@click.option("--batch", default=4, show_default=True)
@click.option("--rounds", default=9, show_default=True, help="Steps of each arm that count.")
@click.option("--threads", default=torch.get_num_threads(), show_default=True)
def main(output: Path | None, sides: str, batch: int, rounds: int, threads: int) -> None:
    """Measure in turns, print a line a row, and write the JSON."""
    written = []
    for side in map(int, sides.split(",")):
        found = rows(measure(side, batch, threads, rounds), side, batch, threads)
        for line in map(told, found):
            print(line, flush=True)
        written += found
        if output:
            write_json(output, written)


if __name__ == "__main__":
    main()

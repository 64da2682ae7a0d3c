"""How `predict`'s time and memory grow with the number of pictures and of worker processes.

    python benchmarks/predict_scale.py -o benchmarks/results/predict-scale-<machine>.json

The whole command is measured, as a person calls it, in a process of its own: its start-up (until
the first picture is committed) is part of the time, and is told apart. Every count and number of
workers takes its turn in each round, so that a busy machine slows all alike; a row is the median
of its rounds. Memory is each process's own peak, by Linux; pages that processes share count in
each, so the sum is an upper bound. Pictures are phantoms, JPEG.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from PIL import Image

from converters.bench.results import not_measured, row
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.files.atomic import write_json
from mobileseg.runs import open_run

REPOSITORY = Path(__file__).parents[1]
COMMAND = [sys.executable, "-c", "from mobileseg.cli import main; main()", "predict"]
LOOK_S = 0.02


@dataclass
class Taken:
    """What one call took."""

    seconds: float = 0.0
    start_s: float = 0.0  # until the first picture is committed
    parent_mb: float = 0.0  # peaks, 10^6 bytes
    workers_mb: list[float] = field(default_factory=list)


def numbers(context: click.Context, option: click.Parameter, value: str) -> list[int]:
    """ "10,100" as numbers."""
    parts = value.split(",")
    if not all(part.isdigit() and int(part) for part in parts):
        raise click.BadParameter(f"{value!r}; expected whole numbers as in 10,100")
    return [int(part) for part in parts]


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--model", type=click.Path(path_type=Path), default=Path("xs-ex"), show_default=True)
@click.option("--counts", callback=numbers, default="10,100,1000", show_default=True)
@click.option("--workers", callback=numbers, default="1,2", show_default=True)
@click.option("--side", default=512, show_default=True, help="Of the pictures, in pixels.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
def main(
    output: Path, model: Path, counts: list[int], workers: list[int], side: int, rounds: int
) -> None:
    """Measure, and write the rows."""
    if not Path("/proc/self/status").is_file():
        write_json(output, [not_measured("the peaks of processes are read from Linux's /proc")])
        return
    taken: dict[tuple[int, int], list[Taken]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folders = {count: Path(scratch) / f"of-{count}" for count in counts}
        draw(folders, side)
        for round_ in range(rounds):
            for count in counts:
                for n in workers:
                    one = measure(model, folders[count], n, Path(scratch) / "out")
                    taken.setdefault((count, n), []).append(one)
                    print(f"round {round_} count {count} workers {n}: {one}", file=sys.stderr)
    rows = [figures(model, side, count, n, taken) for count, n in taken]
    for one in rows:
        print({name: value for name, value in one.items() if value is not None})
    write_json(output, rows)


def draw(folders: dict[int, Path], side: int) -> None:
    """The first pictures are the same in every folder."""
    for folder in folders.values():
        folder.mkdir()
    for index in range(max(folders)):
        first, *others = [f for count, f in folders.items() if index < count]
        name = f"phantom_{index:05}.jpg"
        Image.fromarray(make_phantom(1, side, index=index).picture).save(first / name, quality=95)
        for folder in others:
            (folder / name).hardlink_to(first / name)


def measure(model: Path, pictures: Path, workers: int, out: Path) -> Taken:
    """One call into a new folder."""
    arguments = [str(model), str(pictures), "-o", str(out), "--force", "--workers", str(workers)]
    place = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, *arguments], env={**os.environ, **place}, stdout=subprocess.DEVNULL
    )
    taken, peaks = Taken(), dict[int, float]()
    watcher = threading.Thread(target=watch, args=(process, out, begun, taken, peaks))
    watcher.start()
    watcher.join()
    if process.wait():
        raise click.ClickException(f"predict left with exit code {process.returncode}")
    taken.parent_mb = peaks.pop(process.pid)
    taken.workers_mb = sorted(peaks.values(), reverse=True)[: workers if workers > 1 else 0]
    return taken


def watch(
    process: subprocess.Popen[bytes], out: Path, begun: float, taken: Taken, peaks: dict[int, float]
) -> None:
    """Look at the processes until they have gone."""
    records = out.parent / f".{out.name}.part" / "records"
    while process.poll() is None:
        for pid in (process.pid, *children(process.pid)):
            peaks[pid] = peak_mb(pid) or peaks.get(pid, 0.0)
        if not taken.start_s and any(records.glob("*.json")):
            taken.start_s = time.perf_counter() - begun
        time.sleep(LOOK_S)
    taken.seconds = time.perf_counter() - begun


def children(pid: int) -> list[int]:
    """Of all its threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def peak_mb(pid: int) -> float:
    """The most memory that a process ever had; 0 if it has gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def figures(
    model: Path, side: int, count: int, workers: int, taken: dict[tuple[int, int], list[Taken]]
) -> dict[str, Any]:
    """One row."""
    config = open_run(model).config
    these, ones = taken[count, workers], taken.get((count, 1))
    seconds = statistics.median(t.seconds for t in these)
    start = statistics.median(t.start_s for t in these)
    parent = max(t.parent_mb for t in these)
    sums = [sum(t.workers_mb) for t in these]
    times = [t.seconds for t in these]
    ratio = [one.seconds / t.seconds for one, t in zip(ones, these, strict=True)] if ones else []
    return row(
        packages=("torch", "numpy", "opencv-python-headless"),
        variant=config.variant,
        members=1,
        engine="predict",
        precision="fp32",
        side=config.preprocess.side_px,
        peak_mb=round(
            max(
                parent + workers
                for parent, workers in zip((t.parent_mb for t in these), sums, strict=True)
            ),
            1,
        ),
        picture_side=side,
        pictures=count,
        workers=workers,
        rounds=len(these),
        seconds=round(seconds, 3),
        spread=round((max(times) - min(times)) / seconds, 3),
        pictures_per_s=round(count / seconds, 3),
        start_up_s=round(start, 3),
        start_up_share=round(start / seconds, 3),
        pictures_per_s_after_start_up=round((count - 1) / max(seconds - start, 1e-9), 3),
        ratio_to_one_worker=round(statistics.median(ratio), 3) if ratio else None,
        parent_peak_mb=round(parent, 1),
        workers_peak_mb=[round(mb, 1) for mb in max((t.workers_mb for t in these), key=sum)],
    )


if __name__ == "__main__":
    main()

"""Images a second of `train` against a loop in the manner of the published script.

    python benchmarks/training_speed.py --data IDRiD --variants xs,s --parts single -o RESULTS
    python benchmarks/training_speed.py --data IDRiD --parts together -o RESULTS

`single`: one run, in each of FORMS. `together`: ten XS runs in one process, each compared with a
published loop of its own, so that the ratio is of one run's time. Published loop and `train` take
turns on the same pictures of one machine. Validation and files, which the published loop lacks,
are left out of `images_per_s` and are in `images_per_s_with_validation`.

A row replaces the one of the same part, variant, form, side and batch in RESULTS, so that several
short commands fill one file. Without a GPU nothing is run and the rows say so (exit 3), unless
`--device cpu` asks for a check, which is no claim about training on a GPU.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from gpu_idle import METHOD
from published_loop import LESION, PublishedLoop, best_workers
from training_contestants import Contestant, contestant, idle, spread, trainers

from converters.bench.results import not_measured, row
from mobileseg.data.dataset import Pictures, read_pictures
from mobileseg.data.phantom.generate import write_phantoms
from mobileseg.files.atomic import read_json, write_json
from mobileseg.spec import PreprocessSpec
from mobileseg.training.session import pick_device

HALF = {"precision": "bf16", "channels_last": True}
FORMS: dict[str, dict[str, Any]] = {
    "default": {},
    "bf16": HALF,
    "compiled": {**HALF, "compile": True},
}
PARTS = {"single": 1, "together": 10}  # runs
AIMS = {"single": 4.0, "together": 10.0}  # times as fast as the published loop
PHANTOMS = 72  # two thirds of them for training, near IDRiD's 54
WARM_UP = 2  # rounds: a compiled network is compiled for the epoch's last, smaller batch too
SAME = ("part", "variant", "form", "side", "batch")
COMMAND = (
    "python benchmarks/training_speed.py --data IDRiD --parts {part} --variants {variant} "
    "--forms {form} --side {side} --batch {batch} -o benchmarks/results/training-speed.json"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One benchmark, as the command line asks for it."""

    variants: tuple[str, ...]
    parts: tuple[str, ...]
    forms: tuple[str, ...]
    side: int
    batch: int
    rounds: int
    epochs: int  # a round
    runs: int  # together

    def forms_of(self, part: str) -> tuple[str, ...]:
        """Runs together step in float32, uncompiled, whatever each of them chose."""
        return self.forms if part == "single" else ("default",)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Part and variant; together only the smallest, which alone leaves a GPU idle."""
        for part in self.parts:
            for variant in self.variants if part == "single" else ("xs",):
                yield part, variant

    def cases(self) -> Iterator[dict[str, Any]]:
        """What each row is of."""
        for part, variant in self.pairs():
            for form in self.forms_of(part):
                runs = self.runs if part == "together" else 1
                same = {"side": self.side, "batch": self.batch, "runs": runs}
                yield {"part": part, "variant": variant, "form": form, **same}


def chosen(among: Sequence[str]) -> Callable[[Any, Any, str], tuple[str, ...]]:
    """Reads names between commas."""

    def read(_: Any, __: Any, text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if unknown := sorted(set(names) - set(among)):
            raise click.BadParameter(f"no {unknown[0]}; choose from {', '.join(among)}")
        return names

    return read


VARIANTS = ("xs", "s", "m", "unet")


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="IDRiD's folder; without: phantoms.")
@click.option("--variants", default=",".join(VARIANTS), callback=chosen(VARIANTS))
@click.option("--parts", default=",".join(PARTS), callback=chosen(tuple(PARTS)))
@click.option("--forms", default=",".join(FORMS), callback=chosen(tuple(FORMS)))
@click.option("--side", default=512, show_default=True)
@click.option("--batch", default=4, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--epochs", default=3, show_default=True, help="Epochs a round.")
@click.option("--runs", default=PARTS["together"], show_default=True, help="Runs together.")
@click.option("--device", default="auto", show_default=True)
def main(output: Path | None, data: Path | None, device: str, **asked: Any) -> None:
    """Measure in turns, print a line a row, and write the JSON."""
    wanted = Asked(**asked)
    if device == "auto" and not torch.cuda.is_available():
        print("no GPU: not run (--device cpu for a check)", file=sys.stderr)
        keep(output, [unmeasured(case) for case in wanted.cases()])
        sys.exit(3)
    where = pick_device(device)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if data is None:
            data = folder / "phantoms"
            write_phantoms(data, PHANTOMS, wanted.side, seed=0)
        begun = time.perf_counter()
        pictures = read_pictures(data, (LESION,), PreprocessSpec(wanted.side), "half", where)
        read_s = round(time.perf_counter() - begun, 2)
        for part, variant in wanted.pairs():
            rows = measure(wanted, part, variant, pictures, folder, read_s)
            keep(output, rows)
            for found in rows:
                print(told(found), flush=True)


def unmeasured(case: Mapping[str, Any]) -> dict[str, Any]:
    """A row without figures, and the command that would fill it."""
    command = COMMAND.format(**case)
    aim = AIMS[case["part"]]
    return not_measured(f"no GPU here; on a machine with one: {command}", aim=aim, **case)


def keep(output: Path | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into a file in the place of those of the same thing."""
    if output:
        old = read_json(output) if output.is_file() else []
        write_json(output, merged(old, rows))


def merged(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The rows of both; of two of the same thing the new one, in the old one's place."""
    by_key = {tuple(r[name] for name in SAME): r for r in (*old, *new)}
    return list(by_key.values())


def measure(
    asked: Asked, part: str, variant: str, pictures: Pictures, folder: Path, read_s: float
) -> list[dict[str, Any]]:
    """A row for each form of one variant."""
    device, runs = pictures.device, asked.runs if part == "together" else 1
    ours, names = {}, []
    for form in asked.forms_of(part):
        place = folder / f"{part}-{variant}-{form}"
        choices = FORMS[form] | {"batch": asked.batch}
        group = trainers(place, pictures, variant, choices, runs)
        ours[form], names = contestant(group, asked.epochs), group[0].train.names
    samples = [s for s in pictures.samples if s.name in set(names)]
    loop = {"variant": variant, "side": asked.side, "batch": asked.batch, "device": device}
    tried = best_workers(samples, **loop)
    workers = max(tried, key=lambda w: tried[w])
    published_loop = PublishedLoop(samples, **loop, workers=workers, times=asked.epochs)
    published = Contestant(asked.epochs * len(samples), published_loop.run)
    for round_ in range(WARM_UP + asked.rounds):
        for one in (published, *ours.values()):
            one.round(device, counted=round_ >= WARM_UP)
    base = {
        "published_images_per_s": round(published.per_s(published.training), 2),
        "published_spread": spread(published.training),
        "published_workers": workers,
        "published_workers_tried": {str(w): round(speed, 2) for w, speed in tried.items()},
        "published_gpu_idle_share": idle(published, device),
        "read_and_prepared_once_s": read_s,
        "data": pictures.data.name,
        "pictures": len(samples),
    }
    cases = [c for c in asked.cases() if (c["part"], c["variant"]) == (part, variant)]
    return [_row(case, ours[case["form"]], published, base, device) for case in cases]


def _row(
    case: Mapping[str, Any],
    ours: Contestant,
    published: Contestant,
    base: Mapping[str, Any],
    device: torch.device,
) -> dict[str, Any]:
    ratio = ours.per_s(ours.training) / published.per_s(published.training)
    on_gpu = device.type == "cuda"
    aim = AIMS[case["part"]] if on_gpu else None
    return row(
        packages=("torch", "opencv-python-headless", "numpy"),
        gpu=torch.cuda.get_device_name(device) if on_gpu else None,
        engine="train",
        threads=torch.get_num_threads(),
        precision=FORMS[case["form"]].get("precision", "fp32"),
        **case,
        choices=FORMS[case["form"]],
        rounds=len(ours.training),
        images_per_s=round(ours.per_s(ours.training), 2),
        images_per_s_per_run=round(ours.per_s(ours.training) / case["runs"], 2),
        images_per_s_with_validation=round(ours.per_s(ours.whole), 2),
        spread=spread(ours.training),
        ratio_to_published_loop=round(ratio, 3),
        aim=aim,
        aim_met=ratio >= aim if aim else None,
        gpu_idle_share=idle(ours, device),
        gpu_idle_method=METHOD if on_gpu else None,
        **base,
        note=None if on_gpu else "a check on a CPU: no claim about training on a GPU",
    )


def told(found: Mapping[str, Any]) -> str:
    """A row in a line."""
    return (
        f"{found['part']} {found['variant']} {found['form']}: {found['images_per_s']} images/s, "
        f"published loop {found['published_images_per_s']} ({found['published_workers']} workers), "
        f"ratio {found['ratio_to_published_loop']}, idle {found['gpu_idle_share']} "
        f"against {found['published_gpu_idle_share']}"
    )


if __name__ == "__main__":
    main()

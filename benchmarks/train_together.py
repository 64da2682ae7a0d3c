"""Images per second of several runs trained together, against one after the other.

    python benchmarks/train_together.py --data IDRiD -o benchmarks/results/together-<machine>.json

Rounds are interleaved: every form and number of runs once, then again, so that a busy machine
slows all alike. On a GPU the interesting column is `stacked` with ten runs.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import click
import torch

from converters.bundle.evidence import record
from mobileseg.data.dataset import Pictures, read_pictures
from mobileseg.files.atomic import write_json
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import TrainConfig
from mobileseg.training.multi_run import FORMS, epoch_in_turns, stacked_epoch
from mobileseg.training.session import begin, pick_device
from mobileseg.training.trainer import Trainer

EPOCH = {"stacked": stacked_epoch, "turns": epoch_in_turns}


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--variant", default="xs", show_default=True)
@click.option("--side", default=256, show_default=True)
@click.option("--batch", default=4, show_default=True)
@click.option("--runs", default="1,2,5,10", show_default=True, help="Numbers of runs.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--device", default="auto", show_default=True)
def main(
    data: Path,
    output: Path,
    variant: str,
    side: int,
    batch: int,
    runs: str,
    rounds: int,
    device: str,
) -> None:
    """Measure epochs of runs together and write the JSON."""
    where = pick_device(device)
    spec = PreprocessSpec(side)
    pictures = read_pictures(data, ("EX",), spec, "half", where)
    counts = [int(n) for n in runs.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        group = _runs(Path(scratch), pictures, variant, spec, batch, max(counts))
        seconds = _rounds(group, counts, rounds, where)
    rows = [
        {
            "form": form,
            "runs": count,
            "images_per_s": round(count * len(group[0].train) / statistics.median(times), 2),
            "spread": round((max(times) - min(times)) / statistics.median(times), 3),
        }
        for (form, count), times in seconds.items()
    ]
    base = next(r["images_per_s"] for r in rows if (r["form"], r["runs"]) == ("turns", counts[0]))
    for row in rows:
        row["ratio"] = round(float(row["images_per_s"]) / float(base), 3)
        print(row)
    gpu = torch.cuda.get_device_name(where) if where.type == "cuda" else None
    head = record() | {"gpu": gpu, "data": data.name, "variant": variant, "task": "EX"}
    head |= {"side": side, "batch": batch}
    write_json(output, head | {"rounds": rounds, "rows": rows})


def _runs(
    folder: Path, pictures: Pictures, variant: str, spec: PreprocessSpec, batch: int, count: int
) -> list[Trainer]:
    return [
        begin(
            folder / str(seed),
            pictures.data,
            variant=variant,
            task="EX",
            preprocess=spec,
            choices=TrainConfig(batch=batch, seed=seed),
            device=pictures.device,
            pictures=pictures,
        )
        for seed in range(count)
    ]


def _rounds(
    group: list[Trainer], counts: list[int], rounds: int, device: torch.device
) -> dict[tuple[str, int], list[float]]:
    """(form, number of runs) -> seconds of an epoch, after one epoch of warm-up each."""
    seconds: dict[tuple[str, int], list[float]] = {}
    for round_ in range(rounds + 1):
        for form in FORMS:
            for count in counts:
                begun = time.perf_counter()
                EPOCH[form](group[:count])
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                if round_:
                    seconds.setdefault((form, count), []).append(time.perf_counter() - begun)
                print(f"round {round_} {form} {count}", file=sys.stderr)
    return seconds


if __name__ == "__main__":
    main()

"""Do the faster ways to train reach the same validation AUPR? A few seeds of each, side by side.

    python benchmarks/same_quality.py --data IDRiD -o benchmarks/results/same-quality.json

Every way trains the same network on the same pictures with the same seeds. Noise is what seeds
alone do to the plain way; a way is as good if its mean lies within two of its standard errors.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import torch

from converters.bundle.evidence import record
from mobileseg.data.dataset import read_pictures
from mobileseg.files.atomic import write_json
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import TrainConfig
from mobileseg.training.fabric import train_on_devices
from mobileseg.training.session import begin, pick_device

WAYS: dict[str, dict[str, Any]] = {
    "fp32": {},
    "bf16": {"precision": "bf16"},
    "channels_last": {"channels_last": True},
    "compile": {"compile": True},
    "2 devices": {"devices": 2},
    "fp16": {"precision": "fp16"},
}
ONLY_ON_A_GPU = ("fp16",)  # a CPU has no fast fp16 arithmetic


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--side", default=128, show_default=True)
@click.option("--epochs", default=30, show_default=True)
@click.option("--batch", default=4, show_default=True, help="2 for each device, at least.")
@click.option("--seeds", default=2, show_default=True)
@click.option("--ways", default=",".join(WAYS), show_default=True)
@click.option("--device", default="auto", show_default=True)
def main(
    data: Path,
    output: Path,
    side: int,
    epochs: int,
    batch: int,
    seeds: int,
    ways: str,
    device: str,
) -> None:
    """Train every way with every seed and write the JSON."""
    where = pick_device(device)
    spec = PreprocessSpec(side)
    pictures = read_pictures(data, ("EX",), spec, "half", where)
    chosen = [w for w in ways.split(",") if where.type == "cuda" or w not in ONLY_ON_A_GPU]
    scores: dict[str, list[float]] = {way: [] for way in chosen}
    seconds: dict[str, list[float]] = {way: [] for way in chosen}
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(seeds):
            for way in chosen:  # seed by seed: a busy machine slows every way alike
                choices = TrainConfig(
                    epochs=epochs, batch=batch, lr=3e-3, schedule="cosine", seed=seed, **WAYS[way]
                )
                new = {"variant": "xs", "task": "EX", "preprocess": spec, "choices": choices}
                folder = Path(scratch) / f"{way}-{seed}"
                begun = time.perf_counter()
                if choices.devices > 1:
                    state = train_on_devices(
                        folder, data, new=new, device=where, devices=choices.devices
                    )
                else:
                    state = begin(folder, data, device=where, pictures=pictures, **new).run()
                seconds[way].append(time.perf_counter() - begun)
                scores[way].append(state.best_score)
                print(way, seed, f"{state.best_score:.4f}", f"{seconds[way][-1]:.0f} s", flush=True)
    gpu = torch.cuda.get_device_name(where) if where.type == "cuda" else None
    head = record() | {"gpu": gpu, "data": data.name, "variant": "xs", "task": "EX", "side": side}
    rows = [
        {
            "way": way,
            "validation_aupr": [round(v, 4) for v in scores[way]],
            "mean": round(statistics.mean(scores[way]), 4),
            "sd": round(statistics.stdev(scores[way]), 4) if seeds > 1 else None,
        }
        for way in chosen
    ]
    write_json(output, head | {"epochs": epochs, "batch": batch, "seeds": seeds, "rows": rows})


if __name__ == "__main__":
    main()

"""What photometric augmentation is worth: AUPR on test pictures, clean and spoiled by each fault.

    python benchmarks/photometry.py --data IDRiD --without RUN … --with RUN … \\
        -o benchmarks/results/photometry-cpu.json

Runs are trained alike, seed by seed, but for `--photometric`. The test pictures are spoiled before
CLAHE by one fault at a time, at half and at all of its range at strength 1 (both ends of a range
with two), box and disc being the clean picture's. A fault's figure is the mean of its grades.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import click
import numpy as np
import torch

from converters.bench.results import row
from mobileseg.data.augmentation.photometry import FAULTS, apply_grades
from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import Prepared, prepare_all
from mobileseg.evaluation.pr_curve import average_precision
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.files.atomic import write_json
from mobileseg.preprocess.reference import Preprocessed, clahe_scaled
from mobileseg.runs import Run, open_run
from mobileseg.spec import PreprocessSpec

SHARES = (0.5, 1.0)  # of a fault's range
SEED = 14  # of noise and of where a glare lies


def grades() -> Iterator[tuple[str, float]]:
    """Every fault with every grade that is tried."""
    for name, fault in FAULTS.items():
        for end in (fault.low, fault.high):
            if end != fault.neutral:
                for share in SHARES:
                    yield name, fault.neutral + share * (end - fault.neutral)


def spoiled(picture: Preprocessed, spec: PreprocessSpec, fault: str, grade: float) -> Preprocessed:
    """The picture as it would be with one fault."""
    levels = apply_grades(picture.levels, {fault: grade}, np.random.default_rng(SEED))
    if picture.disc is not None:
        levels = levels * picture.disc[..., None]
    enhanced = clahe_scaled(levels, spec.clahe_clip, spec.clahe_tiles)
    return replace(picture, levels=levels, enhanced=enhanced)


def aupr(run: Run, pictures: Sequence[Preprocessed], masks: Sequence[np.ndarray]) -> float:
    """Of the run's first lesion, pixels pooled over the pictures."""
    found = np.stack([reference_probabilities(run, p)[0] for p in pictures])
    truth = np.stack([m[0] for m in masks])
    return average_precision(torch.from_numpy(truth), torch.from_numpy(found))


def measured(run: Run, test: Sequence[Prepared]) -> dict[str, Any]:
    """AUPR on clean pictures, and by fault and grade."""
    spec = run.config.preprocess
    masks = [p.masks for p in test]
    clean = aupr(run, [p.picture for p in test], masks)
    click.echo(f"{run.path.name}: clean {clean:.4f}", err=True)
    by_fault: dict[str, dict[str, float]] = {}
    for fault, grade in grades():
        pictures = [spoiled(p.picture, spec, fault, grade) for p in test]
        by_fault.setdefault(fault, {})[f"{grade:g}"] = aupr(run, pictures, masks)
    for fault, found in by_fault.items():
        click.echo(f"  {fault}: {fmean(found.values()):.4f}", err=True)
    return {"run": run.path.name, "clean": clean, "spoiled": by_fault}


def summary(arm: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over runs."""
    clean = [one["clean"] for one in arm]
    faults = {
        fault: fmean(fmean(one["spoiled"][fault].values()) for one in arm) for fault in FAULTS
    }
    return {
        "runs": len(arm),
        "clean_mean": fmean(clean),
        "clean_sd": stdev(clean) if len(clean) > 1 else None,
        "by_fault": faults,
        "spoiled_mean": fmean(faults.values()),
    }


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--without", multiple=True, type=click.Path(path_type=Path), required=True)
@click.option("--with", "with_", multiple=True, type=click.Path(path_type=Path), required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(data: Path, without: Sequence[Path], with_: Sequence[Path], output: Path) -> None:
    """Score every run under every fault and write the row."""
    arms = {
        name: [open_run(path) for path in paths]
        for name, paths in (("without", without), ("with", with_))
    }
    config = arms["without"][0].config
    samples = read_idrid(data).split("test", config.lesions)
    test = prepare_all(
        data, samples, config.lesions, config.preprocess, config.training["mask_rule"]
    )
    found = {name: [measured(run, test) for run in runs] for name, runs in arms.items()}
    sums = {name: summary(arm) for name, arm in found.items()}
    gain = {
        fault: sums["with"]["by_fault"][fault] - sums["without"]["by_fault"][fault]
        for fault in FAULTS
    }
    result = {
        "variant": config.variant,
        "task": config.task,
        "side": config.preprocess.side_px,
        "epochs": config.training["epochs"],
        "protocol": config.training["protocol"],
        "test_pictures": len(test),
        "arms": sums,
        "gain_clean": sums["with"]["clean_mean"] - sums["without"]["clean_mean"],
        "gain_by_fault": gain,
        "gain_spoiled_mean": fmean(gain.values()),
        "runs": found,
    }
    write_json(output, [row(data="IDRiD official") | result])
    click.echo(f"clean {result['gain_clean']:+.4f}, spoiled {result['gain_spoiled_mean']:+.4f}")


if __name__ == "__main__":
    main()

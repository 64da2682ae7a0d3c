"""What each part of a training recipe is worth: the same budget with and without, validation only.

    python benchmarks/recipe_ablation.py benchmarks/recipe_ablation.toml --data IDRiD \\
        -o ablation --results benchmarks/results/recipe-ablation-cpu.json

The test set is not read. A lesion's figure is the exact AUPR over all training pictures, each by
the network that did not learn from it. Stopped at any time, the same command goes on; runs that
are complete stay. `--arm` and `--seed` choose what is trained now; the results tell of all runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import click
import numpy as np
import torch

from converters.bench.results import row
from mobileseg.data.dataset import Pictures, read_pictures
from mobileseg.evaluation.pr_curve import average_precision
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.files.atomic import write_json
from mobileseg.files.untrusted import read_json
from mobileseg.lesions import task_lesions
from mobileseg.runs import open_run
from mobileseg.spec import PreprocessSpec
from mobileseg.training.allocator import keep_large_blocks
from mobileseg.training.config import TrainConfig
from mobileseg.training.recipes import recipe
from mobileseg.training.session import begin, finish, resume
from mobileseg.training.threads import wait_asleep
from mobileseg.training.trainer import Trainer

CPU = torch.device("cpu")
MOST_SEEDS = 100  # looked for among the runs that are there


@dataclass(frozen=True, slots=True)
class Plan:
    """What the TOML says."""

    variant: str
    tasks: list[str]
    side_px: int
    folds: int
    common: dict[str, Any]
    arms: dict[str, dict[str, Any]]

    def choices(self, arm: str, task: str, fold: int, seed: int) -> TrainConfig:
        """One training's; an arm goes before what is common, and a recipe before neither."""
        given = self.common | self.arms[arm]
        begun = recipe(given.pop("recipe", "paper"))
        division = {"validation_share": 1 / self.folds, "fold": fold, "seed": seed}
        return TrainConfig.for_task(task, **begun | given | division)


def complete(run: Path) -> bool:
    return "finished" in record(run)


def trained(run: Path, plan: Plan, choices: TrainConfig, task: str, pictures: Pictures) -> None:
    """Train one run, or the rest of it."""
    if complete(run):
        return
    if (run / "config.json").is_file():
        trainer = resume(run, pictures.data, device=CPU, pictures=pictures)
    else:
        trainer = begin(
            run,
            pictures.data,
            device=CPU,
            pictures=pictures,
            variant=plan.variant,
            task=task,
            preprocess=pictures.preprocess,
            choices=choices,
        )
    trainer.run(lambda row: told(run, trainer, row))
    finish(run, trainer)


def told(run: Path, trainer: Trainer, row: dict[str, float]) -> None:
    scores = ", ".join(f"{k[-2:]} {v:.3f}" for k, v in row.items() if "aupr" in k and v == v)
    if scores:
        click.echo(
            f"{run.name}: {row['epoch']:.0f} of {trainer.choices.epochs}, {scores}", err=True
        )


def held_out(runs: Sequence[Path], task: str, pictures: Pictures) -> dict[str, float]:
    """Lesion -> AUPR over the pictures that each fold's run was validated on."""
    prepared = {one.name: one for one in pictures.train}
    found, truth = [], []
    for run in map(open_run, runs):
        for name in run.config.pictures["validation"]:
            found.append(reference_probabilities(run, prepared[name].picture))
            truth.append(prepared[name].masks)
    truths, founds = np.stack(truth), np.stack(found)
    return {
        code: average_precision(torch.from_numpy(truths[:, c]), torch.from_numpy(founds[:, c]))
        for c, code in enumerate(task_lesions(task))
    }


def scored(
    folder: Path, plan: Plan, arm: str, seed: int, pictures: dict[str, Pictures]
) -> dict[str, Any] | None:
    """An arm's figures with one seed; None while a fold of a task is not complete."""
    folds = {
        task: [folder / name(arm, task, fold, seed) for fold in range(plan.folds)]
        for task in plan.tasks
    }
    if not all(complete(run) for runs in folds.values() for run in runs):
        return None
    scores: dict[str, float] = {}
    for task, runs in folds.items():
        scores |= held_out(runs, task, pictures[task])
    seconds = sum(record(run)["wall_s"] for runs in folds.values() for run in runs)
    return {"seed": seed, "aupr": scores, "minutes": round(seconds / 60, 1)}


def summary(plan: Plan, arm: str, seeds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An arm's row: means over its seeds."""
    totals = [fmean(one["aupr"].values()) for one in seeds]
    return {
        "arm": arm,
        "choices": plan.common | plan.arms[arm],
        "seeds": len(seeds),
        "aupr_mean": {code: fmean(one["aupr"][code] for one in seeds) for code in seeds[0]["aupr"]},
        "mean": fmean(totals),
        "sd": stdev(totals) if len(totals) > 1 else None,
        "minutes": fmean(one["minutes"] for one in seeds),
        "runs": list(seeds),
    }


def record(run: Path) -> dict[str, Any]:
    """Its run.json; empty: there is none."""
    file = run / "run.json"
    return dict(read_json(file)) if file.is_file() else {}


def name(arm: str, task: str, fold: int, seed: int) -> str:
    return f"{arm}-{task.replace(',', '')}-fold{fold}-{seed}"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--results", "written", type=click.Path(path_type=Path), required=True)
@click.option("--arm", "arms", multiple=True, help="Train these now. [default: all]")
@click.option("--seed", "seeds", multiple=True, type=int, default=(0,), show_default=True)
def main(
    file: Path,
    data: Path,
    output: Path,
    written: Path,
    arms: Sequence[str],
    seeds: Sequence[int],
) -> None:
    """Train what is missing, and write a row an arm."""
    wait_asleep()
    keep_large_blocks()
    plan = Plan(**tomllib.loads(file.read_text("utf-8")))
    spec = PreprocessSpec(plan.side_px)
    pictures = {
        task: read_pictures(data, task_lesions(task), spec, "half", CPU) for task in plan.tasks
    }
    output.mkdir(parents=True, exist_ok=True)
    # What earlier calls completed is scored once; each arm is written as soon as it is there.
    found = {
        (arm, seed): one
        for arm, seed in product(plan.arms, range(MOST_SEEDS))
        if (one := scored(output, plan, arm, seed, pictures))
    }
    for seed, arm in product(seeds, arms or plan.arms):
        for task, fold in product(plan.tasks, range(plan.folds)):
            run = output / name(arm, task, fold, seed)
            trained(run, plan, plan.choices(arm, task, fold, seed), task, pictures[task])
        if (arm, seed) not in found and (one := scored(output, plan, arm, seed, pictures)):
            found[arm, seed] = one
        by_arm = {
            each: [found[key] for key in sorted(found) if key[0] == each] for each in plan.arms
        }
        rows = [summary(plan, each, of_arm) for each, of_arm in by_arm.items() if of_arm]
        write_json(written, [row(data="IDRiD official, training part") | one for one in rows])


if __name__ == "__main__":
    main()

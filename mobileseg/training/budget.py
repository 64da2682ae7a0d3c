"""From minutes to epochs: what a training costs on this machine, measured before it begins.

A few steps and a part of a validation are run on a trainer of their own, which is thrown away;
what they took says how many epochs fit. The number then stands in the run's config.json, and a
run that is gone on with keeps it, however busy the machine is then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import torch

from mobileseg.data.prepared import Prepared
from mobileseg.run_config import RunConfig
from mobileseg.training.checkpoint import TrainState
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.steps import steps_per_epoch
from mobileseg.training.trainer import Trainer
from mobileseg.training.validation import answers, error_map, scores, thresholds

UNTIMED = 2  # first steps, which set memory and kernels up
TIMED = 6  # steps that are looked at
TRIAL_TRAIN, TRIAL_VALIDATION = 8, 2  # pictures that a measurement looks at
# Kept back for what is not measured: writing states, the last validation where it is an extra one.
RESERVE = 0.04
FEWEST_EPOCHS = 10  # a schedule and a curve need some; where fewer fit, epochs are made shorter


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds that parts of a training take."""

    step_s: float  # a step, its pictures included
    validation_s: float  # a validation, statistics taken anew included

    def to_json(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}

    def epoch_s(self, steps: float, validate_every: int) -> float:
        """An epoch of so many steps with its share of a validation."""
        return steps * self.step_s + self.validation_s / validate_every


def budgeted(
    folder: Path,
    config: RunConfig,
    choices: TrainConfig,
    train: Sequence[Prepared],
    validation: Sequence[Prepared],
    device: torch.device,
    **lean: Any,
) -> tuple[RunConfig, dict[str, float]]:
    """The run with the epochs that fit into its minutes here, and what was measured.

    Args:
        folder: the run's, named where something goes wrong.
        lean: the teacher and the weights to begin with, as a trainer takes them.
    """
    some = PictureSet.of(train[:TRIAL_TRAIN], device)
    others = PictureSet.of(validation[:TRIAL_VALIDATION], device)
    trial = Trainer(folder, config, choices, some, others, TrainState(), **lean)
    found = costs(trial, len(train), len(validation))
    per_epoch = steps_per_epoch(choices, len(train), trial.train.side_px)
    fitted = within_minutes(choices, found, per_epoch)
    return replace(config, training=fitted.to_json()), found.to_json()


def costs(trial: Trainer, train: int, validation: int) -> Costs:
    """Measure a training.

    Args:
        trial: a fresh trainer of a part of the pictures; it is of no use afterwards.
        train, validation: how many pictures there are of each.
    """
    steps = cycle(trial.steps(0))
    for _ in range(UNTIMED):
        trial.step(0, next(steps))
    step_s = _seconds(lambda: [float(trial.step(0, next(steps))) for _ in range(TIMED)]) / TIMED
    # Once for the memory, once for the clock; each part as often as there are pictures.
    ready_s, scored_s = ([_seconds(do) for _ in range(2)][1] for do in (
        lambda: _make_ready(trial), lambda: _score(trial)
    ))  # fmt: skip
    validation_s = ready_s * train / len(trial.train)
    validation_s += scored_s * validation / len(trial.validation)
    return Costs(step_s, validation_s)


def _make_ready(trial: Trainer) -> None:
    """What looks at every training picture before a validation."""
    network = trial.ready()
    if trial.choices.piece_hard_share:
        error_map(network, trial.train, trial.feed.normalised)


def _score(trial: Trainer) -> None:
    """What looks at every validation picture."""
    found = answers(trial.network, trial.validation, trial.loss, trial.feed.normalised)
    truth, lesions = trial.validation.masks.to(trial.device) > 0, trial.config.lesions
    scores(lesions, truth, found.probability)
    thresholds(lesions, truth, found.probability)


def _seconds(do: Callable[[], object]) -> float:
    begun = time.monotonic()
    do()
    return time.monotonic() - begun


def within_minutes(choices: TrainConfig, found: Costs, per_epoch: int) -> TrainConfig:
    """The choices with as many epochs as fit into their minutes; at least one.

    Args:
        per_epoch: steps that an epoch has by these choices.

    Raises:
        BadInput: the epochs are fewer than those that are to be settled.
    """
    left_s = 60 * choices.minutes * (1 - RESERVE)
    epochs = math.floor(left_s / found.epoch_s(per_epoch, choices.validate_every))
    if epochs >= FEWEST_EPOCHS:
        return replace(choices, epochs=epochs)
    # Shorter epochs, each validated as often as before; never shorter than a step.
    looks_s = math.ceil(FEWEST_EPOCHS / choices.validate_every) * found.validation_s
    steps = max(1.0, (left_s - looks_s) / FEWEST_EPOCHS / found.step_s)
    share = min(1.0, choices.epoch_share * steps / per_epoch)
    return replace(choices, epochs=FEWEST_EPOCHS, epoch_share=share)

"""The learning rate of every step: the paper's plateaus or a cosine, and the first steps' rise.

PyTorch's schedules are asked once an epoch. Where a training has only a few dozen of them, a
cosine by the epoch is a staircase; "cosine-step" is lowered every step instead. It has no state:
its rate follows from the number of the step.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from mobileseg.training.config import TrainConfig


class Schedule:
    """Sets an optimiser's learning rate.

    Args:
        optimiser: of one parameter group.
        per_epoch: steps an epoch.
    """

    def __init__(
        self, optimiser: torch.optim.Optimizer, choices: TrainConfig, per_epoch: int
    ) -> None:
        self.optimiser = optimiser
        self.per_epoch, self.total = per_epoch, choices.epochs * per_epoch
        self.rising = math.ceil(choices.warmup * self.total)  # steps
        self.by_step = choices.schedule == "cosine-step"
        self.by_epoch = _by_epoch(optimiser, choices)
        self.base: float = self.group["lr"]  # before the factor of a step

    @property
    def group(self) -> dict[str, Any]:
        """Asked for each time: an optimiser that loads a state has another one then."""
        return self.optimiser.param_groups[0]

    def factor(self, step: int) -> float:
        """What the rate of a step, from 0 on over all epochs, is multiplied by."""
        rise = min(1.0, (step + 1) / self.rising) if self.rising else 1.0
        if not self.by_step:
            return rise
        return rise * 0.5 * (1 + math.cos(math.pi * step / self.total))

    def begin_step(self, epoch: int, step: int) -> None:
        """Set the rate for a step of an epoch, both from 0."""
        self.group["lr"] = self.base * self.factor(epoch * self.per_epoch + step)

    @property
    def lr(self) -> float:
        """The last step's rate."""
        return float(self.group["lr"])

    def end_epoch(self, watched: float) -> None:
        """Look at an epoch's loss, if the schedule does."""
        self.group["lr"] = self.base
        if isinstance(self.by_epoch, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.by_epoch.step(watched)
        elif self.by_epoch is not None:
            self.by_epoch.step()
        self.base = self.group["lr"]

    def state_dict(self) -> dict[str, Any]:
        return self.by_epoch.state_dict() if self.by_epoch is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; the optimiser has loaded its own."""
        if self.by_epoch is not None:
            self.by_epoch.load_state_dict(state)
        self.base = self.group["lr"]


def _by_epoch(optimiser: torch.optim.Optimizer, choices: TrainConfig) -> Any:
    if choices.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=choices.epochs)
    if choices.schedule == "plateau":
        return torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimiser, factor=choices.plateau_factor, patience=choices.plateau_patience
        )
    return None

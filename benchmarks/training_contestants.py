"""What takes turns in a benchmark of training: runs of ours, or anything that has epochs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from gpu_idle import busy_s, idle_share
from published_loop import LESION

from mobileseg.data.dataset import Pictures
from mobileseg.training.config import TrainConfig
from mobileseg.training.multi_run import epoch_in_turns, fastest_form, stacked_epoch
from mobileseg.training.session import begin
from mobileseg.training.trainer import Trainer

EPOCH = {"stacked": stacked_epoch, "turns": epoch_in_turns}


@dataclass(slots=True)
class Contestant:
    """Something that goes through pictures, and how long each round took."""

    images: int  # a round
    train: Callable[[], Any]
    end: Callable[[Any], object] = lambda trained: None
    training: list[float] = field(default_factory=list)  # seconds
    whole: list[float] = field(default_factory=list)

    def round(self, device: torch.device, *, counted: bool) -> None:
        begun = time.perf_counter()
        trained = self.train()
        wait(device)
        between = time.perf_counter()
        self.end(trained)
        wait(device)
        if counted:
            self.training.append(between - begun)
            self.whole.append(time.perf_counter() - begun)

    def per_s(self, seconds: Sequence[float]) -> float:
        return self.images / statistics.median(seconds)


def wait(device: torch.device) -> None:
    """Until the GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def trainers(
    place: Path,
    pictures: Pictures,
    variant: str,
    choices: Mapping[str, Any],
    runs: int,
) -> list[Trainer]:
    """Runs that differ in their seeds, set up as `train` sets them up."""
    return [
        begin(
            place / str(seed),
            pictures.data,
            variant=variant,
            task=LESION,
            preprocess=pictures.preprocess,
            choices=TrainConfig(seed=seed, **choices),
            device=pictures.device,
            pictures=pictures,
        )
        for seed in range(runs)
    ]


def contestant(group: Sequence[Trainer], epochs: int) -> Contestant:
    """Runs as `train` and `study` take them: one alone, or several in the device's fastest form.

    An epoch's end comes after its last round of steps: validation, the best weights, the files.
    """
    epoch = EPOCH["turns" if len(group) == 1 else fastest_form(group[0].device)]

    def train() -> list[float]:
        losses: Any = [epoch(group) for _ in range(epochs)][-1]
        return losses

    def end(losses: Sequence[float]) -> None:
        for _ in range(epochs):
            for trainer, loss in zip(group, losses, strict=True):
                trainer.end_epoch(loss, time.monotonic())

    return Contestant(epochs * len(group) * len(group[0].train), train, end)


def spread(seconds: Sequence[float]) -> float:
    """(slowest - fastest) / median."""
    return round((max(seconds) - min(seconds)) / statistics.median(seconds), 3)


def idle(one: Contestant, device: torch.device) -> float | None:
    """The GPU's idle share while it trains."""
    return idle_share(busy_s(one.train, device), statistics.median(one.training))

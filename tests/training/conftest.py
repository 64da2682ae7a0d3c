"""A training small enough to run in a second: xs at 64 px on four made-up pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mobileseg.runs import RunConfig
from mobileseg.spec import Normalisation, PreprocessSpec
from mobileseg.training.checkpoint import restore
from mobileseg.training.config import TrainConfig
from mobileseg.training.loop import PictureSet, Trainer

SIDE = 64
Begin = Callable[..., Trainer]


def bright_squares(names: list[str]) -> PictureSet:
    """Grey noise, and in each picture one bright square that is the lesion."""
    drawn = torch.Generator().manual_seed(5)
    pictures = 60 + 40 * torch.rand(len(names), 3, SIDE, SIDE, generator=drawn)
    masks = torch.zeros(len(names), 1, SIDE, SIDE)
    for i in range(len(names)):
        top, left = (int(n) for n in torch.randint(8, 40, (2,), generator=drawn))
        masks[i, :, top : top + 14, left : left + 14] = 1
    return PictureSet(names, pictures + 120 * masks, masks)


@pytest.fixture
def tiny() -> Begin:
    """Call it with a folder and choices; a second call with the same folder goes on there."""

    def begin(folder: Path, pictures: int = 3, **given: Any) -> Trainer:
        choices = TrainConfig(**{"epochs": 3, "batch": 2, "lr": 2e-3} | given)
        train = bright_squares([f"t{i}" for i in range(pictures)])
        validation = bright_squares(["v0"])
        config = RunConfig(
            variant="xs",
            task="EX",
            preprocess=PreprocessSpec(side_px=SIDE),
            normalisation=Normalisation((0.3, 0.3, 0.3), (0.1, 0.1, 0.1)),
            thresholds={},
            training=choices.to_json(),
            pictures={"train": train.names, "validation": validation.names},
        )
        return Trainer(folder, config, choices, train, validation, restore(folder, config))

    return begin


@pytest.fixture
def same() -> Callable[[dict[str, Tensor], dict[str, Tensor]], bool]:
    """Whether two state dicts are equal to the bit."""

    def compare(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
        return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)

    return compare

"""A training small enough to run in a second: xs at 64 px on four made-up pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mobileseg.run_config import RunConfig
from mobileseg.spec import Normalisation, PreprocessSpec
from mobileseg.training.checkpoint import restore
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.trainer import Trainer

SIDE = 64
Begin = Callable[..., Trainer]


def bright_squares(names: list[str], side: int = SIDE) -> PictureSet:
    """Grey noise, and in each picture one bright square that is the lesion."""
    drawn = torch.Generator().manual_seed(5)
    levels = (60 + 40 * torch.rand(len(names), 3, side, side, generator=drawn)).to(torch.uint8)
    masks = torch.zeros(len(names), 1, side, side, dtype=torch.uint8)
    for i in range(len(names)):
        top, left = (int(n) for n in torch.randint(8, 40, (2,), generator=drawn))
        masks[i, :, top : top + 14, left : left + 14] = 1
    levels += 120 * masks
    unchanged = levels.amax(dim=1, keepdim=True)  # as if CLAHE had done nothing
    return PictureSet(names, levels, unchanged, masks, torch.device("cpu"))


@pytest.fixture
def tiny() -> Begin:
    """Call it with a folder and choices; a second call with the same folder goes on there.

    `teacher` and `start` are what a trainer takes under these names; `variant` and `side` are the
    network's.
    """

    def begin(folder: Path, pictures: int = 3, side: int = SIDE, **given: Any) -> Trainer:
        lean = {name: given.pop(name, None) for name in ("teacher", "start")}
        variant = given.pop("variant", "xs")
        choices = TrainConfig(**{"epochs": 3, "batch": 2, "lr": 2e-3} | given)
        train = bright_squares([f"t{i}" for i in range(pictures)], side)
        validation = bright_squares(["v0"], side)
        config = RunConfig(
            variant=variant,
            task="EX",
            preprocess=PreprocessSpec(side_px=side),
            normalisation=Normalisation((0.3, 0.3, 0.3), (0.1, 0.1, 0.1)),
            thresholds={},
            training=choices.to_json(),
            pictures={"train": train.names, "validation": validation.names},
        )
        state = restore(folder, config)
        return Trainer(folder, config, choices, train, validation, state, **lean)

    return begin


@pytest.fixture
def stopped(tiny: Begin) -> Callable[..., None]:
    """Call it as `tiny`, with the epoch after which somebody presses Ctrl-C."""

    def train(folder: Path, after: int, **given: Any) -> None:
        def stop(row: dict[str, float]) -> None:
            if row["epoch"] == after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            tiny(folder, **given).run(stop)

    return train


@pytest.fixture
def same() -> Callable[[dict[str, Tensor], dict[str, Tensor]], bool]:
    """Whether two state dicts are equal to the bit."""

    def compare(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
        return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)

    return compare

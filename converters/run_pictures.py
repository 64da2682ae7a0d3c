"""The pictures of a run, told apart by what they may be used for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from converters.bundle.goldens import planes
from mobileseg.data.idrid import Collection, Sample, read_idrid
from mobileseg.data.prepared import Prepared, prepare_all
from mobileseg.errors import BadInput
from mobileseg.runs import Run


@dataclass(frozen=True)
class Pictures:
    """A data folder as one run knows it; a part is read when it is asked for."""

    run: Run
    data: Path
    collection: Collection
    tick: Callable[[], None]

    @cached_property
    def train(self) -> list[Prepared]:
        """What the ranges are taken from."""
        return self._named("train")

    @cached_property
    def validation(self) -> list[Prepared]:
        """What layers are chosen on."""
        return self._named("validation")

    @cached_property
    def test(self) -> list[Prepared]:
        """What the choice is stated on; empty where the folder has no test set."""
        if not self.collection.samples.get("test"):
            return []
        return self._prepare(self.collection.split("test", self.run.config.lesions))

    def samples(self, part: str) -> list[Sample]:
        """A part's files, unread: "train" or "validation".

        Raises:
            BadInput: the folder lacks one of them.
        """
        names = set(self.run.config.pictures[part])
        samples = self.collection.split("train", self.run.config.lesions)
        found = [sample for sample in samples if sample.name in names]
        if len(found) != len(names):
            raise BadInput(
                f"{self.data}: found {len(found)} of the {len(names)} {part} pictures of "
                f"{self.run.path}; expected the folder that it was trained on"
            )
        return found

    def _named(self, part: str) -> list[Prepared]:
        return self._prepare(self.samples(part))

    def _prepare(self, samples: Sequence[Any]) -> list[Prepared]:
        config = self.run.config
        rule = config.training["mask_rule"]
        return prepare_all(self.data, samples, config.lesions, config.preprocess, rule, self.tick)


def read_pictures(run: Run, data: Path, tick: Callable[[], None] = lambda: None) -> Pictures:
    """Open a data folder for a run, without reading a picture.

    Raises:
        BadInput: the folder is not laid out as IDRiD's.
    """
    return Pictures(run, data, read_idrid(data), tick)


def tensor(prepared: Prepared) -> torch.Tensor:
    """(1, 3, side, side) float32 in 0..255, after CLAHE: what a network is given."""
    return torch.from_numpy(planes(prepared.picture.enhanced)).unsqueeze(0)

"""A data folder's pictures as networks take them: read once, shared by all runs of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from mobileseg.data.idrid import Collection, Sample, fingerprint, read_idrid
from mobileseg.data.prepared import Prepared, prepare_all
from mobileseg.spec import PreprocessSpec

Tick = Callable[[], None]


@dataclass(frozen=True)
class Pictures:
    """The training set, of which every run keeps a part for validation; the test set on request."""

    data: Path
    collection: Collection
    lesions: tuple[str, ...]
    preprocess: PreprocessSpec
    mask_rule: str
    device: torch.device  # what preprocesses
    tick: Tick

    @cached_property
    def samples(self) -> list[Sample]:
        """The training set's files."""
        return self.collection.split("train", self.lesions)

    @cached_property
    def train(self) -> list[Prepared]:
        return self._prepare(self.samples)

    @cached_property
    def test(self) -> list[Prepared]:
        """Only the paper's protocol asks for it."""
        return self._prepare(self.collection.split("test", self.lesions))

    def _prepare(self, samples: list[Sample]) -> list[Prepared]:
        return prepare_all(
            self.data,
            samples,
            self.lesions,
            self.preprocess,
            self.mask_rule,
            self.tick,
            self.device,
        )

    @cached_property
    def fingerprint(self) -> str:
        """One sum over names and contents of all training pictures and masks."""
        return fingerprint((sample.name, sample) for sample in self.samples)


def read_pictures(
    data: Path,
    lesions: tuple[str, ...],
    preprocess: PreprocessSpec,
    mask_rule: str,
    device: torch.device,
    tick: Tick = lambda: None,
) -> Pictures:
    """A folder's pictures, the training set read and preprocessed.

    Args:
        device: preprocesses, if it is a GPU.
        tick: called after each picture.

    Raises:
        BadInput: the data cannot be used (every bad file named).
    """
    pictures = Pictures(data, read_idrid(data), lesions, preprocess, mask_rule, device, tick)
    assert pictures.train  # read now, before anything is begun
    return pictures

"""What the steps of a training are shown, on the device: moved, spoiled, normalised."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mobileseg.data.augmentation.geometry import augment, matrices
from mobileseg.run_config import RunConfig
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.distillation import Teacher, blend
from mobileseg.training.spoiled import SpoiledPictures
from mobileseg.training.steps import Sampler, Step

Targets = tuple[Tensor | None, *tuple[Tensor, ...]]  # masks, then a teacher's maps

TOGETHER = 4  # pictures, at least, whose statistics are taken together


class Feed:
    """Turns steps into batches.

    Args:
        train: the training pictures.
        config: whose normalisation and preprocessing they have.
        sampler: what draws the steps.
        network: that is fed; its precision is theirs.
        teacher: what is learned from beside the masks.
    """

    def __init__(
        self,
        train: PictureSet,
        config: RunConfig,
        choices: TrainConfig,
        sampler: Sampler,
        network: nn.Module,
        teacher: Teacher | None,
    ) -> None:
        self.train, self.choices, self.sampler = train, choices, sampler
        self.network, self.teacher = network, teacher
        self.spoiled = (
            SpoiledPictures(train, choices, config.preprocess) if choices.photometric else None
        )
        normal = config.normalisation
        self.mean, self.sd = (
            255 * torch.tensor(levels, device=train.device).reshape(1, 3, 1, 1)
            for levels in (normal.mean, normal.sd)
        )

    def steps(self, epoch: int, errors: Tensor | None = None) -> list[Step]:
        """What each step of an epoch, from 0, sees; the epoch is begun.

        Args:
            errors: see `mobileseg.training.steps.Sampler`.
        """
        steps = self.sampler.steps(epoch, errors)
        if self.spoiled:
            self.spoiled.begin(epoch, steps)
        return steps

    def batch(self, epoch: int, step: Step) -> tuple[Tensor, *Targets]:
        """Pictures (n, 3, s, s), moved and normalised, and their `targets`, on the device.

        Blends have no masks: None in their place.
        """
        seed, share = self.choices.seed, self.choices.distil_blend
        pictures, masks = self.moved(step)
        if self.teacher and share and blend(pictures, seed, epoch, step.key, share):
            return self.normalised(pictures), None, *self.teacher(pictures)
        return self.normalised(pictures), *self.targets(pictures, masks)

    def moved(self, step: Step) -> tuple[Tensor, Tensor]:
        """A step's pictures (n, 3, s, s), 0..255, and masks (n, C, s, s), on the device."""
        if self.spoiled:
            return self.spoiled.moved(step)
        return self.train.moved(step.pictures, step.maps, step.size_px)

    def targets(self, pictures: Tensor, masks: Tensor) -> tuple[Tensor, *tuple[Tensor, ...]]:
        """Masks (n, C, s, s) and, with a teacher, its maps of the same pictures.

        Args:
            pictures: moved, not normalised: the teacher has a mean and SD of its own.
        """
        return (masks, *self.teacher(pictures)) if self.teacher else (masks,)

    def normalised(self, pictures: Tensor) -> Tensor:
        """(n, 3, s, s) 0..255 -> what the network takes."""
        dtype = next(self.network.parameters()).dtype
        return ((pictures - self.mean) / self.sd).to(dtype)

    def every_picture(self, epoch: int | None) -> Iterator[Tensor]:
        """The training pictures, normalised, some at a time: moved as in an epoch, or as they are.

        Never a lone one: its deepest maps may be too small to have a spread.
        """
        groups = max(1, len(self.train) // TOGETHER)
        for some in torch.tensor_split(torch.arange(len(self.train)), groups):
            pictures, masks = self.train.batch(some)
            if epoch is not None:
                moves = matrices(self.choices.seed, epoch, some.tolist(), self.choices.augment)
                pictures, _ = augment(pictures, masks, moves)
            yield self.normalised(pictures)

"""What each step of an epoch sees: which training pictures, and how they are moved.

Every number comes from (seed, epoch) and the picture's or the step's place, so the order of
loading changes nothing, and a run that is gone on with draws what it would have drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from mobileseg.data.augmentation.geometry import matrices
from mobileseg.data.config import AugmentRanges
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.piece_sampler import PieceSampler


@dataclass(frozen=True, slots=True)
class Step:
    """One step's pictures or pieces."""

    pictures: Sequence[int]  # places in the training set, one for each sample
    maps: Tensor  # (n, 2, 3), how each is moved: see `mobileseg.data.augmentation.geometry`
    size_px: int  # side of what the network is shown
    key: int  # the step's own number within the epoch, for whatever else it draws
    weight: float  # whole pictures' worth of pixels

    def part(self, samples: Sequence[int]) -> Step:
        """Some of its samples."""
        kept = list(samples)
        share = self.weight * len(kept) / len(self.pictures)
        pictures = [self.pictures[i] for i in kept]
        return Step(pictures, self.maps[kept], self.size_px, self.key, share)


class Sampler(Protocol):
    """Makes an epoch's steps."""

    per_epoch: int  # steps, the same in every epoch

    def steps(self, epoch: int, errors: Tensor | None) -> list[Step]:
        """An epoch's steps.

        Args:
            epoch: from 0.
            errors: where the network was wrong, see `mobileseg.training.validation`; None: not
                known yet.
        """
        ...


def sampler(choices: TrainConfig, train: PictureSet) -> Sampler:
    """What draws a training's steps: whole pictures, or pieces where they are smaller."""
    whole = WholePictures(choices, len(train), train.side_px)
    return Pieces(choices, train, whole) if is_of_pieces(choices, train.side_px) else whole


def steps_per_epoch(choices: TrainConfig, pictures: int, side_px: int) -> int:
    """How many steps an epoch of so many pictures of that side has."""
    batch, shown = choices.batch, choices.epoch_share * pictures
    if not is_of_pieces(choices, side_px):
        return -(-max(1, round(shown)) // batch)
    pixels = (1 - choices.whole_share) * batch * piece_share(choices, side_px)
    pixels += choices.whole_share * whole_batch(choices, side_px)
    return max(1, round(shown / pixels))


def is_of_pieces(choices: TrainConfig, side_px: int) -> bool:
    """Whether a training sees pieces; one as large as the picture is the picture."""
    return 0 < choices.pieces < side_px


def piece_share(choices: TrainConfig, side_px: int) -> float:
    """A piece's share of a picture's pixels."""
    return (choices.pieces / side_px) ** 2


def whole_batch(choices: TrainConfig, side_px: int) -> int:
    """Whole pictures of a step among those of pieces: as many pixels, and at least one picture."""
    return max(1, round(choices.batch * piece_share(choices, side_px)))


def whole_step(
    seed: int, epoch: int, chosen: Sequence[int], ranges: AugmentRanges, side_px: int
) -> Step:
    """Whole pictures, each moved by (seed, epoch, picture)."""
    maps = matrices(seed, epoch, chosen, ranges)
    return Step(chosen, maps, side_px, chosen[0], float(len(chosen)))


class WholePictures:
    """Every training picture once an epoch, or a share of them, in the epoch's own order.

    Args:
        pictures: how many there are.
        side_px: their side.
    """

    def __init__(self, choices: TrainConfig, pictures: int, side_px: int) -> None:
        self.choices, self.pictures, self.side_px = choices, pictures, side_px
        self.shown = max(1, round(choices.epoch_share * pictures))  # an epoch
        self.per_epoch = steps_per_epoch(choices, pictures, side_px)

    def steps(self, epoch: int, errors: Tensor | None = None) -> list[Step]:
        order = self.order(epoch)[: self.shown]
        starts = range(0, len(order), self.choices.batch)
        return [self.step(epoch, order[at : at + self.choices.batch]) for at in starts]

    def order(self, epoch: int) -> list[int]:
        drawn = np.random.default_rng([self.choices.seed, epoch]).permutation(self.pictures)
        return [int(i) for i in drawn]

    def step(self, epoch: int, chosen: Sequence[int]) -> Step:
        """One step of these pictures."""
        return whole_step(self.choices.seed, epoch, chosen, self.choices.augment, self.side_px)


class Pieces:
    """Pieces, and here and there a step of whole pictures.

    An epoch has as many pixels as one of whole pictures, and so has a step: one of whole pictures
    has fewer of them. So epochs and steps cost about the same whatever they are made of, and
    budgets compare.

    Args:
        train: the training pictures.
        whole: the sampler of whole ones.
    """

    def __init__(self, choices: TrainConfig, train: PictureSet, whole: WholePictures) -> None:
        self.choices, self.whole = choices, whole
        self.pieces = PieceSampler(choices, train.masks)
        self.share = piece_share(choices, train.side_px)
        self.whole_batch = whole_batch(choices, train.side_px)
        self.per_epoch = steps_per_epoch(choices, len(train), train.side_px)
        # Spread evenly, and alike in all runs and epochs: runs in a stack have steps of one size.
        wanted = round(choices.whole_share * self.per_epoch)
        self.is_whole = [
            (i + 1) * wanted // self.per_epoch > i * wanted // self.per_epoch
            for i in range(self.per_epoch)
        ]

    def steps(self, epoch: int, errors: Tensor | None) -> list[Step]:
        batch, order = self.choices.batch, self.whole.order(epoch)
        drawn = self.pieces.draw(epoch, self.is_whole.count(False) * batch, errors)
        made, pieces_taken, wholes_taken = [], 0, 0
        for key, is_whole in enumerate(self.is_whole):
            if is_whole:
                places = range(wholes_taken, wholes_taken + self.whole_batch)
                made.append(self.whole.step(epoch, [order[i % len(order)] for i in places]))
                wholes_taken += self.whole_batch
            else:
                some = slice(pieces_taken, pieces_taken + batch)
                pictures, maps = drawn.pictures[some], drawn.maps[some]
                # Above every picture's place: a whole step goes by that of its first.
                own = len(order) + key
                made.append(Step(pictures, maps, self.choices.pieces, own, batch * self.share))
                pieces_taken += batch
        return made

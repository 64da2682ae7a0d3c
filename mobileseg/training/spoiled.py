"""The training pictures of an epoch as other cameras would have taken them.

A camera's faults come before CLAHE and before anything is moved, so they are those of a whole
picture: each is spoiled once an epoch, and all of the epoch's pieces of it are cut from that. A
thread of its own is a step or more ahead of the network. Every number comes from (seed, epoch,
picture), so who was ahead of whom changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from mobileseg.data.augmentation.photometry import spoil
from mobileseg.preprocess.reference import equalised_value
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.steps import Step

STREAM = 3  # of random numbers: [seed, epoch, 1 + picture, STREAM]; others have other numbers there


class SpoiledPictures:
    """Gives steps their pictures, spoiled; their masks are the clean ones'.

    Args:
        clean: the training pictures.
        preprocess: how their CLAHE was made.
    """

    def __init__(self, clean: PictureSet, choices: TrainConfig, preprocess: PreprocessSpec) -> None:
        self.clean, self.choices, self.preprocess = clean, choices, preprocess
        # On a CPU the network needs the cores.
        workers = 1 if clean.device.type == "cpu" else os.cpu_count() or 1
        self.pool = ThreadPoolExecutor(workers, "spoil")
        self.made: dict[int, Future[tuple[Tensor, Tensor]]] = {}

    def begin(self, epoch: int, steps: Sequence[Step]) -> None:
        """Start on an epoch, from 0, in the order in which its steps want the pictures."""
        for forgotten in self.made.values():
            forgotten.cancel()
        wanted = dict.fromkeys(i for step in steps for i in step.pictures)
        self.made = {i: self.pool.submit(self._picture, epoch, i) for i in wanted}

    def moved(self, step: Step) -> tuple[Tensor, Tensor]:
        """As `PictureSet.moved`, of a step of the epoch that was begun."""
        places = list(step.pictures)
        levels, brightness = zip(*(self.made[i].result() for i in places), strict=True)
        masks, device = self.clean.masks[places], self.clean.device
        names = [self.clean.names[i] for i in places]
        spoiled = PictureSet(names, torch.stack(levels), torch.stack(brightness), masks, device)
        return spoiled.moved(range(len(places)), step.maps, step.size_px)

    def _picture(self, epoch: int, picture: int) -> tuple[Tensor, Tensor]:
        """(3, S, S) levels and (1, S, S) brightness after CLAHE, uint8, beside the clean ones."""
        clean = self.clean.levels[picture], self.clean.brightness[picture]
        rng = np.random.default_rng([self.choices.seed, epoch, 1 + picture, STREAM])
        levels = np.ascontiguousarray(clean[0].cpu().numpy().transpose(1, 2, 0))
        spoiled = spoil(levels, rng, self.choices.photometric)
        if spoiled is levels:
            return clean
        if self.clean.discs is not None:  # as in the graph: what a fault left outside becomes black
            spoiled = spoiled * self.clean.discs[picture, 0].cpu().numpy()[..., None]
        bright = equalised_value(spoiled, self.preprocess.clahe_clip, self.preprocess.clahe_tiles)
        own = spoiled.transpose(2, 0, 1), bright[None]
        levels_of, bright_of = (torch.from_numpy(np.ascontiguousarray(a)) for a in own)
        home = clean[0].device
        return levels_of.to(home), bright_of.to(home)

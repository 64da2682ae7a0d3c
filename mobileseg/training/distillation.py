"""Learning from a teacher's probabilities beside the masks.

The teacher answers to the very picture that the student is shown, moved and all: a probability
is worth more than a mask where the two differ, at a lesion's edge and where nobody is sure.

Source: Hinton et al. 2015, arXiv:1503.02531, at temperature 1: an ensemble's mean is soft already,
and what its members are unsure of is what a phone's threshold is sought in. The same moved picture
for both: Beyer et al. 2022, arXiv:2106.05237.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import cast

import numpy as np
import torch
from torch import Tensor

from mobileseg.models.ensemble import Ensemble
from mobileseg.models.weights import fold_batch_norm
from mobileseg.runs import Run
from mobileseg.training.losses import DeepSupervision, semimetric_dice_loss, soft_cross_entropy


class Teacher:
    """A run or an ensemble that answers in evaluation mode and never learns.

    Args:
        run: plain or an ensemble; each of its networks normalises by its own mean and SD.
        device: where the student is trained.
        layout: torch.channels_last where the student's maps are.
    """

    def __init__(self, run: Run, device: torch.device, layout: torch.memory_format) -> None:
        self.layout = layout
        self.network = fold_batch_norm(run.ensemble).eval().requires_grad_(False)
        self.network.to(device, memory_format=layout)  # type: ignore[call-overload]

    @torch.no_grad()
    def __call__(self, enhanced: Tensor) -> tuple[Tensor, ...]:
        """What it thinks, at every depth.

        Args:
            enhanced: (N, 3, S, S) float32 after CLAHE, 0..255, not normalised.

        Returns:
            Probabilities: the answer (N, C, S, S), then its sides, each at its own size.
        """
        maps = cast(Ensemble, self.network).supervised(
            enhanced.contiguous(memory_format=self.layout)
        )
        return tuple(m.contiguous() for m in maps)


@dataclass(frozen=True, slots=True)
class Distillation:
    """(1 - weight) · the paper's loss on masks + weight · a loss against a teacher.

    "cross-entropy" is least at the teacher's probability, and leaves all its doubt in the student.
    "masks" takes the paper's loss, as if the probabilities were masks; its Dice and focal terms
    pull the student towards the nearer of 0 and 1. Both bring the teacher's answer to a side's
    size as the masks do. "semimetric" weighs cross-entropy and a Dice that is least at the
    teacher's probability as the paper weighs its two, and each side learns from the teacher's own.
    """

    paper: DeepSupervision
    weight: float
    loss: str = "cross-entropy"

    def __call__(self, maps: Sequence[Tensor], target: Tensor | None, *teacher: Tensor) -> Tensor:
        """One number.

        Args:
            maps: logits, each (N, C, h, w) at its own resolution, the fused one first.
            target: (N, C, H, W), 0 or 1; None for pictures that nobody has drawn masks for, of
                which the teacher alone is learned from.
            teacher: its answer (N, C, H, W), 0..1, and as many of its sides as it has.
        """
        soft = self.of_teacher(maps, teacher)
        if target is None:
            return soft
        return (1 - self.weight) * self.paper(maps, target) + self.weight * soft

    def of_teacher(self, maps: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
        """The part that compares with the teacher."""
        if self.loss == "masks":
            return self.paper(maps, teacher[0])
        if self.loss == "semimetric":
            sides = zip_longest(maps, teacher[: len(maps)])
            return torch.stack([self._side(*side, teacher[0]) for side in sides]).sum()
        pairs = [self.paper.fitted(logits, teacher[0]) for logits in maps]
        return torch.stack([soft_cross_entropy(*pair).mean() for pair in pairs]).sum()

    def _side(self, logits: Tensor, own: Tensor | None, answer: Tensor) -> Tensor:
        """One side against the teacher's own, or against its answer where it has none like it."""
        if own is None or own.shape != logits.shape:
            logits, own = self.paper.fitted(logits, answer)
        p = self.paper
        dice = semimetric_dice_loss(logits, own, smooth=p.smooth, pool_batch=p.pool_batch)
        return (p.alpha * soft_cross_entropy(logits, own) + (1 - p.alpha) * dice).mean()


def blend(pictures: Tensor, seed: int, epoch: int, key: int, share: float) -> bool:
    """In a share of the steps, turn a step's pictures into blends of two each, in place.

    Members agree on the pictures that they were trained on; what they know of retinas shows where
    they are asked something new.

    Args:
        pictures: (N, 3, S, S) after CLAHE and moved.
        seed, epoch, key: what the draw is made from: the run's, and the step's own number.
        share: 0..1, of the steps.

    Returns:
        Whether it did; masks then say nothing any more.

    Source: Beyer et al. 2022, arXiv:2106.05237, section 3 (function matching by mixup).
    """
    # A fourth number: the first three are the stream that moves the picture.
    drawn = np.random.default_rng([seed, epoch, 1 + key, 1])
    if len(pictures) < 2 or drawn.random() >= share:
        return False
    weight = float(drawn.random())
    pictures.copy_(weight * pictures + (1 - weight) * pictures.flip(0))
    return True

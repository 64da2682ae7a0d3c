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

import torch
from torch import Tensor

from mobileseg.models.weights import fold_batch_norm
from mobileseg.runs import Run
from mobileseg.training.losses import DeepSupervision, soft_cross_entropy


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
    def __call__(self, enhanced: Tensor) -> Tensor:
        """(N, 3, S, S) float32 after CLAHE, 0..255, not normalised -> (N, C, S, S), 0..1."""
        answer: Tensor = self.network(enhanced.contiguous(memory_format=self.layout))
        return answer.contiguous()


@dataclass(frozen=True, slots=True)
class Distillation:
    """(1 - weight) · the paper's loss on masks + weight · a loss against a teacher.

    Every map is compared: the teacher's probabilities come to a side's size as the masks do.

    "cross-entropy" is least at the teacher's probability, and leaves all its doubt in the student.
    "masks" takes the paper's loss, as if the probabilities were masks; its Dice and focal terms
    pull the student towards the nearer of 0 and 1.
    """

    paper: DeepSupervision
    weight: float
    loss: str = "cross-entropy"

    def __call__(self, maps: Sequence[Tensor], target: Tensor, teacher: Tensor) -> Tensor:
        """One number.

        Args:
            maps: logits, each (N, C, h, w) at its own resolution, the fused one first.
            target: (N, C, H, W), 0 or 1.
            teacher: (N, C, H, W), 0..1.
        """
        hard, soft = self.paper(maps, target), self.of_teacher(maps, teacher)
        return (1 - self.weight) * hard + self.weight * soft

    def of_teacher(self, maps: Sequence[Tensor], teacher: Tensor) -> Tensor:
        """The part that compares with the teacher."""
        if self.loss == "masks":
            return self.paper(maps, teacher)
        pairs = [self.paper.fitted(logits, teacher) for logits in maps]
        return torch.stack([soft_cross_entropy(*pair).mean() for pair in pairs]).sum()

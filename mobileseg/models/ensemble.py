"""Several trained networks as one: from the picture after CLAHE to probabilities.

Networks of one task are averaged (an ensemble), those of different tasks laid side by side (a
combination). Each keeps the mean and SD it was trained with. A single network is the case of one
and gives what it gives alone, to the bit.

What converters need shows in the code: a mean is a sum and a division, because an operation that
takes means is how a batch norm left in training mode shows in a saved program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import takewhile
from operator import add
from typing import Any, cast

import torch
from torch import Tensor, nn

from mobileseg.lesions import by_task
from mobileseg.spec import Normalisation


class Normalise(nn.Module):
    """0..255 after CLAHE -> what a run's network was trained on."""

    mean: Tensor
    sd: Tensor

    def __init__(self, normalisation: Normalisation) -> None:
        super().__init__()
        for name, values in (("mean", normalisation.mean), ("sd", normalisation.sd)):
            # Rounded once, as the reference does: an ulp here grew to 2e-5 in a probability.
            levels = (255 * torch.tensor(values, dtype=torch.float64)).to(torch.float32)
            self.register_buffer(name, levels.reshape(1, 3, 1, 1), persistent=False)

    def forward(self, enhanced: Tensor) -> Tensor:
        """(N, 3, S, S) -> (N, 3, S, S)."""
        return (enhanced - self.mean) / self.sd


class MemberNetwork(nn.Module):
    """A network with the normalisation it was trained with.

    Args:
        network: logits first in the list it returns.
        normalisation: its own.
        task: the lesions it segments, a name of `TASKS`.
    """

    def __init__(self, network: nn.Module, normalisation: Normalisation, task: str) -> None:
        super().__init__()
        self.task = task
        self.normalise = Normalise(normalisation)
        self.network = network  # converters know the part that may be lowered by this name

    def forward(self, enhanced: Tensor) -> Tensor:
        """(N, 3, S, S) float32, 0..255 -> (N, C, S, S) probabilities."""
        return torch.sigmoid(self.network(self.normalise(enhanced))[0])

    def supervised(self, enhanced: Tensor) -> list[Tensor]:
        """The same, and the probabilities of every side at its own size."""
        network: Any = self.network
        return [torch.sigmoid(logits) for logits in network.supervised(self.normalise(enhanced))]


class Ensemble(nn.Module):
    """Members that answer one after the other, averaged by task, tasks side by side.

    Args:
        members: in any order; tasks equal or without a common lesion.

    Shape: (N, 3, S, S) float32 RGB after CLAHE, 0..255 -> (N, C, S, S) probabilities, lesions in
        the order of `LESIONS`.

    Raises:
        BadInput: two tasks overlap and differ.
    """

    def __init__(self, members: Sequence[MemberNetwork]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.tasks = by_task([member.task for member in members])

    def forward(self, enhanced: Tensor) -> Tensor:
        return self._together([member(enhanced) for member in self.members])

    def supervised(self, enhanced: Tensor) -> list[Tensor]:
        """The answer, then the sides, as deep as all members have them alike: what a student may
        learn at its own sides."""
        members = cast(Iterable[MemberNetwork], self.members)
        depths = zip(*(member.supervised(enhanced) for member in members), strict=False)
        alike = takewhile(lambda maps: len({m.shape[2:] for m in maps}) == 1, depths)
        return [self._together(maps) for maps in alike]

    def _together(self, answers: Sequence[Tensor]) -> Tensor:
        """Members' maps of one size: averaged by task, tasks side by side."""
        maps = [mean([answers[i] for i in places]) for places in self.tasks.values()]
        return maps[0] if len(maps) == 1 else torch.cat(maps, dim=1)


def mean(answers: Sequence[Tensor]) -> Tensor:
    """Of probabilities, not of logits; one answer stays as it is."""
    return answers[0] if len(answers) == 1 else reduce(add, answers) / len(answers)

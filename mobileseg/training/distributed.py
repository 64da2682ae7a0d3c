"""The processes that share one training: usually one. What they must do together, and no more.

`Alone` is the plain case; `mobileseg.training.fabric` has the one of several processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from mobileseg.models.build import Network

Supervised = Callable[[Tensor], list[Tensor]]  # normalised pictures -> logits to supervise


class Team(Protocol):
    """What a trainer asks of those it shares its steps with."""

    leads: bool  # whether this process validates, writes and reports

    def prepare(
        self, network: Network, optimiser: torch.optim.Optimizer
    ) -> tuple[Supervised, torch.optim.Optimizer]:
        """What computes the maps to supervise, and what takes the step."""
        ...

    def share(self, chosen: Sequence[int]) -> Sequence[int]:
        """This process's pictures of a batch; never none."""
        ...

    def backward(self, loss: Tensor) -> None:
        """Gradients of the mean loss of all."""
        ...

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes, for everybody."""
        ...

    def lead(self, value: float) -> float:
        """The leader's value, for everybody."""
        ...


class Alone:
    """One process."""

    leads = True

    def prepare(
        self, network: Network, optimiser: torch.optim.Optimizer
    ) -> tuple[Supervised, torch.optim.Optimizer]:
        return network.supervised, optimiser

    def share(self, chosen: Sequence[int]) -> Sequence[int]:
        return chosen

    def backward(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]

    def mean(self, values: Tensor) -> Tensor:
        return values

    def lead(self, value: float) -> float:
        return value

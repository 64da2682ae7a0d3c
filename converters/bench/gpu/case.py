"""A network of Table 2 with what its forms are held against, made when the first form asks."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from converters.bench.gpu.context import Bench
from converters.bench.gpu.precisions import arithmetic
from converters.bench.gpu.sample_networks import subject
from mobileseg.models.ensemble import Ensemble


@dataclass
class Case:
    """One or several networks of a variant.

    Made late and inside a step: what fails here is a row's reason, and a run that is out of time
    makes nothing.
    """

    bench: Bench
    variant: str
    members: int

    @cached_property
    def ensemble(self) -> Ensemble:
        return subject(self.variant, self.members, self.bench.pictures)

    @cached_property
    @torch.no_grad()
    def expected(self) -> Tensor:
        """(N, 1, S, S) probabilities of the bench's pictures: float32 eager, TF32 off."""
        with arithmetic("fp32", search=False):
            return torch.cat([self.ensemble(picture[None]) for picture in self.bench.pictures])

    @cached_property
    @torch.no_grad()
    def exact(self) -> Tensor:
        """The same in float64, rounded nowhere that would show."""
        exact = copy.deepcopy(self.ensemble).double()
        return torch.cat([exact(picture[None].double()) for picture in self.bench.pictures])

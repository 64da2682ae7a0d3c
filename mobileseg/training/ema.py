"""Averaged weights: what is validated and kept is the mean of the last steps' weights.

A step of a few pieces is noisy, and the learning rate that a short training needs makes the
weights swing; their mean does not. Its batch norms have no statistics of their own: the weights
in between never saw a picture. They are taken anew (`precise_bn`), or the trained network's.

Source: Polyak & Juditsky 1992; as an exponential average with a warm-up: TensorFlow's
ExponentialMovingAverage, decay min(d, (1 + t) / (10 + t)).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mobileseg.models.build import Network


class Ema:
    """The exponential moving average of a network's parameters.

    Args:
        network: that is trained; at the start the average is what it is.
        decay: share of the average that a step leaves, once many have been taken.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay, self.steps = decay, 0

    def next_decay(self) -> float:
        """For one more step: a young average is mostly its newest weights."""
        self.steps += 1
        return min(self.decay, (1 + self.steps) / (10 + self.steps))

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Take in the weights after a step."""
        share = 1 - self.next_decay()
        for mean, now in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, share)

    @torch.no_grad()
    def take_statistics(self, network: Network) -> None:
        """Take over another network's batch norms' averages."""
        for own, other in zip(self.network.buffers(), network.buffers(), strict=True):
            own.copy_(other)

    def state_dict(self) -> dict[str, Any]:
        """What the average needs to go on."""
        return {"steps": self.steps, "weights": parameters(self.network)}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What `state_dict` gave."""
        for name, parameter in self.network.named_parameters():
            parameter.copy_(state["weights"][name])
        self.steps = state["steps"]


def parameters(network: Network) -> dict[str, Tensor]:
    """A copy of a network's parameters by name, on the CPU."""
    return {name: p.detach().cpu().clone() for name, p in network.named_parameters()}

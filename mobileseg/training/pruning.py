"""Convolution weights set to 0 for good, the smallest of the whole network first.

The share grows over the first half of the epochs, fast at first, while there is much to choose
from; in the second half the rest learns to do without. Which weights are out is read off the
weights themselves, so a state on disk needs nothing more.

Source: Zhu & Gupta 2017, arXiv:1710.01878, eq. 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Pruner:
    """Holds a network's smallest convolution weights at 0.

    Args:
        network: that is trained; its biases and batch norms stay whole.
        share: 0..1, of all convolution weights, reached in the end.
        epochs: of the whole training.
    """

    def __init__(self, network: nn.Module, share: float, epochs: int) -> None:
        kinds = nn.Conv2d | nn.ConvTranspose2d
        self.weights = [m.weight for m in network.modules() if isinstance(m, kinds)]
        self.share = share
        self.full_from = max(1, epochs // 2)  # the first epoch with the whole share, from 1
        self.kept: list[Tensor] = []

    def share_in(self, epoch: int) -> float:
        """The share in an epoch, from 0."""
        done = min(1.0, (epoch + 1) / self.full_from)
        return self.share * (1 - (1 - done) ** 3)

    @torch.no_grad()
    def begin(self, epoch: int) -> None:
        """Choose an epoch's zeros; those there are stay, for nothing is smaller."""
        sizes = torch.cat([w.abs().flatten() for w in self.weights])
        count = round(self.share_in(epoch) * len(sizes))
        limit = sizes.kthvalue(count).values if count else sizes.new_tensor(-1.0)
        self.kept = [w.abs() > limit for w in self.weights]
        self.hold()

    @torch.no_grad()
    def hold(self) -> None:
        """Undo what a step gave to weights that are out."""
        for weight, kept in zip(self.weights, self.kept, strict=True):
            weight.mul_(kept)


def zero_share(tensors: Mapping[str, Tensor]) -> float:
    """Share of a network's convolution weights, by name, that are exactly 0."""
    weights = [tensor for tensor in tensors.values() if tensor.ndim == 4]
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    return zeros / sum(weight.numel() for weight in weights)

"""Platt scaling as operations that every target has: the last step of the graph that ships."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mobileseg.platt import EPSILON, Calibration


class PlattScaling(nn.Module):
    """p <- sigmoid(a · logit(p) + b), each channel by constants of its own, in float32.

    Args:
        constants: in channel order.

    Shape: (N, C, S, S), 0..1 -> (N, C, S, S).

    Source: see `mobileseg.platt`, which has the same in NumPy.
    """

    a: Tensor
    b: Tensor

    def __init__(self, constants: Sequence[Calibration]) -> None:
        super().__init__()
        for name in ("a", "b"):
            values = torch.tensor([getattr(one, name) for one in constants], dtype=torch.float32)
            self.register_buffer(name, values.reshape(1, -1, 1, 1), persistent=False)

    def forward(self, probabilities: Tensor) -> Tensor:
        inside = torch.clamp(probabilities, EPSILON, 1 - EPSILON)
        return torch.sigmoid(self.a * torch.log(inside / (1 - inside)) + self.b)

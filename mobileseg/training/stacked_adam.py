"""Adam for several runs at once: one tensor holds every run's parameters, a row a run.

PyTorch's own takes one learning rate for a tensor and launches its kernels once per layer; here
each run has its own rate, and a step is six kernels for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class StackedAdam:
    """The state of several `torch.optim.Adam`, taken over from them and handed back.

    Args:
        optimisers: of networks of the same shape, one parameter group each.

    Source: torch.optim.Adam's operations in its own order (L2 inside the gradient).
    """

    def __init__(self, optimisers: Sequence[torch.optim.Optimizer]) -> None:
        groups = [o.param_groups[0] for o in optimisers]
        first = groups[0]["params"][0]
        self.parameters = _rows([[p.detach() for p in g["params"]] for g in groups])  # runs P
        moments = [[_moments(o, p) for p in o.param_groups[0]["params"]] for o in optimisers]
        self.mean = _rows([[m["exp_avg"] for m in run] for run in moments])
        self.square = _rows([[m["exp_avg_sq"] for m in run] for run in moments])
        self.steps = [int(run[0]["step"]) for run in moments]
        self.groups = groups

        def column(values: Sequence[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float64, device=first.device).reshape(-1, 1)

        self._column = column

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        """One step of every run.

        Args:
            gradient: (runs, P).
        """
        first, second = self.groups[0]["betas"]
        self.steps = [n + 1 for n in self.steps]
        dtype = self.parameters.dtype
        size = self._column(
            [g["lr"] / (1 - first**n) for g, n in zip(self.groups, self.steps, strict=True)]
        ).to(dtype)
        root = self._column([(1 - second**n) ** 0.5 for n in self.steps]).to(dtype)
        decay = self._column([g["weight_decay"] for g in self.groups]).to(dtype)
        gradient = gradient + decay * self.parameters
        self.mean.lerp_(gradient, 1 - first)
        self.square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = (self.square.sqrt() / root).add_(self.groups[0]["eps"])
        self.parameters.sub_(size * self.mean / scale)

    def hand_back(self, run: int, optimiser: torch.optim.Optimizer) -> None:
        """Write a run's moments into its own optimiser, as if it had stepped itself."""
        at = 0
        for parameter in optimiser.param_groups[0]["params"]:
            piece = slice(at, at + parameter.numel())
            state = _moments(optimiser, parameter)
            state["step"].fill_(self.steps[run])
            state["exp_avg"].copy_(self.mean[run, piece].reshape(parameter.shape))
            state["exp_avg_sq"].copy_(self.square[run, piece].reshape(parameter.shape))
            at += parameter.numel()


def _rows(tensors: Sequence[Sequence[Tensor]]) -> Tensor:
    return torch.stack([torch.cat([t.reshape(-1) for t in run]) for run in tensors])


def _moments(optimiser: torch.optim.Optimizer, parameter: Tensor) -> dict[str, Any]:
    """A parameter's state, made as PyTorch makes it at the first step."""
    state: dict[str, Any] = optimiser.state[parameter]
    if not state:
        state["step"] = torch.tensor(0.0)
        state["exp_avg"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        state["exp_avg_sq"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
    return state

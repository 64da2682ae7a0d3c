"""What a network must read and write, whatever computes it: the bandwidth's side of a floor."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn

from mobileseg.models.build import build


def traffic(variant: str, batch: int, side_px: int, element_bytes: int) -> int:
    """Bytes of weights once, and of every convolution's input and output once.

    A lower bound for code that runs a kernel per convolution and fuses all else into them. It is
    none for code that fuses across convolutions, or where maps stay in the card's cache.
    """
    weights, maps = _elements(variant, side_px)
    return element_bytes * (weights + batch * maps)


@cache
def _elements(variant: str, side_px: int) -> tuple[int, int]:
    """Numbers in all convolutions' weights, and in their inputs and outputs for one picture."""
    weights = maps = 0

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        nonlocal maps
        maps += inputs[0].numel() + out.numel()

    with torch.device("meta"), torch.no_grad():
        network = build(variant).eval()
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                module.register_forward_hook(count)
                weights += sum(p.numel() for p in module.parameters())
        network(torch.empty(1, 3, side_px, side_px))
    return weights, maps

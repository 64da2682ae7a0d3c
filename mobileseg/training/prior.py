"""Outputs that begin at the lesions' share of the pixels, and a fused one that is their mean.

A fresh network says "a half" everywhere. Of 512 px pictures of IDRiD a thousandth is
microaneurysm, so its first hundreds of steps go into saying no; with the right bias they go into
lesions.

Source: Lin et al. 2017, arXiv:1708.02002, section 4.1, bias -log((1 - p) / p).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mobileseg.models.build import Network
from mobileseg.models.u2net import U2Net
from mobileseg.training.losses import shrink

AT_ONCE = 8  # masks in float32


def prior_logits(masks: Tensor, size_px: int, how: str) -> Tensor:
    """Each lesion's logit of its share of a map's pixels.

    Args:
        masks: (N, C, S, S) uint8, 0 or 1.
        size_px: of the map that masks of that side are shrunk to for it.
        how: "area" or "max", as for the loss: a cell with a single lesion pixel is lesion by max,
            so the same masks are a larger share of a coarser map.

    Returns:
        (C,) float64, finite.
    """
    parts = [
        shrink(some.to(torch.float32), (size_px, size_px), how).double().sum(dim=(0, 2, 3))
        for some in torch.split(masks, AT_ONCE)
    ]
    share = torch.stack(parts).sum(0) / (len(masks) * size_px**2)
    # One mask pixel at least, and one that is none: a lesion that fills every cell is no certainty.
    least = 1 / (len(masks) * masks.shape[-1] ** 2)
    share = share.clamp(least, 1 - least)
    return torch.log(share / (1 - share)).cpu()


@torch.no_grad()
def begin_at_prior(network: Network, masks: Tensor, supervision: str, target_scaling: str) -> None:
    """Set the biases of a fresh network's outputs, and have it fuse its sides by their mean.

    A fresh network fuses by weights of either sign, lesions mixed. In a short training that does
    not mend itself: after 172 steps of 256 px pieces, sides of U²-Net-XS had up to seven times
    the AUPR of chance for MA, and the fused map, with a weight below 0 for five of the six, half
    of it. The mean of a lesion's sides is no worse than they are from the first step on, and a
    bias brings it to its own prior.

    Args:
        masks: of the training pictures.
        supervision, target_scaling: how the sides' targets are made, as the loss has it.
    """
    side_px = masks.shape[-1]
    whole = prior_logits(masks, side_px, target_scaling)
    if not isinstance(network, U2Net):
        _set(network.outconv, whole)
        return
    priors = []
    for depth, side in enumerate(network.side):
        # Each depth's map is half as large, rounded up; enlarged sides see the whole target.
        size = side_px if supervision == "enlarge" else -(-side_px // 2**depth)
        priors.append(prior_logits(masks, size, target_scaling))
        _set(side, priors[-1])
    classes, sides = len(whole), len(priors)
    mean = torch.eye(classes).repeat(1, sides) / sides  # C, sides · C: a lesion's own of each side
    network.outconv.weight.copy_(mean[:, :, None, None])
    _set(network.outconv, whole - torch.stack(priors).mean(dim=0))


def _set(layer: nn.Module, bias: Tensor) -> None:
    assert isinstance(layer, nn.Conv2d) and layer.bias is not None
    layer.bias.copy_(bias)

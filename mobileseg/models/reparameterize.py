"""A trained network with the same answer for less work: what only training needs is gone.

Three rewrites, none of which changes a weight's meaning:

* Batch norm becomes part of the convolution before it.
* The six maps of logits are enlarged, joined and mixed by a 1×1 convolution. Enlarging is linear
  and its weights add up to 1, so the mixing moves into the side convolutions, where maps are
  small: six convolutions whose enlarged answers are added, and one bias.
* A side convolution makes one channel out of many. Kernels compute 8 or 16 output channels at once
  and throw the rest away; `TAPS` mixes channels first, by a 1×1 convolution with an output for each
  of the nine taps, and shifts and adds those, which wastes nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import cast

import torch
from torch import Tensor, nn

from mobileseg.models.ensemble import Ensemble, MemberNetwork
from mobileseg.models.u2net import U2Net
from mobileseg.models.weights import fold_batch_norm


class Taps(nn.Module):
    """A 3×3 convolution, padding 1, as channels first and neighbours second.

    Args:
        weight: (C_out, C_in, 3, 3).
        bias: (C_out,).

    Shape: (N, C_in, H, W) -> (N, C_out, H, W).
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        channels_out, channels_in, *taps = weight.shape
        each = taps[0] * taps[1]
        maps = channels_out * each
        by_tap = weight.permute(0, 2, 3, 1).reshape(maps, channels_in, 1, 1)
        self.mix = _conv(by_tap, None)
        # Padding with zeros before or after the mixing is the same: it has no bias.
        one_hot = torch.eye(each, dtype=weight.dtype).reshape(each, 1, *taps)
        self.shift = _conv(one_hot.repeat(channels_out, 1, 1, 1), None, groups=maps)
        own = torch.eye(channels_out, dtype=weight.dtype).repeat_interleave(each, dim=1)
        self.add = _conv(own[..., None, None], bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.add(self.shift(self.mix(x)))
        return out


def _conv(weight: Tensor, bias: Tensor | None, groups: int = 1) -> nn.Conv2d:
    """A convolution of these weights that keeps height and width."""
    channels_out, each, height, width = weight.shape
    conv = nn.Conv2d(
        each * groups,
        channels_out,
        (height, width),
        padding=(height // 2, width // 2),
        groups=groups,
        bias=bias is not None,
        dtype=weight.dtype,
    )
    conv.weight.data = weight.detach().clone(memory_format=torch.contiguous_format)
    if bias is not None and conv.bias is not None:
        conv.bias.data = bias.detach().clone()
    return conv


Side = Callable[[Tensor, Tensor | None], nn.Module]

# Where the six maps are read: name -> how each depth's convolution is done, fine to coarse; the
# last stands for all that are coarser. DIRECT suits kernels that do one output channel well.
DIRECT, TAPS = "direct", "taps"
SIDES: dict[str, tuple[Side, ...]] = {
    DIRECT: (_conv,),
    # Coarser maps have a sixteenth of the pixels and less: two more operations cost more there.
    TAPS: (Taps, Taps, _conv),
}


class LeanU2Net(U2Net):
    """A U²-Net that gives the fused map alone.

    Args:
        network: trained, batch norm folded.
        sides: a row of `SIDES`.

    Shape: (N, 3, H, W) normalised -> [(N, C, H, W)] logits.
    """

    def __init__(self, network: U2Net, sides: str) -> None:
        nn.Module.__init__(self)
        self.encoder, self.decoder = network.encoder, network.decoder
        self.shrink, self.enlarge = network.shrink, network.enlarge
        self.members = network.members
        weights, bias = _mixed(network)
        forms = SIDES[sides]
        self.side = nn.ModuleList(
            forms[min(depth, len(forms) - 1)](weight, None if depth else bias)
            for depth, weight in enumerate(weights)
        )

    def fuse(self, sides: list[Tensor]) -> list[Tensor]:
        """What `sides` gave, mixed already, as one map (N, C, H, W)."""
        fused, *coarser = sides
        for side in coarser:
            fused = fused + self.enlarge(side, fused)
        return [fused]

    def supervised(self, x: Tensor) -> list[Tensor]:
        """The one map: its sides are no answers of their own any more."""
        return self(x)  # type: ignore[no-any-return]


def _mixed(network: U2Net) -> tuple[list[Tensor], Tensor]:
    """The side convolutions' weights with the last 1×1 convolution in them, and its whole bias.

    Products in float64: rounded once, as the weights were.
    """
    sides = [cast(nn.Conv2d, side) for side in network.side]
    last = network.outconv.weight[:, :, 0, 0].double()  # (C, depths · C)
    mixes = last.chunk(len(sides), dim=1)
    dtype = network.outconv.weight.dtype
    weights = [
        torch.einsum("om,mihw->oihw", mix, side.weight.double()).to(dtype)
        for mix, side in zip(mixes, sides, strict=True)
    ]
    bias = cast(Tensor, network.outconv.bias).double()
    for mix, side in zip(mixes, sides, strict=True):
        bias = bias + mix @ cast(Tensor, side.bias).double()
    return weights, bias.to(dtype)


@torch.no_grad()
def lean(network: nn.Module, sides: str = DIRECT) -> nn.Module:
    """A copy for inference: the same logits within float32's rounding, fewer operations.

    Args:
        network: trained; a U-Net has no sides, so that only its batch norm is folded.
        sides: a row of `SIDES`: the form that is fast where it will run.

    Returns:
        (N, 3, H, W) normalised -> a list whose only map is the answer, (N, C, H, W) logits.
    """
    folded = fold_batch_norm(network)
    return LeanU2Net(folded, sides).eval() if isinstance(folded, U2Net) else folded


def lean_members(ensemble: Ensemble, sides: str = DIRECT) -> Ensemble:
    """A copy of an ensemble whose every network is `lean`."""
    copied = copy.deepcopy(ensemble).eval()
    for member in cast(Iterable[MemberNetwork], copied.members):
        member.network = lean(member.network, sides)
    return copied

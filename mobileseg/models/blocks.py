"""The parts that the networks are made of: a unit, its separable twin, and one RSU for all sizes.

Nothing here branches on a tensor's size, so a block traces, scripts to a phone and exports with
the same graph it trains with.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvBnRelu(nn.Module):
    """3×3 convolution with bias, batch norm, ReLU; keeps height and width."""

    def __init__(self, channels_in: int, channels_out: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=dilation, dilation=dilation)
        self.bn: nn.Module = nn.BatchNorm2d(channels_out)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn(self.conv(x)))
        return out


class SeparableBnRelu(nn.Module):
    """The same with the convolution in two: depthwise 3×3, then pointwise 1×1, both with bias.

    Nothing stands between the two: the parameter counts of the paper's `*` rows leave no room
    for a batch norm there, and its MAC counts confirm it.
    """

    def __init__(self, channels_in: int, channels_out: int, dilation: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels_in, channels_in, 3, padding=dilation, dilation=dilation, groups=channels_in
        )
        self.conv = nn.Conv2d(channels_in, channels_out, 1)
        self.bn: nn.Module = nn.BatchNorm2d(channels_out)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn(self.conv(self.depthwise(x))))
        return out


class Upsample(nn.Module):
    """Enlarge a map to another one's height and width, bilinearly."""

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        # A module, though it holds nothing: cost counting finds it by its type.
        return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class Keep(nn.Module):
    """`Upsample`'s place in a block that never shrank its maps."""

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return x


class Joining(nn.Module):
    """What lays maps side by side, channel after channel.

    `members` is how many networks' channels a map holds, one network's after the other's: each
    network's own parts stay together (see `mobileseg.models.grouped_ensemble`).
    """

    members: int = 1

    def join(self, *maps: Tensor) -> Tensor:
        """(N, members·C₁, H, W), (N, members·C₂, H, W) … -> (N, members·(C₁ + C₂ + …), H, W)."""
        if self.members == 1:
            return torch.cat(maps, dim=1)
        parts = zip(*(apart(x, self.members) for x in maps), strict=True)
        return torch.cat([torch.cat(of_one, dim=1) for of_one in parts], dim=1)


def apart(x: Tensor, members: int) -> list[Tensor]:
    """(N, members·C, H, W) -> `members` maps (N, C, H, W)."""
    # By slices: XNNPACK takes those, and leaves a split to slower kernels outside.
    each = x.shape[1] // members
    return [x[:, i * each : (i + 1) * each] for i in range(members)]


def halve() -> nn.MaxPool2d:
    """Pooling of Qin's code; rounding up is what lets any picture size through."""
    return nn.MaxPool2d(2, stride=2, ceil_mode=True)


class Rsu(Joining):
    """Residual U-block: `first`, and a small U-Net of its output added to it.

    Args:
        channels_in: of the map that comes in.
        middle: channels inside the small U-Net.
        channels_out: of the map that goes out.
        depth: units on the way down; 7, 6, 5 or 4 in the paper (RSU-7 … RSU-4).
        dilated: keep the size and widen by dilation 1, 2, 4, 8 (RSU-4F).
        separable: separable units, except `first`.

    Shape: (N, channels_in, H, W) -> (N, channels_out, H, W), any H and W.

    Source: Qin et al. 2020, doi:10.1016/j.patcog.2020.107404, section 3.1 and Fig. 2.
    """

    def __init__(
        self,
        channels_in: int,
        middle: int,
        channels_out: int,
        depth: int,
        *,
        dilated: bool = False,
        separable: bool = False,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.channels_out = channels_out
        unit = SeparableBnRelu if separable else ConvBnRelu
        # The deepest unit sees twice as far in every block; pooling has done the rest, or dilation.
        down = [2**i if dilated else 1 for i in range(depth - 1)]
        bottom = 2 * down[-1]
        into = [channels_out] + [middle] * (depth - 2)
        outof = [middle] * (depth - 2) + [channels_out]

        self.first = ConvBnRelu(channels_in, channels_out)
        self.down = nn.ModuleList(unit(c, middle, d) for c, d in zip(into, down, strict=True))
        self.bottom = unit(middle, middle, bottom)
        self.up = nn.ModuleList(
            unit(2 * middle, c, d) for c, d in zip(outof, reversed(down), strict=True)
        )
        self.shrink = nn.Identity() if dilated else halve()
        self.enlarge = Keep() if dilated else Upsample()

    def forward(self, x: Tensor) -> Tensor:
        first: Tensor = self.first(x)
        skips = [self.down[0](first)]
        for unit in self.down[1:]:
            skips.append(unit(self.shrink(skips[-1])))
        # The bottom works at its neighbour's size: nothing to shrink, nothing to enlarge.
        deep = self.up[0](self.join(self.bottom(skips[-1]), skips[-1]))
        for unit, skip in zip(self.up[1:], reversed(skips[:-1]), strict=True):
            deep = unit(self.join(self.enlarge(deep, skip), skip))
        out: Tensor = first + deep
        return out

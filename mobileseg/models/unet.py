"""The baseline: a plain U-Net that answers through the same methods as `U2Net`.

Its lists hold one map, so training and conversion need no case of their own for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from mobileseg.models.blocks import ConvBnRelu, Joining


class UNet(Joining):
    """Two 3×3 units a level, pooling down, 2×2 transposed convolutions up.

    Args:
        levels: channels from fine to coarse; 64, 128, 256, 512, 1024 in the paper.
        classes: lesions it segments.

    Shape: (N, 3, H, W) normalised -> [(N, C, H, W)] logits; H and W multiples of
        2^(levels - 1), that is 16: a transposed convolution doubles exactly.

    Source: Ronneberger et al. 2015, doi:10.1007/978-3-319-24574-4_28, Fig. 1, with padding
        and batch norm; the widths and biases that give Table 2's 31.04 M parameters.
    """

    def __init__(self, levels: Sequence[int], classes: int) -> None:
        super().__init__()
        coarse_to_fine = list(pairwise(reversed(levels)))
        self.encoder = nn.ModuleList(_pair(a, b) for a, b in pairwise((3, *levels)))
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2) for coarse, fine in coarse_to_fine
        )
        self.decoder = nn.ModuleList(_pair(2 * fine, fine) for _, fine in coarse_to_fine)
        self.outconv = nn.Conv2d(levels[0], classes, 1)
        self.shrink = nn.MaxPool2d(2)

    def sides(self, x: Tensor) -> list[Tensor]:
        """One map of logits, (N, C, H, W): a U-Net has no others."""
        skips = [self.encoder[0](x)]
        for block in self.encoder[1:]:
            skips.append(block(self.shrink(skips[-1])))
        deep = skips.pop()
        for enlarge, block, skip in zip(self.enlarge, self.decoder, reversed(skips), strict=True):
            deep = block(self.join(skip, enlarge(deep)))
        return [self.outconv(deep)]

    def fuse(self, sides: list[Tensor]) -> list[Tensor]:
        """The same map: there is nothing to join."""
        return sides

    def forward(self, x: Tensor) -> list[Tensor]:
        """One map of logits, (N, C, H, W), in a list."""
        return self.fuse(self.sides(x))

    def supervised(self, x: Tensor) -> list[Tensor]:
        """What training scores: the one map."""
        return self.sides(x)


def _pair(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        ConvBnRelu(channels_in, channels_out), ConvBnRelu(channels_out, channels_out)
    )

"""U²-Net: a U-Net whose every stage is a small U-Net, with a map of logits at every depth.

What it answers comes in two steps, because training and use want different ones of them:
`sides` gives six maps at the size they were made, `fuse` enlarges and joins them.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mobileseg.models.blocks import Joining, Rsu, Upsample, halve


class U2Net(Joining):
    """The nested network.

    Args:
        encoder: blocks from fine to coarse; the last is the bottleneck.
        decoder: blocks from coarse to fine, one fewer; each takes its encoder block's output
            and as many channels from below.
        classes: lesions it segments.

    Shape: (N, 3, H, W), any H and W, normalised -> see `forward`.

    Source: Qin et al. 2020, doi:10.1016/j.patcog.2020.107404, Fig. 5.
    """

    def __init__(self, encoder: Sequence[Rsu], decoder: Sequence[Rsu], classes: int) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(encoder)
        self.decoder = nn.ModuleList(decoder)
        widths = [block.channels_out for block in (*reversed(decoder), encoder[-1])]
        self.side = nn.ModuleList(nn.Conv2d(width, classes, 3, padding=1) for width in widths)
        self.outconv = nn.Conv2d(len(widths) * classes, classes, 1)
        self.shrink = halve()
        self.enlarge = Upsample()

    def sides(self, x: Tensor) -> list[Tensor]:
        """Logits of every depth, fine to coarse: (N, C, H, W), (N, C, H/2, W/2), … H/32."""
        skips = [self.encoder[0](x)]
        for block in self.encoder[1:]:
            skips.append(block(self.shrink(skips[-1])))
        decoded = [skips.pop()]  # the bottleneck's map counts as the coarsest decoded one
        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            decoded.append(block(self.join(self.enlarge(decoded[-1], skip), skip)))
        return [side(x) for side, x in zip(self.side, reversed(decoded), strict=True)]

    def fuse(self, sides: list[Tensor]) -> list[Tensor]:
        """What `sides` gave, as seven maps (N, C, H, W): the fused one, then the enlarged six."""
        finest, *coarser = sides
        full = [finest, *(self.enlarge(side, finest) for side in coarser)]
        return [self.outconv(self.join(*full)), *full]

    def forward(self, x: Tensor) -> list[Tensor]:
        """Seven maps of logits, each (N, C, H, W); the first is the answer."""
        return self.fuse(self.sides(x))

    def supervised(self, x: Tensor) -> list[Tensor]:
        """What training scores: the fused map, then the six sides at their own size.

        The paper shrinks the target to each side's size; it does not enlarge the side.
        """
        sides = self.sides(x)
        return [self.fuse(sides)[0], *sides]

"""From a row of `VARIANTS` to a network."""

from __future__ import annotations

from mobileseg.models.blocks import Rsu
from mobileseg.models.u2net import U2Net
from mobileseg.models.unet import UNet
from mobileseg.models.variants import Stage, U2NetPlan, UNetPlan, variant

Network = U2Net | UNet


def build(variant_name: str, classes: int = 1) -> Network:
    """A network with fresh weights: PyTorch's own initialisation, as in Qin's code.

    Args:
        variant_name: a name of `VARIANTS`.
        classes: lesions it segments, one logit map each.

    Raises:
        UnknownName: there is no such variant.
    """
    match variant(variant_name).plan:
        case U2NetPlan() as plan:
            return _u2net(plan, classes)
        case UNetPlan(levels):
            return UNet(levels, classes)


def _u2net(plan: U2NetPlan, classes: int) -> U2Net:
    given = [stage.out for stage in plan.encoder]

    def block(channels_in: int, stage: Stage) -> Rsu:
        return Rsu(
            channels_in,
            stage.middle,
            stage.out,
            stage.depth,
            dilated=stage.dilated,
            separable=plan.separable,
        )

    encoder = [block(*pair) for pair in zip((3, *given[:-1]), plan.encoder, strict=True)]
    # A decoder block takes its encoder block's output, and the same number from below.
    twice = [2 * width for width in reversed(given[:-1])]
    decoder = [block(*pair) for pair in zip(twice, plan.decoder, strict=True)]
    return U2Net(encoder, decoder, classes)

"""The network family as data. Imports nothing heavy, so `mobileseg variants` answers at once.

The U²-Net rows are Table 1 as printed: an RSU block's input and middle channels for each encoder
stage, and the last decoder stage's output. All else follows, because the decoder mirrors the
encoder; `published_plan` is the one place that knows how.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mobileseg.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Stage:
    """One residual U-block (RSU): a small U-Net that stands where a convolution would."""

    depth: int  # units on the block's way down, its deepest one included
    middle: int  # channels inside the block
    out: int  # channels it hands on
    dilated: bool = False  # widens by dilation, not pooling: for maps that are already small


@dataclass(frozen=True, slots=True)
class U2NetPlan:
    """A U-Net of RSU blocks."""

    encoder: tuple[Stage, ...]  # fine to coarse, the bottleneck last
    decoder: tuple[Stage, ...]  # coarse to fine, one shorter
    separable: bool = False  # depthwise-separable units, except the first of each block


@dataclass(frozen=True, slots=True)
class UNetPlan:
    """A plain U-Net: two convolutions a level."""

    levels: tuple[int, ...]  # channels, fine to coarse


@dataclass(frozen=True, slots=True)
class Variant:
    """One network that can be trained, converted and profiled."""

    name: str  # as typed after --variant
    paper_name: str  # as printed
    plan: U2NetPlan | UNetPlan
    parameters: int  # with one class; a test counts them again
    about: str  # one line for a person
    source: str  # paper, table, row


# Depth of the six encoder blocks; the last two would pool to nothing, so they are dilated.
DEPTHS = ((7, False), (6, False), (5, False), (4, False), (4, True), (4, True))


def published_plan(inputs: tuple[int, ...], middles: tuple[int, ...], output: int) -> U2NetPlan:
    """Read a row of Table 1.

    Args:
        inputs: input channels of e1..e6; the first is the picture's.
        middles: middle channels of e1..e6.
        output: channels of the finest decoder stage.

    Source: Siebert & Rostalski 2022, Table 1, and Qin et al. 2020, Fig. 5.
    """
    encoder_out = (*inputs[1:], inputs[-1])  # a stage feeds the next; e6 hands on what e5 does
    decoder_out = (output, *inputs[1:-1])  # a decoder stage returns what its encoder stage took
    shapes = zip(DEPTHS, middles, encoder_out, strict=True)
    encoder = tuple(Stage(depth, mid, out, dilated) for (depth, dilated), mid, out in shapes)
    mirrored = zip(encoder[:-1], decoder_out, strict=True)
    decoder = tuple(replace(stage, out=out) for stage, out in mirrored)
    return U2NetPlan(encoder, decoder[::-1])


# The rows of Table 1, by their variant here.
TABLE_1 = {
    "o": published_plan((3, 64, 128, 256, 512, 512), (16, 32, 64, 128, 256, 256), 64),
    "m": published_plan((3, 64, 64, 64, 64, 64), (16, 16, 16, 16, 16, 16), 64),
    "s": published_plan((3, 32, 32, 32, 32, 32), (8, 8, 8, 8, 8, 8), 32),
    "xs": published_plan((3, 16, 16, 16, 16, 16), (4, 4, 4, 4, 4, 4), 16),
}
# The paper's `*`: same widths, other convolutions.
SEPARABLE = {name: replace(plan, separable=True) for name, plan in TABLE_1.items()}

# Qin's published network differs from O in one number, the first encoder block's middle width.
# Its decoder counterpart keeps 16: there, and only there, the mirror is not exact.
_FIRST, *_REST = TABLE_1["o"].encoder
QIN = replace(TABLE_1["o"], encoder=(replace(_FIRST, middle=32), *_REST))

PAPER = "Siebert & Rostalski 2022"

VARIANTS: dict[str, Variant] = {
    row.name: row
    for row in (
        Variant(
            "unet",
            "U-Net",
            UNetPlan((64, 128, 256, 512, 1024)),
            31_043_521,
            "The baseline: a plain U-Net of five levels.",
            f"{PAPER}, Table 2, row U-Net (after Ronneberger et al. 2015)",
        ),
        Variant(
            "o",
            "U²-Net-O",
            TABLE_1["o"],
            43_871_053,
            "The widest; for Qin's own weights see qin-o.",
            f"{PAPER}, Table 1, row U²-Net-O",
        ),
        Variant(
            "m",
            "U²-Net-M",
            TABLE_1["m"],
            1_131_181,
            "64 channels throughout: Qin's u2netp.",
            f"{PAPER}, Table 1, row U²-Net-M",
        ),
        Variant(
            "s",
            "U²-Net-S",
            TABLE_1["s"],
            286_237,
            "Half of M's channels.",
            f"{PAPER}, Table 1, row U²-Net-S",
        ),
        Variant(
            "xs",
            "U²-Net-XS",
            TABLE_1["xs"],
            73_285,
            "A quarter of M's channels; ships trained.",
            f"{PAPER}, Table 1, row U²-Net-XS",
        ),
        Variant(
            "o-sep",
            "U²-Net-O*",
            SEPARABLE["o"],
            17_662_157,
            "O, depthwise separable.",
            f"{PAPER}, Table 2, row U²-Net-O*",
        ),
        Variant(
            "m-sep",
            "U²-Net-M*",
            SEPARABLE["m"],
            658_061,
            "M, depthwise separable.",
            f"{PAPER}, Table 2, row U²-Net-M*",
        ),
        Variant(
            "s-sep",
            "U²-Net-S*",
            SEPARABLE["s"],
            175_117,
            "S, depthwise separable.",
            f"{PAPER}, Table 2, row U²-Net-S*",
        ),
        Variant(
            "xs-sep",
            "U²-Net-XS*",
            SEPARABLE["xs"],
            49_085,
            "XS, depthwise separable: the smallest.",
            f"{PAPER}, Table 2, row U²-Net-XS*",
        ),
        Variant(
            "qin-o",
            "U²-Net, Qin et al.",
            QIN,
            44_009_869,
            "Qin's u2net: first block wider than O's.",
            "Qin et al. 2020, doi:10.1016/j.patcog.2020.107404, published class U2NET",
        ),
    )
}


def variant(name: str) -> Variant:
    """Look a variant up by name.

    Raises:
        UnknownName: `name` is none of `VARIANTS`; the error lists them.
    """
    try:
        return VARIANTS[name]
    except KeyError:
        raise UnknownName("variant", name, VARIANTS) from None

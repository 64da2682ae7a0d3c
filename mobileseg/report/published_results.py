"""What others have published on IDRiD's test set, digit for digit, to stand beside our rows.

Figures are kept as printed, so that a table shows 0.010 where the paper shows 0.010. Source of all
of them: Siebert & Rostalski 2022, doi:10.1117/12.2611796, Table 3 and section 6, the literature's
rows included: they are the figures as that paper quotes them. Its HX and SX are our EX and SE.
"""

from __future__ import annotations

from dataclasses import dataclass

from mobileseg.lesions import LESIONS

PAPER = "Siebert & Rostalski 2022, doi:10.1117/12.2611796"
# What is known of how the figures below came about.
HOW = (
    "its own are means of ten runs without outliers (SD) at 512 px, the literature's as it quotes "
    "them; it does not state its AUPR convention"
)


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A row of the paper's Table 3: AUPR per lesion."""

    name: str  # as printed
    source: str  # who measured it
    aupr: dict[str, str]  # lesion code -> mean, as printed
    sd: dict[str, str]  # lesion code -> SD over runs, as printed; empty where none is
    mean: str  # over the four lesions, as printed
    variant: str | None = None  # ours that it corresponds to; None: of the literature
    family: str = "single"  # single, dual or multi: how many lesions one network segments
    members: int = 1
    note: str = ""

    @property
    def cited(self) -> str:
        """Who and when, in a table's cell."""
        return cite(self.source)


def cite(source: str) -> str:
    """First author and year of a source: "Guo 2019"."""
    year = next(word.strip(",") for word in source.split() if word.strip(",").isdigit())
    return f"{source.split()[0]} {year}"


def _ours_too(
    name: str,
    variant: str,
    cells: str,
    mean: str,
    *,
    family: str = "single",
    members: int = 1,
) -> PublishedRow:
    """A row of the paper's own: `cells` is "mean sd" per lesion, or only means, MA HE EX SE."""
    figures = cells.split()
    step = len(figures) // len(LESIONS)
    aupr = dict(zip(LESIONS, figures[::step], strict=True))
    sd = dict(zip(LESIONS, figures[1::2], strict=True)) if step == 2 else {}
    return PublishedRow(name, PAPER, aupr, sd, mean, variant, family, members)


def _literature(name: str, source: str, cells: str, mean: str, note: str) -> PublishedRow:
    aupr = dict(zip(LESIONS, cells.split(), strict=True))
    return PublishedRow(name, source, aupr, {}, mean, note=note)


TABLE_3: tuple[PublishedRow, ...] = (
    _ours_too("U-Net", "unet", "0.355 0.010 0.555 0.040 0.747 0.052 0.639 0.088", "0.574"),
    _ours_too("U²-Net-O", "o", "0.309 0.111 0.605 0.036 0.766 0.063 0.737 0.030", "0.604"),
    _ours_too("U²-Net-O*", "o-sep", "0.343 0.012 0.637 0.020 0.731 0.062 0.705 0.022", "0.604"),
    _ours_too("U²-Net-M", "m", "0.345 0.030 0.648 0.015 0.790 0.048 0.724 0.045", "0.627"),
    _ours_too("U²-Net-M*", "m-sep", "0.318 0.085 0.622 0.034 0.730 0.057 0.716 0.040", "0.597"),
    _ours_too("U²-Net-S", "s", "0.345 0.023 0.606 0.070 0.760 0.057 0.686 0.057", "0.599"),
    _ours_too("U²-Net-S*", "s-sep", "0.331 0.030 0.575 0.037 0.775 0.064 0.658 0.049", "0.585"),
    _ours_too("U²-Net-XS", "xs", "0.318 0.036 0.558 0.043 0.774 0.057 0.615 0.070", "0.566"),
    _ours_too("U²-Net-XS*", "xs-sep", "0.209 0.102 0.418 0.160 0.701 0.079 0.552 0.119", "0.470"),
    _ours_too(
        "U²-Net-S (DT)",
        "s",
        "0.370 0.017 0.632 0.016 0.753 0.044 0.697 0.038",
        "0.613",
        family="dual",
    ),
    _ours_too(
        "U²-Net-S (MT)",
        "s",
        "0.349 0.018 0.510 0.034 0.723 0.061 0.707 0.026",
        "0.572",
        family="multi",
    ),
    _ours_too("U²-Net-M†", "m", "0.407 0.694 0.862 0.805", "0.692", members=3),
    _ours_too("U²-Net-S†", "s", "0.402 0.678 0.850 0.795", "0.681", members=3),
    _ours_too("U²-Net-XS†", "xs", "0.375 0.639 0.852 0.743", "0.652", members=3),
    _literature(
        "Zhou et al.",
        "Zhou et al. 2019, CVPR",
        "0.496 0.694 0.887 0.741",
        "0.704",
        "640×640, adversarial, with image-level labels",
    ),
    _literature(
        "Yan et al.",
        "Yan et al. 2019, ISBI",
        "0.525 0.703 0.889 0.679",
        "0.699",
        "Dual-U-Net, patches of the full resolution",
    ),
    _literature(
        "Guo et al., L-Seg",
        "Guo et al. 2019, Neurocomputing 349",
        "0.463 0.637 0.795 0.711",
        "0.652",
        "1440×960, pretrained VGG16",
    ),
)


@dataclass(frozen=True, slots=True)
class PublishedDice:
    """A Dice score on hard exudates that the paper's section 6 names."""

    name: str
    dice: str  # as printed
    source: str
    note: str


# The paper prints them with a per cent sign behind a share; they are shares.
DICE_EX: tuple[PublishedDice, ...] = (
    PublishedDice("LWENet", "0.697", "Guo et al. 2019, MICCAI", "1440×960, no pretraining"),
    PublishedDice("LWENet", "0.782", "Guo et al. 2019, MICCAI", "1440×960, pretrained on DDR"),
    PublishedDice("U²-Net-S", "0.705", PAPER, "threshold chosen on the test pictures"),
    PublishedDice("U²-Net-XS†", "0.779", PAPER, "threshold chosen on the test pictures"),
)


def published_row(variant: str | None, family: str, members: int) -> PublishedRow | None:
    """The paper's row for a network of ours, or None where it has none."""
    for row in TABLE_3:
        if variant and (row.variant, row.family, row.members) == (variant, family, members):
            return row
    return None


LITERATURE = tuple(row for row in TABLE_3 if row.variant is None)

"""The published figures are the printed ones: each line here was typed from the paper again."""

from __future__ import annotations

from statistics import fmean

import pytest

from mobileseg.lesions import LESIONS
from mobileseg.models.variants import VARIANTS
from mobileseg.report.published_results import (
    DICE_EX,
    LITERATURE,
    PAPER,
    TABLE_3,
    cite,
    published_row,
)

PRINTED = """
U-Net        0.355 (0.010)  0.555 (0.040)  0.747 (0.052)  0.639 (0.088)  0.574
U²-Net-O     0.309 (0.111)  0.605 (0.036)  0.766 (0.063)  0.737 (0.030)  0.604
U²-Net-O*    0.343 (0.012)  0.637 (0.020)  0.731 (0.062)  0.705 (0.022)  0.604
U²-Net-M     0.345 (0.030)  0.648 (0.015)  0.790 (0.048)  0.724 (0.045)  0.627
U²-Net-M*    0.318 (0.085)  0.622 (0.034)  0.730 (0.057)  0.716 (0.040)  0.597
U²-Net-S     0.345 (0.023)  0.606 (0.070)  0.760 (0.057)  0.686 (0.057)  0.599
U²-Net-S*    0.331 (0.030)  0.575 (0.037)  0.775 (0.064)  0.658 (0.049)  0.585
U²-Net-XS    0.318 (0.036)  0.558 (0.043)  0.774 (0.057)  0.615 (0.070)  0.566
U²-Net-XS*   0.209 (0.102)  0.418 (0.160)  0.701 (0.079)  0.552 (0.119)  0.470
U²-Net-S(DT) 0.370 (0.017)  0.632 (0.016)  0.753 (0.044)  0.697 (0.038)  0.613
U²-Net-S(MT) 0.349 (0.018)  0.510 (0.034)  0.723 (0.061)  0.707 (0.026)  0.572
U²-Net-M†    0.407  0.694  0.862  0.805  0.692
U²-Net-S†    0.402  0.678  0.850  0.795  0.681
U²-Net-XS†   0.375  0.639  0.852  0.743  0.652
Zhou         0.496  0.694  0.887  0.741  0.704
Yan          0.525  0.703  0.889  0.679  0.699
Guo          0.463  0.637  0.795  0.711  0.652
""".strip().splitlines()


@pytest.mark.parametrize(("row", "line"), list(zip(TABLE_3, PRINTED, strict=True)))
def test_a_row_has_the_printed_digits(row, line):
    name, *figures = line.split()
    assert row.name.replace(" ", "").startswith(name)
    *cells, mean = figures
    means = [f for f in cells if not f.startswith("(")]
    sds = [f.strip("()") for f in cells if f.startswith("(")]
    assert list(row.aupr) == list(LESIONS)
    assert list(row.aupr.values()) == means
    assert list(row.sd.values()) == sds
    assert row.mean == mean


@pytest.mark.parametrize("row", TABLE_3, ids=lambda r: r.name)
def test_the_printed_mean_is_that_of_the_printed_lesions(row):
    """Within rounding; a digit typed wrong would stand out."""
    assert fmean(map(float, row.aupr.values())) == pytest.approx(float(row.mean), abs=1.01e-3)


def test_every_row_of_the_papers_own_belongs_to_a_variant_of_ours():
    own = [row for row in TABLE_3 if row.source == PAPER]
    assert len(own) == 14
    assert {row.variant for row in own} == set(VARIANTS) - {"qin-o"}
    for row in own:
        assert published_row(row.variant, row.family, row.members) is row


def test_what_the_paper_did_not_train_has_no_row():
    assert published_row("xs", "dual", 1) is None
    assert published_row("s", "single", 5) is None
    assert published_row(None, "single", 1) is None  # the literature's rows are nobody's variant


def test_the_literature_is_named():
    assert [row.cited for row in LITERATURE] == ["Zhou 2019", "Yan 2019", "Guo 2019"]
    assert cite(PAPER) == "Siebert 2022"


def test_the_dice_scores_on_hard_exudates_are_the_printed_ones():
    assert [(d.name, d.dice) for d in DICE_EX] == [
        ("LWENet", "0.697"),
        ("LWENet", "0.782"),
        ("U²-Net-S", "0.705"),
        ("U²-Net-XS†", "0.779"),
    ]

"""Table 2 to its printed digit, and the counting rules on cases small enough to do by hand."""

from functools import cache

import pytest
import torch
from torch import nn

from mobileseg.errors import UnknownName
from mobileseg.models.blocks import Upsample
from mobileseg.models.profile import (
    PAPER_RULES,
    TABLE_2,
    TRUE_RULES,
    profile,
    profile_four_lesions,
)
from mobileseg.models.variants import VARIANTS

costs = cache(profile)


@pytest.mark.parametrize(("row", "printed"), TABLE_2.items(), ids=[f"{n}×{m}" for n, m in TABLE_2])
def test_the_papers_table_comes_out_to_its_last_digit(row, printed):
    name, members = row
    ours = costs(name, members=members)
    assert f"{ours.macs_paper_g:.2f}" == printed.macs_paper_g
    assert f"{ours.params_m:.2f}" == printed.params_m
    assert f"{ours.size_mb:.2f}" == printed.size_mb


def test_the_papers_table_has_nine_networks_and_three_ensembles():
    assert {name for name, members in TABLE_2 if members == 1} == set(VARIANTS) - {"qin-o"}
    assert {row for row in TABLE_2 if row[1] != 1} == {("m", 3), ("s", 3), ("xs", 3)}


def test_qins_own_networks_have_their_published_sizes():
    # Known to everyone who has loaded u2net.pth and u2netp.pth.
    assert costs("qin-o").parameters == 44_009_869
    assert costs("m").parameters == 1_131_181


def test_the_unets_transposed_convolutions_are_counted_four_times_too_often():
    unet = costs("unet")
    # Four of them, from (c, n, n) to (c / 2, 2n, 2n): c/2 · c multiplications per new pixel.
    true = sum((512 // 2**i) ** 2 * (64 * 2**i) * (32 * 2**i) for i in range(1, 5))
    assert unet.macs_true_g == pytest.approx(192.67, abs=0.005)
    assert unet.macs_paper - unet.macs_true > 3 * true


@pytest.mark.parametrize("name", ["unet", "xs", "xs-sep"])
def test_half_the_side_is_a_quarter_of_the_work(name):
    assert 4 * profile(name, side_px=256).macs_true == costs(name).macs_true


def test_more_classes_cost_their_heads_and_nothing_else():
    one, four = costs("xs"), profile("xs", classes=4)
    heads = 6 * (16 * 9 + 1)  # 3×3 over 16 channels, with bias
    fuse = (6 * 4 + 1) * 4 - (6 + 1)
    assert four.parameters - one.parameters == 3 * heads + fuse


def test_three_members_are_three_times_the_work():
    one, three = costs("xs"), costs("xs", members=3)
    assert three.macs_true == 3 * one.macs_true
    assert three.parameters == 3 * one.parameters
    assert three.macs_paper < 3 * one.macs_paper  # the paper's † rows skip upsampling


def test_four_lesions_cost_four_networks_two_or_one():
    ways = profile_four_lesions("xs")
    assert {name: (c.members, c.classes) for name, c in ways.items()} == {
        "4 × single": (4, 1),
        "2 × dual": (2, 2),
        "1 × multi": (1, 4),
    }
    single, dual, multi = ways.values()
    assert single.macs_true == 4 * costs("xs").macs_true
    assert single.parameters == 4 * costs("xs").parameters
    # Side by side: the † rows leave upsampling out, which would favour the four.
    assert single.macs_paper == 4 * costs("xs").macs_paper
    assert (multi.macs_true, multi.macs_paper) == (
        profile("xs", classes=4).macs_true,
        profile("xs", classes=4).macs_paper,
    )
    assert multi.macs_true < dual.macs_true < single.macs_true
    # A second lesion adds its heads: 6 maps of 3×3 over 16 channels and 12 more to fuse, twice.
    heads = sum(262_144 // 4**i * 16 * 9 for i in range(6))
    fuse = 262_144 * (12 * 2 - 6 * 1)
    assert dual.macs_true - 2 * costs("xs").macs_true == 2 * (heads + fuse)


def count(rules, module, *inputs):
    return rules[type(module)](module, inputs[0], module(*inputs))


PLAIN = nn.Conv2d(3, 2, 3, padding=1)
DEPTHWISE = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
TRANSPOSED = nn.ConvTranspose2d(4, 2, 2, stride=2)


@pytest.mark.parametrize(
    ("module", "channels", "paper", "true"),
    [
        (PLAIN, 3, 25 * 2 * (3 * 9 + 1), 25 * 2 * 3 * 9),
        (DEPTHWISE, 4, 25 * 4 * 9, 25 * 4 * 9),
        (TRANSPOSED, 4, 100 * 2 * (4 * 4 + 1), 25 * 4 * 2 * 4),
    ],
    ids=["plain", "depthwise", "transposed"],
)
def test_a_convolution_on_five_by_five_pixels_is_counted_by_hand(module, channels, paper, true):
    x = torch.zeros(1, channels, 5, 5)
    assert count(PAPER_RULES, module, x) == paper
    assert count(TRUE_RULES, module, x) == true


def test_batch_norm_and_upsampling_count_in_the_paper_only():
    x = torch.zeros(1, 3, 5, 5)
    assert count(PAPER_RULES, nn.BatchNorm2d(3), x) == 2 * 75
    assert count(PAPER_RULES, Upsample(), x, torch.zeros(1, 1, 10, 10)) == 11 * 300
    assert nn.BatchNorm2d not in TRUE_RULES and Upsample not in TRUE_RULES


def test_an_unknown_variant_has_no_costs():
    with pytest.raises(UnknownName, match="no variant 'xxl'; choose from unet, o, m"):
        profile("xxl")

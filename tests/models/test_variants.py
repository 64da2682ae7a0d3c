"""The table of variants against the paper's Table 1, spelled out by hand."""

import subprocess
import sys

import pytest
import torch

from mobileseg.errors import UnknownName
from mobileseg.models.build import build
from mobileseg.models.variants import VARIANTS, U2NetPlan, variant


def widths(stages):
    return [(s.depth, s.middle, s.out, s.dilated) for s in stages]


def test_the_widest_variant_is_the_papers_row_mirrored():
    plan = variant("o").plan
    assert widths(plan.encoder) == [
        (7, 16, 64, False),
        (6, 32, 128, False),
        (5, 64, 256, False),
        (4, 128, 512, False),
        (4, 256, 512, True),
        (4, 256, 512, True),
    ]
    assert widths(plan.decoder) == [
        (4, 256, 512, True),
        (4, 128, 256, False),
        (5, 64, 128, False),
        (6, 32, 64, False),
        (7, 16, 64, False),
    ]


@pytest.mark.parametrize(("name", "middle", "out"), [("m", 16, 64), ("s", 8, 32), ("xs", 4, 16)])
def test_the_narrow_variants_have_one_width_throughout(name, middle, out):
    plan = variant(name).plan
    assert {(s.middle, s.out) for s in plan.encoder + plan.decoder} == {(middle, out)}


@pytest.mark.parametrize("name", ["o", "m", "s", "xs"])
def test_a_separable_variant_has_the_widths_of_its_plain_one(name):
    plain, separable = variant(name).plan, variant(f"{name}-sep").plan
    assert (separable.encoder, separable.decoder) == (plain.encoder, plain.decoder)
    assert separable.separable and not plain.separable


def test_qins_own_network_differs_from_the_papers_in_one_number():
    papers, qins = variant("o").plan, variant("qin-o").plan
    assert qins.decoder == papers.decoder
    assert qins.encoder[1:] == papers.encoder[1:]
    assert widths(qins.encoder[:1]) == [(7, 32, 64, False)]


@pytest.mark.parametrize("name", VARIANTS)
def test_the_table_states_the_parameters_that_the_network_has(name):
    with torch.device("meta"):  # counts need shapes only
        network = build(name)
    assert variant(name).parameters == sum(p.numel() for p in network.parameters())


def test_every_row_is_found_by_its_own_name_and_says_where_it_comes_from():
    assert all(name == row.name and row.about and row.source for name, row in VARIANTS.items())


def test_every_nested_variant_has_six_stages_down_and_five_up():
    plans = [row.plan for row in VARIANTS.values() if isinstance(row.plan, U2NetPlan)]
    assert len(plans) == len(VARIANTS) - 1
    assert {(len(plan.encoder), len(plan.decoder)) for plan in plans} == {(6, 5)}


def test_an_unknown_variant_lists_the_choices():
    with pytest.raises(UnknownName) as caught:
        variant("xxl")
    assert str(caught.value) == f"no variant 'xxl'; choose from {', '.join(VARIANTS)}"


def test_the_table_is_read_without_torch():
    probe = "import sys, mobileseg.models.variants; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe]).returncode == 0

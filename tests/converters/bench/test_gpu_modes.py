"""The forms do to a network what they say, and leave the reference as it was."""

from __future__ import annotations

import pytest
import torch

from converters.bench.gpu.execution import RUNS, Captured, laid_out, prepared
from converters.bench.gpu.modes import (
    BEST,
    COMPILED_THROUGHPUT,
    ONE_GRAPH,
    REFERENCE,
    SLOWEST,
    THROUGHPUT,
    TOGETHER,
    Form,
    alone,
    chosen,
)
from converters.bench.gpu.precisions import PRECISIONS
from converters.bench.gpu.sample_networks import LESION, pictures, subject
from converters.bench.gpu.transforms import NETWORKS, SideBySide, shaped
from converters.bench.gpu.transforms import TOGETHER as WAYS
from mobileseg.errors import UnknownName

ALL = (*BEST, *SLOWEST, *TOGETHER, *THROUGHPUT, *COMPILED_THROUGHPUT, REFERENCE, ONE_GRAPH)


@pytest.fixture(scope="module")
def phantoms() -> torch.Tensor:
    return pictures(2, 64)


@pytest.fixture(scope="module")
def three(phantoms):
    return subject("xs", 3, phantoms)


@pytest.fixture(scope="module")
def expected(three, phantoms):
    with torch.no_grad():
        return three(phantoms[:1])


@pytest.mark.parametrize("form", ALL, ids=lambda form: form.name)
def test_every_form_is_made_of_things_that_exist(form):
    assert form.precision in PRECISIONS
    assert form.network in NETWORKS
    assert form.together in WAYS
    assert form.run in RUNS


@pytest.mark.parametrize("table", [BEST, TOGETHER], ids=["best", "together"])
def test_names_are_unique_and_choose_one_form(table):
    assert len({form.name for form in table}) == len(table)
    assert chosen(table, (table[3].name,)) == (table[3],)
    assert chosen(table, ()) == table


def test_a_name_of_another_table_chooses_nothing_and_one_of_none_is_refused():
    assert chosen(TOGETHER, (BEST[1].name,)) == ()
    with pytest.raises(UnknownName, match="no form 'fp8'; choose from fp32"):
        chosen(BEST, ("fp8",))


def test_every_ensemble_form_has_one_for_a_single_member_to_be_held_against():
    names = {form.name for form in TOGETHER}
    assert {alone(form).name for form in TOGETHER} <= names


@torch.no_grad()
def test_side_by_side_answers_as_one_after_the_other_to_the_bit(three, phantoms, expected):
    assert torch.equal(SideBySide(three.members)(phantoms[:1]), expected)


@torch.no_grad()
@pytest.mark.parametrize(
    ("network", "together"),
    [("lean", "serial"), ("lean", "grouped"), ("lean taps", "streams"), ("folded", "grouped")],
)
def test_every_way_of_running_members_answers_as_the_reference(
    network, together, three, phantoms, expected
):
    module = shaped(three, network, together, torch.float32)
    assert (module(phantoms[:1]) - expected).abs().max() < 1e-4


@torch.no_grad()
def test_a_form_leaves_the_reference_as_it_was(three, phantoms, expected):
    for dtype in (torch.float32, torch.bfloat16):
        shaped(three, "folded", "serial", dtype)
    assert torch.equal(three(phantoms[:1]), expected)
    assert {p.dtype for p in three.parameters()} == {torch.float32}


@torch.no_grad()
@pytest.mark.parametrize("together", ["streams", "grouped"])
def test_a_shorter_type_is_the_networks_alone(together, three, phantoms, expected):
    module = shaped(three, "lean", together, torch.bfloat16)
    assert {p.dtype for p in module.parameters()} == {torch.bfloat16}
    assert {b.dtype for n, b in module.named_buffers() if ".normalise." in n} == {torch.float32}
    answer = module(phantoms[:1])
    assert answer.dtype == torch.float32
    assert 0 < (answer - expected).abs().max() < 0.2


@torch.no_grad()
def test_channels_last_changes_the_layout_and_not_the_answer(three, phantoms, expected):
    form = Form(network="folded", channels_last=True)
    picture = laid_out(phantoms[:1], form)
    assert picture.is_contiguous(memory_format=torch.channels_last)
    answer = prepared(form, three, picture)(picture)
    assert (answer - expected).abs().max() < 1e-4


def test_a_graph_without_a_gpu_says_so(phantoms):
    with pytest.raises(RuntimeError, match="a CUDA graph needs a GPU"):
        Captured(lambda x: x, phantoms)


@torch.no_grad()
def test_the_same_subject_is_made_twice_and_nobody_elses_dice_are_thrown(phantoms):
    torch.manual_seed(5)
    first = subject("xs-sep", 1, phantoms)
    thrown = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(thrown, torch.rand(1))
    assert torch.equal(first(phantoms), subject("xs-sep", 1, phantoms)(phantoms))


@torch.no_grad()
@pytest.mark.parametrize("variant", ["xs", "xs-sep"])  # trained; random
def test_members_differ_more_than_any_rounding(variant, phantoms):
    first, second = (member(phantoms) for member in subject(variant, 2, phantoms).members)
    assert (first - second).abs().max() > 0.02


@torch.no_grad()
def test_a_random_network_calls_some_pixels_lesion_and_most_not(phantoms):
    answer = subject("xs-sep", 1, phantoms)(phantoms)
    assert (answer > 0.5).float().mean() == pytest.approx(LESION, abs=0.002)

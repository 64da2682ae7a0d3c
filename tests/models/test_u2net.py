"""Whole networks: shapes, gradients, and the two ways out that phones need."""

import warnings

import pytest
import torch

from mobileseg.models.build import build
from mobileseg.models.variants import VARIANTS

EVERY_MAP = {name: 1 if name == "unet" else 7 for name in VARIANTS}


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return build("xs", classes=2).eval()


@pytest.mark.parametrize(("name", "maps"), EVERY_MAP.items())
@torch.no_grad()
def test_every_variant_answers_with_finite_maps_of_the_pictures_size(name, maps):
    answer = build(name).eval()(torch.randn(1, 3, 64, 64))
    assert [tuple(m.shape) for m in answer] == [(1, 1, 64, 64)] * maps
    assert all(m.isfinite().all() for m in answer)


@pytest.mark.parametrize("classes", [1, 2, 4])
@pytest.mark.parametrize("size", [(64, 64), (96, 160), (45, 70)])
@torch.no_grad()
def test_a_nested_network_takes_any_size_and_gives_a_map_per_class(classes, size):
    answer = build("xs", classes).eval()(torch.randn(2, 3, *size))
    assert [tuple(m.shape) for m in answer] == [(2, classes, *size)] * 7


@pytest.mark.parametrize("classes", [1, 4])
@torch.no_grad()
def test_a_unet_gives_a_map_per_class_on_oblong_pictures(classes):
    answer = build("unet", classes).eval()(torch.randn(1, 3, 48, 80))
    assert [tuple(m.shape) for m in answer] == [(1, classes, 48, 80)]


@torch.no_grad()
def test_the_sides_halve_from_one_to_the_next(tiny):
    sides = tiny.sides(torch.randn(1, 3, 96, 160))
    expected = [(96, 160), (48, 80), (24, 40), (12, 20), (6, 10), (3, 5)]
    assert [tuple(s.shape[-2:]) for s in sides] == expected


@torch.no_grad()
def test_an_odd_size_is_halved_upwards(tiny):
    sides = tiny.sides(torch.randn(1, 3, 45, 70))
    expected = [(45, 70), (23, 35), (12, 18), (6, 9), (3, 5), (2, 3)]
    assert [tuple(s.shape[-2:]) for s in sides] == expected


@torch.no_grad()
def test_what_is_trained_is_what_is_used(tiny):
    picture = torch.randn(1, 3, 64, 64)
    used, supervised, sides = tiny(picture), tiny.supervised(picture), tiny.sides(picture)
    for a, b in zip(supervised, [used[0], *sides], strict=True):
        assert torch.equal(a, b)
    assert torch.equal(used[1], sides[0])  # the finest side needs no enlarging


@torch.no_grad()
def test_a_unet_is_supervised_on_its_one_map():
    network, picture = build("unet").eval(), torch.randn(1, 3, 32, 32)
    (used,), (supervised,) = network(picture), network.supervised(picture)
    assert torch.equal(used, supervised)


@torch.no_grad()
def test_the_fused_map_is_a_weighted_sum_of_the_sides(tiny):
    fused, *sides = tiny(torch.randn(1, 3, 64, 64))
    weight, bias = tiny.outconv.weight, tiny.outconv.bias  # (2, 12, 1, 1), (2,)
    by_hand = torch.einsum("kc,ncij->nkij", weight[:, :, 0, 0], torch.cat(sides, 1))
    # Sums of 12 float32 terms of order one, in another order.
    torch.testing.assert_close(fused, by_hand + bias.view(1, 2, 1, 1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["xs", "xs-sep", "unet"])
def test_the_supervised_maps_reach_every_parameter(name):
    network = build(name)
    loss = sum(m.square().mean() for m in network.supervised(torch.randn(2, 3, 64, 64)))
    loss.backward()
    assert [n for n, p in network.named_parameters() if p.grad is None] == []


def test_a_seed_fixes_the_weights():
    def weights():
        torch.manual_seed(7)
        return build("xs").state_dict()

    assert all(
        torch.equal(a, b) for a, b in zip(weights().values(), weights().values(), strict=True)
    )


@torch.no_grad()
def test_a_traced_network_answers_the_same_at_another_size(tiny):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*deprecated", DeprecationWarning)
        # strict=False allows the list; no other warning is tolerated: one would mean that a
        # shape was frozen into the graph.
        warnings.filterwarnings("error", category=torch.jit.TracerWarning)
        traced = torch.jit.trace(tiny, torch.randn(1, 3, 64, 64), strict=False, check_trace=False)
    picture = torch.randn(1, 3, 96, 160)
    for ours, theirs in zip(tiny(picture), traced(picture), strict=True):
        assert torch.equal(ours, theirs)


@torch.no_grad()
def test_an_exported_network_answers_the_same(tiny):
    picture = torch.randn(1, 3, 64, 64)
    exported = torch.export.export(tiny, (picture,)).module()
    for ours, theirs in zip(tiny(picture), exported(picture), strict=True):
        assert torch.equal(ours, theirs)

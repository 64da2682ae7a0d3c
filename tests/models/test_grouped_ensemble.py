"""A grouped ensemble is the mean of its members, everywhere in the picture."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

from mobileseg.models.build import build
from mobileseg.models.ensemble import Ensemble, MemberNetwork
from mobileseg.models.grouped_ensemble import GroupedMembers, alike, fused, grouped
from mobileseg.models.reparameterize import lean_members
from mobileseg.runs import open_run
from mobileseg.spec import Normalisation

VARIANTS = ("xs", "s-sep", "unet")


def ensemble_of(variants: Sequence[str], task: str = "EX", classes: int = 1) -> Ensemble:
    """Members of random weights, each with statistics, mean and SD of its own; float64."""
    members = []
    for i, variant in enumerate(variants):
        torch.manual_seed(i)
        network = build(variant, classes).double().train()
        network(torch.randn(2, 3, 64, 64, dtype=torch.float64))
        own = Normalisation((0.5 - i / 10, 0.2, 0.1), (0.2, 0.1 + i / 10, 0.1))
        members.append(MemberNetwork(network.eval(), own, task))
    return Ensemble(members).double().eval()


def picture(height: int = 64, width: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return 255 * torch.rand(1, 3, height, width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_it_equals_the_mean_of_its_members_in_float64(variant: str) -> None:
    serial = ensemble_of([variant] * 3, "MA,HE", classes=2)
    at_once = grouped(serial)
    (only,) = at_once.members
    assert isinstance(only, GroupedMembers)
    given = picture(96, 64)
    assert (at_once(given) - serial(given)).abs().max() < 1e-10


@torch.no_grad()
def test_trained_members_agree_within_1e_5_in_float32() -> None:
    trained = open_run_ensemble()
    given = picture(128, 128).float()
    assert (grouped(trained)(given) - trained(given)).abs().max() < 1e-5


def open_run_ensemble() -> Ensemble:
    """The shipped network three times, each moved a little."""
    (member,) = open_run(Path("xs-ex")).ensemble.members  # type: ignore[arg-type]
    members = []
    for i in range(3):
        twin = copy.deepcopy(member)
        torch.manual_seed(i)
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter *= 1 + 0.01 * torch.randn_like(parameter)
        members.append(twin)
    return Ensemble(members).eval()  # type: ignore[arg-type]


@torch.no_grad()
def test_the_border_is_each_members_own() -> None:
    """Padding stands for zero after normalising, which is each member's own mean."""
    serial, given = ensemble_of(["xs"] * 2), picture()
    apart = (grouped(serial)(given) - serial(given)).abs()[0, 0]
    edge = torch.cat([apart[0], apart[-1], apart[:, 0], apart[:, -1]])
    assert edge.max() < 1e-10
    one_mean = copy.deepcopy(serial)
    one_mean.members[1].normalise.mean.copy_(one_mean.members[0].normalise.mean)  # type: ignore
    assert (grouped(one_mean)(given) - serial(given)).abs().max() > 1e-6  # and it would show


@torch.no_grad()
def test_joined_maps_keep_a_members_channels_together() -> None:
    networks = [member.network for member in ensemble_of(["xs"] * 2).members]  # type: ignore
    whole = fused(networks)
    given = torch.cat([picture(), picture().flip(3)], dim=1)
    both = whole(given)[0]
    for place, network in enumerate(networks):
        alone = network(given[:, 3 * place : 3 * place + 3])[0]
        assert (both[:, place : place + 1] - alone).abs().max() < 1e-10
    whole.members = 1  # the outer joins in plain order mix the members
    assert (whole(given)[0] - both).abs().max() > 1e-6


@torch.no_grad()
def test_lean_members_can_be_grouped_too() -> None:
    serial, given = ensemble_of(["xs"] * 3), picture()
    for sides in ("direct", "taps"):
        at_once = grouped(lean_members(serial, sides))
        assert (at_once(given) - serial(given)).abs().max() < 1e-10


@torch.no_grad()
def test_members_of_other_widths_stay_apart() -> None:
    serial, given = ensemble_of(["xs", "s"]), picture()
    assert not alike([member.network for member in serial.members])  # type: ignore[arg-type]
    assert len(grouped(serial).members) == 2
    assert torch.equal(grouped(serial)(given), serial(given))


@torch.no_grad()
def test_tasks_stay_side_by_side() -> None:
    members = [*ensemble_of(["xs"] * 2, "EX").members, *ensemble_of(["xs"], "SE").members]
    serial = Ensemble(members)  # type: ignore[arg-type]
    given = picture()
    assert len(grouped(serial).members) == 2
    assert (grouped(serial)(given) - serial(given)).abs().max() < 1e-10


@torch.no_grad()
def test_its_sides_are_the_means_of_theirs() -> None:
    serial, given = ensemble_of(["xs"] * 2), picture()
    pairs = zip(grouped(serial).supervised(given), serial.supervised(given), strict=True)
    assert max(float((ours - theirs).abs().max()) for ours, theirs in pairs) < 1e-10


def test_the_members_are_left_as_they_were() -> None:
    serial = ensemble_of(["xs"] * 2)
    before = {name: tensor.clone() for name, tensor in serial.state_dict().items()}
    grouped(serial)
    assert all(torch.equal(before[name], t) for name, t in serial.state_dict().items())
    assert all(m.groups == 1 for m in serial.modules() if isinstance(m, nn.Conv2d))

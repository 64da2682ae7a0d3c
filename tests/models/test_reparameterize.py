"""A lean network answers what the trained one does, and has less to do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mobileseg.models.build import build
from mobileseg.models.reparameterize import SIDES, LeanU2Net, Taps, lean
from mobileseg.runs import open_run, shipped_runs


def settled(variant: str, classes: int) -> nn.Module:
    """Weights at random, batch norm's statistics from one batch, in float64."""
    torch.manual_seed(3)
    network = build(variant, classes).double().train()
    network(torch.randn(2, 3, 64, 64, dtype=torch.float64))
    return network.eval()


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize(("variant", "classes"), [("xs", 1), ("xs-sep", 2), ("unet", 2)])
@torch.no_grad()
def test_the_answer_is_the_same_in_float64(variant: str, classes: int, sides: str) -> None:
    network = settled(variant, classes)
    picture = torch.randn(1, 3, 96, 64, dtype=torch.float64)
    (answer,) = lean(network, sides)(picture)
    assert (answer - network(picture)[0]).abs().max() < 1e-10


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("name", shipped_runs())
@torch.no_grad()
def test_a_shipped_network_answers_within_1e_5_in_float32(name: str, sides: str) -> None:
    network = open_run(shipped_runs()[name]).network
    picture = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    (answer,) = lean(network, sides)(picture)
    assert (answer.sigmoid() - network(picture)[0].sigmoid()).abs().max() < 1e-5


@torch.no_grad()
def test_the_trained_network_is_left_as_it_was() -> None:
    network = settled("xs", 1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    lean(network)
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_no_full_size_map_is_made_but_the_answer_and_what_is_added_to_it() -> None:
    """The plain network enlarges five maps and joins six; the lean one only adds."""
    slim = lean(build("xs", 1), "direct")
    assert isinstance(slim, LeanU2Net)
    assert not hasattr(slim, "outconv")
    assert not any(isinstance(module, nn.BatchNorm2d) for module in slim.modules())


@torch.no_grad()
def test_taps_are_a_convolution_up_to_the_border() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 2, 3, padding=1, dtype=torch.float64)
    picture = torch.randn(1, 5, 4, 3, dtype=torch.float64)
    apart = Taps(conv.weight, conv.bias)(picture) - conv(picture)
    assert apart.abs().max() < 1e-14


@torch.no_grad()
def test_a_wrong_mix_would_show() -> None:
    network = settled("xs", 1)
    slim = lean(network)
    picture = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    assert isinstance(slim, LeanU2Net)
    coarsest = slim.side[5]
    assert isinstance(coarsest, nn.Conv2d)
    coarsest.weight *= 1.01
    assert (slim(picture)[0] - network(picture)[0]).abs().max() > 1e-7

"""Outputs begin at the lesions' share of the pixels, at every depth and where they are fused."""

from __future__ import annotations

import pytest
import torch

from mobileseg.models.build import build
from mobileseg.training.prior import begin_at_prior, prior_logits


@pytest.fixture
def masks() -> torch.Tensor:
    """Of two pictures of 64 px: 16 single pixels, all 8 px apart, and one square of 32 px."""
    made = torch.zeros(2, 2, 64, 64, dtype=torch.uint8)
    made[0, 0, :32:8, :32:8] = 1
    made[1, 1, :32, :32] = 1
    return made


def test_a_share_by_hand(masks):
    for size, how, shares in (
        (64, "max", (16 / 8192, 1024 / 8192)),
        (8, "max", (16 / 128, 16 / 128)),  # a cell with one pixel of it is lesion
        (8, "area", (16 / 8192, 16 / 128)),
    ):
        found = torch.sigmoid(prior_logits(masks, size, how))
        assert found.tolist() == pytest.approx(shares)


def test_everywhere_or_nowhere_is_no_certainty():
    nothing, everything = (torch.full((1, 1, 4, 4), v, dtype=torch.uint8) for v in (0, 1))
    assert torch.sigmoid(prior_logits(nothing, 4, "max")).item() == pytest.approx(1 / 16)
    assert torch.sigmoid(prior_logits(everything, 4, "max")).item() == pytest.approx(15 / 16)


@pytest.mark.parametrize("supervision", ["shrink", "enlarge"])
def test_what_a_network_says_of_nothing_in_particular_is_the_prior(masks, supervision):
    """Its sides' convolutions see zeros, so that their biases are the answer."""
    torch.manual_seed(3)
    network = build("xs", 2).eval()
    begin_at_prior(network, masks, supervision, "max")
    with torch.no_grad():
        for side in network.side:
            side.weight.zero_()
        fused, *sides = network.supervised(torch.zeros(1, 3, 64, 64))
    whole = prior_logits(masks, 64, "max").float()
    assert torch.allclose(fused.mean(dim=(0, 2, 3)), whole, atol=1e-4)
    for side in sides:
        size = side.shape[-1] if supervision == "shrink" else 64
        expected = prior_logits(masks, size, "max").float()
        assert torch.allclose(side.mean(dim=(0, 2, 3)), expected, atol=1e-5)


def test_the_fused_map_begins_as_the_sides_mean_and_mixes_no_lesions(masks):
    torch.manual_seed(3)
    network = build("xs", 2).eval()
    begin_at_prior(network, masks, "shrink", "max")
    with torch.no_grad():
        fused, *sides = network(torch.randn(1, 3, 64, 64))
    mean = torch.stack(sides).mean(dim=0)
    apart = fused - mean  # the bias alone: the same everywhere
    assert apart.std(dim=(0, 2, 3)).max() < 1e-5 * mean.std()
    assert mean.std() > 0.01


def test_a_unet_has_one_output(masks):
    network = build("unet", 2)
    begin_at_prior(network, masks, "shrink", "max")
    assert torch.allclose(network.outconv.bias, prior_logits(masks, 64, "max").float())


def test_it_starts_lower_and_draws_the_same_weights(tiny, tmp_path):
    plain = tiny(tmp_path / "plain", epochs=1)
    prior = tiny(tmp_path / "prior", epochs=1, prior=True)
    ours, theirs = prior.network.state_dict(), plain.network.state_dict()
    other = {name for name in ours if not torch.equal(ours[name], theirs[name])}
    fused = {"outconv.weight", "outconv.bias"}
    assert other == {f"side.{i}.bias" for i in range(6)} | fused
    assert prior.run().rows[0]["train_loss"] < plain.run().rows[0]["train_loss"]


def test_a_run_that_is_gone_on_with_keeps_its_biases(tiny, tmp_path):
    state = tiny(tmp_path / "run", epochs=1, prior=True).run()
    again = tiny(tmp_path / "run", epochs=2, prior=True)
    assert torch.equal(again.network.outconv.bias, state.network["outconv.bias"])

"""What is quantized is what was asked for: counted, by the network's own answers, and by hand."""

from __future__ import annotations

import pytest
import torch

from mobileseg.errors import BadInput
from mobileseg.quantization.calibration import calibrate
from mobileseg.quantization.layers import blocks, count_convolutions

pytest.importorskip("executorch", reason="not run: executorch is not installed")

from mobileseg.quantization.fake_quant import FakeQuantized

SIDE = 64


@pytest.fixture(scope="module")
def ranges(network, pictures):
    return calibrate(network, pictures, SIDE)


@torch.no_grad()
def answer(network, picture) -> torch.Tensor:
    return torch.sigmoid(network(picture)[0])


def test_ranges_are_the_least_and_largest_value_of_every_site(network, pictures, ranges):
    together = torch.cat(pictures)
    assert ranges["input"] == (float(together.min()), float(together.max()))
    seen = []
    hook = network.encoder[0].first.register_forward_hook(
        lambda _, __, out: seen.append((float(out.min()), float(out.max())))
    )
    with torch.no_grad():
        for picture in pictures:
            network(picture)
    hook.remove()
    low, high = ranges["encoder.0.first.relu:relu_.default"]
    assert low == min(a for a, _ in seen)
    assert high == pytest.approx(max(b for _, b in seen), rel=1e-6)


def test_fewer_than_eight_pictures_are_refused(network, pictures):
    with pytest.raises(BadInput, match="found 7 calibration pictures; expected at least 8"):
        calibrate(network, pictures[:7], SIDE)


def test_all_weights_are_quantized_and_the_answer_stays_near(network, pictures, ranges):
    """By module name the toolkit quantizes none of 119, without a word."""
    fake = FakeQuantized(network, ranges, SIDE, ())
    assert fake.counts()[0] == 119
    off = (answer(fake.network(), pictures[0]) - answer(network, pictures[0])).abs()
    assert 0 < float(off.mean()) < 0.01  # something was rounded, and the network is still itself


@pytest.mark.parametrize("named", [("outconv",), ("decoder.4", "side.0"), ("encoder.0.first",)])
def test_layers_that_stay_float_are_not_among_the_quantized(named, network, ranges):
    fake = FakeQuantized(network, ranges, SIDE, named)
    assert fake.counts()[0] == 119 - count_convolutions(network, named)


def test_with_every_layer_float_nothing_is_rounded(network, pictures, ranges):
    fake = FakeQuantized(network, ranges, SIDE, blocks(network))
    assert fake.counts()[0] == 0
    # One concatenation more or less may be left on a grid; weights are not.
    off = (answer(fake.network(), pictures[0]) - answer(network, pictures[0])).abs()
    assert float(off.max()) < 1e-5


def test_one_block_in_int8_is_nearer_than_all_of_them(network, pictures, ranges):
    def off(layers) -> float:
        fake = FakeQuantized(network, ranges, SIDE, layers).network()
        return sum(float((answer(fake, p) - answer(network, p)).abs().mean()) for p in pictures)

    others = [block for block in blocks(network) if block != "decoder.2"]
    assert 0 < off(others) < off(())


def test_ranges_of_another_network_are_refused(network, ranges):
    others = {site: ends for site, ends in ranges.items() if "decoder.2" not in site}
    with pytest.raises(BadInput, match=r"found no range for 'decoder\.2.*quantize the run again"):
        FakeQuantized(network, others, SIDE, ())


def test_a_range_that_was_cut_short_shows_in_the_answer(network, pictures, ranges):
    """The ranges of the file are what is used, and not those that a toolkit sees for itself."""
    cut = ranges | {"input": (-0.1, 0.1)}
    whole, short = (FakeQuantized(network, r, SIDE, ()).network() for r in (ranges, cut))
    difference = (answer(whole, pictures[0]) - answer(short, pictures[0])).abs()
    assert float(difference.max()) > 0.01


def test_a_step_of_training_moves_weights_and_their_scales_follow(network, ranges, pictures):
    fake = FakeQuantized(network, ranges, SIDE, (), sides=True)
    before = fake.weights()
    maps = fake.network()(torch.cat(pictures[:3]))
    assert [tuple(m.shape[2:]) for m in maps] == [(SIDE, SIDE)] + [
        (SIDE // 2**i, SIDE // 2**i) for i in range(6)
    ]
    sum(m.square().mean() for m in maps).backward()
    assert set(before) == set(network.state_dict())
    with torch.no_grad():
        for parameter in fake.graph.parameters():
            assert parameter.grad is not None
            parameter.mul_(2)
    fake.weights_follow()
    doubled = fake.weights()
    assert all(torch.equal(doubled[name], 2 * before[name]) for name in before)
    scales = [q.scale for q, o in fake._quantizers() if o[0].op == "get_attr"]
    fresh = FakeQuantized(network, ranges, SIDE, (), sides=True)  # shares the doubled weights
    again = [q.scale for q, o in fresh._quantizers() if o[0].op == "get_attr"]
    assert all(torch.equal(a, b) for a, b in zip(scales, again, strict=True))

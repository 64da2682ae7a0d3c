"""The parts, on inputs small enough to follow by hand."""

import pytest
import torch
from torch import nn

from mobileseg.models.blocks import ConvBnRelu, Rsu, SeparableBnRelu, Upsample


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_a_unit_has_weights_biases_and_a_batch_norm():
    assert parameters(ConvBnRelu(3, 5)) == 3 * 5 * 9 + 5 + 2 * 5


def test_a_separable_unit_has_two_biased_convolutions_and_one_batch_norm():
    assert parameters(SeparableBnRelu(3, 5)) == (3 * 9 + 3) + (3 * 5 + 5) + 2 * 5


@pytest.mark.parametrize("dilation", [1, 2, 8])
@pytest.mark.parametrize("unit", [ConvBnRelu, SeparableBnRelu])
def test_a_unit_keeps_the_size_and_is_never_negative(unit, dilation):
    out = unit(3, 5, dilation)(torch.randn(2, 3, 9, 7))
    assert out.shape == (2, 5, 9, 7)
    assert out.min() >= 0


def test_upsampling_takes_pixels_as_squares_and_not_as_points():
    row = torch.tensor([[[[0.0, 1.0]]]])
    enlarged = Upsample()(row, torch.empty(1, 1, 1, 4))
    # New pixel centres lie at -1/4, 1/4, 3/4, 5/4 of the old ones; beyond the edge it repeats.
    assert enlarged.flatten().tolist() == [0.0, 0.25, 0.75, 1.0]


def dilations(block):
    """Of the units in the order of Qin's figure: in, down, bottom, up."""
    units = [block.first, *block.down, block.bottom, *block.up]
    return [unit.conv.dilation[0] for unit in units]


@pytest.mark.parametrize(
    ("depth", "dilated", "expected"),
    [
        (4, True, [1, 1, 2, 4, 8, 4, 2, 1]),
        (4, False, [1, 1, 1, 1, 2, 1, 1, 1]),
        (5, False, [1, 1, 1, 1, 1, 2, 1, 1, 1, 1]),
        (7, False, [1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_only_the_deepest_unit_is_dilated_unless_the_block_is(depth, dilated, expected):
    assert dilations(Rsu(3, 2, 4, depth, dilated=dilated)) == expected


@pytest.mark.parametrize("separable", [False, True])
def test_only_a_blocks_first_unit_stays_plain_in_a_separable_network(separable):
    block = Rsu(3, 2, 4, 5, separable=separable)
    rest = SeparableBnRelu if separable else ConvBnRelu
    assert type(block.first) is ConvBnRelu
    assert {type(unit) for unit in (*block.down, block.bottom, *block.up)} == {rest}


@pytest.mark.parametrize(("depth", "dilated"), [(7, False), (6, False), (4, False), (4, True)])
@pytest.mark.parametrize("size", [(64, 64), (37, 50), (1, 3)])
def test_a_block_keeps_any_size(depth, dilated, size):
    block = Rsu(3, 2, 4, depth, dilated=dilated).eval()
    assert block(torch.randn(1, 3, *size)).shape == (1, 4, *size)


def test_a_block_adds_its_small_network_to_its_first_unit():
    block = Rsu(3, 2, 4, 4).eval()
    last = block.up[-1].bn
    nn.init.zeros_(last.weight)  # silences the small network
    picture = torch.randn(1, 3, 16, 16)
    assert torch.equal(block(picture), block.first(picture))
    nn.init.ones_(last.bias)
    assert torch.equal(block(picture), block.first(picture) + 1)


def test_pooling_shrinks_once_per_unit_down_but_the_first_and_the_bottom():
    sizes = []
    block = Rsu(3, 2, 4, 5).eval()
    for unit in (*block.down, block.bottom, *block.up):
        unit.register_forward_hook(lambda _, x, out: sizes.append(out.shape[-1]))
    block(torch.randn(1, 3, 16, 16))
    assert sizes == [16, 8, 4, 2, 2, 2, 4, 8, 16]

"""Layers are named after modules, and every convolution belongs to exactly one block."""

from __future__ import annotations

import pytest

from mobileseg.errors import UnknownName
from mobileseg.models.build import build
from mobileseg.quantization.layers import (
    blocks,
    convolutions,
    count_convolutions,
    heads,
    inside,
    refuse_unknown,
    units,
)


@pytest.mark.parametrize("variant", ["xs", "xs-sep", "unet"])
def test_every_convolution_lies_in_one_block_and_one_unit(variant):
    network = build(variant)
    for path in convolutions(network):
        (block,) = [b for b in blocks(network) if inside(path, [b])]
        assert [u for u in units(network, block) if inside(path, [u])]
    assert count_convolutions(network, blocks(network)) == len(convolutions(network))


def test_the_blocks_of_a_u2net_are_its_stages_its_sides_and_the_last():
    named = blocks(build("xs"))
    assert named[:2] == ("encoder.0", "encoder.1") and named[-1] == "outconv"
    assert len(named) == 6 + 5 + 6 + 1
    assert len(convolutions(build("xs"))) == 119


def test_heads_are_what_makes_logits():
    assert heads(build("xs")) == (*(f"side.{i}" for i in range(6)), "outconv")
    assert heads(build("unet")) == ("outconv",)


def test_a_name_stands_for_all_below_it_and_for_nothing_that_begins_alike():
    assert inside("decoder.1.first.conv", ["decoder.1"])
    assert not inside("decoder.10.first.conv", ["decoder.1"])
    assert not inside("decoder", ["decoder.1"])


def test_a_layer_that_does_not_exist_is_named_with_the_choices():
    network = build("xs")
    refuse_unknown(network, ["decoder.4", "encoder.0.first", "outconv"])
    with pytest.raises(UnknownName, match=r"no layer 'decoder\.9'; choose from encoder\.0"):
        refuse_unknown(network, ["decoder.9"])
    with pytest.raises(UnknownName, match="no layer 'shrink'"):
        refuse_unknown(network, ["shrink"])  # a module, but nothing in it has weights

"""Compressed constants: Apple's own examples, and what no program may hold."""

from __future__ import annotations

import pytest
import torch

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.ops import operation


def run(name, system, **given):
    arguments = {key: [v if isinstance(v, str) else torch.as_tensor(v)] for key, v in given.items()}
    taken = Arguments(arguments, system)
    result = operation(f"constexpr_{name}", system).compute(taken)
    assert taken.unread() == []
    return result


def u8(*values):
    return torch.tensor(values, dtype=torch.uint8)


def test_affine_one_scale_for_each_place_of_an_axis():
    """scale · (stored - zero point)"""
    stored = torch.tensor([[1, 2], [3, 4]], dtype=torch.int8)
    found = run(
        "affine_dequantize",
        16,
        quantized_data=stored,
        scale=[0.5, 2.0],
        zero_point=torch.tensor([1, -1], dtype=torch.int8),
        axis=0,
    )
    assert found.tolist() == [[0.0, 0.5], [8.0, 10.0]]
    one = run("affine_dequantize", 16, quantized_data=stored, scale=2.0, zero_point=1, axis=-1)
    assert one.tolist() == [[0.0, 2.0], [4.0, 6.0]]


def test_a_table_of_packed_indices_begins_with_the_least_significant_bits():
    """The documentation's drawing: bytes 01'10'11'00 and xx'xx'xx'11, five indices of two bits."""
    found = run(
        "lut_to_dense",
        16,
        indices=u8(0b01101100, 0b11),
        lut=[10.0, 11.0, 12.0, 13.0],
        shape=torch.tensor([5]),
    )
    assert found.tolist() == [10.0, 13.0, 12.0, 11.0, 13.0]


def test_six_bits_run_across_bytes():
    lut = torch.arange(64.0)
    # 1 in bits 0-5, 2 in 6-11, 3 in 12-17, 4 in 18-23
    packed = 1 | 2 << 6 | 3 << 12 | 4 << 18
    indices = u8(packed & 255, packed >> 8 & 255, packed >> 16)
    found = run("lut_to_dense", 17, indices=indices, lut=lut, shape=torch.tensor([2, 2]))
    assert found.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_table_for_each_group():
    """Apple's case 1: six rows, two tables of four values, three rows each."""
    found = run(
        "lut_to_dense",
        18,
        indices=u8(2, 3, 3, 0, 1, 0, 3, 0, 2, 1, 0, 3).reshape(6, 2),
        lut=torch.tensor([1.0, 5, 9, 13, 2, 10, 18, 26]).reshape(2, 1, 4, 1),
    )
    assert found.tolist() == [[9, 13], [13, 1], [5, 1], [26, 2], [18, 10], [2, 26]]


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (
            1,
            [
                [[0, 0], [1, 1], [2, 2], [10, 0], [11, 1], [12, 2]],
                [[10, 10], [11, 11], [12, 12], [0, 0], [1, 1], [2, 2]],
            ],
        ),
        (
            2,
            [
                [[0, 1, 2, 0, 1, 2], [10, 11, 12, 0, 1, 2]],
                [[10, 11, 12, 10, 11, 12], [0, 1, 2, 0, 1, 2]],
            ],
        ),
    ],
)
def test_a_table_of_vectors(axis, expected):
    """Apple's case 2: a0 a1 a2 are 0 1 2 here, b0 b1 b2 are 10 11 12."""
    found = run(
        "lut_to_dense",
        18,
        indices=u8(0, 0, 1, 0, 1, 1, 0, 0).reshape(2, 2, 2),
        lut=torch.tensor([0.0, 1, 2, 10, 11, 12]).reshape(1, 1, 1, 2, 3),
        vector_axis=axis,
    )
    assert found.tolist() == expected


def test_scales_and_offsets_of_blocks():
    found = run(
        "blockwise_shift_scale",
        18,
        data=torch.tensor([[1, 2, 3, 4]], dtype=torch.int8),
        scale=[[2.0, 10.0]],
        offset=torch.tensor([[1, 0]], dtype=torch.int8),
    )
    assert found.tolist() == [[0.0, 2.0, 30.0, 40.0]]


def test_a_mask_in_bytes_begins_with_the_least_significant_bit():
    """The documentation's drawing: xxx01100, five values of which two are not 0."""
    found = run(
        "sparse_to_dense",
        16,
        nonzero_data=[7.0, 8.0],
        mask=u8(0b01100),
        shape=torch.tensor([5]),
    )
    assert found.tolist() == [0.0, 0.0, 7.0, 8.0, 0.0]


def test_a_mask_of_the_tensors_own_shape():
    found = run("sparse_to_dense", 18, nonzero_data=[7.0, 8.0], mask=u8(0, 1, 1, 0).reshape(2, 2))
    assert found.tolist() == [[0.0, 7.0], [8.0, 0.0]]


MASK = u8(
    *(1, 1, 0, 0, 0, 0),
    *(1, 1, 0, 0, 0, 1),
    *(0, 1, 1, 0, 1, 0),
    *(0, 0, 0, 1, 0, 0),
).reshape(4, 6)


def test_a_table_on_sparse_values():
    """Apple's two examples, of values and of vectors along axis 0."""
    indices = u8(0, 1, 1, 0, 1, 1, 0, 0, 1)
    lut = torch.tensor([2.0, 3.0]).reshape(1, 1, 2, 1)
    mask, values = run(
        "lut_to_sparse", 18, indices_mask=MASK, indices_nonzero_data=indices, lut=lut
    )
    assert torch.equal(mask, MASK.int())
    assert values.tolist() == [2, 3, 3, 2, 3, 3, 2, 2, 3]
    pairs = torch.tensor([2.0, 2.0, 3.0, 3.0]).reshape(1, 1, 2, 2)
    mask, values = run(
        "lut_to_sparse",
        18,
        indices_mask=MASK,
        indices_nonzero_data=indices,
        lut=pairs,
        vector_axis=0,
    )
    assert torch.equal(mask, MASK.int().repeat_interleave(2, 0))
    assert values.tolist() == [2, 3, 2, 3, 3, 2, 3, 3, 2, 3, 3, 2, 2, 3, 2, 2, 3, 3]


def test_scales_on_sparse_values():
    """Apple's example."""
    mask = u8(1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0).reshape(4, 4)
    found_mask, values = run(
        "sparse_blockwise_shift_scale",
        18,
        data_mask=mask,
        nonzero_data=torch.tensor([10, 11, 3, 4, 5, 6, 7, 8, 9], dtype=torch.int8),
        scale=[[0.1, 0.2, 0.3, 0.4]],
        offset=torch.tensor([[1, 2, 3, 4]], dtype=torch.int8),
    )
    assert torch.equal(found_mask, mask.int())
    assert values.tolist() == pytest.approx([0.9, 1.8, 0.2, 0.4, 0.6, 0.9, 1.2, 0.7, 1.4])


def test_a_cast_of_a_constant():
    half = torch.tensor([0.1], dtype=torch.float16)
    assert run("cast", 16, source_val=half, output_dtype="fp32").item() == half.float().item()


@pytest.mark.parametrize(
    ("name", "system", "given", "said"),
    [
        ("lut_to_dense", 16, {"indices": u8(0), "lut": [1.0] * 3, "shape": [4]}, "table of shape"),
        (
            "lut_to_dense",
            16,
            {"indices": u8(0), "lut": [1.0] * 4, "shape": [5]},
            "1 bytes of indices",
        ),
        (
            "lut_to_dense",
            18,
            {"indices": u8(2), "lut": torch.ones(1, 2, 1)},
            "index 2 into 2 entries",
        ),
        (
            "sparse_to_dense",
            16,
            {"nonzero_data": [1.0], "mask": u8(0b100001), "shape": [5]},
            "goes on beyond",
        ),
        ("sparse_to_dense", 18, {"nonzero_data": [1.0], "mask": u8(1, 1)}, "1 values for 2 places"),
        (
            "blockwise_shift_scale",
            18,
            {"data": u8(1, 2, 3), "scale": [1.0, 2.0]},
            "2 blocks for 3 places",
        ),
        (
            "affine_dequantize",
            16,
            {"quantized_data": u8(1, 2), "scale": [1.0] * 3, "zero_point": 0, "axis": 0},
            "3,",
        ),
    ],
)
def test_constants_that_contradict_themselves_are_refused(name, system, given, said):
    with pytest.raises(Unsupported, match=said):
        run(name, system, **given)

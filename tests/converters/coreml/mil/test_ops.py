"""Every operation on numbers that a reader can check."""

from __future__ import annotations

import math

import pytest
import torch

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.dtypes import DTYPES, TensorType
from converters.coreml.mil.ops import OPERATIONS, operation

T, F = True, False


def value(given):
    """A number, list or word of a test -> what the evaluator holds."""
    if isinstance(given, str | torch.Tensor):
        return given
    return torch.tensor(given)


def run(name, system=16, declares=None, **given):
    """Compute; a tuple is an argument of several values."""
    arguments = {
        key: [value(one) for one in (v if isinstance(v, tuple) else (v,))]
        for key, v in given.items()
    }
    declared = [TensorType(DTYPES[declares], ())] if declares else []
    taken = Arguments(arguments, system, declared)
    result = operation(name, system).compute(taken)
    assert taken.unread() == []
    return result


def listed(result):
    return result.tolist() if isinstance(result, torch.Tensor) else [r.tolist() for r in result]


X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
PICTURE = [[[[1.0, 2.0], [3.0, 4.0]]]]
CASES = {
    "add": ({"x": X, "y": [10.0, 20.0, 30.0]}, [[11, 22, 33], [14, 25, 36]]),
    "sub": ({"x": [5, 7], "y": [7, 7]}, [-2, 0]),
    "mul": ({"x": [2.0, 3.0], "y": 0.5}, [1.0, 1.5]),
    "real_div": ({"x": [1.0, 9.0], "y": [4.0, 3.0]}, [0.25, 3.0]),
    "maximum": ({"x": [1.0, -2.0], "y": [0.0, 0.0]}, [1.0, 0.0]),
    "minimum": ({"x": [1.0, -2.0], "y": [0.0, 0.0]}, [0.0, -2.0]),
    "abs": ({"x": [-1.5, 2.0]}, [1.5, 2.0]),
    "ceil": ({"x": [-1.5, 1.2]}, [-1.0, 2.0]),
    "exp": ({"x": [0.0]}, [1.0]),
    "floor": ({"x": [-1.5, 1.2]}, [-2.0, 1.0]),
    "identity": ({"x": [1.0]}, [1.0]),
    "relu": ({"x": [-1.0, 2.0]}, [0.0, 2.0]),
    "round": ({"x": [0.5, 1.5, 2.5, -0.5, 2.4]}, [0.0, 2.0, 2.0, 0.0, 2.0]),
    "sigmoid": ({"x": [0.0]}, [0.5]),
    "sqrt": ({"x": [9.0]}, [3.0]),
    "square": ({"x": [-3.0]}, [9.0]),
    "tanh": ({"x": [0.0]}, [0.0]),
    # (3 - 1) / sqrt(3 + 1) · 10 + 5
    "batch_norm": (
        {
            "x": [[3.0]],
            "mean": [1.0],
            "variance": [3.0],
            "gamma": [10.0],
            "beta": [5.0],
            "epsilon": 1.0,
        },
        [[15.0]],
    ),
    "cast": ({"x": [-1.7, 1.7], "dtype": "int32"}, [-1, 1]),
    "clip": ({"x": [-1.0, 0.5, 9.0], "alpha": 0.0, "beta": 1.0}, [0.0, 0.5, 1.0]),
    "inverse": ({"x": [3.0], "epsilon": 1.0}, [0.25]),
    "log": (  # to float32's last digit, which depends on the processor
        {"x": [1.0, 3.5], "epsilon": 0.5},
        [pytest.approx(0.405465, abs=1e-6), pytest.approx(1.386294, abs=1e-6)],
    ),
    "leaky_relu": ({"x": [-2.0, 2.0], "alpha": 0.25}, [-0.5, 2.0]),
    "softmax": ({"x": [[0.0, 0.0]], "axis": 1}, [[0.5, 0.5]]),
    "equal": ({"x": [1.0, 2.0], "y": 2.0}, [F, T]),
    "not_equal": ({"x": [1.0, 2.0], "y": 2.0}, [T, F]),
    "greater": ({"x": [1.0, 2.0, 3.0], "y": 2.0}, [F, F, T]),
    "greater_equal": ({"x": [1.0, 2.0, 3.0], "y": 2.0}, [F, T, T]),
    "less": ({"x": [1.0, 2.0, 3.0], "y": 2.0}, [T, F, F]),
    "less_equal": ({"x": [1.0, 2.0, 3.0], "y": 2.0}, [T, T, F]),
    "logical_and": ({"x": [T, T, F], "y": [T, F, F]}, [T, F, F]),
    "logical_or": ({"x": [T, T, F], "y": [T, F, F]}, [T, T, F]),
    "logical_xor": ({"x": [T, T, F], "y": [T, F, F]}, [F, T, F]),
    "logical_not": ({"x": [T, F]}, [F, T]),
    "reduce_sum": ({"x": X, "axes": [0]}, [5.0, 7.0, 9.0]),
    "reduce_mean": ({"x": X, "axes": [1], "keep_dims": T}, [[2.0], [5.0]]),
    "reduce_max": ({"x": X}, 6.0),
    "reduce_min": ({"x": X, "axes": [-1]}, [1.0, 4.0]),
    "reduce_argmax": ({"x": [[1.0, 3.0, 2.0]], "axis": 1}, [1]),
    "cumsum": ({"x": [1.0, 2.0, 3.0]}, [1.0, 3.0, 6.0]),
    "matmul": ({"x": X, "y": X, "transpose_y": T}, [[14.0, 32.0], [32.0, 77.0]]),
    "linear": ({"x": [1.0, 2.0], "weight": [[3.0, 4.0]], "bias": [0.5]}, [11.5]),
    # Apple's own example
    "concat": (
        {
            "values": ([[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]),
            "axis": 0,
            "interleave": T,
        },
        [[1, 2], [7, 8], [3, 4], [9, 10], [5, 6], [11, 12]],
    ),
    "stack": ({"values": ([1, 2], [3, 4]), "axis": -1}, [[1, 3], [2, 4]]),
    "split": ({"x": [1, 2, 3], "axis": 0, "split_sizes": [1, 2]}, [[1], [2, 3]]),
    "expand_dims": ({"x": [1, 2], "axes": [0, -1]}, [[[1], [2]]]),
    "squeeze": ({"x": [[[1], [2]]], "axes": [0, 1]}, [[1], [2]]),
    "reshape": ({"x": X, "shape": [3, -1]}, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    "transpose": ({"x": X, "perm": [1, 0]}, [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]),
    "slice_by_index": (
        {"x": X, "begin": [1, 0], "end": [0, 3], "stride": [1, 2], "squeeze_mask": [T, F]},
        [4.0, 6.0],
    ),
    "shape": ({"x": X}, [2, 3]),
    "tile": ({"x": [[1, 2]], "reps": [2, 2]}, [[1, 2, 1, 2], [1, 2, 1, 2]]),
    "fill": ({"shape": [2, 1], "value": 7}, [[7], [7]]),
    "fill_like": ({"ref_tensor": X, "value": 256.0}, [[256.0] * 3] * 2),
    "select": ({"cond": [[T], [F]], "a": X, "b": 0.0}, [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]),
    "gather": ({"x": X, "indices": [[2, 0]], "axis": 1}, [[[3.0, 1.0]], [[6.0, 4.0]]]),
    "gather_along_axis": ({"x": X, "indices": [[1, 0, 1]], "axis": 0}, [[4.0, 2.0, 6.0]]),
    # 1·1 + 2·2 + 3·3 + 4·4, and 1 on top
    "conv": (
        {"x": PICTURE, "weight": [[[[1.0, 2.0], [3.0, 4.0]]]], "bias": [1.0], "pad_type": "valid"},
        [[[[31.0]]]],
    ),
    # each value spreads its kernel at its place, two apart
    "conv_transpose": (
        {"x": [[[1.0, 2.0]]], "weight": [[[1.0, 10.0]]], "strides": [2]},
        [[[1.0, 10.0, 2.0, 20.0]]],
    ),
    # 5 values by windows of 2: the last, half one counts
    "max_pool": (
        {
            "x": [[[1.0, 2.0, 3.0, 4.0, -5.0]]],
            "kernel_sizes": [2],
            "strides": [2],
            "pad_type": "valid",
            "ceil_mode": T,
        },
        [[[2.0, 4.0, -5.0]]],
    ),
    "upsample_nearest_neighbor": (
        {"x": PICTURE, "scale_factor_height": 1, "scale_factor_width": 2.0},
        [[[[1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0]]]],
    ),
}
ELSEWHERE = ("upsample_bilinear", "resize_bilinear", "resample")  # test_grids.py
UNPACKING = "constexpr_"  # test_constexpr.py


@pytest.mark.parametrize("name", CASES)
def test_an_operation_computes_what_is_documented(name):
    given, expected = CASES[name]
    assert listed(run(name, **given)) == expected


def test_every_operation_has_a_case():
    here = {n for n in OPERATIONS if not n.startswith(UNPACKING)} - set(ELSEWHERE)
    assert here == set(CASES)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("cumsum", {"x": [1.0, 2.0, 3.0], "exclusive": T}, [0.0, 1.0, 3.0]),
        ("cumsum", {"x": [1.0, 2.0, 3.0], "reverse": T}, [6.0, 5.0, 3.0]),
        ("concat", {"values": ([[1]], [[2], [3]]), "axis": 0}, [[1], [2], [3]]),
        ("split", {"x": [[1, 2, 3, 4]], "axis": 1, "num_splits": 2}, [[[1, 2]], [[3, 4]]]),
        ("cast", {"x": [0, 2], "dtype": "bool"}, [F, T]),
        ("cast", {"x": [F, T], "dtype": "fp32"}, [0.0, 1.0]),
        ("matmul", {"x": [1.0, 2.0], "y": [3.0, 4.0], "transpose_x": T}, 11.0),
        ("reduce_sum", {"x": [1, 2]}, 3),
        ("slice_by_index", {"x": [1, 2, 3], "begin": [-2], "end": [9]}, [2, 3]),
        (
            "slice_by_index",
            {"x": [1, 2, 3], "begin": [1], "end": [1], "begin_mask": [T], "end_mask": [T]},
            [1, 2, 3],
        ),
        ("gather", {"x": [1, 2, 3], "indices": -1}, 3),
        ("squeeze", {"x": [[[1], [2]]]}, [1, 2]),
        # outside the picture is 0, and the pads may differ: one value before, none after
        (
            "conv",
            {"x": [[[1.0, 2.0]]], "weight": [[[3.0, 5.0]]], "pad_type": "custom", "pad": [1, 0]},
            [[[5.0, 13.0]]],
        ),
        # taps two apart: 1 and 3
        (
            "conv",
            {
                "x": [[[1.0, 2.0, 3.0]]],
                "weight": [[[1.0, 10.0]]],
                "pad_type": "valid",
                "dilations": [2],
            },
            [[[31.0]]],
        ),
        # a kernel for each channel
        (
            "conv",
            {"x": [[[1.0], [2.0]]], "weight": [[[3.0]], [[5.0]]], "pad_type": "valid", "groups": 2},
            [[[3.0], [10.0]]],
        ),
        (
            "conv_transpose",
            {"x": [[[1.0, 2.0]]], "weight": [[[1.0, 10.0]]], "pad_type": "custom", "pad": [1, 0]},
            [[[12.0, 20.0]]],
        ),
        # padding is never the largest
        (
            "max_pool",
            {
                "x": [[[-1.0, -2.0]]],
                "kernel_sizes": [2],
                "strides": [2],
                "pad_type": "custom",
                "pad": [1, 1],
            },
            [[[-1.0, -2.0]]],
        ),
    ],
)
def test_other_forms(name, given, expected):
    assert listed(run(name, **given)) == expected


def test_an_inverse_adds_its_default_epsilon():
    """The fault that `constant / tensor` is turned into."""
    assert run("inverse", x=[1.0]).item() == pytest.approx(1 / 1.0001, abs=1e-7)


def test_zeros_in_a_shape_count_from_the_right_since_ios_17():
    """Apple's own example."""
    x = torch.zeros(2, 50)
    assert run("reshape", 17, x=x, shape=[1, 0, -1, 0]).shape == (1, 1, 2, 50)
    with pytest.raises(Unsupported, match="keeps sizes"):
        run("reshape", 16, x=x, shape=[1, 0, -1, 0])
    assert run("reshape", 16, x=x, shape=[0, -1]).shape == (2, 50)


def test_a_place_below_0_is_beyond_the_bounds_since_ios_17():
    with pytest.raises(Unsupported, match=r"reads at -1\.\.-1 of 3 values"):
        run("gather", 17, x=[1, 2, 3], indices=[-1], validate_indices=F)


def test_what_is_computed_in_half_precision_is_computed_in_float32():
    half = torch.tensor([2048.0, 1.0], dtype=torch.float16)
    assert run("reduce_sum", x=half).item() == 2049.0  # which no fp16 can hold
    assert run("reduce_sum", x=half).dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("real_div", {"x": [1], "y": [2]}, "rounding is not documented"),
        ("cast", {"x": [math.nan], "dtype": "int32"}, "no int32 can hold"),
        ("cast", {"x": [1.0], "dtype": "int64"}, "argument 'dtype' is 'int64'; expected fp32"),
        ("clip", {"x": [1.0], "alpha": 1.0, "beta": 0.0}, r"clips to 1\.0\.\.0\.0"),
        ("conv", {"x": PICTURE, "weight": PICTURE, "pad_type": "same"}, "expected valid, custom"),
        (
            "conv",
            {"x": PICTURE, "weight": PICTURE, "pad_type": "valid", "pad": [1, 1, 1, 1]},
            "pads 2 axes by",
        ),
        ("gather", {"x": [1, 2], "indices": [2]}, r"reads at 2\.\.2 of 2 values"),
        ("select", {"cond": [T]}, "search for places"),
        ("upsample_nearest_neighbor", {"x": PICTURE, "scale_factor_width": 1.5}, "1.5 times"),
        (
            "slice_by_index",
            {"x": [1, 2], "begin": [1], "end": [0], "stride": [-1]},
            "slices 1 axes",
        ),
        ("add", {"x": [1.0]}, "lacks argument 'y'"),
        ("split", {"x": [1, 2, 3], "axis": 0, "num_splits": 2}, "in 2 equal parts"),
    ],
)
def test_what_is_not_documented_is_refused(name, given, said):
    with pytest.raises(Unsupported, match=said):
        run(name, **given)


def test_a_cast_to_another_type_than_it_declares_is_refused():
    with pytest.raises(Unsupported, match="casts to int32 but declares int16"):
        run("cast", declares="int16", x=[1.0], dtype="int32")


def test_an_operation_of_a_later_release_is_unknown_to_an_earlier():
    assert operation("constexpr_blockwise_shift_scale", 17) is None
    assert operation("constexpr_lut_to_dense", 17) is not operation("constexpr_lut_to_dense", 18)
    assert operation("no_such_thing", 18) is None

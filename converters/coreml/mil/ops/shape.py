"""Operations that move values and compute none."""

from __future__ import annotations

import torch
from torch import Tensor

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.op_spec import Result, Row

SIZES_FROM_THE_RIGHT = 17  # since this release a 0 in `reshape` counts from the last axis


def _concat(a: Arguments) -> Result:
    """One after the other along an axis; interleaved, in turns."""
    values, axis = a.tensors("values"), a.whole("axis")
    if not a.flag("interleave", False):
        return torch.cat(values, axis)
    axis %= values[0].ndim
    return torch.stack(values, axis + 1).flatten(axis, axis + 1)


def _stack(a: Arguments) -> Result:
    return torch.stack(a.tensors("values"), a.whole("axis"))


def _split(a: Arguments) -> Result:
    x, axis = a.tensor("x"), a.whole("axis")
    if a.has("split_sizes"):
        sizes = a.wholes("split_sizes")
        if a.whole("num_splits", len(sizes)) != len(sizes):
            raise Unsupported("names two numbers of splits")
        return torch.split(x, sizes, axis)
    count = a.whole("num_splits")
    if count < 1 or x.shape[axis] % count:
        raise Unsupported(f"splits {x.shape[axis]} values in {count} equal parts")
    return torch.chunk(x, count, axis)


def _expand_dims(a: Arguments) -> Result:
    x, axes = a.tensor("x"), a.wholes("axes")
    rank = x.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _squeeze(a: Arguments) -> Result:
    """Of the named axes those of size 1; of all, where none is named."""
    x = a.tensor("x")
    return x.squeeze(tuple(a.wholes("axes", range(x.ndim))))


def _reshape(a: Arguments) -> Result:
    """-1: whatever is left; 0: as in `x`."""
    x, wanted = a.tensor("x"), a.wholes("shape")
    from_right = a.system >= SIZES_FROM_THE_RIGHT
    if 0 in wanted and not from_right and len(wanted) != x.ndim:
        raise Unsupported(f"keeps sizes (0) of {x.ndim} axes among {len(wanted)}")
    offset = x.ndim - len(wanted)
    sizes = [
        size or (x.shape[i + offset] if i + offset >= 0 else 1) for i, size in enumerate(wanted)
    ]
    return x.reshape(sizes)


def _transpose(a: Arguments) -> Result:
    return a.tensor("x").permute(a.wholes("perm"))


def _slice_by_index(a: Arguments) -> Result:
    """NumPy's x[begin:end:stride, …]; a mask takes the axis from its start or to its end."""
    x = a.tensor("x")
    none = [False] * x.ndim
    begin, end = a.wholes("begin"), a.wholes("end")
    stride = a.wholes("stride", [1] * x.ndim)
    from_start, to_end = a.flags("begin_mask", none), a.flags("end_mask", none)
    at_one = a.flags("squeeze_mask", none)
    lists = (begin, end, stride, from_start, to_end, at_one)
    if any(len(values) != x.ndim for values in lists) or min(stride, default=1) < 1:
        raise Unsupported(f"slices {x.ndim} axes by {begin}, {end}, {stride}")
    for axis in reversed(range(x.ndim)):
        first = None if from_start[axis] else begin[axis]
        if at_one[axis]:
            x = x.select(axis, first or 0)
            continue
        last = None if to_end[axis] else end[axis]
        chosen: list[slice] = [slice(None)] * x.ndim
        chosen[axis] = slice(first, last, stride[axis])
        x = x[tuple(chosen)]
    return x


def _shape(a: Arguments) -> Result:
    return torch.tensor(a.tensor("x").shape, dtype=torch.int32)


def _tile(a: Arguments) -> Result:
    x, reps = a.tensor("x"), a.wholes("reps")
    if len(reps) != x.ndim:
        raise Unsupported(f"repeats {x.ndim} axes by {reps}")
    return x.repeat(reps)


def _filled(sizes: list[int] | torch.Size, a: Arguments) -> Tensor:
    value = a.tensor("value") if a.has("value") else torch.zeros(())
    return value.reshape(()).expand(sizes).clone()


OPERATIONS = {
    "concat": Row(_concat, ("values",), "values"),
    "stack": Row(_stack, ("values",), "values"),
    "split": Row(_split),
    "expand_dims": Row(_expand_dims),
    "squeeze": Row(_squeeze),
    "reshape": Row(_reshape),
    "transpose": Row(_transpose),
    "slice_by_index": Row(_slice_by_index),
    "shape": Row(_shape, gives="int32"),
    "tile": Row(_tile),
    "fill": Row(lambda a: _filled(a.wholes("shape"), a), gives="value"),
    "fill_like": Row(lambda a: _filled(a.tensor("ref_tensor").shape, a), gives="value"),
}

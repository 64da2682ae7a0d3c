"""Operations that make one value of many along axes, and running sums."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.op_spec import Result, Row


def _over_axes(function: Callable[[Tensor, list[int], bool], Tensor]) -> Row:
    """A reduction over `axes`; over all of them where none are given."""

    def compute(a: Arguments) -> Result:
        x = a.tensor("x")
        if x.ndim < 1:
            raise Unsupported("reduces a single value")
        axes = a.wholes("axes", range(x.ndim))
        return function(x, axes, a.flag("keep_dims", False))

    return Row(compute)


def _sum(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return torch.sum(x, axes, keepdim=keep, dtype=x.dtype)


def _mean(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    if not x.is_floating_point():
        raise Unsupported("means whole numbers, whose rounding is not documented")
    return torch.mean(x, axes, keepdim=keep)


def _argmax(a: Arguments) -> Result:
    """Where several are largest, any one may be given; here it is the first."""
    x, axis = a.tensor("x"), a.whole("axis", -1)
    word = a.word("output_dtype", ("int32", "uint16"), "int32")
    if a.declared and a.declared[0].dtype.name != word:
        raise Unsupported(f"gives {word} but declares {a.declared[0].dtype.name}")
    return torch.argmax(x, axis, keepdim=a.flag("keep_dims", False)).to(torch.int32)


def _cumsum(a: Arguments) -> Result:
    x, axis = a.tensor("x"), a.whole("axis", 0)
    backwards = a.flag("reverse", False)
    along = x.flip(axis) if backwards else x
    total = torch.cumsum(along, axis, dtype=x.dtype)
    if a.flag("exclusive", False):
        total = total - along
    return total.flip(axis) if backwards else total


OPERATIONS = {
    "reduce_sum": _over_axes(_sum),
    "reduce_mean": _over_axes(_mean),
    "reduce_max": _over_axes(lambda x, axes, keep: torch.amax(x, axes, keepdim=keep)),
    "reduce_min": _over_axes(lambda x, axes, keep: torch.amin(x, axes, keepdim=keep)),
    "reduce_argmax": Row(_argmax, gives=None),
    "cumsum": Row(_cumsum),
}

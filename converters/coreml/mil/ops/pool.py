"""Pooling: one value for each window."""

from __future__ import annotations

from torch.nn import functional

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.op_spec import Result, Row
from converters.coreml.mil.ops.conv import pads

_MAX = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}


def _max_pool(a: Arguments) -> Result:
    """The largest of a window; padding is never the largest.

    With `ceil_mode` a last, incomplete window counts, unless it begins in the padding ("Same as
    PyTorch's", says the documentation).
    """
    x = a.tensor("x")
    axes = x.ndim - 2
    if axes not in _MAX:
        raise Unsupported(f"pools a tensor of {x.ndim} axes")
    around = pads(a, axes)
    if any(before != after for before, after in around):
        raise Unsupported(f"pads unevenly, by {around}")
    return _MAX[axes](
        x,
        a.wholes("kernel_sizes"),
        stride=a.wholes("strides", [1] * axes),
        padding=[before for before, _ in around],
        ceil_mode=a.flag("ceil_mode", False),
    )


OPERATIONS = {"max_pool": Row(_max_pool)}

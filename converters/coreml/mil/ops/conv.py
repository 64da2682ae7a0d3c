"""Convolutions."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.op_spec import Result, Row

# What `same` pads is told in two ways that contradict each other where a stride is not 1.
PADDINGS = ("valid", "custom")
_CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}


def pads(a: Arguments, axes: int, default: str | None = None) -> list[tuple[int, int]]:
    """(before, after) of each spatial axis, by `pad_type` and `pad`."""
    custom = a.word("pad_type", PADDINGS, default) == "custom"
    given = a.wholes("pad", [0] * (2 * axes))
    if len(given) != 2 * axes or min(given) < 0 or (any(given) and not custom):
        raise Unsupported(f"pads {axes} axes by {given}")
    return list(zip(given[::2], given[1::2], strict=True))


def _spatial(a: Arguments, x: Tensor) -> int:
    if x.ndim - 2 not in _CONVOLVE:
        raise Unsupported(f"convolves a tensor of {x.ndim} axes")
    return x.ndim - 2


def _conv(a: Arguments) -> Result:
    """(N, C, …) by (out, C / groups, …); outside the picture is 0."""
    x = a.tensor("x")
    axes = _spatial(a, x)
    ones = [1] * axes
    around = pads(a, axes)
    even = all(before == after for before, after in around)
    if not even:
        x = functional.pad(x, [n for pair in reversed(around) for n in pair])
    return _CONVOLVE[axes](
        x,
        a.tensor("weight"),
        a.tensor("bias") if a.has("bias") else None,
        stride=a.wholes("strides", ones),
        padding=[before for before, _ in around] if even else 0,
        dilation=a.wholes("dilations", ones),
        groups=a.whole("groups", 1),
    )


def _conv_transpose(a: Arguments) -> Result:
    """The gradient of a convolution; weight (C, out / groups, …). Padding is cut off the result."""
    x = a.tensor("x")
    axes = _spatial(a, x)
    ones = [1] * axes
    around = pads(a, axes, "valid")
    full: Tensor = _TRANSPOSED[axes](
        x,
        a.tensor("weight"),
        a.tensor("bias") if a.has("bias") else None,
        stride=a.wholes("strides", ones),
        dilation=a.wholes("dilations", ones),
        groups=a.whole("groups", 1),
    )
    for axis, (before, after) in enumerate(around, 2):
        full = full.narrow(axis, before, full.shape[axis] - before - after)
    if a.has("output_shape") and a.wholes("output_shape") != list(full.shape):
        raise Unsupported(f"gives {list(full.shape)}, not {a.wholes('output_shape')}")
    return full


OPERATIONS = {"conv": Row(_conv), "conv_transpose": Row(_conv_transpose)}

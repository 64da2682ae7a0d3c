"""Operations that pick values by a condition or a place."""

from __future__ import annotations

import torch
from torch import Tensor

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.op_spec import Result, Row

NO_NEGATIVE_PLACES = 17  # since this release a place below 0 is beyond the bounds


def _select(a: Arguments) -> Result:
    """`a` where the condition holds, else `b`."""
    if not (a.has("a") and a.has("b")):
        raise Unsupported("is a search for places, which is not written here")
    return torch.where(a.tensor("cond"), a.tensor("a"), a.tensor("b"))


def _places(a: Arguments, size: int) -> Tensor:
    """Indices, every one of them within the axis.

    Beyond it the documentation leaves the value open, whether or not the program wants a check.
    """
    a.flag("validate_indices", False)
    places = a.tensor("indices").to(torch.int64)
    lowest = 0 if a.system >= NO_NEGATIVE_PLACES else -size
    if places.numel() and not lowest <= int(places.min()) <= int(places.max()) < size:
        raise Unsupported(f"reads at {int(places.min())}..{int(places.max())} of {size} values")
    return torch.where(places < 0, places + size, places)


def _gather(a: Arguments) -> Result:
    """Slices of `x` along an axis, in the order of the indices, which may have any shape."""
    x = a.tensor("x")
    if a.whole("batch_dims", 0):
        raise Unsupported("gathers by batches, which is not written here")
    axis = a.whole("axis", 0) % x.ndim
    places = _places(a, x.shape[axis])
    picked = x.index_select(axis, places.reshape(-1))
    return picked.reshape((*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]))


def _gather_along_axis(a: Arguments) -> Result:
    x = a.tensor("x")
    axis = a.whole("axis", 0) % x.ndim
    return torch.take_along_dim(x, _places(a, x.shape[axis]), axis)


OPERATIONS = {
    "select": Row(_select, ("a", "b"), "a"),
    "gather": Row(_gather),
    "gather_along_axis": Row(_gather_along_axis),
}

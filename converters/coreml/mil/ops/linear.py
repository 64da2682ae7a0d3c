"""Products of matrices."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from converters.coreml.mil.arguments import Arguments
from converters.coreml.mil.op_spec import Result, Row


def _turned(x: Tensor, turn: bool) -> Tensor:
    """The last two axes swapped; of a vector there is nothing to swap."""
    return x.transpose(-1, -2) if turn and x.ndim > 1 else x


def _matmul(a: Arguments) -> Result:
    """As NumPy's: batches are broadcast; a vector is a row on the left, a column on the right."""
    x = _turned(a.tensor("x"), a.flag("transpose_x", False))
    y = _turned(a.tensor("y"), a.flag("transpose_y", False))
    return torch.matmul(x, y)


def _linear(a: Arguments) -> Result:
    """x · weightᵀ + bias."""
    bias = a.tensor("bias") if a.has("bias") else None
    return functional.linear(a.tensor("x"), a.tensor("weight"), bias)


OPERATIONS = {
    "matmul": Row(_matmul, ("x", "y")),
    "linear": Row(_linear, ("x", "weight")),
}

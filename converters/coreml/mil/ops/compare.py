"""Comparisons and logic: they give booleans."""

from __future__ import annotations

import torch

from converters.coreml.mil.op_spec import binary, unary

OPERATIONS = {
    "equal": binary(torch.eq, "bool"),
    "not_equal": binary(torch.ne, "bool"),
    "greater": binary(torch.gt, "bool"),
    "greater_equal": binary(torch.ge, "bool"),
    "less": binary(torch.lt, "bool"),
    "less_equal": binary(torch.le, "bool"),
    "logical_and": binary(torch.logical_and, "bool"),
    "logical_or": binary(torch.logical_or, "bool"),
    "logical_xor": binary(torch.logical_xor, "bool"),
    "logical_not": unary(torch.logical_not),
}

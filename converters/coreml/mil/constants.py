"""A constant as the program holds it, in place or in the weights file -> a tensor or a word."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from converters.coreml.mil.arguments import Unsupported, Value
from converters.coreml.mil.dtypes import DType, TensorType
from converters.coreml.mil.weights_file import WeightsFile, decoded

OpenWeights = Callable[[str], WeightsFile]  # by the name that the program has for the file


def constant(value: Any, open_weights: OpenWeights) -> tuple[TensorType, Value]:
    """Decode a Value of the protobuf.

    Returns:
        Its declared type, and the value in the torch type that holds it.

    Raises:
        Unsupported: it is no tensor of known shape, or holds another number of values.
        BadInput: the weights file is damaged.
    """
    declared = TensorType.of(value.type)
    shape = tuple(size for size in declared.sizes if size is not None)
    if len(shape) != len(declared.sizes):
        raise Unsupported("is a constant of unknown shape")
    count, dtype = math.prod(shape), declared.dtype
    if dtype.held is None:
        return declared, _word(value, count)
    if value.WhichOneof("value") == "blobFileValue":
        blob = value.blobFileValue
        flat = open_weights(blob.fileName).read(int(blob.offset), dtype, count)
    else:
        flat = _immediate(value, dtype, count)
    wide = flat.astype(np.int64) if dtype.name in ("uint16", "uint32") else flat
    return declared, torch.from_numpy(wide).to(dtype.held).reshape(shape)


def _field(value: Any, dtype: DType) -> Any:
    if value.WhichOneof("value") != "immediateValue":
        raise Unsupported("is a constant without a value")
    tensor = value.immediateValue.tensor
    found = tensor.WhichOneof("value")
    if found not in (dtype.field, None):
        raise Unsupported(f"is {dtype.name} but stands among the {found}")
    return getattr(tensor, dtype.field).values


def _immediate(value: Any, dtype: DType, count: int) -> np.ndarray:
    values = _field(value, dtype)
    if dtype.field == "bytes":
        if len(values) != math.ceil(count * dtype.bits / 8):
            raise Unsupported(f"has {len(values)} bytes; expected {count} {dtype.name}")
        return decoded(values, dtype, count)
    if len(values) != count:
        raise Unsupported(f"has {len(values)} values; expected {count}")
    return np.array(values, np.dtype(dtype.stored))


def _word(value: Any, count: int) -> str:
    words = _field(value, TensorType.of(value.type).dtype)
    if count != 1 or len(words) != 1:
        raise Unsupported(f"holds {len(words)} words; expected one")
    return str(words[0])

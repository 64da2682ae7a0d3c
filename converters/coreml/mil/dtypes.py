"""The types of MIL: what each is called, how it is stored, and what holds it while computing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from converters.coreml.mil.arguments import Unsupported


@dataclass(frozen=True, slots=True)
class DType:
    """A row of the table."""

    name: str  # as the program's own text has it
    number: int  # MIL.proto, DataType
    bits: int  # of one stored value; 0: of no fixed size
    stored: str  # NumPy's type of the stored values; under 8 bits, of the unpacked ones
    held: torch.dtype | None  # None: a word
    field: str  # of TensorValue, where an immediate value stands
    blob: int | None = None  # in the weights file; None: never there

    @property
    def whole_range(self) -> tuple[int, int] | None:
        """Least and greatest value of a whole number's type."""
        if np.dtype(self.stored).kind not in "iu":
            return None
        if np.dtype(self.stored).kind == "u":
            return 0, 2**self.bits - 1
        return -(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1


# torch knows little of unsigned types over 8 bits: the next wider signed type holds them.
DTYPES: dict[str, DType] = {
    row.name: row
    for row in (
        DType("bool", 1, 8, "bool", torch.bool, "bools"),
        DType("string", 2, 0, "str", None, "strings"),
        DType("fp16", 10, 16, "<f2", torch.float16, "bytes", 1),
        DType("fp32", 11, 32, "<f4", torch.float32, "floats", 2),
        DType("int8", 21, 8, "<i1", torch.int8, "bytes", 4),
        DType("int16", 22, 16, "<i2", torch.int16, "ints", 6),
        DType("int32", 23, 32, "<i4", torch.int32, "ints", 14),
        DType("int4", 25, 4, "<i1", torch.int8, "bytes", 8),
        DType("uint8", 31, 8, "<u1", torch.uint8, "bytes", 3),
        DType("uint16", 32, 16, "<u2", torch.int32, "ints", 7),
        DType("uint32", 33, 32, "<u4", torch.int64, "bytes", 15),
        DType("uint4", 35, 4, "<u1", torch.uint8, "bytes", 11),
        DType("uint2", 36, 2, "<u1", torch.uint8, "bytes", 10),
        DType("uint1", 37, 1, "<u1", torch.uint8, "bytes", 9),
        DType("uint6", 38, 6, "<u1", torch.uint8, "bytes", 13),
        DType("uint3", 39, 3, "<u1", torch.uint8, "bytes", 12),
    )
}
_BY_NUMBER = {row.number: row for row in DTYPES.values()}


@dataclass(frozen=True, slots=True)
class TensorType:
    """What the program declares of a value; a size that changes from call to call is None."""

    dtype: DType
    sizes: tuple[int | None, ...]

    @classmethod
    def of(cls, declared: Any) -> Self:
        """From a ValueType of the protobuf.

        Raises:
            Unsupported: it is no tensor, of a type or rank that is not in the table.
        """
        if declared.WhichOneof("type") != "tensorType":
            raise Unsupported(f"is a {declared.WhichOneof('type') or 'value of no type'}")
        tensor = declared.tensorType
        if tensor.dataType not in _BY_NUMBER:
            raise Unsupported(f"is of type number {tensor.dataType}, which is unknown here")
        if tensor.rank != len(tensor.dimensions):
            raise Unsupported(f"has rank {tensor.rank} but {len(tensor.dimensions)} sizes")
        sizes = []
        for dimension in tensor.dimensions:
            if dimension.unknown.variadic:
                raise Unsupported("has any number of axes")
            known = dimension.WhichOneof("dimension") == "constant"
            sizes.append(int(dimension.constant.size) if known else None)
        return cls(_BY_NUMBER[tensor.dataType], tuple(sizes))

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor's shape is the declared one."""
        pairs = zip(self.sizes, shape, strict=False)
        return len(self.sizes) == len(shape) and all(s is None or s == n for s, n in pairs)

    def __str__(self) -> str:
        sizes = "x".join("?" if size is None else str(size) for size in self.sizes)
        return f"{self.dtype.name} {sizes}".strip()


def unpacked(packed: np.ndarray, bits: int, count: int, signed: bool = False) -> np.ndarray:
    """Values of fewer than 8 bits out of bytes, the least significant bits first.

    Args:
        packed: (n,) uint8, n = ceil(count · bits / 8).
        signed: in two's complement.

    Returns:
        (count,) uint8 or int8.
    """
    each = np.unpackbits(packed, bitorder="little")[: count * bits].reshape(count, bits)
    values = np.zeros(count, np.uint8)
    for place in range(bits):
        values |= each[:, place] << place
    if not signed:
        return values
    above = np.uint8(8 - bits)
    return (values << above).view(np.int8) >> above.view(np.int8)

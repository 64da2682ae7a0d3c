"""The file beside a program that holds its large constants.

    64 bytes   header: how many constants (uint32), version 2 (uint32), nothing
    then, at offsets that the program names, each of a multiple of 64:
    64 bytes   record: 0xDEADBEEF (uint32), type (uint32), bytes, offset of the data, bits left over
               at its end (uint64 each), nothing
    data       row-major, little-endian; values under 8 bits packed, least significant bits first

Nothing is believed: each bound is checked before a byte is read.

Source: coremltools, mlmodel/src/MILBlob/Blob/StorageFormat.hpp
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.coreml.mil.dtypes import DType, unpacked
from mobileseg.errors import BadInput

HEADER, RECORD = struct.Struct("<II56x"), struct.Struct("<IIQQQ32x")
SENTINEL, VERSION = 0xDEADBEEF, 2


class WeightsFile:
    """One weights file, opened.

    Raises:
        BadInput: it is missing, cut short or of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise BadInput(f"{path}: no such file; expected the weights of a Core ML package")
        self.size = path.stat().st_size
        if self.size < HEADER.size:
            raise self._damaged(f"found {self.size} bytes; expected at least {HEADER.size}")
        self._bytes: NDArray[np.uint8] = np.memmap(path, np.uint8, mode="r")
        self.count, version = HEADER.unpack(self._piece(0, HEADER.size, "header"))
        if version != VERSION:
            raise self._damaged(f"found version {version}; expected {VERSION}")

    def _damaged(self, text: str) -> BadInput:
        return BadInput(f"{self.path}: {text}; copy the package again, it is damaged")

    def _piece(self, offset: int, length: int, what: str) -> bytes:
        if offset + length > self.size:
            raise self._damaged(
                f"found {self.size} bytes; expected {offset + length}, to the end of the {what}"
            )
        return self._bytes[offset : offset + length].tobytes()

    def read(self, offset: int, dtype: DType, count: int) -> NDArray[np.generic]:
        """One constant.

        Args:
            offset: of its record.
            dtype, count: what the program declares.

        Returns:
            (count,) values in `dtype.stored`; those under 8 bits unpacked.

        Raises:
            BadInput: record or data are not what the program declares, or beyond the file's end.
        """
        record = self._piece(offset, RECORD.size, f"record at {offset}")
        sentinel, kind, size, start, spare_bits = RECORD.unpack(record)
        if sentinel != SENTINEL:
            raise self._damaged(f"no record at {offset} (found {sentinel:#010x})")
        if dtype.blob is None or kind != dtype.blob:
            raise self._damaged(f"record at {offset} has type {kind}; expected {dtype.name}")
        if spare_bits >= 8 or 8 * size - spare_bits != count * dtype.bits:
            raise self._damaged(
                f"record at {offset} has {8 * size - spare_bits} bits; "
                f"expected {count * dtype.bits}, for {count} {dtype.name}"
            )
        if start < HEADER.size:
            raise self._damaged(f"record at {offset} has its data in the header")
        data = self._piece(start, size, f"data of the record at {offset}")
        return decoded(data, dtype, count)


def decoded(data: bytes, dtype: DType, count: int) -> NDArray[np.generic]:
    """Stored bytes -> (count,) values. The length must have been checked."""
    if dtype.bits >= 8:
        return np.frombuffer(data, dtype.stored).copy()
    signed = np.dtype(dtype.stored).kind == "i"
    return unpacked(np.frombuffer(data, np.uint8), dtype.bits, count, signed)

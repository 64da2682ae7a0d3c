"""The weights file, against coremltools' own writer and reader, and damaged in many places."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from converters.coreml.mil.dtypes import DTYPES
from converters.coreml.mil.weights_file import WeightsFile
from mobileseg.errors import BadInput

storage = pytest.importorskip(
    "coremltools.libmilstoragepython", reason="not run: coremltools is not installed"
)
COUNT = 37  # no multiple of anything, so that the last byte is never full
METHODS = {"fp32": "float", "fp16": "fp16"}  # of the writer; others are called as the type is


def example(dtype) -> np.ndarray:
    """As many different values as there are, the least and the greatest among them."""
    if dtype.whole_range is None:
        return np.linspace(-3, 3, COUNT).astype(dtype.stored)
    least, greatest = dtype.whole_range
    return np.linspace(least, greatest, COUNT).astype(np.int64).astype(dtype.stored)


KINDS = {name: row for name, row in DTYPES.items() if row.blob is not None}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One constant of each type: (file, offset by type)."""
    path = tmp_path_factory.mktemp("weights") / "weight.bin"
    writer = storage._BlobStorageWriter(str(path))
    offsets = {}
    for name, row in KINDS.items():
        values = example(row)
        raw = values.view(np.uint16) if name == "fp16" else values
        offsets[name] = getattr(writer, f"write_{METHODS.get(name, name)}_data")(raw)
    del writer
    return path, offsets


@pytest.mark.parametrize("name", KINDS)
def test_every_type_comes_back_as_coremltools_wrote_and_reads_it(name, written):
    path, offsets = written
    found = WeightsFile(path).read(offsets[name], DTYPES[name], COUNT)
    assert np.array_equal(found, example(DTYPES[name]))
    reader = storage._BlobStorageReader(str(path))
    theirs = np.array(getattr(reader, f"read_{METHODS.get(name, name)}_data")(offsets[name]))
    assert np.array_equal(found.view(np.uint16) if name == "fp16" else found, theirs)


def test_the_header_counts_the_constants(written):
    assert WeightsFile(written[0]).count == len(KINDS)


def read_all(path, offsets):
    file = WeightsFile(path)
    return [file.read(offsets[name], DTYPES[name], COUNT) for name in KINDS]


def test_a_file_cut_anywhere_is_refused(written, tmp_path):
    """Every length that leaves out a byte of a constant."""
    path, offsets = written
    content = path.read_bytes()
    last = max(offsets.values())
    size, start = struct.unpack_from("<QQ", content, last + 8)
    end = start + size
    for length in (*range(0, end, 61), end - 1):
        cut = tmp_path / "cut.bin"
        cut.write_bytes(content[:length])
        with pytest.raises(BadInput, match=r"cut\.bin: found \d+ bytes; expected") as caught:
            read_all(cut, offsets)
        assert "\n" not in str(caught.value)


# Where in the first record, how it is written, a value that no file has, and what is said.
DAMAGES = {
    "sentinel": (0, "<I", 0xDEADBEE0, "no record at"),
    "type": (4, "<I", 3, "has type 3; expected fp16"),
    "unknown type": (4, "<I", 99, "has type 99"),
    "size": (8, "<Q", 2 * COUNT + 2, "bits; expected"),
    "huge size": (8, "<Q", 2**62, "bits; expected"),
    "offset beyond the end": (16, "<Q", 2**40, "to the end of the data"),
    "offset in the header": (16, "<Q", 0, "data in the header"),
    "spare bits": (24, "<Q", 3, "bits; expected"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_is_refused(damage, written, tmp_path):
    path, offsets = written
    place, kind, value, said = DAMAGES[damage]
    content = bytearray(path.read_bytes())
    struct.pack_into(kind, content, offsets["fp16"] + place, value)
    damaged = tmp_path / "damaged.bin"
    damaged.write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        read_all(damaged, offsets)
    assert "\n" not in str(caught.value)


def test_another_version_and_a_lost_file_are_refused(written, tmp_path):
    content = bytearray(written[0].read_bytes())
    struct.pack_into("<I", content, 4, 1)
    (tmp_path / "old.bin").write_bytes(content)
    with pytest.raises(BadInput, match=r"old\.bin: found version 1; expected 2"):
        WeightsFile(tmp_path / "old.bin")
    with pytest.raises(BadInput, match=r"none\.bin: no such file"):
        WeightsFile(tmp_path / "none.bin")


def test_an_offset_beyond_the_end_is_refused(written):
    path, _ = written
    with pytest.raises(BadInput, match="to the end of the record"):
        WeightsFile(path).read(path.stat().st_size, DTYPES["fp32"], 1)

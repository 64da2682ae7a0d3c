"""Colours of a wide-gamut picture in sRGB, as the package converts them.

Every platform has its own colour management, so apps are held to two levels, not to the byte.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from mobileseg.data.images import SMALLEST_PX, read_photo

NAME = "display-p3"
COLOURS = [
    (0, 0, 0),
    (255, 255, 255),
    (128, 128, 128),
    (200, 90, 40),  # a retina
    (120, 40, 20),  # its vessels
    (250, 220, 120),  # its disc
    (180, 120, 90),
    (90, 200, 60),
]
# Display P3: its primaries in the profile's own white (D50), after Bradford; sRGB's curve as a
# gamma would be 4 levels off in the dark, so it is a table.
PRIMARIES = {
    "rXYZ": (0.515102, 0.241182, -0.001049),
    "gXYZ": (0.291965, 0.692236, 0.041881),
    "bXYZ": (0.157153, 0.066582, 0.784378),
}
WHITE = (0.964212, 1.0, 0.825188)


def write(folder: Path) -> dict[str, Any]:
    """Write the picture; returns what the index says of it: its first pixels, and theirs."""
    file = folder / "colours" / f"{NAME}.png"
    file.parent.mkdir(parents=True)
    pixels = np.zeros((SMALLEST_PX, SMALLEST_PX, 3), np.uint8)
    pixels[:, : len(COLOURS)] = COLOURS
    file.write_bytes(_png(pixels, profile()))
    seen = read_photo(file)[0, : len(COLOURS)]
    pairs = zip(COLOURS, seen.tolist(), strict=True)
    return {"colours": [{"profile": NAME, "from": list(a), "to": b} for a, b in pairs]}


def profile() -> bytes:
    """A Display P3 ICC profile, version 2, of three primaries and one curve."""
    steps = np.arange(1024) / 1023
    linear = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    curve = struct.pack(">4sII", b"curv", 0, 1024) + np.rint(linear * 65535).astype(">u2").tobytes()
    text = b"Display P3"
    tags = {
        "desc": struct.pack(">4sII", b"desc", 0, len(text) + 1) + text + bytes(79),
        "cprt": struct.pack(">4sI", b"text", 0) + b"Public domain\0",
        "wtpt": _xyz(WHITE),
        **{name: _xyz(value) for name, value in PRIMARIES.items()},
        "rTRC": curve,
    }
    body, table, start = b"", b"", 128 + 4 + 12 * (len(tags) + 2)
    for name, data in tags.items():
        table += struct.pack(">4sII", name.encode(), start + len(body), len(data))
        if name == "rTRC":  # one curve for all three
            for other in (b"gTRC", b"bTRC"):
                table += struct.pack(">4sII", other, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", *(round(v * 65536) for v in WHITE))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags) + 2) + table + body


def _xyz(value: tuple[float, float, float]) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(v * 65536) for v in value))


def _png(pixels: np.ndarray[Any, Any], icc: bytes) -> bytes:
    """Without compression: the same bytes whichever zlib Python was built with."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"iCCP", NAME.encode() + b"\0\0" + _stored(icc))
        + _chunk(b"IDAT", _stored(rows))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stored(data: bytes) -> bytes:
    """A zlib stream of one stored block; up to 65,535 bytes."""
    size = struct.pack("<HH", len(data), len(data) ^ 0xFFFF)
    return b"\x78\x01\x01" + size + data + struct.pack(">I", zlib.adler32(data))

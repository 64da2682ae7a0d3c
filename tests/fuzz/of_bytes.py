"""Damage to bytes, whatever they mean: what disks, networks and ill will do to a file."""

from __future__ import annotations

from random import Random

from fuzz.spot import OnBytes

HEAD = 512  # bytes in which most formats say what they are and how large
# Ends of the ranges in which a length is kept, and their neighbours.
LENGTHS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**16, 2**30, 2**31 - 1, 2**31, 2**32 - 1)
ZEROS = 1 << 20
# How files of these formats begin.
MAGICS = (
    *(b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*", b"BM", b"GIF89a"),
    *(b"RIFF\x00\x00\x00\x00WEBP", b"PK\x03\x04", b"\x80\x02}q\x00", b"\x00\x00\x00\x0cjP  \r\n"),
    *(
        b"%PDF-1.4",
        b"%!PS-Adobe",
        b"8BPS\x00\x01",
        b"\x1f\x8b\x08",
        b"{",
        b"\xef\xbb\xbf{",
        b"P6\n",
    ),
)


def _place(rng: Random, data: bytes) -> int:
    """Half of all damage goes to the head, which is a small part of most files."""
    return rng.randrange(min(len(data), HEAD) if rng.random() < 0.5 else len(data))


def _run(rng: Random, data: bytes) -> slice:
    start = _place(rng, data)
    return slice(start, min(len(data), start + rng.choice((1, 4, 16, 64, 256, 4096))))


def bits(rng: Random, data: bytes, _: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        changed[_place(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def run_of_one(rng: Random, data: bytes, _: bytes) -> bytes:
    where = _run(rng, data)
    return data[: where.start] + rng.choice((b"\0", b"\xff")) * _length(where) + data[where.stop :]


def _length(where: slice) -> int:
    return int(where.stop - where.start)


def cut(rng: Random, data: bytes, _: bytes) -> bytes:
    return data[: _place(rng, data)]


def inserted(rng: Random, data: bytes, _: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.randbytes(rng.choice((1, 2, 4, 64, 1024))) + data[at:]


def repeated(rng: Random, data: bytes, _: bytes) -> bytes:
    where, at = _run(rng, data), _place(rng, data)
    return data[:at] + data[where] * rng.choice((1, 2, 16)) + data[at:]


def removed(rng: Random, data: bytes, _: bytes) -> bytes:
    where = _run(rng, data)
    return data[: where.start] + data[where.stop :]


def length_field(rng: Random, data: bytes, _: bytes) -> bytes:
    """A number of 16, 32 or 64 bits, either way round, as if it said how much follows."""
    size = rng.choice((2, 4, 4, 4, 8))
    value = rng.choice(LENGTHS) % 2 ** (8 * size)
    at = _place(rng, data)
    return data[:at] + value.to_bytes(size, rng.choice(("big", "little"))) + data[at + size :]


def other_magic(rng: Random, data: bytes, _: bytes) -> bytes:
    magic = rng.choice(MAGICS)
    return magic + data[len(magic) :]


def spliced(rng: Random, data: bytes, other: bytes) -> bytes:
    """The beginning of one specimen and the end of another."""
    return data[: _place(rng, data)] + other[rng.randrange(len(other) + 1) :]


def emptied(_: Random, __: bytes, ___: bytes) -> bytes:
    return b""


def zeros(rng: Random, data: bytes, _: bytes) -> bytes:
    return data[: rng.choice((0, 8, 64))] + bytes(ZEROS)


def noise(rng: Random, _: bytes, __: bytes) -> bytes:
    return rng.randbytes(rng.choice((1, 16, 512)))


ON_ANY = (emptied, zeros, noise)  # what needs nothing to start from
ON_SOME = (
    *(bits, bits, bits, run_of_one, cut, inserted, repeated, removed, length_field, length_field),
    *(other_magic, spliced),
)


def any_bytes(rng: Random, data: bytes, other: bytes) -> bytes:
    """One of the above; the blunt ones seldom, as they all end alike."""
    if not data or rng.random() < 0.02:
        return rng.choice(ON_ANY)(rng, data, other)
    return rng.choice(ON_SOME)(rng, data, other)


CHANGE = OnBytes(any_bytes)

"""Reading files that somebody else may have written, or damaged: bounded, strict, without surprise.

Only plain files are opened, because a pipe or a device can be read for ever; only so much of them
as was allowed; and JSON only if every reader would take it the same way: no key twice, no NaN, no
number beyond what a double holds, no nesting that breaks whoever walks it.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mobileseg.errors import BadInput

# What 10,000 pictures' figures take in the largest record that we write, twice over.
LARGEST_JSON_BYTES = 16 << 20
DEEPEST = 32  # objects and lists inside each other; our own are 7 deep
LONGEST_WHOLE = 18  # digits: fits 64 bits in every language
LONGEST_SAID = 200  # characters of a library's own words
LONGEST_SHOWN = 60  # characters of a found value that an error repeats
KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISLNK: "a link",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
}
# A pipe must not hold whoever opens it; a link is not followed where it was ruled out.
PLAIN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def shown(value: object) -> str:
    """A value for an error's one line: short, no control characters, no line ends."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def said(error: Exception) -> str:
    """What a library says, for an error's one line: it may repeat all that it has read."""
    return _one_line(str(error)) or type(error).__name__


def _one_line(text: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= LONGEST_SAID else f"{text[:LONGEST_SAID]}…"


def kind_of(mode: int) -> str | None:
    """What a file is in words, from its `st_mode`; None for a plain one."""
    if stat.S_ISREG(mode):
        return None
    return next((words for is_one, words in KINDS.items() if is_one(mode)), "a device")


@contextmanager
def opened_plain(path: Path, *, links: bool = True) -> Iterator[BinaryIO]:
    """A plain file, open for reading.

    Args:
        links: whether a link to a plain file will do.

    Raises:
        OSError: missing, not readable, or something else than a plain file.
    """
    _refuse_other((path.stat() if links else path.lstat()).st_mode, path)
    with open(os.open(path, PLAIN | (0 if links else NO_LINK)), "rb") as file:  # noqa: PTH123 (flags)
        # Looked at again once open: it may have been changed in between.
        _refuse_other(os.fstat(file.fileno()).st_mode, path)
        yield file


def _refuse_other(mode: int, path: Path) -> None:
    if found := kind_of(mode):
        raise OSError(errno.EINVAL, f"{found}, not a plain file", str(path))


def read_plain(path: Path, most_bytes: int, *, links: bool = True) -> bytes:
    """The whole of a plain file that is no larger than it may be.

    Raises:
        OSError: missing, not readable, larger, or something else than a plain file.
    """
    with opened_plain(path, links=links) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(most_bytes + 1) if size <= most_bytes else b""
    if max(size, len(content)) > most_bytes:
        raise OSError(errno.EFBIG, f"{size} bytes, more than {most_bytes}", str(path))
    return content


def read_json(path: Path, most_bytes: int = LARGEST_JSON_BYTES, *, links: bool = True) -> Any:
    """Read a JSON file.

    Raises:
        BadInput: missing, unreadable, too large, or not strict JSON.
    """
    try:
        content = read_plain(path, most_bytes, links=links)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read as JSON ({error.strerror})") from None
    return parse_json(content, path)


def parse_json(content: bytes, where: Path) -> Any:
    """What a JSON text says.

    Raises:
        BadInput: not UTF-8, not JSON, or something in it that readers take in different ways; of a
            number that is none, with its entry.
    """
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_each_once,
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_moderate,
        )
        _refuse_deep(value)
        _refuse_no_number(value, "")
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: cannot be read as JSON ({error})") from None
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"{shown(name)} stands twice in one object")
        values[name] = value
    return values


@dataclass(frozen=True, slots=True)
class _NoNumber:
    """In the place of a number that no double holds, until its entry is known."""

    why: str


def _no_number(text: str) -> _NoNumber:
    return _NoNumber(f"{text} is no number")


def _finite(text: str) -> float | _NoNumber:
    value = float(text)
    if not math.isfinite(value):
        return _NoNumber(f"{text[:LONGEST_SHOWN]} is beyond what a double holds")
    return value


def _refuse_no_number(value: Any, name: str) -> None:
    """Raise ValueError for the first number that is none, with the entry that it stands in."""
    if isinstance(value, _NoNumber):
        raise ValueError(f"{_one_line(name)}: {value.why}" if name else value.why)
    if isinstance(value, dict):
        for key, inside in value.items():
            _refuse_no_number(inside, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for place, inside in enumerate(value):
            _refuse_no_number(inside, f"{name}[{place}]")


def _moderate(text: str) -> int:
    if len(text.lstrip("-")) > LONGEST_WHOLE:
        raise ValueError(f"a whole number of {len(text.lstrip('-'))} digits")
    return int(text)


def _refuse_deep(value: Any) -> None:
    """Raise ValueError for deep nesting, or for half a character, which nothing can print."""
    level = [value]
    for _ in range(DEEPEST + 1):
        inside: list[Any] = []
        for found in level:
            if isinstance(found, str):
                found.encode()
            elif isinstance(found, dict):
                inside += [*found, *found.values()]
            elif isinstance(found, list):
                inside += found
        if not inside:
            return
        level = inside
    raise ValueError(f"nested more than {DEEPEST} deep")

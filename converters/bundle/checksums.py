"""The files of a bundle: which there are, and whether each has the size and the sum it should.

What is protected: between the conversion and the opening, nothing can be changed, lost, added, or
replaced by a link or a pipe, without being named; nor can a file grow while its sum is taken. What
is not: loaders read the files after the sums were taken, so whoever may write into the folder
while it is in use can still swap one. Keep a bundle where only its owner writes.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobileseg.errors import BadInput
from mobileseg.files.untrusted import kind_of, opened_plain, shown

EVIDENCE = "evidence"
FINDERS = ".DS_Store"  # what a Mac leaves in every folder that somebody has looked at
# Files and folders; a Core ML file for 128 frame sizes, Apple's most, comes with 1,300.
MOST_FILES = 4096
# Of all files: 16 networks of the largest variant, in the artifact and beside it, are 4 GB.
MOST_BYTES = 8 << 30
CHUNK_BYTES = 1 << 20
# All that we ever write, and the same file in every system: no `..`, no drive, no second spelling.
NAMES = "letters, digits, '.', '_', '-' between single slashes, no part beginning or ending in '.'"
NAME = re.compile(r"[\w-](?:[\w.-]*[\w-])?(?:/[\w-](?:[\w.-]*[\w-])?)*", re.ASCII)
LONGEST_NAME = 200  # characters; with a folder before it still below Windows' 260


@dataclass(frozen=True, slots=True)
class Sum:
    """What a manifest says of one file."""

    sha256: str
    size: int  # bytes

    def to_json(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "bytes": self.size}


def is_name(text: object) -> bool:
    """Whether a manifest may call a file so."""
    return isinstance(text, str) and len(text) <= LONGEST_NAME and bool(NAME.fullmatch(text))


def sums(folder: Path, unlisted: tuple[str, ...]) -> dict[str, Sum]:
    """Size and sum of every file under a folder.

    Args:
        unlisted: files and folders right inside it that are none of the matter.

    Raises:
        BadInput: a link, or something else than files and folders.
    """
    return {
        name: Sum(_sha256(folder / name, size), size)
        for name, size in sorted(_sizes(folder, unlisted).items())
    }


def refuse_changed(folder: Path, listed: Mapping[str, Sum], unlisted: tuple[str, ...]) -> None:
    """Raise BadInput for the first file that is missing, new or changed.

    All names and sizes are looked at before any file is read, so that a huge one is not.
    """
    found = _sizes(folder, unlisted)
    for name in sorted({*listed, *found}):
        where = f"{folder}/{_plainly(name)}"
        if name not in found:
            raise BadInput(f"{where}: missing; model.json lists it: convert the run again")
        if name not in listed:
            raise BadInput(f"{where}: model.json lists no such file; remove it")
        if found[name] != listed[name].size:
            raise BadInput(
                f"{where}: found {found[name]} bytes; expected {listed[name].size}: changed after "
                "the conversion, convert the run again"
            )
    for name, expected in sorted(listed.items()):
        sha256 = _sha256(folder / name, expected.size)
        if sha256 != expected.sha256:
            raise BadInput(
                f"{folder / name}: found sha256 {sha256[:12]}…; expected "
                f"{expected.sha256[:12]}…: changed after the conversion, convert the run again"
            )


def _sizes(folder: Path, unlisted: tuple[str, ...]) -> dict[str, int]:
    """Name of every file that counts -> bytes."""
    found = {}
    for number, (name, status) in enumerate(_walk(folder)):
        if number == MOST_FILES:
            raise BadInput(f"{folder}: more than {MOST_FILES} files; expected a bundle's few")
        if status is not None and name.split("/")[0] not in unlisted:
            found[name] = status.st_size
    return found


def _walk(folder: Path) -> Iterator[tuple[str, os.stat_result | None]]:
    """Everything below a folder, links never followed; None: a folder, or of no account."""
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            entries = sorted(_listed(folder / inside), key=lambda entry: entry.name)
            statuses = [entry.stat(follow_symlinks=False) for entry in entries]
        except OSError as error:
            where = error.filename or folder / inside
            raise BadInput(f"{where}: cannot be read ({error.strerror})") from None
        for entry, status in zip(entries, statuses, strict=True):
            name = f"{inside}/{entry.name}" if inside else entry.name
            if stat.S_ISDIR(status.st_mode):
                waiting.append(name)
                yield name, None
            elif found := kind_of(status.st_mode):
                raise BadInput(f"{folder}/{_plainly(name)}: found {found}; expected a plain file")
            else:
                yield name, None if entry.name == FINDERS else status


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    """Of a folder that is filled without end, only as many as are needed to say so."""
    with os.scandir(folder) as entries:
        return [entry for entry, _ in zip(entries, range(MOST_FILES + 1), strict=False)]


def _plainly(name: str) -> str:
    return name if is_name(name) else shown(name)


def _sha256(path: Path, size: int) -> str:
    """Hex digest of a file's first `size` bytes and one more, so that growth shows."""
    digest, left = hashlib.sha256(), size + 1
    try:
        with opened_plain(path, links=False) as file:
            while chunk := file.read(min(left, CHUNK_BYTES)):
                digest.update(chunk)
                left -= len(chunk)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def sum_of_artifact(listed: Mapping[str, Sum], artifact: str) -> str:
    """A file's own sum; of a folder, one over its files' names and sums."""
    if artifact in listed:
        return listed[artifact].sha256
    inside = (name for name in sorted(listed) if name.startswith(f"{artifact}/"))
    lines = "".join(f"{name} {listed[name].sha256}\n" for name in inside)
    return hashlib.sha256(lines.encode()).hexdigest()

"""Files and folders that are either wholly there or not at all, whatever interrupts the writing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mobileseg.errors import BadInput
from mobileseg.files import untrusted

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; what was written there replaces it in one step.

    On any exception `path` is as it was, and nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    staged = Path(name)
    try:
        yield staged
        with staged.open("rb") as written:
            os.fsync(written.fileno())
        staged.chmod(0o644)  # mkstemp's own is for one user only
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def leftovers(path: Path) -> list[Path]:
    """What a kill in the middle of `staged_file(path)` left beside it."""
    return list(path.parent.glob(f".{path.name}.*"))


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step."""
    with staged_file(path) as staged:
        staged.write_text(text, encoding="utf-8")


def json_text(value: Any) -> str:
    """As our JSON files have it; NaN is a bug of the caller's."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step."""
    write_text(path, json_text(value))


def read_json(path: Path) -> Any:
    """Read a JSON file, which somebody else may have written.

    Raises:
        BadInput: missing, unreadable, too large or not strict JSON.
    """
    return untrusted.read_json(path)


@contextmanager
def staged_folder(folder: Path, *, force: bool = False, mark: str | None = None) -> Iterator[Path]:
    """A temporary folder beside `folder` that becomes it when all is written.

    Args:
        force: replace an existing folder (only once the new one is complete).
        mark: a file that results of this kind hold; a folder without it is never replaced.

    Raises:
        BadInput: `folder` exists and is not empty, and `force` is not given; or the disk is full.
    """
    refuse_existing(folder, force=force, mark=mark)
    asked, folder = folder, folder.resolve()  # "." has no name to put a folder beside
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    staged, old = work / "new", work / "old"
    staged.mkdir(mode=0o755)
    try:
        yield staged
        if folder.exists():
            folder.replace(old)  # aside, not away: should the next line fail, it comes back
        staged.replace(folder)
    except OSError as error:
        if not is_full(error):
            raise
        raise BadInput(
            f"{asked}: cannot be written, the disk is full; make room there and in "
            f"{tempfile.gettempdir()}, or choose another place: nothing was kept or lost"
        ) from error
    finally:
        if old.exists() and not folder.exists():
            old.replace(folder)
        shutil.rmtree(work, ignore_errors=True)


def is_full(error: OSError) -> bool:
    """Whether it says that a disk is full; copying a tree says so in words alone."""
    return error.errno in FULL or any(os.strerror(number) in str(error) for number in FULL)


def refuse_existing(folder: Path, *, force: bool = False, mark: str | None = None) -> None:
    """Raise BadInput if something is there already; an empty folder is nothing.

    Args:
        force: it may be replaced.
        mark: but only if it holds this file: a folder of photos or runs is not an old result.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not force:
        raise BadInput(f"{folder}: exists already; choose another place, or add --force")
    if mark and not (folder / mark).is_file():
        raise BadInput(
            f"{folder}: exists already and holds no {mark}, so nothing replaces it; "
            "choose another place"
        )


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

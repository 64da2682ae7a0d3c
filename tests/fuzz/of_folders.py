"""Damage to a folder: files that are missing, foreign, linked, named otherwise or are no files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

from fuzz.spot import Spot, replace_file

NAMES = (
    *("x", ".hidden", "..x", "a b.jpg", "é.png", "._a.tif", "Thumbs.db", ".DS_Store", "-rf", "%s"),
    *("x" * 250, "a_EX.tif", "a_EX_EX.tif", "_EX.tif", "a.JPG.jpg", ".jpg"),
    os.fsdecode(b"\xff.jpg"),
)  # fmt: skip


def _any_file(rng: Random, folder: Path) -> Path:
    files = sorted(p for p in folder.rglob("*") if p.is_file() or p.is_symlink())
    return rng.choice(files or [folder / "nothing"])


def _any_folder(rng: Random, folder: Path) -> Path:
    inside = (p for p in folder.rglob("*") if p.is_dir() and not p.is_symlink())
    return rng.choice([folder, *sorted(inside)])


def _free(path: Path) -> Path:
    """A path at which nothing stands, so that a change cannot trip over an earlier one."""
    return path if not path.exists() and not path.is_symlink() else path.with_name(f"{path.name}2")


def missing(rng: Random, spot: Spot) -> None:
    _any_file(rng, spot.folder).unlink(missing_ok=True)


def folder_missing(rng: Random, spot: Spot) -> None:
    shutil.rmtree(_any_folder(rng, spot.folder))
    spot.folder.mkdir(exist_ok=True)


def foreign(rng: Random, spot: Spot) -> None:
    path = _any_folder(rng, spot.folder) / rng.choice(NAMES)
    if not path.exists():
        path.write_bytes(rng.randbytes(20))


def named_otherwise(rng: Random, spot: Spot) -> None:
    path = _any_file(rng, spot.folder)
    new = rng.choice((*NAMES, path.stem, path.name.upper(), f"{path.name}.bak"))
    if path.exists():
        path.rename(_free(path.with_name(new)))


def swapped(rng: Random, spot: Spot) -> None:
    """Two files, each under the other's name."""
    one, two = _any_file(rng, spot.folder), _any_file(rng, spot.folder)
    if one.is_file() and two.is_file():
        first, second = one.read_bytes(), two.read_bytes()
        replace_file(one, second)
        replace_file(two, first)


def size_changed(rng: Random, spot: Spot) -> None:
    path = _any_file(rng, spot.folder)
    if path.is_file():
        data = path.read_bytes()
        replace_file(path, rng.choice((data[:-1], data + b"\0", data + bytes(1 << 20), data * 2)))


def linked(rng: Random, spot: Spot) -> None:
    """A file becomes a link: to itself, a sibling, nothing, a file outside, or a device."""
    path = _any_file(rng, spot.folder)
    sibling = _any_file(rng, spot.folder)
    moved = spot.folder.parent / "outside"
    if path.is_file():
        replace_file(moved, path.read_bytes())
    goal = rng.choice(
        (path, sibling, Path("nowhere"), moved, Path("/dev/zero"), Path("/etc/hosts"))
    )
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(goal)


def folder_linked(rng: Random, spot: Spot) -> None:
    """A link to a folder: round in a ring, or out of it."""
    path = _free(_any_folder(rng, spot.folder) / "ring")
    path.symlink_to(rng.choice((spot.folder, Path(), Path("/proc/self"))), target_is_directory=True)


def folder_for_file(rng: Random, spot: Spot) -> None:
    path = _any_file(rng, spot.folder)
    path.unlink(missing_ok=True)
    path.mkdir(parents=True, exist_ok=True)


def pipe_for_file(rng: Random, spot: Spot) -> None:
    """Whoever opens it to read waits for a writer without end."""
    path = _any_file(rng, spot.folder)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


CHANGES = (
    *(
        missing,
        missing,
        folder_missing,
        foreign,
        foreign,
        named_otherwise,
        named_otherwise,
        swapped,
    ),
    *(size_changed, linked, linked, folder_linked, folder_for_file, pipe_for_file),
)


def any_folder(rng: Random, spot: Spot) -> None:
    """One of the above."""
    rng.choice(CHANGES)(rng, spot)

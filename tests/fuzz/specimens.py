"""Whole files are written once, whoever asks for them: kinds share a bundle that took seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Make = Callable[[Path], None]  # writes whole specimens into a new folder, a folder each


def made(make: Make, root: Path) -> Path:
    """The folder of what `make` writes, called after it; written if it is not there yet."""
    name = "-".join([make.__module__.rpartition(".")[2], make.__name__])
    folder = root / name
    if not folder.is_dir():
        unfinished = root / f"{name}.unfinished"
        unfinished.mkdir(parents=True)
        make(unfinished)
        unfinished.rename(folder)
    return folder

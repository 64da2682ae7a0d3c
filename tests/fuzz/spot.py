"""Where a case does its damage, and what damage is: a function of chance and of that place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random


@dataclass(frozen=True, slots=True)
class Spot:
    """A whole specimen, copied for one case, and the file in it that the case is about."""

    folder: Path
    file: Path
    other: bytes  # such a file of another specimen, to splice with
    root: Path  # where all specimens of the kind lie, and what goes with them in ".data"


Change = Callable[[Random, Spot], None]


def replace_file(path: Path, data: bytes) -> None:
    """Write a file anew: what stands there is a second name of the specimen's own file."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


@dataclass(frozen=True, slots=True)
class OnBytes:
    """A mutator of bytes, (chance, data, another specimen's) -> data, as a change of a file.

    A class and no closure: kinds are sent to other processes.
    """

    mutate: Callable[[Random, bytes, bytes], bytes]

    def __call__(self, rng: Random, spot: Spot) -> None:
        if spot.file.is_file():  # an earlier change of the case may have taken it away
            replace_file(spot.file, self.mutate(rng, spot.file.read_bytes(), spot.other))

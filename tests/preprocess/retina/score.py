"""A finder against the table of disturbances: worst and median error of each row.

report = score(find, pictures, DISTURBANCES)
assert not report.failures, report
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from retina.boxes import Box, box_error, expected_box, must_be_flagged
from retina.disturbances import Disturbance, Photo
from retina.slow_circle import Circle

Find = Callable[[Photo], tuple[Box, bool]]  # the box in the photo's pixels, and whether flagged
Pictures = Iterable[tuple[str, Photo, Circle]]


@dataclass(frozen=True, slots=True)
class Try:
    """One picture under one disturbance."""

    picture: str
    row: str
    error: float  # share of the expected box's side
    flagged: bool
    fails: bool


@dataclass(slots=True)
class Report:
    """All tries; as text, a table of rows."""

    tries: list[Try] = field(default_factory=list)

    @property
    def failures(self) -> list[Try]:
        return [one for one in self.tries if one.fails]

    def __str__(self) -> str:
        lines = [f"{'':26}{'pictures':>9}{'flagged':>9}{'median':>9}{'worst':>9}{'fail':>6}"]
        for row in dict.fromkeys(one.row for one in self.tries):
            of_row = [one for one in self.tries if one.row == row]
            plain = [one for one in of_row if not one.flagged]
            errors = [100 * one.error for one in plain] or [np.nan]
            worst = max(plain, key=lambda one: one.error, default=None)
            lines.append(
                f"{row:26}{len(of_row):9}{len(of_row) - len(plain):9}"
                f"{np.median(errors):8.2f}%{max(errors):8.2f}%{sum(o.fails for o in of_row):6}"
                f"  {worst.picture if worst else ''}"
            )
        return "\n".join([*lines, "Median and worst of those not flagged, in % of the box's side."])


def rng_of(picture: str, row: str) -> np.random.Generator:
    """The same for a picture and a row, whichever others are tried."""
    return np.random.default_rng([crc32(picture.encode()), crc32(row.encode())])


def score(find: Find, pictures: Pictures, rows: Mapping[str, Disturbance]) -> Report:
    """Try every picture under every row."""
    report = Report()
    for key, photo, circle in pictures:
        for name, row in rows.items():
            report.tries.append(_one(find, key, photo, circle, name, row))
    return report


def _one(find: Find, key: str, photo: Photo, circle: Circle, name: str, row: Disturbance) -> Try:
    spoilt, moved = row.spoil(photo, circle, rng_of(key, name))
    found, flagged = find(spoilt)
    error = box_error(found, expected_box(moved, (spoilt.shape[0], spoilt.shape[1])))
    excused = flagged and row.may_flag
    fails = not excused and (error > row.limit or flagged or must_be_flagged(moved))
    return Try(key, name, error, flagged, fails)

"""Finder 2 on phantoms, clean and spoilt, against the circles they were drawn with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retina import finders, phantoms
from retina.boxes import Box, expected_box
from retina.disturbances import DISTURBANCES, Photo
from retina.score import Find, score

needs_finder = pytest.mark.skipif(not finders.is_there(), reason=finders.NOT_THERE)
QUICK = {row: DISTURBANCES[row] for row in ("clean", "a quarter of the light", "grey")}


@needs_finder
@pytest.mark.parametrize("way", finders.WAYS)
def test_the_box_of_phantoms(way: str) -> None:
    report = score(finders.WAYS[way](2), phantoms.pictures(), DISTURBANCES)
    print(f"\nphantoms, {way}\n{report}")
    assert not report.failures, f"phantoms, {way}\n{report}"


def finder_that_knows(*, off: float = 0.0, flagged: bool = False) -> Find:
    """Of the whole phantom alone: its box, moved right by a share of its side."""
    photo, circle = phantoms.picture(phantoms.ROWS[0])
    true = expected_box(circle, (photo.shape[0], photo.shape[1]))

    def find(_: Photo) -> tuple[Box, bool]:
        return replace(true, left=true.left + off * true.side), flagged

    return find


@pytest.mark.parametrize(
    ("off", "flagged", "failing"),
    [
        (0.0, False, []),
        (0.015, False, ["clean"]),
        (0.025, False, ["clean", "a quarter of the light", "grey"]),
        (0.025, True, ["clean", "a quarter of the light"]),  # where a flag does not excuse
    ],
)
def test_a_finder_that_is_off_fails(off: float, flagged: bool, failing: list[str]) -> None:
    whole = (("phantom/whole", *phantoms.picture(phantoms.ROWS[0])),)
    report = score(finder_that_knows(off=off, flagged=flagged), whole, QUICK)
    assert [one.row for one in report.failures] == failing
    assert "clean" in str(report)

"""Finder 2 on real pictures, clean and spoilt, against the slow reference's circles.

By default a few pictures, drawn once and for all; with MOBILESEG_ALL_PICTURES set all 597, which
takes the better part of an hour. The table of worst and median errors is printed either way
(`pytest -rP`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pytest

from mobileseg.data.images import read_photo
from retina import finders
from retina.circles import data_root, pictures, stored_circles
from retina.disturbances import DISTURBANCES
from retina.score import Find, Pictures, Report, score

pytestmark = pytest.mark.skipif(not finders.is_there(), reason=finders.NOT_THERE)

ALL = "MOBILESEG_ALL_PICTURES" in os.environ
CLEAN_ROW = {"clean": DISTURBANCES["clean"]}


@dataclass(frozen=True, slots=True)
class Sample:
    """How much of a set is tried by default: small enough for half a minute in all."""

    spoilt: int  # pictures that are tried under disturbances
    rows: int  # of the disturbances, for each; at 12 megapixels making one takes half a second
    clean: int  # further pictures, as they are
    hard: tuple[str, ...] = ()  # and these


# Light beyond the rim, hardly any light, and where finder 1 was more than 1.5 % off.
HARD = (
    *(
        f"idrid-grading/train/IDRiD_{number}"
        for number in ("089", "095", "133", "146", "147", "274")
    ),
    *(f"idrid-grading/test/IDRiD_{number}" for number in ("046", "083")),
)
SAMPLES = {
    "idrid": Sample(1, 6, 2),
    "idrid-grading": Sample(4, len(DISTURBANCES), 20, HARD),
}


def read(keys: Iterable[str]) -> Pictures:
    """Pictures with their circles, one at a time."""
    paths, circles = dict(pictures(data_root())), stored_circles()
    for key in keys:
        yield key, read_photo(paths[key]), circles[key]


def try_all(find: Find, name: str) -> Report:
    """Every picture of the set under every row."""
    return score(find, read(keys_of(name)), DISTURBANCES)


def try_sample(find: Find, name: str) -> Report:
    """A few pictures of the set under its rows, some more as they are."""
    sample, drawn = SAMPLES[name], np.random.default_rng(14).permutation(keys_of(name))
    rows = np.random.default_rng(2).permutation([row for row in DISTURBANCES if row != "clean"])
    some = CLEAN_ROW | {row: DISTURBANCES[row] for row in rows[: sample.rows]}
    clean = [*drawn[sample.spoilt :][: sample.clean], *sample.hard]
    report = score(find, read(drawn[: sample.spoilt]), some)
    report.tries += score(find, read(clean), CLEAN_ROW).tries
    return report


def keys_of(name: str) -> list[str]:
    """A set's pictures, in a fixed order."""
    return [key for key in stored_circles() if key.startswith(f"{name}/")]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("way", finders.WAYS)
def test_the_box_of_real_pictures(way: str, name: str) -> None:
    if not (data_root() / name).is_dir():
        pytest.skip(f"not run: no data ({name}; MOBILESEG_DATA names its folder)")
    report = (try_all if ALL else try_sample)(finders.WAYS[way](2), name)
    print(f"\n{name}, {way}\n{report}")
    assert not report.failures, f"{name}, {way}\n{report}"

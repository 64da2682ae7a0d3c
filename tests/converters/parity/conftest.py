"""A parity whose every figure stands at its limit, to be pushed over it one at a time."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from converters.parity import stages
from converters.parity.difference import Apart
from converters.parity.result import Parity, PictureParity
from converters.parity.task_metrics import TaskScore
from converters.parity.tolerances import TOLERANCES
from converters.targets import Check

PIXELS = 10_000


def at(row, key: str) -> float:
    return row[key].most


def picture(row) -> PictureParity:
    """Every figure at its very limit; what one pixel may do end to end has none of its own."""
    flipped = {"EX": int(at(row, "flipped") * PIXELS)}
    steps = {
        stages.PREPROCESSING: Apart(0.9, 0.9, {"EX": 0}),
        stages.EAGER: Apart(at(row, "folded"), 1e-9, {"EX": 0}),
        stages.EXPORTED: Apart(at(row, "exported"), 1e-9, {"EX": 0}),
    }
    if "rounded_mean" in row:
        few = {"EX": int(at(row, "rounded_flipped") * PIXELS)}
        steps[stages.QUANTIZED] = Apart(1.0, at(row, "rounded_mean"), few)
    steps[stages.ARTIFACT] = Apart(at(row, "written"), 1e-9, {"EX": 0})
    return PictureParity(
        name="eye",
        cropped=True,
        labelled=True,
        in_range=True,
        mask_pixels=PIXELS,
        level_pixels=PIXELS,
        level_flips=1,
        moved=10,
        moved_levels=1.0,
        box_equal=True,
        steps=steps,
        same_tensor=Apart(at(row, "same_tensor"), 0.0, flipped),
        end_to_end=Apart(0.4, at(row, "mean"), flipped),
        quality={
            stages.PREPROCESSING: at(row, "quality_levels"),
            stages.EAGER: at(row, "quality_eager"),
            stages.EXPORTED: at(row, "quality_exported"),
            stages.ARTIFACT: at(row, "quality_written"),
        },
    )


def parity(precision: str = "fp32", **changed) -> Parity:
    row = TOLERANCES[precision]
    one = picture(row)
    score = TaskScore(0.8, 0.7, 0.9, 1000)
    lost = TaskScore(0.8 - at(row, "aupr") + 1e-9, 0.7 - at(row, "dice") + 1e-9, 0.9, 1000)
    few = {"EX": int(at(row, "hard_flipped") * PIXELS)}
    wild = replace(one, end_to_end=Apart(1.0, at(row, "hard_mean"), few), name="noise")
    values = {
        "bundle": "b",
        "target": "executorch",
        "precision": precision,
        "made": precision,
        "head": "probabilities",
        "data": "eight pictures",
        "evaluation": "",
        "blind_to": "",
        "against": "",
        "checks": [Check("a check", True, "1")],
        "pictures": [one] * 8,
        "hard": [wild],
        "task": {
            "EX": dict.fromkeys((stages.REFERENCE, *one.steps), score) | {stages.ARTIFACT: lost}
        },
    }
    return Parity(**(values | changed))


def with_picture(precision: str = "fp32", **changed) -> Parity:
    before = parity(precision)
    return replace(before, pictures=[*before.pictures, replace(before.pictures[0], **changed)])


def with_step(precision: str, stage: str, **changed) -> Parity:
    steps = dict(parity(precision).pictures[0].steps)
    steps[stage] = replace(steps[stage], **changed)
    return with_picture(precision, steps=steps)


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """The functions above."""
    return SimpleNamespace(parity=parity, with_picture=with_picture, with_step=with_step)


@pytest.fixture(name="parity")
def parity_fixture(made):
    return made.parity


@pytest.fixture(name="with_picture")
def with_picture_fixture(made):
    return made.with_picture

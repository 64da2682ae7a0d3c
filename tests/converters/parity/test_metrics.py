"""The verdict, from figures alone: what holds at its limit and differs a hair above it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from converters.parity import stages
from converters.parity.difference import Apart
from converters.parity.metrics import (
    CHECKS,
    END_TO_END,
    FIGURES,
    HARD,
    SAME_TENSOR,
    faults,
    in_words,
    judged,
    made_by,
    untested,
    verdict,
)
from converters.parity.result import Verdict
from converters.parity.task_metrics import TaskScore
from converters.parity.tolerances import BUILT_IN, TOLERANCES, Gate
from converters.targets import Check

NAN = float("nan")
PIXELS = 10_000
INT8 = TOLERANCES["int8"]


@pytest.mark.parametrize("precision", TOLERANCES)
def test_figures_at_their_limits_agree(precision, parity):
    assert [str(f) for f in faults(parity(precision))] == []
    assert verdict(parity(precision)) is Verdict.AGREES
    assert made_by(parity(precision)) is None
    keys = {j.figure.key for j in judged(parity(precision))}
    assert keys == set(TOLERANCES[precision]) - {"apple"}  # which a Mac's figures are held to


def test_every_limit_has_a_reason():
    for row in TOLERANCES.values():
        assert all(len(limit.why) > 10 for limit in row.values())


A_HAIR = 1.001
OVER = {
    "folded": (
        lambda m: m.with_step("fp32", stages.EAGER, max=1e-4 * A_HAIR),
        "eager graph: max |Δp| 0.0001",
    ),
    "exported": (
        lambda m: m.with_step("fp32", stages.EXPORTED, max=1e-5 * A_HAIR),
        "exported program: max |Δp| 1e-05, at most 1e-05",
    ),
    "written": (
        lambda m: m.with_step("fp32", stages.ARTIFACT, max=1.2e-5),
        "written artifact: max |Δp| 1.2e-05, at most 1e-05",
    ),
    "rounded_mean": (
        lambda m: m.with_step("int8", stages.QUANTIZED, mean=INT8["rounded_mean"].most * 1.01),
        "quantized program: mean |Δp| of a picture 0.00505, at most 0.005",
    ),
    "rounded_flipped": (
        lambda m: m.with_step("int8", stages.QUANTIZED, flipped={"EX": PIXELS}),
        "quantized program: share of flipped mask pixels",
    ),
    "not a number": (
        lambda m: m.with_step("fp32", stages.ARTIFACT, max=NAN),
        "written artifact: max |Δp| nan, at most 1e-05",
    ),
    "same_tensor": (
        lambda m: m.with_picture(same_tensor=Apart(1.2e-5, 0.0, {"EX": 0})),
        "from the same tensor: max |Δp| 1.2e-05, at most 1e-05",
    ),
    "mean": (
        lambda m: m.with_picture(end_to_end=Apart(0.1, 1.2e-5, {"EX": 0})),
        "end to end: mean |Δp| of a picture 1.2e-05, at most 1e-05",
    ),
    "flipped": (
        lambda m: m.with_picture(end_to_end=Apart(0.1, 0.0, {"EX": 3})),
        "end to end: share of flipped mask pixels 0.000122, at most 0.0001",
    ),
    "level_flips": (
        lambda m: m.with_picture(level_flips=2),
        "graph preprocessing: share of levels flipped before CLAHE 0.000111, at most 0.0001",
    ),
    "moved": (
        lambda m: m.with_picture(moved=11),
        "graph preprocessing: share of levels moved after CLAHE",
    ),
    "moved_levels": (
        lambda m: m.with_picture(moved_levels=1.001),
        "graph preprocessing: levels moved after CLAHE 1, at most 1",
    ),
    "levels no number": (
        lambda m: m.with_picture(moved_levels=NAN),
        "graph preprocessing: levels moved after",
    ),
    "box": (
        lambda m: m.with_picture(box_equal=False),
        "end to end: eye: crop or retina share differs",
    ),
    "range": (
        lambda m: m.with_picture(in_range=False),
        "end to end: eye: not finite, or outside 0..1",
    ),
}


@pytest.mark.parametrize("key", OVER)
def test_a_hair_over_any_limit_differs_and_names_the_stage(key, made):
    make, said = OVER[key]
    result = make(made)
    assert verdict(result) is Verdict.DIFFERS
    (fault,) = faults(result)
    assert str(fault).startswith(said)
    stage = said.split(":")[0]
    assert made_by(result) == (stage if stage in stages.STAGES else None)


def test_the_first_stage_at_fault_made_it(parity, with_picture):
    steps = dict(parity("int8").pictures[0].steps)
    for stage in (stages.EXPORTED, stages.QUANTIZED):
        steps[stage] = Apart(0.5, 0.5, {"EX": PIXELS})
    assert made_by(with_picture("int8", steps=steps)) == stages.EXPORTED


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({"aupr": 0.7998}, "AUPR lost 0.0002, at most 0.0001"),
        ({"dice": 0.6989}, "Dice lost 0.0011, at most 0.001"),
        ({"recall": 0.898}, "lesion recall lost 0.002, at most 0.001"),  # two lesions of 1000
        ({"aupr": NAN}, "AUPR lost nan"),
    ],
)
def test_what_is_lost_in_task_units_differs(lost, said, parity):
    score = TaskScore(0.8, 0.7, 0.9, 1000)
    before = parity(task={"EX": {stages.REFERENCE: score, stages.ARTIFACT: replace(score, **lost)}})
    (fault,) = faults(before)
    assert str(fault).startswith(f"end to end: {said}")


def test_a_gain_is_no_loss_and_one_lesion_may_hang_on_a_pixel(parity):
    score = TaskScore(0.8, 0.7, 0.9, 20)
    for later in (TaskScore(0.9, 0.8, 1.0, 20), TaskScore(0.8, 0.7, 0.85, 20)):
        result = parity(task={"EX": {stages.REFERENCE: score, stages.ARTIFACT: later}})
        assert verdict(result) is Verdict.AGREES
    (why,) = [j.limit.why for j in judged(result) if j.figure.key == "recall"]
    assert why == "one of 20 lesions: the smallest step of these pictures"


def test_a_lesion_that_no_picture_has_is_not_judged(parity):
    none = TaskScore(NAN, NAN, NAN, 0)
    result = parity(task={"EX": {stages.REFERENCE: none, stages.ARTIFACT: none}})
    assert verdict(result) is Verdict.AGREES


def test_one_bad_picture_is_not_outvoted_by_good_ones(parity):
    good = parity().pictures
    bad = replace(good[0], same_tensor=Apart(2e-5, 0, {"EX": 0}))
    assert verdict(parity(pictures=[*good * 20, bad, *good * 20])) is Verdict.DIFFERS


@pytest.mark.parametrize(
    "wild",
    [
        {"end_to_end": Apart(1.0, 0.021, {"EX": 0})},
        {"end_to_end": Apart(1.0, 0.0, {"EX": 201})},
        {"in_range": False},
        {"box_equal": False},
    ],
)
def test_a_wild_change_on_a_hard_picture_differs(wild, parity):
    before = parity()
    result = replace(before, hard=[*before.hard, replace(before.hard[0], **wild)])
    (fault,) = faults(result)
    assert fault.stage == HARD and verdict(result) is Verdict.DIFFERS


def test_not_run_is_never_agreement(parity):
    not_run = parity(pictures=[], hard=[], task={}, not_run="no Apple here")
    assert verdict(not_run) is Verdict.NOT_RUN
    assert verdict(replace(not_run, not_run=None)) is Verdict.NOT_RUN  # no pictures
    # Contradictory, and yet: what says it was not run does not agree.
    assert verdict(parity(not_run="half of it")) is Verdict.NOT_RUN


def test_a_failing_check_differs_even_when_nothing_was_run(parity):
    broken = [Check("a check", True, "1"), Check("no inverse", False, "2")]
    for result in (
        parity(checks=broken),
        parity(checks=broken, pictures=[], hard=[], task={}, not_run="no Apple here"),
    ):
        assert verdict(result) is Verdict.DIFFERS
        assert [str(f) for f in faults(result)] == [f"{CHECKS}: no inverse: found 2"]


def test_who_evaluated_it_stands_in_the_verdict_but_not_where_nothing_ran(parity):
    elsewhere = parity(evaluation="Linux evaluation")
    assert in_words(elsewhere) == "agrees (Linux evaluation)"
    assert in_words(parity()) == "agrees"
    assert in_words(replace(elsewhere, pictures=[], not_run="no toolkit")) == "not run"


def test_too_few_pictures_are_said_and_what_the_gate_demands_is_not_run(parity):
    few = parity(pictures=parity().pictures[:3])
    assert [text.split(":")[0] for text in untested(few)] == [
        "3 labelled picture(s), fewer than 8",
        "3 picture(s) whose crop is not the whole, fewer than 4",
    ]
    assert verdict(few) is Verdict.AGREES
    assert verdict(few, Gate(pictures={"labelled": 4})) is Verdict.NOT_RUN
    assert verdict(few, Gate(pictures={"labelled": 3, "cropped": 3})) is Verdict.AGREES
    assert untested(parity()) == []


def test_a_file_that_says_lesion_or_not_is_held_to_its_pixels_alone(parity):
    masks = parity(head="masks")
    keys = {j.figure.key for j in judged(masks, BUILT_IN)}
    assert keys.isdisjoint({"written", "same_tensor", "mean", "aupr"})
    assert {"flipped", "dice", "recall", "folded", "exported"} <= keys
    worse = replace(masks.pictures[0], end_to_end=Apart(1.0, 0.5, {"EX": PIXELS}))
    assert verdict(replace(masks, pictures=[worse])) is Verdict.DIFFERS


def test_every_figure_speaks_of_a_stage_that_there_is():
    for figure in FIGURES:
        assert figure.stage in (*stages.STAGES, SAME_TENSOR, END_TO_END, HARD)
    assert len({f.key for f in FIGURES}) == len(FIGURES)
    assert np.isfinite([limit.most for row in TOLERANCES.values() for limit in row.values()]).all()

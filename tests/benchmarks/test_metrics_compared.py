"""Our metrics against scikit-learn's and SciPy's: the same numbers, or the row says so."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import metrics_speed
import numpy as np
import pytest
from metrics_compared import COMPARISONS, TOGETHER, Case, Comparison, deepmind_hausdorff
from metrics_speed import AIM, OURS, PLAIN, compared, largest_difference, measure

from converters.bench.results import FIELDS
from mobileseg.evaluation.surface_distance import hausdorff

OWN = [c for c in COMPARISONS if c.needs is None]  # the plain way needs no further package


def drawn(seed: int, levels: int, lesion_share: float) -> Case:
    """Four pictures on a few levels of probability, so that many pixels are equal."""
    rng = np.random.default_rng(seed)
    truth = rng.random((4, 24, 30)) < lesion_share
    noise = np.clip(0.3 * truth + 0.7 * rng.random(truth.shape), 0, 1)
    probability = (np.round(noise * levels) / levels).astype(np.float32)
    truth[1], probability[2] = False, 0  # one without the lesion, one in which nothing is found
    return Case(truth, probability, 0.8)


def all_alike(truth: float, probability: float) -> Case:
    """Every pixel the same."""
    shape = (2, 5, 6)
    return Case(np.full(shape, bool(truth)), np.full(shape, probability, np.float32), 0.5)


CASES = {
    **{f"{n} levels": drawn(n, n, 0.1) for n in (2, 20, 10**6)},
    "crowded": drawn(1, 50, 0.6),
    "nothing anywhere": all_alike(0, 0),
    "missed": all_alike(1, 0),
    "invented": all_alike(0, 1),
    "found": all_alike(1, 1),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # scikit-learn's, of a set without a lesion
@pytest.mark.parametrize("comparison", OWN, ids=lambda c: c.metric)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_ways_give_the_same_figures(comparison: Comparison, case: Case):
    ours, plain = comparison.ours(case), comparison.plain(case)
    assert ours.shape == plain.shape
    assert largest_difference(ours, plain) <= comparison.tolerance


def test_what_is_defined_on_one_side_alone_is_no_small_difference():
    assert largest_difference(np.array([math.nan, 1]), np.array([math.nan, 3])) == 2
    assert largest_difference(np.array([math.nan]), np.array([0.5])) == math.inf


def test_deepminds_largest_distance_is_ours_to_a_pixel():
    pytest.importorskip("surface_distance", reason="not run: no surface-distance (PyPI) here")
    case = CASES["20 levels"]
    for truth, predicted in zip(case.truth, case.predicted, strict=True):
        ours, theirs = hausdorff(truth, predicted)[0], deepmind_hausdorff(truth, predicted)[0]
        assert abs(ours - theirs) <= 1


def test_a_row_has_every_field_and_what_is_missing_is_not_measured(monkeypatch):
    case, gone = CASES["20 levels"], replace(OWN[0], metric=TOGETHER[-1], needs="no_such_package")
    monkeypatch.setattr(metrics_speed, "COMPARISONS", (*OWN, gone))
    rows = measure(case, 1, {"side": 24})
    assert [r["metric"] for r in rows] == [c.metric for c in (*OWN, gone)]  # no sum without a part
    assert all(list(r)[: len(FIELDS)] == list(FIELDS) for r in rows)
    for found in rows[:-1]:
        assert found["equal"] is True and found["not_measured"] is None
        assert found["ratio"] == pytest.approx(
            found["plain_median_ms"] / found["median_ms"], rel=0.05
        )
        assert found["aim_met"] == (found["ratio"] >= AIM)
    assert rows[-1]["median_ms"] is None
    assert rows[-1]["not_measured"].startswith("no no_such_package here: pip install")
    json.dumps(rows, allow_nan=False)


def test_with_every_part_there_is_a_sum(monkeypatch):
    parts = [replace(c, needs=None, plain=c.ours) for c in COMPARISONS if c.metric in TOGETHER]
    monkeypatch.setattr(metrics_speed, "COMPARISONS", parts)
    rows = {r["metric"]: r for r in measure(CASES["20 levels"], 1, {})}
    assert list(rows) == [*(p.metric for p in parts), "together", "evaluate_lesion"]
    parts_ms = sum(rows[p.metric]["median_ms"] for p in parts)
    assert rows["together"]["median_ms"] == pytest.approx(parts_ms, abs=0.01)


def test_figures_that_differ_are_not_called_equal():
    comparison = OWN[0]
    once = {"wall": [2.0], "cpu": [1.0]}
    times = {(comparison.metric, OURS): once, (comparison.metric, PLAIN): once}
    for wrong in (0.5 + 1e-9, math.nan):
        answers = {
            (comparison.metric, OURS): np.array([0.5]),
            (comparison.metric, PLAIN): np.array([wrong]),
        }
        found = compared(comparison, times, answers, {})
        assert (found["equal"], found["ratio"], found["aim_met"]) == (False, 1.0, False)

"""All figures of one lesion together: the same walk, every figure once more by other means."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from mobileseg.evaluation.accumulators import CountedPixels, KeptPixels
from mobileseg.evaluation.lesion_evaluation import Answered, evaluate_lesion
from mobileseg.evaluation.metrics import aupr, best_threshold, dice
from mobileseg.evaluation.surface_distance import hausdorff

THRESHOLD = 0.8


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Five pictures of 32 px: spots, found more or less; the fourth has none, and nothing is."""
    rng = np.random.default_rng(5)
    truth = np.kron(rng.random((5, 8, 8)) < 0.1, np.ones((4, 4))).astype(bool)
    truth[3] = False
    logit = 3 * (rng.normal(size=truth.shape) + np.where(truth, 1, -2))
    probability = (1 / (1 + np.exp(-logit))).astype(np.float32)
    probability[3] *= 0.1
    return truth, probability


def walk(pictures: tuple[np.ndarray, np.ndarray]) -> Iterator[Answered]:
    for name, truth, probability in zip("abcde", *pictures, strict=False):
        yield Answered(name, truth, probability)


@pytest.fixture(scope="module", params=[KeptPixels, CountedPixels])
def found(request, pictures):
    return evaluate_lesion("EX", lambda: walk(pictures), THRESHOLD, pixels=request.param)


def test_pictures_without_the_lesion_are_counted_and_named(found):
    assert (found.pictures, found.with_lesion, found.undefined) == (5, 4, ("d",))


def test_areas_are_pooled_and_per_image(found, pictures):
    truth, probability = pictures
    assert found.pooled.exact == pytest.approx(aupr(truth, probability), abs=1e-4)
    each = [aupr(t, p) for t, p in zip(truth, probability, strict=True) if t.any()]
    assert found.per_image.exact == pytest.approx(np.mean(each), abs=1e-4)
    assert found.pooled.exact != pytest.approx(found.per_image.exact, abs=1e-3)
    assert 0 < found.pooled.at_11 < 1 and 0 < found.per_image.at_33 < 1


def test_shares_are_pooled_and_distances_are_means(found, pictures):
    truth, probability = pictures
    predicted = probability >= np.float32(THRESHOLD)
    at = found.chosen
    hits = (truth & predicted).sum()
    assert at.threshold == THRESHOLD
    assert at.dice == dice(truth, predicted)
    assert (at.precision, at.recall) == (hits / predicted.sum(), hits / truth.sum())
    distances = [hausdorff(t, p) for t, p in zip(truth, predicted, strict=True)]
    assert distances[3] == (0, 0)
    assert (at.hausdorff, at.hausdorff_95) == pytest.approx(np.mean(distances, axis=0))


def test_the_oracle_is_the_best_threshold_on_these_pictures(found, pictures):
    truth, probability = pictures
    best = best_threshold(truth, probability)
    assert found.oracle.threshold == pytest.approx(best, rel=1e-3)
    assert found.oracle.dice == pytest.approx(dice(truth, probability >= best), abs=1e-3)
    assert found.oracle.dice > found.chosen.dice


def test_intervals_hold_the_figures(found):
    figures = {
        "aupr": found.pooled.exact,
        "dice": found.chosen.dice,
        "lesion_recall": found.chosen.lesion_recall,
    }
    assert found.interval_95.keys() == figures.keys()
    for name, (low, high) in found.interval_95.items():
        assert 0 <= low <= figures[name] <= high <= 1
    assert found.interval_95["dice"][0] < found.interval_95["dice"][1]


def test_a_set_of_equal_pictures_leaves_nothing_to_chance(pictures):
    truth, probability = (np.stack([part[0]] * 4) for part in pictures)
    found = evaluate_lesion("EX", lambda: walk((truth, probability)), THRESHOLD)
    assert found.interval_95["dice"] == (found.chosen.dice,) * 2
    assert found.interval_95["aupr"] == pytest.approx((found.pooled.exact,) * 2, abs=1e-4)


def test_the_rule_for_empty_masks_is_handed_down():
    truth, nothing = np.ones((1, 4, 5), bool), np.zeros((1, 4, 5), np.float32)
    by_rule = {
        empty: evaluate_lesion("EX", lambda: walk((truth, nothing)), 0.5, empty=empty).chosen
        for empty in ("diagonal", "side")
    }
    assert by_rule["diagonal"].hausdorff == math.hypot(3, 4)
    assert by_rule["side"].hausdorff == 5
    assert math.isnan(by_rule["side"].precision) and by_rule["side"].recall == 0


@pytest.mark.parametrize("pixels", [KeptPixels, CountedPixels])
def test_where_no_picture_has_the_lesion_only_what_is_defined_is_said(pixels):
    truth, some = np.zeros((2, 6, 6), bool), np.full((2, 6, 6), 0.7, np.float32)
    found = evaluate_lesion("EX", lambda: walk((truth, some)), 0.5, pixels=pixels)
    assert found.undefined == ("a", "b")
    areas = [found.pooled.exact, found.pooled.at_33, found.per_image.exact, found.per_image.at_11]
    assert all(math.isnan(a) for a in areas)
    assert (found.chosen.dice, found.chosen.precision) == (0, 0)
    assert math.isnan(found.chosen.recall) and math.isnan(found.chosen.lesion_recall)
    assert found.chosen.false_positives_per_image == 1
    assert found.chosen.hausdorff == math.hypot(5, 5)
    assert found.oracle.threshold == 0.5
    assert all(math.isnan(end) for end in found.interval_95["aupr"])
    assert found.interval_95["dice"] == (0, 0)


def test_one_picture_of_one_value_is_scored():
    truth = np.zeros((1, 5, 5), bool)
    truth[0, 2, 2] = True
    found = evaluate_lesion("EX", lambda: walk((truth, np.full((1, 5, 5), 0.3, np.float32))), 0.5)
    assert found.pooled.exact == pytest.approx(1 / 25)
    assert found.oracle.threshold == pytest.approx(0.3)
    assert (found.oracle.recall, found.chosen.recall) == (1, 0)

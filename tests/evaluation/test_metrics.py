"""Scores by hand, and against a count over every threshold there is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mobileseg.evaluation.metrics import aupr, best_threshold, dice


def yes_no(text: str) -> np.ndarray:
    return np.array([c == "1" for c in text])


def drawn(seed: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """(3, 8, 8) truth and float32 probabilities on a few levels, so that many are equal."""
    rng = np.random.default_rng(seed)
    truth = rng.random((3, 8, 8)) < 0.2
    probability = np.clip(0.4 * truth + 0.7 * rng.random((3, 8, 8)), 0, 1)
    return truth, (np.round(probability * levels) / levels).astype(np.float32)


def brute_force_aupr(truth: np.ndarray, probability: np.ndarray) -> float:
    """Precision times the recall gained, from the strictest threshold down."""
    area, recall_before = 0.0, 0.0
    for threshold in sorted(set(probability.ravel()), reverse=True):
        predicted = probability >= threshold
        hits = int((predicted & truth).sum())
        recall = hits / int(truth.sum())
        area += (recall - recall_before) * hits / int(predicted.sum())
        recall_before = recall
    return area


def test_aupr_by_hand():
    # From the top: hit (recall 1/2, precision 1), miss, hit (recall 1, precision 2/3), miss.
    found = aupr(yes_no("1010"), np.array([0.9, 0.8, 0.7, 0.1]))
    assert found == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)


def test_equal_probabilities_are_one_threshold():
    # One step to recall 1 at precision 1/4, whatever the order of the pixels.
    assert aupr(yes_no("1000"), np.full(4, 0.5)) == pytest.approx(1 / 4)
    assert aupr(yes_no("0001"), np.full(4, 0.5)) == pytest.approx(1 / 4)


def test_a_perfect_ranking_scores_1_and_a_reversed_one_little():
    assert aupr(yes_no("0011"), np.array([0.1, 0.2, 0.3, 0.4])) == 1
    assert aupr(yes_no("1100"), np.array([0.1, 0.2, 0.3, 0.4])) == pytest.approx(
        1 / 2 * 1 / 3 + 1 / 2 * 2 / 4
    )


@pytest.mark.parametrize("levels", [3, 20, 10**6])
def test_aupr_is_the_step_function_over_every_threshold(levels):
    truth, probability = drawn(levels, levels)
    # Both in float64; up to 192 terms in another order.
    assert aupr(truth, probability) == pytest.approx(
        brute_force_aupr(truth, probability), abs=1e-12
    )
    assert aupr(truth, 1 - probability) != pytest.approx(aupr(truth, probability), abs=0.1)


def test_without_a_lesion_aupr_is_undefined():
    assert math.isnan(aupr(yes_no("000"), np.array([0.1, 0.2, 0.3])))


@pytest.mark.parametrize("levels", [3, 20, 10**6])
def test_the_best_threshold_has_the_highest_dice_of_all(levels):
    truth, probability = drawn(levels + 1, levels)
    every = {float(t): dice(truth, probability >= t) for t in np.unique(probability)}
    found = best_threshold(truth, probability)
    assert every[found] == max(every.values())  # a KeyError: none of the probabilities
    assert min(every.values()) < max(every.values())


def test_the_best_threshold_by_hand():
    # At 0.7: two hits of three, Dice 4/5. At 0.9: 2/3. At 0.8: 1/2. At 0.1: 4/6.
    assert best_threshold(yes_no("1010"), np.float32([0.9, 0.8, 0.7, 0.1])) == np.float32(0.7)


def test_the_best_threshold_is_a_float32_that_survives_json():
    import json

    probability = np.float32([0.1, 0.3, 0.7])
    found = best_threshold(yes_no("011"), probability)
    assert np.float32(json.loads(json.dumps(found))) == probability[1]


def test_without_a_lesion_the_threshold_is_one_half():
    assert best_threshold(yes_no("000"), np.float32([0.1, 0.2, 0.3])) == 0.5


def test_dice_by_hand():
    assert dice(yes_no("1100"), yes_no("0110")) == 2 * 1 / (2 + 2)
    assert dice(yes_no("1110"), yes_no("0010")) == 2 * 1 / (3 + 1)
    assert dice(yes_no("11"), yes_no("11")) == 1
    assert dice(yes_no("10"), yes_no("01")) == 0
    assert dice(yes_no("00"), yes_no("01")) == 0


def test_nothing_to_find_and_nothing_found_is_no_score():
    assert math.isnan(dice(yes_no("00"), yes_no("00")))

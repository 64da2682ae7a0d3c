"""AUPR at 33 and at 11 thresholds: by hand, and against a plain loop over the thresholds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc

from mobileseg.evaluation.fixed_thresholds import CONVENTIONS, Convention, area, count_above


def read_at(points: int, truth: np.ndarray, probability: np.ndarray) -> float:
    return area(count_above(truth, probability, CONVENTIONS[points]), int(truth.sum()))


def plain_loop(points: int, truth: np.ndarray, probability: np.ndarray) -> float:
    recall, precision = [], []
    for k in range(points):
        predicted = probability > np.float32(k / (points - 1))
        hits = int((predicted & truth).sum())
        recall.append(hits / int(truth.sum()))
        precision.append(hits / int(predicted.sum()) if predicted.any() else 1.0)
    return auc(recall, precision)


def test_the_thresholds_are_those_of_the_sources():
    grey = np.arange(0, 257, 8) / 256  # the challenge's, in shares
    assert CONVENTIONS[33].thresholds.tolist() == grey.tolist()
    assert CONVENTIONS[11].thresholds == pytest.approx([k / 10 for k in range(11)])


def test_by_hand_with_three_thresholds():
    truth = np.array([True, True, False, False])
    probability = np.float32([1.0, 0.4, 0.6, 0.1])
    three = Convention(3, "by hand")  # 0, 1/2, 1
    above = count_above(truth, probability, three)
    assert above.tolist() == [[2, 1, 0], [4, 2, 0]]
    # (recall, precision): (1, 1/2), (1/2, 1/2), (0, 1): the pixel at 1 is not above 1.
    assert area(above, 2) == pytest.approx(1 / 2 * 1 / 2 + 1 / 2 * (1 / 2 + 1) / 2)


@pytest.mark.parametrize("points", CONVENTIONS)
def test_a_pixel_at_a_threshold_is_not_above_it(points):
    thresholds = CONVENTIONS[points].thresholds
    above = count_above(np.ones(points, bool), thresholds, CONVENTIONS[points])
    assert above[0].tolist() == list(range(points - 1, -1, -1))


@pytest.mark.parametrize("points", CONVENTIONS)
@settings(max_examples=60, deadline=None)
@given(
    pixels=st.lists(
        st.tuples(st.booleans(), st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.5, 1.0])),
        min_size=1,
        max_size=30,
    )
)
def test_it_is_the_plain_loop(points, pixels):
    truth, probability = (np.array(column) for column in zip(*pixels, strict=True))
    if truth.any():
        found = read_at(points, truth, probability.astype(np.float32))
        expected = plain_loop(points, truth, probability.astype(np.float32))
        assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("points", CONVENTIONS)
def test_counts_add_up_over_pictures(points):
    rng = np.random.default_rng(points)
    truth, probability = rng.random((2, 9, 9)) < 0.3, rng.random((2, 9, 9)).astype(np.float32)
    each = [count_above(t, p, CONVENTIONS[points]) for t, p in zip(truth, probability, strict=True)]
    assert (sum(each) == count_above(truth, probability, CONVENTIONS[points])).all()


@pytest.mark.parametrize("points", CONVENTIONS)
def test_without_a_lesion_it_is_undefined(points):
    assert math.isnan(read_at(points, np.zeros(4, bool), np.float32([0, 0.2, 0.5, 1])))

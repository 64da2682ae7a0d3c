"""What is lost between two forms of a network, on a picture small enough to count by hand."""

from __future__ import annotations

import numpy as np

from mobileseg.evaluation.accuracy_drop import against
from mobileseg.evaluation.metrics import aupr


def test_lesions_that_are_lost_and_found_are_counted_and_placed():
    truth = np.zeros((2, 8, 8), bool)
    truth[0, 1, 1:4] = True  # a bar of three pixels, its centre at x 2, y 1
    truth[0, 6, 6] = True
    truth[1, 4, 4] = truth[1, 5, 5] = True  # touching at a corner: one lesion
    before = np.full((2, 8, 8), 0.1, np.float32)
    now = before.copy()
    before[0, 1, 2] = before[1, 5, 5] = 0.9  # finds the bar and the pair
    now[0, 6, 6] = now[1, 4, 4] = 0.9  # finds the single one and the pair's other half
    found = against("EX", ["a", "b"], truth, before, now, 0.5)
    assert (found.lesions, found.gained) == (3, 1)
    (lost,) = found.missed
    assert (lost.picture, lost.x, lost.y, lost.pixels) == ("a", 2, 1, 3)
    assert found.recall == 2 / 3 and found.recall_drop == 0
    assert found.aupr == aupr(truth, now)
    assert found.aupr_drop == aupr(truth, before) - aupr(truth, now)
    assert found.smallest_step == 1 / 3


def test_a_pixel_at_the_very_threshold_is_lesion_as_everywhere():
    truth = np.ones((1, 2, 2), bool)
    at = np.full((1, 2, 2), 0.3, np.float32)
    same = against("EX", ["a"], truth, at, at, float(np.float32(0.3)))
    assert same.recall == 1 and not same.missed


def test_without_any_lesion_nothing_is_claimed():
    truth = np.zeros((1, 4, 4), bool)
    flat = np.zeros((1, 4, 4), np.float32)
    found = against("EX", ["a"], truth, flat, flat, 0.5)
    assert found.lesions == 0 and np.isnan(found.recall) and np.isnan(found.smallest_step)

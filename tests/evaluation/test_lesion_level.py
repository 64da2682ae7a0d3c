"""Lesions counted: by hand, and against SciPy's labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from mobileseg.evaluation.lesion_level import LesionCounts, count_lesions


def drawn(*rows: str) -> np.ndarray:
    return np.array([[c == "#" for c in row] for row in rows])


def test_by_hand():
    truth = drawn("##...", ".....", "....#", "...#.", "#....")
    predicted = drawn(".#..#", "....#", "#...#", "#....", ".....")
    # Found: the first, and the diagonal one of two pixels. Missed: bottom left, which a predicted
    # component touches and does not overlap: a false positive. The right column is one component.
    assert count_lesions(truth, predicted) == LesionCounts(3, 2, 1)


def test_one_predicted_component_may_find_several_lesions():
    truth = drawn("#.#.#", ".....")
    predicted = drawn("#####", ".....")
    assert count_lesions(truth, predicted) == LesionCounts(3, 3, 0)


def test_one_lesion_found_by_several_components_is_found_once():
    truth = drawn("#####")
    predicted = drawn("#.#.#")
    assert count_lesions(truth, predicted) == LesionCounts(1, 1, 0)


NOTHING, ALL = np.zeros((3, 4), bool), np.ones((3, 4), bool)


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        (NOTHING, NOTHING, LesionCounts(0, 0, 0)),
        (NOTHING, ALL, LesionCounts(0, 0, 1)),
        (ALL, NOTHING, LesionCounts(1, 0, 0)),
        (ALL, ALL, LesionCounts(1, 1, 0)),
    ],
)
def test_empty_and_full_masks(truth, predicted, expected):
    assert count_lesions(truth, predicted) == expected


@settings(max_examples=100, deadline=None)
@given(arrays(bool, (2, 8, 9), elements=st.sampled_from([True, False, False])))
def test_it_is_what_scipys_labels_give(pair):
    truth, predicted = pair
    eight = np.ones((3, 3))
    lesions, lesion_count = ndimage.label(truth, eight)
    marks, mark_count = ndimage.label(predicted, eight)
    found = sum(bool(predicted[lesions == k].any()) for k in range(1, lesion_count + 1))
    false = sum(not truth[marks == k].any() for k in range(1, mark_count + 1))
    assert count_lesions(truth, predicted) == LesionCounts(lesion_count, found, false)

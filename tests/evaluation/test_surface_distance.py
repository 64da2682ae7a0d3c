"""Distances between borders: by hand, and against every pair of border pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist, directed_hausdorff

from mobileseg.evaluation import surface_distance as surface
from mobileseg.evaluation.surface_distance import (
    CROWDED,
    EMPTY,
    border,
    by_transform,
    by_tree,
    hausdorff,
    surface_distances,
)

SHAPE = (7, 9)


def drawn(*rows: str) -> np.ndarray:
    return np.array([[c == "#" for c in row] for row in rows])


def masks() -> dict[str, np.ndarray]:
    """What breaks distance code: empty, full, one pixel, at the rim, with a hole, scattered."""
    found = {name: np.zeros(SHAPE, bool) for name in ("empty", "corner", "far corner", "rim")}
    found["corner"][0, 0] = True
    found["far corner"][-1, -1] = True
    found["rim"][0] = True
    found["full"] = np.ones(SHAPE, bool)
    found["hole"] = np.ones(SHAPE, bool)
    found["hole"][3, 4] = False
    found["scattered"] = np.random.default_rng(0).random(SHAPE) < 0.2
    return found


def plain_border(mask: np.ndarray) -> list[tuple[int, int]]:
    height, width = mask.shape

    def is_lesion(y: int, x: int) -> bool:
        return 0 <= y < height and 0 <= x < width and bool(mask[y, x])

    return [
        (int(y), int(x))
        for y, x in np.argwhere(mask)
        if not all(is_lesion(y + dy, x + dx) for dy, dx in ((1, 0), (-1, 0), (0, 1), (0, -1)))
    ]


def brute_force(truth: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    pairs = cdist(plain_border(truth), plain_border(predicted))
    directed = pairs.min(axis=1), pairs.min(axis=0)
    return max(d.max() for d in directed), max(np.percentile(d, 95) for d in directed)


def test_the_border_by_hand():
    mask = drawn("####.", "#####", "####.", ".....")
    assert (border(mask) == drawn("####.", "#...#", "####.", ".....")).all()


@pytest.mark.parametrize("one", masks())
@pytest.mark.parametrize("other", masks())
def test_adversarial_masks_are_as_brute_force_finds(one, other):
    truth, predicted = masks()[one], masks()[other]
    found = hausdorff(truth, predicted)
    assert found == hausdorff(predicted, truth)
    if truth.any() and predicted.any():
        assert found == pytest.approx(brute_force(truth, predicted), abs=1e-12)
    elif truth.any() or predicted.any():
        assert found == (math.hypot(6, 8),) * 2
    else:
        assert found == (0, 0)


@settings(max_examples=100, deadline=None)
@given(arrays(bool, (2, 6, 8), elements=st.sampled_from([True, False, False])))
def test_random_masks_are_as_brute_force_finds(pair):
    truth, predicted = pair
    if truth.any() and predicted.any():
        largest, robust = hausdorff(truth, predicted)
        assert (largest, robust) == pytest.approx(brute_force(truth, predicted), abs=1e-12)
        borders = plain_border(truth), plain_border(predicted)
        both = directed_hausdorff(*borders)[0], directed_hausdorff(*borders[::-1])[0]
        assert largest == pytest.approx(max(both), abs=1e-12)
        assert robust <= largest <= EMPTY["diagonal"](6, 8)


def test_a_larger_random_picture_is_as_brute_force_finds():
    rng = np.random.default_rng(4)
    truth, predicted = (rng.random((2, 60, 80)) < 0.02) & (np.arange(80) < 70)
    assert hausdorff(truth, predicted) == pytest.approx(brute_force(truth, predicted), abs=1e-12)


def test_two_pixels_by_hand():
    truth, predicted = np.zeros((2, 9, 9), bool)
    truth[1, 1] = predicted[4, 5] = True
    assert hausdorff(truth, predicted) == (5, 5)
    there, back = surface_distances(truth, predicted)
    assert (there.tolist(), back.tolist()) == ([5], [5])


def test_hausdorff_95_is_the_larger_direction_and_not_pooled():
    """21 pixels in a row against the first of them: one direction is 0, the other 0..20."""
    truth, predicted = np.zeros((2, 1, 21), bool)
    truth[0] = predicted[0, 0] = True
    assert hausdorff(truth, predicted) == (20, 19)  # pooled: 18.95


def test_nothing_to_find_and_nothing_found_is_no_distance():
    assert hausdorff(np.zeros((4, 5), bool), np.zeros((4, 5), bool), empty="side") == (0, 0)


@pytest.mark.parametrize(("empty", "expected"), [("diagonal", math.hypot(3, 4)), ("side", 5)])
def test_one_empty_mask_is_the_pictures_size(empty, expected):
    one, nothing = np.ones((4, 5), bool), np.zeros((4, 5), bool)
    assert hausdorff(one, nothing, empty=empty) == (expected, expected)
    assert hausdorff(nothing, one, empty=empty) == (expected, expected)


def test_the_two_rules_differ_and_an_unknown_one_is_an_error():
    assert EMPTY["diagonal"](512, 512) == pytest.approx(511 * math.sqrt(2))
    assert EMPTY["side"](512, 512) == 512
    with pytest.raises(KeyError):
        hausdorff(np.ones((2, 2), bool), np.zeros((2, 2), bool), empty="zero")


@pytest.mark.parametrize("share", [1e-3, 0.02, 0.2, 0.6])
def test_both_searches_give_the_same_distances_to_the_bit(share):
    ours, theirs = np.random.default_rng(5).random((2, 90, 120)) < share
    found, expected = (np.sort(way(ours, theirs)) for way in (by_tree, by_transform))
    assert np.array_equal(found, expected)
    assert by_tree(ours, ours).tolist() == [0] * ours.sum()


@pytest.mark.parametrize(("share", "expected"), [(CROWDED / 4, "tree"), (2 * CROWDED, "transform")])
def test_crowded_borders_are_searched_by_a_transform(share, expected, monkeypatch):
    asked = []

    def noted(name, search):
        return lambda *masks: asked.append(name) or search(*masks)

    for name, search in (("tree", by_tree), ("transform", by_transform)):
        monkeypatch.setattr(surface, f"by_{name}", noted(name, search))
    truth, predicted = np.random.default_rng(6).random((2, 60, 60)) < share
    assert surface.hausdorff(truth, predicted) == pytest.approx(brute_force(truth, predicted))
    assert asked == [expected] * 2

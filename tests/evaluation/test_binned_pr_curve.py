"""Counting instead of sorting: whole-number bins, and how far the curve may be off."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobileseg.evaluation import binned_pr_curve as binned
from mobileseg.evaluation.accumulators import CountedPixels, KeptPixels
from mobileseg.evaluation.metrics import aupr, dice

CORNERS = [
    0.0, 1e-45, 2.0**-42, 2.0**-41, 2.0**-25, 2.0**-24, 0.25,
    0.49999997, 0.5, 0.50000006, 0.75, 1 - 2.0**-24, 1.0,
]  # fmt: skip
PROBABILITY = st.floats(0, 1, width=32) | st.sampled_from(CORNERS)


def sigmoid(rng: np.random.Generator, shape: tuple[int, ...], spread: float):
    """Truth and probabilities of a network that is mostly right; a wide spread saturates."""
    truth = rng.random(shape) < 0.05
    logit = spread * (rng.normal(size=shape) + np.where(truth, 1.5, -2))
    return truth, (1 / (1 + np.exp(-logit))).astype(np.float32)


def area(counts: binned.Counts) -> float:
    return float(binned.step_area(*binned.cumulated(counts)))


@settings(max_examples=300, deadline=None)
@given(PROBABILITY, PROBABILITY)
def test_bins_rise_with_the_probability(one, other):
    low, high = binned.bin_of(np.sort(np.float32([one, other])))
    assert 0 <= low <= high < binned.BINS


@settings(max_examples=300, deadline=None)
@given(PROBABILITY)
def test_an_edge_is_the_least_probability_of_its_bin(probability):
    value = np.float32([probability])
    index = int(binned.bin_of(value)[0])
    edge = np.float32(binned.edge(index))
    assert edge <= value[0]
    assert binned.bin_of(np.array([edge])) == index
    if edge > 0:
        assert binned.bin_of(np.array([np.nextafter(edge, np.float32(0))])) < index


def test_exactly_0_and_exactly_1_have_bins_of_their_own():
    value = np.float32([0, 1e-45, 1 - 2.0**-24, 1])
    index = binned.bin_of(value)
    assert (index[0], index[3]) == (0, binned.BINS - 1)
    assert index[0] < index[1] < index[2] < index[3]
    assert binned.edge(binned.BINS - 1) == 1


def test_counts_are_of_lesion_and_other_pixels():
    truth = np.array([[True, False], [True, True]])
    counts = binned.count(truth, np.float32([[0.3, 0.3], [1, 0]]))
    assert counts.shape == (2, binned.BINS)
    at = binned.bin_of(np.float32([0, 0.3, 1]))
    assert counts[:, at].tolist() == [[0, 1, 0], [1, 1, 1]]
    assert counts.sum() == 4


PIXEL = st.tuples(st.integers(0, 5), st.integers(0, 3), st.booleans())  # bin, place in it, lesion


@settings(max_examples=200, deadline=None)
@given(st.lists(PIXEL, min_size=1, max_size=30))
def test_the_exact_area_is_within_the_uncertainty(pixels):
    """Six bins, of which the first and the last two have one probability each."""
    bins, places, truth = (np.array(column) for column in zip(*pixels, strict=True))
    places[(bins == 0) | (bins >= 4)] = 0
    counts = np.stack([np.bincount(bins[truth == lesion], minlength=6) for lesion in (False, True)])
    if truth.any():
        exact = aupr(truth, bins + places / 4)
        assert abs(area(counts) - exact) <= binned.uncertainty(counts, single=4) + 1e-12
    else:
        assert math.isnan(area(counts))
        assert binned.uncertainty(counts, single=4) == 0


def test_bins_of_one_number_begin_where_they_are_said_to():
    number = 1 - np.arange(2**14 + 1)[::-1].astype(np.float32) * np.float32(2.0**-24)
    index = binned.bin_of(number)
    assert index[0] == binned.SINGLE and index[-1] == binned.BINS - 1
    assert (np.diff(index) > 0).all()
    assert number[1] - number[0] == np.float32(2.0**-24)  # float32 has no other between them


@pytest.mark.parametrize("spread", [0.1, 1, 4, 12])
def test_counted_pixels_are_within_1e_4_of_scikit_learn(spread):
    truth, probability = sigmoid(np.random.default_rng(1), (4, 100, 100), spread)
    pooled = CountedPixels()
    for t, p in zip(truth, probability, strict=True):
        own = CountedPixels()
        own.add(t, p)
        pooled.include(own)
    exact = aupr(truth, probability)
    assert pooled.aupr() == pytest.approx(exact, abs=1e-4)
    assert pooled.uncertainty() < 1e-4
    stretches = pooled.stretches()
    assert len(stretches) <= binned.GROUPS + 1
    assert area(np.add.reduceat(pooled.counts, stretches, axis=1)) == pytest.approx(exact, abs=1e-4)


def test_crowded_probabilities_are_owned_up_to():
    """All within one bin, in the right order: exactly 1, counted only the prevalence."""
    near = np.float32(0.3) + np.arange(4, dtype=np.float32) * np.float32(3e-8)
    assert len(set(near.tolist())) > 2
    pooled = CountedPixels()
    pooled.add(np.array([False, False, True, True]), near)
    assert pooled.aupr() == pytest.approx(0.5)
    assert pooled.uncertainty() == pytest.approx(1 - 1 / 3)


def test_stretches_hold_about_equally_many_lesion_pixels(monkeypatch):
    monkeypatch.setattr(binned, "GROUPS", 4)
    counts = np.zeros((2, 12), np.int64)
    counts[1, [1, 3, 4, 7, 8, 9, 10, 11]] = 1
    counts[0, 2] = 5
    # From the top: 11 | 10 9 | 8 7 | 4 3 | 1, each named by its lowest bin with a lesion pixel.
    assert binned.groups(counts[1]).tolist() == [1, 3, 7, 9, 11]
    assert binned.groups(np.zeros(12, np.int64)).size == 0


@pytest.mark.parametrize("lesion_share", [0, 0.1, 1])
def test_counting_by_stretch_is_counting_every_bin_and_adding_up(lesion_share):
    rng = np.random.default_rng(2)
    probability = rng.random((50, 60)).astype(np.float32) ** 8
    truth = rng.random(probability.shape) < lesion_share
    counts = binned.count(truth, probability)
    stretches = binned.groups(counts[1])
    found = binned.Grouped(stretches).count(truth, probability)
    assert (found == np.add.reduceat(counts, stretches, axis=1)).all()
    assert found.shape == (2, len(stretches))


@pytest.mark.parametrize("spread", [1, 8])
def test_the_best_edge_has_the_dice_of_the_best_threshold(spread):
    truth, probability = sigmoid(np.random.default_rng(2), (50, 50), spread)
    kept, counted = KeptPixels(), CountedPixels()
    for pixels in (kept, counted):
        pixels.add(truth, probability)
    at = {
        p.best_threshold(): dice(truth, probability >= p.best_threshold()) for p in (kept, counted)
    }
    assert max(at.values()) - min(at.values()) < 1e-3
    assert counted.best_threshold() == pytest.approx(kept.best_threshold(), rel=1e-3)


@pytest.mark.parametrize("pixels", [KeptPixels, CountedPixels])
def test_without_a_lesion_there_is_no_curve_and_the_threshold_is_one_half(pixels):
    nothing = pixels()
    nothing.add(np.zeros((3, 3), bool), np.full((3, 3), 0.7, np.float32))
    assert math.isnan(nothing.aupr())
    assert nothing.best_threshold() == 0.5
    assert nothing.uncertainty() == 0


def test_kept_pixels_are_exact_after_each_picture():
    truth, probability = sigmoid(np.random.default_rng(3), (3, 20, 20), 2)
    kept = KeptPixels()
    for count, (t, p) in enumerate(zip(truth, probability, strict=True), start=1):
        own = KeptPixels()
        own.add(t, p)
        kept.include(own)
        exact = aupr(truth[:count], probability[:count])
        assert kept.aupr() == pytest.approx(exact, abs=1e-12)

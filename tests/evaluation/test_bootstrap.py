"""Resampling pictures: the same as scoring the resampled pictures by themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mobileseg.evaluation import binned_pr_curve as binned
from mobileseg.evaluation.bootstrap import draw, interval, resample_aupr, resample_ratio
from mobileseg.evaluation.metrics import aupr


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Six pictures of 40 px; the last two have no lesion."""
    rng = np.random.default_rng(0)
    truth = rng.random((6, 40, 40)) < np.array([0.02, 0.1, 0.2, 0.05, 0, 0])[:, None, None]
    logit = 5 * (rng.normal(size=truth.shape) + np.where(truth, 1, -2))
    return truth, (1 / (1 + np.exp(-logit))).astype(np.float32)


def counts_of(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    pairs = zip(truth, probability, strict=True)
    counts = np.stack([binned.count(t, p) for t, p in pairs])
    return np.add.reduceat(counts, binned.groups(counts[:, 1].sum(axis=0)), axis=2)


def test_a_resample_has_as_many_pictures_as_there_are():
    weights = draw(5, resamples=200, seed=1)
    assert weights.shape == (200, 5)
    assert (weights.sum(axis=1) == 5).all()
    assert (weights == weights.round()).all() and weights.min() == 0 and weights.max() > 1
    assert weights.mean(axis=0) == pytest.approx([1] * 5, abs=0.25)  # 4 SD


def test_the_seed_decides():
    assert (draw(7, seed=3) == draw(7, seed=3)).all()
    assert (draw(7, seed=3) != draw(7, seed=4)).any()


def test_a_resamples_aupr_is_that_of_its_pictures(pictures):
    truth, probability = pictures
    weights = draw(6, resamples=70, seed=2)  # more than one chunk
    found = resample_aupr(weights, counts_of(truth, probability))
    for row, value in zip(weights, found, strict=True):
        drawn = np.repeat(np.arange(6), row.astype(int))
        exact = aupr(truth[drawn], probability[drawn])
        assert value == pytest.approx(exact, abs=1e-4, nan_ok=True)


def test_without_a_lesion_drawn_there_is_no_figure(pictures):
    counts = counts_of(*pictures)
    weights = np.float64([[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 3, 3]])
    found = resample_aupr(weights, counts)
    assert not math.isnan(found[0]) and math.isnan(found[1])
    truth, probability = pictures
    nothing = resample_aupr(weights, counts_of(truth & False, probability))
    assert np.isnan(nothing).all() and nothing.shape == (2,)


def test_a_ratio_is_of_sums_and_not_a_mean_of_ratios():
    weights = np.float64([[1, 1], [2, 0], [0, 2]])
    found = resample_ratio(weights, np.array([1, 0]), np.array([2, 0]))
    assert found[:2].tolist() == [0.5, 0.5]
    assert math.isnan(found[2])
    assert resample_ratio(weights, np.array([1, 3]), np.array([4, 4])).tolist() == [0.5, 0.25, 0.75]


def test_the_interval_is_the_middle_95_percent_of_what_is_defined():
    values = np.arange(1001) / 1000
    assert interval(values) == pytest.approx((0.025, 0.975))
    assert interval(np.concatenate([values, [math.nan] * 50])) == pytest.approx((0.025, 0.975))
    assert all(math.isnan(end) for end in interval(np.array([math.nan])))

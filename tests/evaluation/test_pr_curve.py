"""The curve on a device: scikit-learn's figures, ties and edge cases included."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mobileseg.evaluation.metrics import aupr, best_threshold
from mobileseg.evaluation.pr_curve import average_precision, best_threshold_on, precision_recall

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
FEW = [0.0, 1e-38, 1e-7, 0.1, 0.5, np.float32(0.7), 1 - 2**-24, 1.0]  # so that many are equal


def both(truth: np.ndarray, probability: np.ndarray, device: str = "cpu") -> None:
    """Compare with the reference; NaN and the fallback threshold too."""
    on = torch.from_numpy(truth).to(device), torch.from_numpy(probability).to(device)
    expected = aupr(truth, probability)
    assert average_precision(*on) == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert best_threshold_on(*on) == best_threshold(truth, probability)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("levels", [2, 20, 10**6])
def test_it_is_scikit_learns_curve(levels, device):
    rng = np.random.default_rng(levels)
    truth = rng.random((3, 40, 40)) < 0.1
    noise = np.clip(0.3 * truth + 0.7 * rng.random(truth.shape), 0, 1)
    both(truth, (np.round(noise * levels) / levels).astype(np.float32), device)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(FEW)), min_size=1, max_size=24))
def test_equal_probabilities_are_one_threshold(pixels):
    truth, probability = zip(*pixels, strict=True)
    both(np.array(truth), np.array(probability, np.float32))


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("lesion", [0, 1, 63, 64])
def test_one_probability_everywhere(value, lesion):
    both(np.arange(64).reshape(8, 8) < lesion, np.full((8, 8), value, np.float32))


def test_by_hand():
    # From the top: hit (recall 1/2, precision 1), miss, hit (recall 1, precision 2/3), miss.
    truth = torch.tensor([True, False, True, False])
    probability = torch.tensor([0.9, 0.8, 0.7, 0.1])
    assert average_precision(truth, probability) == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    assert best_threshold_on(truth, probability) == np.float32(0.7)
    curve = precision_recall(truth, probability)
    assert curve.thresholds.tolist() == pytest.approx([0.9, 0.7])
    assert curve.hits.tolist() == [1, 2]
    assert curve.predicted.tolist() == [1, 3]


def test_of_equal_dice_the_lowest_threshold_is_taken():
    truth = np.array([True, True, False, False, False, False])
    probability = np.float32([0.9, 0.5, 0.7, 0.6, 0.1, 0.1])
    # At 0.9: 2·1/(1+2) = 2/3. At 0.5: 2·2/(4+2) = 2/3.
    assert best_threshold_on(torch.from_numpy(truth), torch.from_numpy(probability)) == 0.5
    both(truth, probability)


def test_without_a_lesion_nothing_is_defined():
    nothing = torch.zeros(4, dtype=torch.bool), torch.rand(4)
    assert math.isnan(average_precision(*nothing))
    assert best_threshold_on(*nothing) == 0.5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_are_taken(dtype):
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(500, generator=generator) < 0.2
    probability = torch.rand(500, generator=generator).to(dtype)
    wide = probability.double().numpy()
    assert average_precision(truth, probability) == pytest.approx(
        aupr(truth.numpy(), wide), abs=1e-12
    )
    assert best_threshold_on(truth, probability) == best_threshold(truth.numpy(), wide)

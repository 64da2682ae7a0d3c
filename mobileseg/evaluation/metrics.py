"""Scores of probability maps against masks, pooled over all pixels of a set of pictures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[np.bool_]
Probability = NDArray[np.floating[Any]]


def aupr(truth: Truth, probability: Probability) -> float:
    """Area under the precision-recall curve: exact, every distinct probability is a threshold.

    Args:
        truth: any shape, bool.
        probability: the same shape, 0..1.

    Returns:
        Average precision, 0..1; NaN where there is no lesion pixel (undefined).

    Source: scikit-learn's average_precision_score (a step function, no interpolation).
    """
    from sklearn.metrics import average_precision_score

    if not truth.any():
        return math.nan
    return float(average_precision_score(truth.ravel(), probability.ravel()))


def best_threshold(truth: Truth, probability: Probability) -> float:
    """The threshold with the highest F1 (= Dice) on the precision-recall curve.

    Returns:
        A float32 value of `probability`; 0.5 where there is no lesion pixel to learn it from.
    """
    from sklearn.metrics import precision_recall_curve

    if not truth.any():
        return 0.5
    precision, recall, thresholds = precision_recall_curve(truth.ravel(), probability.ravel())
    total = precision + recall
    f1 = 2 * precision * recall / np.where(total > 0, total, 1)
    return float(np.float32(thresholds[int(np.argmax(f1[:-1]))]))


def dice(truth: Truth, predicted: Truth) -> float:
    """2 |A and B| / (|A| + |B|); NaN where both are empty: nothing to find is no evidence."""
    total = int(truth.sum()) + int(predicted.sum())
    return 2 * int((truth & predicted).sum()) / total if total else math.nan

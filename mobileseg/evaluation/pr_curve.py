"""The exact precision-recall curve on the device where the probabilities are.

Training scores every epoch: there, moving the pixels off a GPU and sorting them on one CPU core
would cost more than the epoch. The figures are those of `mobileseg.evaluation.metrics`, which
takes scikit-learn's; tests hold the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

NO_FLOAT64 = ("mps",)  # devices that cannot divide in float64; the last steps leave them


@dataclass(frozen=True, slots=True)
class Curve:
    """Counts at every distinct probability of a lesion pixel, from the highest down.

    Between two of them recall stands still and precision only falls, so that neither the area
    nor the best threshold would be another with all probabilities.
    """

    thresholds: Tensor  # (K,) as given: a pixel from its threshold on is predicted
    hits: Tensor  # (K,) float64, lesion pixels predicted
    predicted: Tensor  # (K,) float64, pixels predicted

    @property
    def precision(self) -> Tensor:
        return self.hits / self.predicted

    @property
    def recall(self) -> Tensor:
        return self.hits / self.hits[-1]

    def area(self) -> float:
        """Average precision, 0..1: precision times the recall gained at each threshold, summed."""
        gained = torch.diff(self.recall, prepend=self.recall.new_zeros(1))
        return float((gained * self.precision).sum())

    def best_threshold(self) -> float:
        """The lowest of the thresholds with the highest F1."""
        # The very operations of metrics.best_threshold: equal F1 must be equal in float64 too.
        total = self.precision + self.recall
        f1 = 2 * self.precision * self.recall / torch.where(total > 0, total, 1)
        lowest = int(torch.argmax(f1.flip(0)))  # the first of equals
        return float(self.thresholds.flip(0)[lowest].float())


def precision_recall(truth: Tensor, probability: Tensor) -> Curve:
    """Sort once, then count.

    Args:
        truth: any shape, bool, at least one pixel True.
        probability: the same shape, any float type, 0..1, without NaN.

    Returns:
        The curve, on the tensors' device (on the CPU where the device has no float64).

    Source: scikit-learn's precision_recall_curve: equal probabilities are one threshold.
    """
    thresholds, count = torch.unique(_picked(probability, truth), return_counts=True)  # rising
    competing = _picked(probability, probability >= thresholds[0])  # the rest never counts
    below = torch.searchsorted(_risen(competing), thresholds)
    hits = count.flip(0).cumsum(0)
    thresholds, predicted = thresholds.flip(0), competing.numel() - below.flip(0)
    if hits.device.type in NO_FLOAT64:
        thresholds, hits, predicted = thresholds.cpu(), hits.cpu(), predicted.cpu()
    return Curve(thresholds, hits.double(), predicted.double())


def _by_numpy(values: Tensor) -> bool:
    """On a CPU, NumPy sorts floats some twenty times as fast as PyTorch, and picks faster too."""
    return values.device.type == "cpu" and values.dtype in (torch.float32, torch.float64)


def _picked(values: Tensor, mask: Tensor) -> Tensor:
    if _by_numpy(values):
        return torch.from_numpy(values.detach().numpy()[mask.numpy()])
    return values[mask]


def _risen(values: Tensor) -> Tensor:
    """Sorted, in place where that is faster."""
    if _by_numpy(values):
        values.numpy().sort()
        return values
    return values.sort().values


def average_precision(truth: Tensor, probability: Tensor) -> float:
    """Exact area under the precision-recall curve: `metrics.aupr` on any device.

    Args:
        truth: any shape, bool.
        probability: the same shape, 0..1.

    Returns:
        Average precision, 0..1; NaN where there is no lesion pixel (undefined).
    """
    return precision_recall(truth, probability).area() if bool(truth.any()) else math.nan


def best_threshold_on(truth: Tensor, probability: Tensor) -> float:
    """The threshold with the highest F1: `metrics.best_threshold` on any device.

    Returns:
        A float32 value of `probability`; 0.5 where there is no lesion pixel to learn it from.
    """
    return precision_recall(truth, probability).best_threshold() if bool(truth.any()) else 0.5

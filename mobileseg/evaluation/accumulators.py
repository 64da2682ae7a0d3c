"""Every pixel of a set of pictures, pooled for one curve: kept, or only counted.

Kept, the curve is exact, and memory grows with the pictures: right for the network's resolution.
Counted, memory stays the same however many pictures follow: right for camera pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray

from mobileseg.evaluation import binned_pr_curve as binned
from mobileseg.evaluation.pr_curve import Curve, precision_recall

Truth = NDArray[np.bool_]
Probability = NDArray[np.float32]


class Pixels(Protocol):
    """Takes pixels of picture after picture; answers for all of them."""

    def add(self, truth: Truth, probability: Probability) -> None:
        """Pool one picture's pixels; equal shapes, probability 0..1."""

    def include(self, other: Self) -> None:
        """Pool another's pixels too."""

    def stretches(self) -> NDArray[np.intp]:
        """(K,) bins to resample by; see `binned_pr_curve.groups`."""

    def aupr(self) -> float:
        """Average precision; NaN where there is no lesion pixel."""

    def best_threshold(self) -> float:
        """The threshold with the highest F1; 0.5 where there is no lesion pixel."""

    def uncertainty(self) -> float:
        """How far `aupr` may be from scikit-learn's."""


@dataclass(slots=True)
class KeptPixels:
    """Exact."""

    truth: list[Truth] = field(default_factory=list)
    probability: list[Probability] = field(default_factory=list)
    _curve: Curve | None = None

    def add(self, truth: Truth, probability: Probability) -> None:
        self.truth.append(truth.ravel())
        self.probability.append(probability.ravel())
        self._curve = None

    def include(self, other: Self) -> None:
        self.truth += other.truth
        self.probability += other.probability
        self._curve = None

    def stretches(self) -> NDArray[np.intp]:
        pairs = zip(self.truth, self.probability, strict=True)
        lesion = np.concatenate([probability[truth] for truth, probability in pairs])
        return binned.groups(np.bincount(binned.bin_of(lesion), minlength=binned.BINS))

    def curve(self) -> Curve | None:
        """None: no lesion pixel."""
        if self._curve is None and any(t.any() for t in self.truth):
            truth, probability = np.concatenate(self.truth), np.concatenate(self.probability)
            self._curve = precision_recall(torch.from_numpy(truth), torch.from_numpy(probability))
        return self._curve

    def aupr(self) -> float:
        curve = self.curve()
        return curve.area() if curve else math.nan

    def best_threshold(self) -> float:
        curve = self.curve()
        return curve.best_threshold() if curve else 0.5

    def uncertainty(self) -> float:
        return 0.0


@dataclass(slots=True)
class CountedPixels:
    """Within `uncertainty` of exact: under 1e-4 unless probabilities crowd in one spot."""

    counts: binned.Counts = field(default_factory=lambda: np.zeros((2, binned.BINS), np.int64))

    def add(self, truth: Truth, probability: Probability) -> None:
        self.counts += binned.count(truth, probability)

    def include(self, other: Self) -> None:
        self.counts += other.counts

    def stretches(self) -> NDArray[np.intp]:
        return binned.groups(self.counts[1])

    def aupr(self) -> float:
        return float(binned.step_area(*binned.cumulated(self.counts)))

    def best_threshold(self) -> float:
        return binned.best_edge(self.counts)

    def uncertainty(self) -> float:
        return binned.uncertainty(self.counts)

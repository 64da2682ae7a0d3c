"""Differences in the measure that the task is about, over the labelled pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converters.parity.difference import Maps, masks
from mobileseg.evaluation.accumulators import KeptPixels
from mobileseg.evaluation.lesion_level import count_lesions


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One lesion over a set of labelled pictures; pooled, at the run's own threshold."""

    aupr: float  # NaN: no lesion pixel in any picture
    dice: float  # NaN: nothing to find and nothing found
    recall: float  # lesion recall; NaN: no lesion
    lesions: int  # true ones, 8-connected


class TaskTally:
    """One stage's answers, picture after picture.

    Args:
        thresholds: of the C lesions, in their order.
    """

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self.thresholds = thresholds
        self.pixels = {code: KeptPixels() for code in thresholds}
        # hits, predicted, true; lesions, found
        self.counts = {code: np.zeros(5, np.int64) for code in thresholds}

    def add(self, truth: Mapping[str, NDArray[np.bool_]], answer: Maps) -> None:
        """A picture: the masks of its labelled lesions, (side, side), and (C, side, side)."""
        marked = masks(answer, self.thresholds)
        for c, code in enumerate(self.thresholds):
            if code not in truth:
                continue
            mask = truth[code]
            self.pixels[code].add(mask, answer[c])
            found = count_lesions(mask, marked[c])
            self.counts[code] += (
                int((mask & marked[c]).sum()),
                int(marked[c].sum()),
                int(mask.sum()),
                found.lesions,
                found.found,
            )

    def scores(self) -> dict[str, TaskScore]:
        """Per lesion that was labelled in at least one picture."""
        return {code: self._score(code) for code in self.thresholds if self.pixels[code].truth}

    def _score(self, code: str) -> TaskScore:
        hits, predicted, true, lesions, found = (int(n) for n in self.counts[code])
        whole = predicted + true
        return TaskScore(
            # A curve of what is no number would be one of something else.
            aupr=self.pixels[code].aupr() if self._finite(code) else math.nan,
            dice=2 * hits / whole if whole else math.nan,
            recall=found / lesions if lesions else math.nan,
            lesions=lesions,
        )

    def _finite(self, code: str) -> bool:
        return all(bool(np.isfinite(p).all()) for p in self.pixels[code].probability)

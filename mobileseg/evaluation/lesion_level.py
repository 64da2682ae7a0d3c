"""Lesions counted instead of pixels: a microaneurysm is found or not, however few its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LesionCounts:
    """One picture at one threshold. A lesion is an 8-connected component."""

    lesions: int  # of the truth
    found: int  # of them, overlapped by at least one predicted pixel
    false_positives: int  # predicted components that overlap no true pixel; touching is not enough


def _components(mask: NDArray[np.bool_]) -> tuple[int, NDArray[Any]]:
    """How many, and (H, W) their numbers from 1; 0 is background."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return count - 1, np.asarray(labels)


def count_lesions(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> LesionCounts:
    """Count the lesions of one picture.

    Args:
        truth, predicted: (H, W) bool.

    Source: DESIGN, "lesion recall".
    """
    overlap = truth & predicted
    lesions, labels = _components(truth)
    marked, predicted_labels = _components(predicted)
    found, right = (len(np.unique(numbers[overlap])) for numbers in (labels, predicted_labels))
    return LesionCounts(lesions, found, marked - right)

"""Where a predicted mask and the truth agree: drawn over the picture, and counted.

White: found. Blue: missed. Yellow: false. Blue and yellow keep apart for those who confuse red and
green, white is the lightest of the three, and each lesion's true and predicted masks stand beside
the comparison, so that no colour is needed to tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mobileseg.evaluation.overlay import blend
from mobileseg.lesions import LESIONS

FOUND, MISSED, FALSE = "found", "missed", "false"
COLOURS: dict[str, tuple[int, int, int]] = {
    FOUND: (255, 255, 255),
    MISSED: (50, 130, 255),
    FALSE: (255, 205, 0),
}
OPACITY = 205  # of 255: what is compared matters more here than what lies beneath


@dataclass(frozen=True, slots=True)
class Counts:
    """One lesion in one picture, in pixels and in 8-connected components."""

    found: int  # pixels of both
    missed: int  # of the truth alone
    false: int  # of the prediction alone
    lesions: int  # components of the truth
    lesions_found: int  # of those, with at least one predicted pixel

    @property
    def dice(self) -> float | None:
        """None where neither mask has a pixel: there is nothing to agree on."""
        whole = 2 * self.found + self.missed + self.false
        return 2 * self.found / whole if whole else None


def count(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Counts:
    """Compare two (H, W) masks."""
    components, labels = cv2.connectedComponents(truth.astype(np.uint8), connectivity=8)
    touched = np.unique(labels[predicted & truth])
    return Counts(
        found=int((truth & predicted).sum()),
        missed=int((truth & ~predicted).sum()),
        false=int((predicted & ~truth).sum()),
        lesions=components - 1,
        lesions_found=int((touched > 0).sum()),
    )


def compared(
    picture: NDArray[np.uint8], truth: NDArray[np.bool_], predicted: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """(H, W, 3): found, missed and false pixels in their colours over a darkened picture."""
    drawn = (picture.astype(np.uint16) * 3 // 5).astype(np.uint8)
    for name, mask in (
        (FOUND, truth & predicted),
        (MISSED, truth & ~predicted),
        (FALSE, predicted & ~truth),
    ):
        drawn = blend(drawn, mask, COLOURS[name], OPACITY)
    return drawn


def with_masks(
    picture: NDArray[np.uint8], masks: Mapping[str, NDArray[np.bool_]]
) -> NDArray[np.uint8]:
    """(H, W, 3): every lesion in its own colour, later ones on top."""
    drawn = picture
    for code, mask in masks.items():
        drawn = blend(drawn, mask, LESIONS[code].colour)
    return drawn

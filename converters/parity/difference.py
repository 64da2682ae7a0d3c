"""How far two answers to the same picture are apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float32]  # (C, side, side): probabilities, or 0 and 1 where a file says no more


@dataclass(frozen=True, slots=True)
class Apart:
    """One picture; NaN where an answer is no number."""

    max: float  # |Δ probability| at the pixel where it is largest, 0..1
    mean: float  # over all pixels and lesions
    flipped: dict[str, int]  # lesion -> pixels on another side of its threshold

    @property
    def pixels(self) -> int:
        """Flipped ones, over all lesions."""
        return sum(self.flipped.values())


def apart(one: Maps, other: Maps, thresholds: Mapping[str, float]) -> Apart:
    """Compare two answers.

    Args:
        one, other: (C, side, side) float32.
        thresholds: of the C lesions, in their order; a pixel is lesion from its threshold on.
    """
    off = np.abs(one - other)
    flipped = masks(one, thresholds) != masks(other, thresholds)
    return Apart(
        max=float(off.max()),
        mean=float(off.mean(dtype=np.float64)),
        flipped={code: int(flipped[c].sum()) for c, code in enumerate(thresholds)},
    )


def masks(answer: Maps, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """(C, side, side): where each lesion is, float32 against float32."""
    limits = np.array(list(thresholds.values()), np.float32).reshape(-1, 1, 1)
    found: NDArray[np.bool_] = answer >= limits
    return found


def as_decided(answer: Maps, thresholds: Mapping[str, float], kind: str) -> Maps:
    """Probabilities in the form in which a file answers; see `converters.coreml.output_heads`.

    Args:
        kind: of `Order.head`: "probabilities" stay as they are; "masks" become 0 and 1;
            "labels" too, with at most one lesion a pixel: the one furthest above its threshold.
    """
    if kind == "probabilities":
        return answer
    lesion = masks(answer, thresholds)
    if kind == "masks":
        return lesion.astype(np.float32)
    multiple = np.float32(1) / np.array(list(thresholds.values()), np.float32).reshape(-1, 1, 1)
    first = (answer * multiple * lesion).argmax(axis=0)
    channel = np.arange(len(answer)).reshape(-1, 1, 1)
    label: NDArray[np.bool_] = (channel == first) & lesion.any(axis=0)
    return label.astype(np.float32)

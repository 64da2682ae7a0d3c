"""From probabilities to what a person is told: masks, counts, areas, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mobileseg.evaluation.picture_flags import (
    NO_RETINA,
    SENTENCES,
    TOO_SMALL,
    PictureQuality,
    QualitySpec,
    judge_quality,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One lesion in one picture."""

    count: int  # 8-connected components of the mask
    pixels: int  # at the network's resolution
    area: float  # share of the retina, 0..1; 0 where no retina was found


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one picture showed."""

    probabilities: NDArray[np.float32]  # (C, side, side)
    masks: dict[str, NDArray[np.bool_]]  # lesion code -> (side, side)
    lesions: dict[str, Finding]
    crop: tuple[int, int, int, int]  # left, top, width, height in frame pixels
    retina: float  # share of the crop
    flags: tuple[str, ...]  # of picture_flags.FLAGS
    frame: NDArray[np.uint8]  # (H, W, 3) RGB: the picture as it was looked at
    content_hw: tuple[int, int]  # height and width of the picture inside its frame
    quality: PictureQuality | None = None  # None: the model has none

    @property
    def usable(self) -> bool:
        """Whether its figures may be shown without more ado."""
        return NO_RETINA not in self.flags if self.quality is None else self.quality.usable

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is to be said before any figure, in English."""
        if self.quality is not None:
            return self.quality.sentences["en"]
        return tuple(SENTENCES[flag]["en"] for flag in self.flags)


def judge(
    frame: NDArray[np.uint8],
    content_hw: tuple[int, int],
    probabilities: NDArray[np.float32],
    crop: Sequence[float],
    retina: float,
    thresholds: Mapping[str, float],
    quality: Sequence[float] | NDArray[np.float32] | None = None,
    spec: QualitySpec | None = None,
) -> Prediction:
    """Threshold, count and measure.

    Args:
        frame: (H, W, 3) uint8 RGB.
        content_hw: height and width of the picture inside its frame.
        probabilities: (C, side, side), in the order of `thresholds`.
        crop: left, top, width, height in frame pixels.
        retina: share of the crop that is retina; 0: none found.
        thresholds: lesion code -> probability from which a pixel is lesion.
        quality: (C + K,) what the model's quality output says; None: it has none.
        spec: how that is read.
    """
    side = probabilities.shape[-1]
    left, top, width, height = (round(float(v)) for v in crop)
    masks = {
        code: probabilities[c] >= np.float32(t) for c, (code, t) in enumerate(thresholds.items())
    }
    flags = []
    if retina == 0:
        flags.append(NO_RETINA)
    elif max(width, height) < side:
        flags.append(TOO_SMALL)
    judged = None
    if quality is not None and spec is not None:
        judged = judge_quality([float(v) for v in quality], tuple(thresholds), spec, flags)
        flags = list(judged.flags)
    return Prediction(
        probabilities=probabilities,
        masks=masks,
        lesions={code: _finding(mask, retina) for code, mask in masks.items()},
        crop=(left, top, width, height),
        retina=retina,
        flags=tuple(flags),
        frame=frame,
        content_hw=content_hw,
        quality=judged,
    )


def _finding(mask: NDArray[np.bool_], retina: float) -> Finding:
    components, _ = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    pixels = int(mask.sum())
    area = pixels / (retina * mask.size) if retina > 0 else 0.0
    return Finding(components - 1, pixels, area)

"""Draw lesion masks over the picture they were found in, in whole numbers.

Written alike in every language that shows masks: float32 compares with the threshold, and from
there on only whole numbers, so that all of them colour the same pixels the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobileseg.evaluation.postprocess import Prediction
from mobileseg.lesions import LESIONS

OPACITY = 150  # of 255
OPAQUE_SD = 0.3  # members' SD; half of them sure of a lesion, half of none, are 0.5 apart


def mask_on_frame(
    mask: NDArray[Any], crop: tuple[int, int, int, int], frame_hw: tuple[int, int]
) -> NDArray[Any]:
    """(side, side) network pixels -> (H, W) frame pixels: nearest below, 0 outside the crop.

    Frame pixel y lies in mask row (y - top) · side // height.

    Args:
        mask: bool, or numbers of any type.
    """
    left, top, width, height = crop
    rows = (np.arange(frame_hw[0]) - top) * mask.shape[0] // height
    columns = (np.arange(frame_hw[1]) - left) * mask.shape[1] // width
    row_in = (rows >= 0) & (rows < mask.shape[0])
    column_in = (columns >= 0) & (columns < mask.shape[1])
    placed = np.zeros(frame_hw, mask.dtype)
    placed[np.ix_(row_in, column_in)] = mask[np.ix_(rows[row_in], columns[column_in])]
    return placed


def blend(
    picture: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    colour: tuple[int, int, int],
    opacity: int = OPACITY,
) -> NDArray[np.uint8]:
    """Colour the masked pixels: (source · (255 - a) + colour · a + 127) / 255, rounded down."""
    tinted = (picture.astype(np.int32) * (255 - opacity) + np.array(colour) * opacity + 127) // 255
    return np.where(mask[..., None], tinted, picture).astype(np.uint8)


def overlay(prediction: Prediction) -> NDArray[np.uint8]:
    """(h, w, 3) RGB: the fitted picture, every lesion in its colour, later ones on top."""
    drawn = prediction.frame
    for code, mask in prediction.masks.items():
        placed = mask_on_frame(mask, prediction.crop, (drawn.shape[0], drawn.shape[1]))
        drawn = blend(drawn, placed, LESIONS[code].colour)
    height, width = prediction.content_hw
    return drawn[:height, :width]


def uncertainty_map(prediction: Prediction, apart: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(h, w, 3) RGB: the fitted picture in grey, each lesion's colour where its members disagree.

    Args:
        apart: (C, side, side) SD of their probabilities; from `OPAQUE_SD` on the colour is all.
    """
    frame = prediction.frame
    grey = frame.astype(np.uint16).sum(axis=2) // 3
    drawn = np.repeat(grey[..., None], 3, axis=2).astype(np.float32)
    for code, sd in zip(prediction.masks, apart, strict=True):
        opacity = np.minimum(sd / OPAQUE_SD, 1)
        placed = mask_on_frame(opacity, prediction.crop, (frame.shape[0], frame.shape[1]))
        drawn += placed[..., None] * (np.array(LESIONS[code].colour, np.float32) - drawn)
    height, width = prediction.content_hw
    return drawn.round().astype(np.uint8)[:height, :width]

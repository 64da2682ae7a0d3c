"""Draw lesion masks over the picture they were found in, in whole numbers.

Written alike in every language that shows masks: float32 compares with the threshold, and from
there on only whole numbers, so that all of them colour the same pixels the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mobileseg.evaluation.findings import Prediction
from mobileseg.lesions import LESIONS

OPACITY = 150  # of 255


def mask_on_frame(
    mask: NDArray[np.bool_], crop: tuple[int, int, int, int], frame_hw: tuple[int, int]
) -> NDArray[np.bool_]:
    """(side, side) network pixels -> (H, W) frame pixels: nearest below, False outside the crop.

    Frame pixel y lies in mask row (y - top) · side // height.
    """
    left, top, width, height = crop
    rows = (np.arange(frame_hw[0]) - top) * mask.shape[0] // height
    columns = (np.arange(frame_hw[1]) - left) * mask.shape[1] // width
    row_in = (rows >= 0) & (rows < mask.shape[0])
    column_in = (columns >= 0) & (columns < mask.shape[1])
    placed = np.zeros(frame_hw, bool)
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

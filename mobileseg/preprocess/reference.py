"""What the preprocessing is: NumPy for whole numbers, OpenCV for CLAHE. The graph is held to this.

A frame's way to a network's input, each step returned so that a difference can name its stage:
frame -> retina box -> crop, resized and rounded to whole grey levels -> CLAHE -> normalised.

Rounding is floor(x + 1/2) on exact fractions: no float ever decides a grey level.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mobileseg.preprocess.retina.reference import Retina, find_retina
from mobileseg.spec import Normalisation, PreprocessSpec

ROW_SHARE_PERCENT = 1  # a row or column belongs to the box from this share of retina pixels on


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a frame that the network sees, in frame pixels; it may reach outside."""

    left: int
    top: int
    width: int
    height: int
    found: bool  # False: no retina, and the crop is the whole frame
    cut: bool = False  # finder 2 saw too little of the retina's edge: the crop is what is visible

    @property
    def round(self) -> bool:
        """Whether the retina's circle was seen."""
        return self.found and not self.cut

    def is_whole_frame(self, content_hw: tuple[int, int]) -> bool:
        """Whether nothing of the picture (its height and width in the frame) is cut or added."""
        return (self.left, self.top, self.height, self.width) == (0, 0, *content_hw)


@dataclass(frozen=True, slots=True)
class Preprocessed:
    """One frame on its way into the network."""

    crop: Crop
    retina: float  # share of the crop that is retina, 0..1; 0: none found
    levels: NDArray[np.uint8]  # (side, side, 3) RGB, cropped and resized; black outside the disc
    enhanced: NDArray[np.float32]  # (side, side, 3) RGB after CLAHE, 0..255, not whole
    disc: NDArray[np.bool_] | None = None  # (side, side): the retina; None: finder 1 knows no disc

    def retina_pixels(self, threshold: int) -> NDArray[np.bool_]:
        """(side, side): the disc; without one, what is brighter than `threshold` before CLAHE."""
        return self.levels.max(axis=2) > threshold if self.disc is None else self.disc

    def within_disc(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """(C, side, side) probabilities, 0 outside the disc."""
        if self.disc is None:
            return probabilities
        return probabilities * self.disc.astype(np.float32)

    def normalised(self, normalisation: Normalisation) -> NDArray[np.float32]:
        """(3, side, side) float32: what a network with this mean and SD takes."""
        mean = np.float32(255 * np.array(normalisation.mean))
        sd = np.float32(255 * np.array(normalisation.sd))
        return np.ascontiguousarray(((self.enhanced - mean) / sd).transpose(2, 0, 1))


def _first_and_last(hit: NDArray[np.bool_]) -> tuple[int, int]:
    index = np.flatnonzero(hit)
    return int(index[0]), int(index[-1])


def find_crop(frame: NDArray[np.uint8], spec: PreprocessSpec) -> Crop:
    """The part of a frame that the network sees, by the finder that `spec` names.

    Args:
        frame: (H, W, 3) uint8 RGB.
    """
    if spec.finder == 1:
        return _find_by_threshold(frame, spec)
    return _square_of(find_retina(frame))


def _square_of(retina: Retina) -> Crop:
    cut = retina.found and not retina.round
    return Crop(retina.left, retina.top, retina.side, retina.side, retina.found, cut)


def _find_by_threshold(frame: NDArray[np.uint8], spec: PreprocessSpec) -> Crop:
    """Finder 1: the bright rows' and columns' box, made square (or not) around its centre.

    Where the sides differ by an odd number, the extra pixel is right or below.
    """
    retina = frame.max(axis=2) > spec.retina_threshold
    h, w = retina.shape
    rows = retina.sum(axis=1) * 100 >= ROW_SHARE_PERCENT * w
    columns = retina.sum(axis=0) * 100 >= ROW_SHARE_PERCENT * h
    found = bool(rows.any() and columns.any())
    (top, bottom), (left, right) = (
        (_first_and_last(rows), _first_and_last(columns)) if found else ((0, h - 1), (0, w - 1))
    )
    height, width = bottom - top + 1, right - left + 1
    if spec.crop == "square":
        side = max(height, width)
        top, left = top - (side - height) // 2, left - (side - width) // 2
        height = width = side
    return Crop(left, top, width, height, found)


def _overlaps(start: int, length: int, pixels: int, count: int) -> NDArray[np.float64]:
    """(count, pixels) overlaps of `count` equal stretches of [start, start+length) with pixels.

    In units of 1/count pixel: whole numbers. Each row sums to `length` (less what lies outside).
    """
    i = np.arange(count, dtype=np.float64)[:, None] * length
    k = (np.arange(pixels, dtype=np.float64)[None, :] - start) * count
    overlaps: NDArray[np.float64] = np.minimum(i + length, k + count) - np.maximum(i, k)
    return overlaps.clip(min=0)


def area_sums(plane: NDArray[np.uint8], crop: Crop, side_px: int) -> NDArray[np.int64]:
    """(side, side) exact sums over each output pixel's area, in 1/(crop width · height).

    float64 products of whole numbers below 2**53 are exact, whatever the order of summation.
    """
    rows = _overlaps(crop.top, crop.height, plane.shape[0], side_px)
    columns = _overlaps(crop.left, crop.width, plane.shape[1], side_px)
    return (rows @ plane.astype(np.float64) @ columns.T).astype(np.int64)


def crop_and_resize(frame: NDArray[np.uint8], crop: Crop, side_px: int) -> NDArray[np.uint8]:
    """(side, side, 3) whole grey levels: the crop's exact area means, rounded half up."""
    area = crop.width * crop.height
    sums = np.stack([area_sums(frame[..., c], crop, side_px) for c in range(3)], axis=-1)
    return ((2 * sums + area) // (2 * area)).astype(np.uint8)


def crop_mask(
    coverage: NDArray[np.uint8], crop: Crop, side_px: int, rule: str = "half"
) -> NDArray[np.bool_]:
    """Follow a lesion mask through the same crop and resize.

    Args:
        coverage: (H, W) uint8, share of each frame pixel that is lesion, 255 = all of it.
        rule: "half": lesion where at least half of the pixel is; "any": where any of it is, so
            that a microaneurysm of a few camera pixels does not vanish.

    Returns:
        (side, side) bool.
    """
    covered = area_sums(coverage, crop, side_px)
    if rule == "any":
        return covered > 0
    return 2 * covered >= 255 * crop.width * crop.height


def equalised_value(levels: NDArray[np.uint8], clip: float, tiles: int) -> NDArray[np.uint8]:
    """(side, side) V = max(R, G, B) of (side, side, 3) levels after CLAHE."""
    value: NDArray[np.uint8] = cv2.createCLAHE(clip, (tiles, tiles)).apply(levels.max(axis=2))
    return value


def clahe_scaled(levels: NDArray[np.uint8], clip: float, tiles: int) -> NDArray[np.float32]:
    """CLAHE on V = max(R, G, B); RGB follows by V'/V, so hue and saturation stay."""
    value, equalised = levels.max(axis=2), equalised_value(levels, clip, tiles)
    ratio = equalised.astype(np.float32) / np.maximum(value, 1).astype(np.float32)
    enhanced: NDArray[np.float32] = levels.astype(np.float32) * ratio[..., None]
    return enhanced


def preprocess(frame: NDArray[np.uint8], spec: PreprocessSpec) -> Preprocessed:
    """Everything between a frame and a network but the network's own mean and SD.

    Args:
        frame: (H, W, 3) uint8 RGB with H, W = `spec.frame_hw`.
    """
    if spec.finder == 1:
        crop = _find_by_threshold(frame, spec)
        levels = crop_and_resize(frame, crop, spec.side_px)
        share, disc = _retina_share(frame, crop, spec.retina_threshold), None
    else:
        retina = find_retina(frame)
        crop, disc = _square_of(retina), retina.disc(spec.side_px)
        levels = crop_and_resize(frame, crop, spec.side_px) * disc[..., None]
        share = float(np.float32(disc.sum()) / np.float32(disc.size))
    enhanced = clahe_scaled(levels, spec.clahe_clip, spec.clahe_tiles)
    return Preprocessed(crop, share, levels, enhanced, disc)


def _retina_share(frame: NDArray[np.uint8], crop: Crop, threshold: int) -> float:
    """Share of the crop brighter than the threshold, 0 where no retina was found."""
    if not crop.found:
        return 0.0
    inside = frame[
        max(crop.top, 0) : max(crop.top + crop.height, 0),
        max(crop.left, 0) : max(crop.left + crop.width, 0),
    ]
    retina = int((inside.max(axis=2) > threshold).sum())
    return float(np.float32(retina) / np.float32(crop.width * crop.height))

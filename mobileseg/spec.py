"""What every picture goes through before a network sees it: the numbers, and photo -> frame.

`photo_to_frame` is written alike in every language that feeds the graph (Python here, the apps
in theirs), in whole numbers, because that is the only resize all of them agree on to the bit.
Everything after the frame happens inside the graph (`mobileseg.preprocess`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mobileseg.errors import BadInput, UnknownName

CROPS = ("square", "rectangle")
# Sums of the in-graph resize are whole numbers held in float32, exact below 2**24: see graph.py.
LARGEST_FRAME_PX = 4096
LARGEST_SIDE_PX = 4096  # for the same reason: overlaps are counted in 1/side pixel
STRIP_PX = 256  # columns shrunk at a time: a 50 MP photo need not stand in memory as whole numbers
RETINA_THRESHOLD = 25  # grey levels; a pixel brighter than this in any channel is retina
# How the retina is found: 1, the rows and columns with pixels above the threshold; 2, a circle
# (mobileseg.preprocess.retina.constants). What was stored before there were two is of the first.
FINDERS = (1, 2)


@dataclass(frozen=True, slots=True)
class PreprocessSpec:
    """Everything that fixes the preprocessing but a run's own mean and SD."""

    side_px: int  # the network's input, a square; a multiple of 32
    frame_hw: tuple[int, int] = (1024, 1024)  # height, width of the frame the graph takes, pixels
    crop: str = "square"  # "square": zero padded; "rectangle": squeezed, the paper's likely way
    clahe_clip: float = 2.0
    clahe_tiles: int = 8  # per axis
    retina_threshold: int = RETINA_THRESHOLD  # of finder 1
    finder: int = FINDERS[-1]

    def __post_init__(self) -> None:
        if not 32 <= self.side_px <= LARGEST_SIDE_PX or self.side_px % 32:
            raise BadInput(
                f"side {self.side_px}: expected a multiple of 32, 32..{LARGEST_SIDE_PX} pixels"
            )
        if self.crop not in CROPS:
            raise UnknownName("crop", self.crop, CROPS)
        if self.finder not in FINDERS:
            raise BadInput(f"finder {self.finder}: expected {' or '.join(map(str, FINDERS))}")
        if self.finder == 2 and self.crop != "square":
            raise BadInput(
                f"crop {self.crop}: finder 2 cuts a square around the retina's circle; "
                "expected finder 1 with it"
            )
        if not all(32 <= n <= LARGEST_FRAME_PX for n in self.frame_hw):
            raise BadInput(
                f"frame {self.frame_hw[0]}x{self.frame_hw[1]}: expected 32..{LARGEST_FRAME_PX} "
                "pixels each way (whole-number sums are exact in float32 up to there)"
            )
        if not 0 < self.clahe_clip < float("inf"):
            raise BadInput(f"CLAHE clip {self.clahe_clip}: expected a number above 0")
        if self.clahe_tiles < 1 or self.side_px % self.clahe_tiles:
            raise BadInput(
                f"CLAHE tiles {self.clahe_tiles}: expected a divisor of the side, {self.side_px}"
            )

    def with_frame(self, frame_hw: tuple[int, int]) -> PreprocessSpec:
        """The same preprocessing for frames of another size."""
        return replace(self, frame_hw=frame_hw)

    def to_json(self) -> dict[str, Any]:
        values = {**asdict(self), "frame_hw": list(self.frame_hw)}
        if self.finder == FINDERS[0]:
            del values["finder"]  # so that it reads as what was stored when there was no other
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `to_json` gave; where no finder is named, it was the first."""
        return cls(**{"finder": FINDERS[0], **values, "frame_hw": tuple(values["frame_hw"])})


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Mean and standard deviation per RGB channel of a run's training retina pixels, in 0..1."""

    mean: tuple[float, float, float]
    sd: tuple[float, float, float]

    def __post_init__(self) -> None:
        if not np.all(np.isfinite([*self.mean, *self.sd])) or min(self.sd) <= 0:
            raise BadInput(
                f"mean {self.mean}, SD {self.sd}: expected finite numbers and SD above 0"
            )


def fitted_hw(photo_hw: tuple[int, int], frame_hw: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a photo once it fits the frame; never enlarged, never under 1 pixel.

    The longer side (relative to the frame) fits exactly; the other is rounded half up.
    """
    (h, w), (frame_h, frame_w) = photo_hw, frame_hw
    if h <= frame_h and w <= frame_w:
        return h, w
    if h * frame_w > w * frame_h:
        return frame_h, max(1, (2 * w * frame_h + h) // (2 * h))
    return max(1, (2 * h * frame_w + w) // (2 * w)), frame_w


def _area_sums(values: NDArray[Any], count: int, largest: int) -> NDArray[np.int64]:
    """Sums of `values` over `count` equal stretches of axis 0, in units of 1/count of a row.

    Stretch i covers [i*n, (i+1)*n) where row k covers [k*count, (k+1)*count), n rows in all:
    whole numbers throughout, so every language gets the same. `largest` is the largest value.
    """
    n = len(values)
    dtype = np.int32 if largest * n * count < 2**31 else np.int64  # 32 bits are twice as fast
    below = np.zeros((n + 1, *values.shape[1:]), dtype)
    np.cumsum(values, axis=0, dtype=dtype, out=below[1:])
    row, part = np.divmod(np.arange(count + 1) * n, count)
    tail = values[np.minimum(row, n - 1)] * part.astype(dtype).reshape(-1, *[1] * (values.ndim - 1))
    return np.diff(below[row] * dtype(count) + tail, axis=0).astype(np.int64)


def photo_to_frame(photo: NDArray[np.uint8], frame_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Fit a photo into a frame: exact-area average, top left, the rest black.

    Args:
        photo: (h, w, 3) or (h, w) uint8, RGB or one channel (a mask).
        frame_hw: height and width of the frame, pixels.

    Returns:
        (H, W, 3) or (H, W) uint8. Each value is floor(area mean + 1/2).

    Source: DESIGN, "Frame in".
    """
    h, w = photo.shape[:2]
    frame = np.zeros((*frame_hw, *photo.shape[2:]), np.uint8)
    new_h, new_w = fitted_hw((h, w), frame_hw)
    if (new_h, new_w) == (h, w):
        frame[:h, :w] = photo
        return frame
    sums = np.empty((new_h, *photo.shape[1:]), np.int64)
    for left in range(0, w, STRIP_PX):
        strip = slice(left, left + STRIP_PX)
        sums[:, strip] = _area_sums(photo[:, strip], new_h, largest=255)
    across = _area_sums(sums.swapaxes(0, 1), new_w, largest=255 * h).swapaxes(0, 1)  # in 1/(h*w)
    frame[:new_h, :new_w] = (2 * across + h * w) // (2 * h * w)
    return frame

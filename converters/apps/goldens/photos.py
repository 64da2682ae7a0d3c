"""Photo -> frame: orientation, then the fit, for sizes that are easy to get wrong."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converters.apps.goldens.writing import dump, noise, raw
from mobileseg.data.decoding import TURNS
from mobileseg.spec import fitted_hw, photo_to_frame

FOLDER = "photo_to_frame"
FRAME = (48, 64)
STRIP = 256  # rows of a large photo that are computed at a time


@dataclass(frozen=True, slots=True)
class Case:
    """A photo as its file stores it, and the frame that it goes into."""

    photo_hw: tuple[int, int]
    frame_hw: tuple[int, int] = FRAME
    orientation: int = 1  # EXIF's


CASES = {
    "smaller": Case((20, 31)),
    "exact": Case((48, 64)),
    "one-row-more": Case((49, 64)),
    "one-column-more": Case((48, 65)),
    "wide-odd": Case((53, 131)),
    "tall-odd": Case((131, 53)),
    "half-each-way": Case((96, 128)),  # every second mean ends in a half or a quarter
    "as-high-too-narrow": Case((48, 7)),
    "width-rounds-half-up": Case((96, 3)),  # 1.5 pixels
    "width-never-nought": Case((400, 2)),  # 0.24 pixels
    "one-row": Case((1, 200)),
    "one-column": Case((200, 1)),
    "one-pixel": Case((1, 1)),
    "square-frame": Case((77, 101), (64, 64)),
    "tall-frame": Case((90, 77), (64, 40)),
    **{f"orientation-{n}": Case((37, 71), (32, 48), n) for n in range(1, 9)},
    "orientation-6-smaller": Case((20, 30), FRAME, 6),
}
# Too large to store: a formula, which tests compute row by row.
LARGE = {
    "fifty-megapixels": ((6144, 8138), (1024, 1024)),
    "fifty-megapixels-tall": ((8138, 6144), (1080, 1920)),
    "panorama": ((97, 30011), (512, 640)),
}


def write(folder: Path) -> dict[str, Any]:
    """Write the cases; returns what the index says of them."""
    for name, case in CASES.items():
        _write(folder / FOLDER / name, case, seed=list(CASES).index(name))
    return {FOLDER: list(CASES), "large_photos": [_large(name, *of) for name, of in LARGE.items()]}


def upright(photo: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turned as EXIF says: what `mobileseg.data` does with a file."""
    turn = TURNS.get(orientation)
    image = Image.fromarray(photo)
    return np.asarray(image if turn is None else image.transpose(turn))


def _write(place: Path, case: Case, seed: int) -> None:
    stored = noise((*case.photo_hw, 3), seed).astype(np.uint8)
    photo = upright(stored, case.orientation)
    height, width = photo.shape[:2]
    raw(place / "photo.rgb", stored)
    raw(place / "frame.rgb", photo_to_frame(photo, case.frame_hw))
    dump(
        place / "case.json",
        {
            "photo_hw": list(case.photo_hw),
            "orientation": case.orientation,
            "frame_hw": list(case.frame_hw),
            "upright_hw": [height, width],
            "content_hw": list(fitted_hw((height, width), case.frame_hw)),
        },
    )


def _large(name: str, photo_hw: tuple[int, int], frame_hw: tuple[int, int]) -> dict[str, Any]:
    frame = photo_to_frame(formula(*photo_hw), frame_hw)
    return {
        "name": name,
        "photo_hw": list(photo_hw),
        "frame_hw": list(frame_hw),
        "content_hw": list(fitted_hw(photo_hw, frame_hw)),
        "frame_sha256": hashlib.sha256(frame.tobytes()).hexdigest(),
    }


def formula(height: int, width: int) -> NDArray[np.uint8]:
    """(h, w, 3): (31 x + 17 y + 101 c + (x y >> 7)) & 255."""
    photo = np.empty((height, width, 3), np.uint8)
    x, c = np.arange(width)[:, None], np.arange(3)
    for top in range(0, height, STRIP):
        y = np.arange(top, min(top + STRIP, height))[:, None, None]
        photo[top : top + STRIP] = (31 * x + 17 * y + 101 * c + (x * y >> 7)) & 255
    return photo

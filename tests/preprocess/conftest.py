"""Real pictures at a camera's full resolution, each read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mobileseg.data.images import read_photo
from mobileseg.preprocess.reference import Crop, find_crop
from mobileseg.spec import PreprocessSpec, fitted_hw, photo_to_frame

FRAME_HW = (1024, 1024)
# Decoding and shrinking one takes about a second. Two cameras' settings are among them: the box
# is about 3412 pixels wide in most pictures and 3800 in 04 and 12.
NUMBERS = (1, 4, 5, 12, 17, 20)


@dataclass(frozen=True, slots=True)
class CameraPicture:
    name: str
    photo_hw: tuple[int, int]
    photo_box: Crop  # the retina box of the photo itself, not made square
    content_hw: tuple[int, int]  # of the photo within the frame
    frame: NDArray[np.uint8]


def _read(path: Path) -> CameraPicture:
    photo = read_photo(path)
    photo_hw = (photo.shape[0], photo.shape[1])
    return CameraPicture(
        path.stem,
        photo_hw,
        find_crop(photo, PreprocessSpec(512, crop="rectangle", finder=1)),
        fitted_hw(photo_hw, FRAME_HW),
        photo_to_frame(photo, FRAME_HW),
    )


@pytest.fixture(scope="session")
def camera_pictures(idrid_fullres: Path) -> list[CameraPicture]:
    """Six photos of 4288x2848 pixels as frames, with the retina box of each whole photo."""
    return [_read(next(idrid_fullres.rglob(f"IDRiD_{n:02}.jpg"))) for n in NUMBERS]

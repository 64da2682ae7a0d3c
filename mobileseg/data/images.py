"""Pictures and masks from files, by Pillow: it names truncated files and keeps palette indices."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from mobileseg.errors import BadInput

EIGHT_BIT_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB")
SIXTEEN_BIT = re.compile(";16[BLN]")  # in Pillow's name of how samples lie in the file
SMALLEST_PX = 32  # under this a picture is a thumbnail, not a retina


def _open(path: Path) -> Image.Image:
    """A picture, fully decoded and upright (its EXIF orientation applied)."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file; expected a picture")
    try:
        with Image.open(path) as image:
            _refuse_cut_depth(path, image)
            image.load()
            upright = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(
            f"{path}: cannot be read as a picture ({error}); replace it with a whole file"
        ) from None
    return upright


def _refuse_cut_depth(path: Path, image: ImageFile.ImageFile) -> None:
    """Pillow opens colours of 16 bits as 8, keeping the upper half: 12-bit data would be black."""
    if image.mode in EIGHT_BIT_MODES and any(SIXTEEN_BIT.search(str(t.args)) for t in image.tile):
        raise BadInput(f"{path}: found 16 bits a channel; expected 8 bits a channel: convert it")


def read_photo(path: Path) -> NDArray[np.uint8]:
    """A colour picture.

    Returns:
        (h, w, 3) uint8 RGB, upright; a greyscale file gives three equal channels.

    Raises:
        BadInput: missing, unreadable, truncated, not 8 bits a channel, or under 32 pixels.
    """
    image = _open(path)
    if image.mode not in EIGHT_BIT_MODES:
        raise BadInput(f"{path}: found mode {image.mode}; expected 8 bits a channel: convert it")
    if min(image.size) < SMALLEST_PX:
        raise BadInput(
            f"{path}: found {image.width}x{image.height} pixels; "
            f"expected at least {SMALLEST_PX} each way"
        )
    return np.asarray(image.convert("RGB"))


def read_mask(path: Path) -> NDArray[np.bool_]:
    """A lesion mask: (h, w) bool, True where the file is not 0 (its palette index, if it has one).

    IDRiD's masks are palette TIFFs, index 1 for lesion, whose colour is dark red: a reader that
    turns the palette into grey finds 76.

    Raises:
        BadInput: missing, unreadable or truncated.
    """
    image = _open(path)
    values = np.asarray(image)
    if image.mode in ("RGBA", "LA"):
        values = values[..., :-1]  # opacity says nothing about lesions
    lesion = np.atleast_3d(values != 0)
    return np.asarray(lesion.any(axis=2))


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write (h, w, 3) RGB."""
    Image.fromarray(pixels).save(path)

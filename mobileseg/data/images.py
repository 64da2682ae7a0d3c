"""Pictures and masks from files: right, or refused in one line."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mobileseg.data.decoding import SIXTEEN_BIT_MODES, decode, one_line
from mobileseg.data.srgb import to_srgb
from mobileseg.errors import BadInput

SMALLEST_PX = 32  # under this a picture is a thumbnail, not a retina
STRIP_PX = 256  # rows
# Where nought is nothing. In CMYK it is white, in LAB black is not (0, 0, 0).
MASK_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "I", "F", *SIXTEEN_BIT_MODES)
WITH_OPACITY = ("LA", "La", "PA", "RGBA", "RGBa")


def read_photo(path: Path) -> NDArray[np.uint8]:
    """A colour picture in sRGB.

    Returns:
        (h, w, 3) uint8 RGB, upright; a greyscale file gives three equal channels. How other
        depths, opacity, inks and colour profiles come to that: see `mobileseg.data.srgb`.

    Raises:
        BadInput: missing, unreadable, truncated, several pictures in one, over a limit of
            `mobileseg.data.decoding`, or under 32 pixels.
    """
    with one_line(path):
        decoded = decode(path)
        if min(decoded.image.size) < SMALLEST_PX:
            raise BadInput(
                f"{path}: found {decoded.image.width}x{decoded.image.height} pixels; "
                f"expected at least {SMALLEST_PX} each way"
            )
        return _pixels(to_srgb(path, decoded))


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """(h, w, 3), a strip at a time: Pillow's own way holds the whole picture three times over."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP_PX):
        bottom = min(top + STRIP_PX, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def read_mask(path: Path) -> NDArray[np.bool_]:
    """A lesion mask: (h, w) bool, True where the file is not 0 (its palette index, if it has one).

    IDRiD's masks are palette TIFFs, index 1 for lesion, whose colour is dark red: a reader that
    turns the palette into grey finds 76.

    Raises:
        BadInput: as for `read_photo`, but of any size; or of inks.
    """
    with one_line(path):
        decoded = decode(path)
        if decoded.cut or decoded.image.mode not in MASK_MODES:
            found = "16 bits a channel" if decoded.cut else f"mode {decoded.image.mode}"
            raise BadInput(f"{path}: found {found}; expected a mask of one channel: convert it")
        values = np.asarray(decoded.image)
        if decoded.image.mode in WITH_OPACITY:
            values = values[..., :-1]  # opacity says nothing about lesions
        return np.asarray(np.atleast_3d(values != 0).any(axis=2))


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write (h, w, 3) RGB."""
    whole = io.BytesIO()  # writing itself, Pillow does not say that a disk is full
    Image.fromarray(pixels).save(whole, "PNG")
    path.write_bytes(whole.getbuffer())

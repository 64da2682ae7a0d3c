"""Whole pictures of phantoms, one of every form that a camera, a scanner or an export writes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from mobileseg.data.phantom.generate import make_phantom

SIDE_PX = 64  # the smallest phantom: what is fuzzed is the decoding, byte by byte
ORIENTATION = 0x0112  # EXIF's tag


def _saved(picture: Image.Image, form: str, **how: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **how)
    return file.getvalue()


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "camera"
    return exif


def _colour() -> Image.Image:
    return Image.fromarray(make_phantom(3, SIDE_PX, aspect=1.2).picture)


def _lesions() -> Image.Image:
    """A mask as IDRiD has it: a palette, whose index 1 is dark red."""
    mask = Image.fromarray(make_phantom(3, SIDE_PX).masks["EX"].astype(np.uint8))
    mask.putpalette([0, 0, 0, 76, 0, 0])
    return mask


def _deep(suffix: str) -> bytes:
    """16 bits in each of three channels, which Pillow cannot write."""
    pixels = np.asarray(_colour())[..., ::-1].astype(np.uint16) * 257
    return bytes(cv2.imencode(suffix, pixels)[1])


PHOTOS: dict[str, Callable[[], bytes]] = {
    "plain.jpg": lambda: _saved(_colour(), "JPEG", quality=90),
    "progressive.jpg": lambda: _saved(_colour(), "JPEG", progressive=True),
    "grey.jpg": lambda: _saved(_colour().convert("L"), "JPEG"),
    "cmyk.jpg": lambda: _saved(_colour().convert("CMYK"), "JPEG"),
    "turned.jpg": lambda: _saved(_colour(), "JPEG", exif=_turned()),
    "several.mpo": lambda: _saved(_colour(), "MPO", save_all=True, append_images=[_colour()]),
    "plain.png": lambda: _saved(_colour(), "PNG"),
    "turned.png": lambda: _saved(_colour(), "PNG", exif=_turned()),
    "grey.png": lambda: _saved(_colour().convert("L"), "PNG"),
    "clear.png": lambda: _saved(_colour().convert("RGBA"), "PNG"),
    "palette.png": lambda: _saved(_colour().quantize(16), "PNG", transparency=3),
    "deep-grey.png": lambda: _saved(_colour().convert("I;16"), "PNG"),
    "deep.png": lambda: _deep(".png"),
    "raw.tif": lambda: _saved(_colour(), "TIFF"),
    "lzw.tif": lambda: _saved(_colour(), "TIFF", compression="tiff_lzw"),
    "jpeg.tif": lambda: _saved(_colour(), "TIFF", compression="jpeg"),
    "several.tif": lambda: _saved(_colour(), "TIFF", save_all=True, append_images=[_colour()]),
    "deep.tif": lambda: _deep(".tif"),
    "float.tif": lambda: _saved(_colour().convert("F"), "TIFF"),
    "lossy.webp": lambda: _saved(_colour(), "WEBP"),
    "lossless.webp": lambda: _saved(_colour(), "WEBP", lossless=True),
    "plain.bmp": lambda: _saved(_colour(), "BMP"),
    "plain.gif": lambda: _saved(_colour(), "GIF"),
    "plain.jp2": lambda: _saved(_colour(), "JPEG2000"),
}
MASKS: dict[str, Callable[[], bytes]] = {
    "palette.tif": lambda: _saved(_lesions(), "TIFF", compression="tiff_adobe_deflate"),
    "raw.tif": lambda: _saved(_lesions(), "TIFF"),
    "fax.tif": lambda: _saved(_lesions().convert("1"), "TIFF", compression="group4"),
    "palette.png": lambda: _saved(_lesions(), "PNG", bits=1),
    "grey.png": lambda: _saved(_lesions().convert("L"), "PNG"),
    "clear.png": lambda: _saved(_lesions().convert("RGBA"), "PNG"),
    "grey.jpg": lambda: _saved(_lesions().convert("L"), "JPEG"),
}


def _each(forms: dict[str, Callable[[], bytes]], root: Path) -> None:
    """A folder for each form, which holds that file."""
    for name, make in forms.items():
        path = root / name.replace(".", "-") / name
        path.parent.mkdir(parents=True)
        path.write_bytes(make())


def photos(root: Path) -> None:
    _each(PHOTOS, root)


def masks(root: Path) -> None:
    _each(MASKS, root)

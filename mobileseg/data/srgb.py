"""From what a picture file holds to 8-bit sRGB: depth, opacity, inks, colour profile.

The data sets that networks are trained on have 8 bits, no opacity and no profile: nothing is
changed there.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from mobileseg.data.decoding import SIXTEEN_BIT_MODES, Decoded
from mobileseg.errors import BadInput

GREY_MODES = ("1", "L", "LA", "La")
MODES = (*GREY_MODES, "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", *SIXTEEN_BIT_MODES)
PROFILE_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}  # ICC's colour space -> Pillow's mode
# A profile that moves no colour further is sRGB, as one maker or another wrote it down, and the
# picture stays as it is. Tables of 26 to 4,096 entries moved 1 level; one more for the unseen.
SRGB_LEVELS = 2
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC  # white stays white; what fits sRGB stays exact
PROBE_STEP = 15  # grey levels between a probe's colours: 18 a channel, black and white among them


def to_srgb(path: Path, decoded: Decoded) -> Image.Image:
    """An RGB image as a screen shows it on black.

    Opacity: what is clear becomes black, as around a retina, and as phones decode it (with
    colours multiplied by opacity). CMYK without a profile: by the plain formula, as everybody
    does; JPEG's inks are stored inverted (Adobe's way), which Pillow knows.

    Raises:
        BadInput: more than 8 bits that do not say how bright white is, or a broken profile.
    """
    image = decoded.image
    if image.mode not in MODES:
        raise BadInput(f"{path}: found mode {image.mode}; expected 8 bits a channel: convert it")
    profile = image.info.get("icc_profile")
    image = _on_black(_eight_bit(path, decoded))
    if profile:
        image = _by_profile(path, image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")  # which would copy it


def _eight_bit(path: Path, decoded: Decoded) -> Image.Image:
    """The upper byte of 16 bits, as libpng strips them and OpenCV reads them.

    Only where the picture reaches the upper half of the range: 10, 12 or 14 bits of a camera in
    a 16-bit file never do, the file does not say which of them it is, and taken for 16 they
    would be black or dark.
    """
    image = decoded.image
    if image.mode in SIXTEEN_BIT_MODES:
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif decoded.cut:
        image.info.pop("transparency", None)  # a colour of 16 bits, which 8 cannot tell apart
    else:
        return image
    reached = int(np.atleast_3d(np.asarray(image))[..., :3].max())
    if reached < 128:
        raise BadInput(
            f"{path}: found 16 bits a channel, none of them over {256 * reached + 255} of 65535; "
            "expected a picture that uses its range, or 8 bits a channel: convert it"
        )
    return image


def _on_black(image: Image.Image) -> Image.Image:
    """Without opacity: each colour times its opacity, rounded."""
    if not image.has_transparency_data:
        return image.convert("RGB") if image.mode == "P" else image
    solid, clear = ("L", "LA") if image.mode in GREY_MODES else ("RGB", "RGBA")
    image = image.convert(clear)
    black = Image.new(solid, image.size)
    black.paste(image.convert(solid), mask=image.getchannel("A"))
    return black


def _by_profile(path: Path, image: Image.Image, profile: bytes) -> Image.Image:
    """Colours as the embedded ICC profile means them, in sRGB.

    A profile that cannot be followed is an error: other readers of the file may follow it.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        mode = PROFILE_MODES.get(space, space)
        image = _in_mode(image, mode)
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", INTENT
        )
        if mode == "RGB" and _changes_nothing(transform):
            return image
        changed = ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        said = " ".join(str(error).split())
        raise BadInput(
            f"{path}: its colour profile cannot be followed ({said}); "
            "save the picture as sRGB, or without a profile"
        ) from None
    assert changed is not None  # None is what a change in place gives
    return changed


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """The picture in its profile's mode; grey is a colour too, no other two fit each other."""
    if mode == "L" and image.mode == "1":
        return image.convert("L")
    if mode == "RGB" and image.mode in ("1", "L", "YCbCr"):
        return image.convert("RGB")
    if mode != image.mode:
        raise ValueError(f"the picture is {image.mode}, the profile {mode}")
    return image


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether the profile is sRGB under whatever name."""
    levels = np.arange(0, 256, PROBE_STEP, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    seen = ImageCms.applyTransform(Image.fromarray(colours), transform)
    moved = np.asarray(seen).astype(np.int16) - colours
    return int(np.abs(moved).max()) <= SRGB_LEVELS

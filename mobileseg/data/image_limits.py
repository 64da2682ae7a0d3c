"""What a picture file claims to be, weighed against limits before any of it is decoded."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from mobileseg.errors import BadInput

# Twice the largest photos there are (50 million pixels); decoded they take 0.3 GB as RGB.
LARGEST_PIXELS = 100_000_000
# Four channels for each of them, not compressed: no file of fewer pixels has a reason to be larger.
LARGEST_BYTES = 4 * LARGEST_PIXELS
# Cameras write 1 scan, or about 10 (progressive); each one walks over the whole picture again.
MOST_JPEG_SCANS = 100
MOST_TIFF_PAGES = 16  # previews behind the picture: each halves the one before

SUBFILE_TYPE, PREVIEW = 254, 1  # TIFF: bit 0 marks a smaller copy of another page
BITS, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0
PLANES, APART = 284, 2
TILE_WIDTH, TILE_LENGTH = 322, 323
START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"  # JPEG
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # not what may stand in a scan's own data


def refuse_claims(path: Path, image: ImageFile) -> None:
    """Raise BadInput for a picture over a limit, several in one, or one that Pillow misreads.

    Args:
        image: opened, its pixels not yet asked for.
    """
    _refuse_size(path, image)
    _refuse_frames(path, image)
    if image.format in ("JPEG", "MPO"):
        _refuse_scans(path)
    if isinstance(image, TiffImageFile):
        _refuse_layout(path, image)


def refuse_file(path: Path) -> None:
    """Raise BadInput for what is no file, or too large a one."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; expected a picture") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: cannot be opened ({reason}); expected a picture") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no ordinary file"
        raise BadInput(f"{path}: found {kind}; expected a picture")
    if found.st_size > LARGEST_BYTES:
        raise BadInput(
            f"{path}: found {found.st_size:,} bytes; expected at most {LARGEST_BYTES:,}: "
            "save it smaller"
        )
    if not os.access(path, os.R_OK):
        raise BadInput(f"{path}: found no permission to read it; expected a picture")


def _refuse_size(path: Path, image: ImageFile) -> None:
    """Raise BadInput for more pixels than are decoded, by the header's word."""
    sizes = [image.size]
    if isinstance(image, TiffImageFile) and TILE_WIDTH in image.tag_v2:
        sizes.append((image.tag_v2[TILE_WIDTH], image.tag_v2.get(TILE_LENGTH, 1)))
    for width, height in sizes:
        if width * height > LARGEST_PIXELS:
            raise too_large(path, f"{width}x{height}")


def too_large(path: Path, found: str) -> BadInput:
    """The error for a picture of too many pixels."""
    return BadInput(
        f"{path}: found {found} pixels; expected at most {LARGEST_PIXELS // 1_000_000} million: "
        "save it smaller"
    )


def _refuse_frames(path: Path, image: ImageFile) -> None:
    """Raise BadInput for several pictures in one file: which one is meant would be a guess.

    An MPO's first picture is the photo. A TIFF may hold smaller copies of its first page.
    """
    if isinstance(image, TiffImageFile):
        _refuse_pages(path, image)
    elif getattr(image, "is_animated", False) and image.format != "MPO":
        raise _several(path, "frames")


def _several(path: Path, what: str) -> BadInput:
    return BadInput(f"{path}: found several {what}; expected one picture: save the one that counts")


def _refuse_pages(path: Path, image: TiffImageFile) -> None:
    if image.tag_v2.get(SUBFILE_TYPE, 0) & PREVIEW:
        raise BadInput(
            f"{path}: found a preview in the place of the picture, as raw files have it; "
            "expected the picture: export it as TIFF or PNG"
        )
    for page in range(1, MOST_TIFF_PAGES + 1):
        try:
            image.seek(page)
        except EOFError:
            break
        if page == MOST_TIFF_PAGES or not image.tag_v2.get(SUBFILE_TYPE, 0) & PREVIEW:
            raise _several(path, "pages")
    image.seek(0)


def _refuse_scans(path: Path) -> None:
    """Raise BadInput for a JPEG whose few bytes would keep a processor busy for minutes."""
    scans = _scans(path.read_bytes())
    if scans > MOST_JPEG_SCANS:
        raise BadInput(
            f"{path}: found {scans} scans in a JPEG; expected at most {MOST_JPEG_SCANS}: "
            "save it anew"
        )


def _scans(content: bytes) -> int:
    """Scans of a JPEG's first picture; thumbnails and films lie in segments or behind its end."""
    at, scans = len(START_OF_IMAGE), 0
    while (marker := MARKER.search(content, at)) and marker[0] != END_OF_IMAGE:
        scans += marker[0] == START_OF_SCAN
        length = content[marker.end() : marker.end() + 2]
        at = marker.end() + int.from_bytes(length)
    return scans


def _refuse_layout(path: Path, image: TiffImageFile) -> None:
    """Raise BadInput for TIFFs whose 16 bits Pillow would take for something else."""
    tags = image.tag_v2
    if 16 not in tags.get(BITS, ()):
        return
    if tags.get(PLANES) == APART:
        raise BadInput(
            f"{path}: found 16 bits a channel, each channel apart; expected them side by side: "
            "convert it"
        )
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        raise BadInput(f"{path}: found 16 bits with white as 0; expected black as 0: convert it")

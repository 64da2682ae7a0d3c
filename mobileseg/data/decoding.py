"""Picture files decoded under limits: what a header claims is weighed before it is believed.

Pillow decodes: it names truncated files and keeps palette indices. It is asked for a fixed list
of formats, so that what a file says it is cannot call up a decoder nobody meant (EPS starts a
PostScript interpreter). Everything that a file can do wrong ends in one line that names it.
"""

from __future__ import annotations

import ctypes
import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, UnidentifiedImageError, _imaging

from mobileseg.data.image_limits import refuse_claims, refuse_file, too_large
from mobileseg.errors import BadInput, MobilesegError

# What Pillow calls a format, and what its files are named. The content decides, not the name.
# A phone's MPO (a JPEG with previews or depth behind it) is to Pillow a kind of JPEG.
FORMATS = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
}
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)

SIXTEEN_BIT = re.compile(";16[BLN]")  # in Pillow's name of how samples lie in the file
SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")  # grey, and whole

# EXIF's orientation: how the stored picture is to be turned. ImageOps.exif_transpose would also
# write the other tags anew, and fails on some that it could read.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture in Pillow's hands, decoded and upright."""

    image: Image.Image
    cut: bool  # Pillow kept the upper 8 of 16 bits a channel


@contextmanager
def one_line(path: Path) -> Iterator[None]:
    """Whatever Pillow raises over a file's bytes leaves as BadInput, in one line."""
    try:
        yield
    except MobilesegError:
        raise
    except UnidentifiedImageError:
        reason = (
            f"no whole header of {', '.join(FORMATS)} in it" if path.stat().st_size else "empty"
        )
        raise _unreadable(path, reason) from None
    except Image.DecompressionBombError as error:  # Pillow's own limit, before ours is asked
        claimed = re.search(r"\((\d+) pixels", str(error))
        raise too_large(path, f"{int(claimed[1]):,}" if claimed else "far more") from None
    except MemoryError:
        raise _unreadable(path, "it asks for more memory than there is") from None
    # Decoders stumble over foreign bytes in as many ways as they have instructions.
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise _unreadable(path, said) from None


def _unreadable(path: Path, reason: str) -> BadInput:
    return BadInput(f"{path}: cannot be read as a picture ({reason}); replace it with a whole file")


def decode(path: Path) -> Decoded:
    """Decode a picture file; to be called within `one_line`.

    Raises:
        BadInput: no file, over a limit, several pages or frames, or bits that Pillow misreads.
        Exception: whatever else Pillow stumbles over.
    """
    refuse_file(path)
    with _unheard, Image.open(path, formats=tuple(FORMATS)) as image:
        refuse_claims(path, image)
        cut = image.mode not in SIXTEEN_BIT_MODES and any(
            SIXTEEN_BIT.search(str(tile.args)) for tile in image.tile
        )
        image.load()
        turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
        return Decoded(image.transpose(turn) if turn is not None else image, cut)


def _libtiff_tells(handler: int | None) -> Callable[[], Any]:
    """Who hears libtiff's errors, which Pillow leaves on stderr; returns what undoes it."""
    try:
        setter = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):  # built in, out of reach: then its lines are seen
        return lambda: None
    setter.restype, setter.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    return partial(setter, setter(handler))


class _Unheard:
    """Pillow's warnings, and libtiff's own lines, kept off the terminal while any thread decodes.

    Such a setting is the whole process's: the first thread in makes it, the last one out takes it
    back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._kept = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._kept.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"PIL\.")
                handler = logging.NullHandler()  # else Python's own last resort is stderr
                log = logging.getLogger("PIL")
                log.addHandler(handler)
                self._kept.callback(log.removeHandler, handler)
                self._kept.callback(_libtiff_tells(None))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._kept.close()


_unheard = _Unheard()

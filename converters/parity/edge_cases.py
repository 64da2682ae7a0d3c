"""Pictures that no photographer means to take, always the same ones.

Of them nothing is asked but a number from 0 to 1 at every pixel and no wild change: what a network
makes of noise is nobody's finding, but a file that makes something else of it is broken.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from converters.parity.cases import Case, Cases
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.spec import RETINA_THRESHOLD

HEIGHT, WIDTH = 600, 800
SEED = 77
TINY_PX = 2  # across; after the resize less than a pixel
Picture = NDArray[np.uint8]


def _flat(level: int) -> Picture:
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def _noise() -> Picture:
    return np.random.default_rng(SEED).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def _retina() -> Picture:
    return make_phantom(SEED, HEIGHT, aspect=WIDTH / HEIGHT).picture


def _cut_off() -> Picture:
    """A third of the retina: the camera was not centred."""
    whole = _retina()
    return np.ascontiguousarray(whole[:, : whole.shape[1] // 3])


def _no_retina() -> Picture:
    """Dark, with structure, and nowhere bright enough to be a retina."""
    return (_retina() // 12).clip(max=RETINA_THRESHOLD)


def _greyscale() -> Picture:
    grey = cv2.cvtColor(_retina(), cv2.COLOR_RGB2GRAY)
    return np.repeat(grey[..., None], 3, axis=2)


def _tiny_lesions() -> Picture:
    """Bright dots of two pixels, which the resize makes into less than one."""
    picture = _retina().copy()
    retina = np.argwhere(picture.max(axis=2) > 60)
    places = np.random.default_rng(SEED).choice(len(retina), 60, replace=False)
    for y, x in retina[places]:
        picture[y : y + TINY_PX, x : x + TINY_PX] = (250, 240, 170)
    return picture


HARD: dict[str, Callable[[], Picture]] = {
    "black": lambda: _flat(0),
    "white": lambda: _flat(255),
    "noise": _noise,
    "retina cut off": _cut_off,
    "no retina": _no_retina,
    "greyscale": _greyscale,
    "tiny lesions": _tiny_lesions,
}


def hard_cases() -> Cases:
    """All of them, without masks."""
    read = (Case(name, make()) for name, make in HARD.items())
    return Cases(f"hard pictures ({len(HARD)})", len(HARD), read)

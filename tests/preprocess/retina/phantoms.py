"""Phantoms and their circles: the drawing's own numbers, so that no finder is asked for the truth.

Three kinds of frames are among them: the retina whole, its top and bottom cut flat, and running
over the frame's edges. A flat one is cropped to its content; black around it is a disturbance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.phantom.camera import draw_frame
from mobileseg.data.phantom.generate import make_phantom
from retina.slow_circle import Circle, share_in_frame

SEED = 14


@dataclass(frozen=True, slots=True)
class Row:
    """Which phantom; `kind` says what its index was chosen for."""

    kind: str
    index: int
    side_px: int
    aspect: float = 1.0


ROWS = (
    Row("whole", 1, 512),
    Row("flat", 4, 512),
    Row("beyond", 3, 384, 1.5),
)


@cache
def picture(row: Row) -> tuple[NDArray[np.uint8], Circle]:
    """(H, W, 3) uint8 RGB, not to be written to, and the retina's circle in it."""
    # The camera's stream, as `make_phantom` draws its frame from it.
    of_camera = np.random.default_rng([SEED, row.index]).spawn(3)[2]
    frame = draw_frame(of_camera, row.side_px, round(row.side_px * row.aspect))
    photo = make_phantom(SEED, row.side_px, index=row.index, aspect=row.aspect).picture
    x, y = frame.centre_px
    top, bottom = 0, row.side_px
    if frame.cut < 1:
        half = frame.cut * frame.radius_px
        top, bottom = max(0, round(y - half)), min(row.side_px, round(y + half))
    photo = np.ascontiguousarray(photo[top:bottom])
    photo.flags.writeable = False
    hw = (photo.shape[0], photo.shape[1])
    share = share_in_frame(x, y - top, frame.radius_px, hw)
    return photo, Circle(x, y - top, frame.radius_px, share)


def pictures() -> Iterator[tuple[str, NDArray[np.uint8], Circle]]:
    """Each phantom's key, photo and circle."""
    for row in ROWS:
        yield f"phantom/{row.kind}", *picture(row)

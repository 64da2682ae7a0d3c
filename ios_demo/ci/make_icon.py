"""Draw the app's icon: a retina with its disc, and a dot in each lesion's colour.

python ios_demo/ci/make_icon.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mobileseg.lesions import LESIONS

ICON = (
    Path(__file__).parents[1]
    / "RetinaDemo"
    / "Resources"
    / "Assets.xcassets"
    / "AppIcon.appiconset"
    / "icon.png"
)
SIDE_PX = 1024  # all that Xcode asks for; it makes the smaller ones
FINER = 2  # drawn larger and averaged: round edges
GROUND, RETINA, DISC = (16, 22, 30), (178, 74, 38), (255, 214, 140)
# Centre row, column and radius, as shares of the side.
SHAPES: tuple[tuple[tuple[int, int, int], float, float, float], ...] = (
    (RETINA, 0.5, 0.5, 0.40),
    (DISC, 0.47, 0.70, 0.085),
    *(
        (lesion.colour, row, column, 0.052)
        for lesion, (row, column) in zip(
            LESIONS.values(), ((0.36, 0.30), (0.30, 0.53), (0.62, 0.36), (0.70, 0.58)), strict=True
        )
    ),
)


def drawn() -> Image.Image:
    side = SIDE_PX * FINER
    pixels = np.full((side, side, 3), GROUND, np.uint8)
    place = (np.arange(side) + 0.5) / side
    for colour, row, column, radius in SHAPES:
        inside = (place[:, None] - row) ** 2 + (place[None] - column) ** 2 <= radius**2
        pixels[inside] = colour
    return Image.fromarray(pixels).reduce(FINER)


if __name__ == "__main__":
    drawn().save(ICON, optimize=True)
    print(ICON)

"""A phantom while lesions are painted into it: the picture so far, and the masks so far.

Special here: the mask is the lesion's own shape on the pixel grid (a pixel is lesion when the shape
covers at least half of it), and a piece too small to reach that anywhere is not painted either:
every lesion in the picture is in its mask, and every masked one is in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from mobileseg.data.phantom.anatomy import Colour, Eye, Fundus
from mobileseg.data.phantom.frame import Frame, Layer

Mask = NDArray[np.bool_]  # (H, W)

VISIBLE_VESSEL = 0.35  # share of blood from which a pixel counts as vessel


@dataclass(slots=True)
class Scene:
    """The picture so far."""

    rng: np.random.Generator
    frame: Frame
    eye: Eye
    fundus: Fundus
    allowed: Mask  # where lesions may be: retina, a little away from its edge and from the disc
    severity: float  # 0..1, how ill this eye is
    colour: Colour  # (H, W, 3) under even light
    masks: dict[str, Mask] = field(default_factory=dict)

    def free(self, x: float, y: float) -> bool:
        """Whether a small lesion here would be seen: allowed, and on no vessel or lesion."""
        column = int(x * self.frame.radius_px + self.frame.centre_px[0])
        row = int(y * self.frame.radius_px + self.frame.centre_px[1])
        if not (0 <= row < self.frame.height_px and 0 <= column < self.frame.width_px):
            return False
        if any(mask[row, column] for mask in self.masks.values()):
            return False
        return bool(self.allowed[row, column] and self.fundus.vessels[row, column] < VISIBLE_VESSEL)

    def spot(self, spread: float = 0.36) -> tuple[float, float]:
        """A free place in eye units: mostly around the macula, sometimes anywhere."""
        for _ in range(200):
            if self.rng.random() < 0.65:
                x, y = self.rng.normal(self.eye.fovea, spread)
            else:
                x, y = self.rng.uniform(-1, 1, 2)
            if self.free(x, y):
                return float(x), float(y)
        return self.eye.fovea  # no free place in 200 tries: an eye full of lesions

    def keep(self, lesion: str, coverage: Layer) -> Layer:
        """Record a lesion's mask; returns 1.0 on it and one pixel around, 0.0 elsewhere, (H, W).

        What is painted now lies above what was painted before, so it takes those pixels over.
        """
        mask = (coverage >= 0.5) & self.allowed
        for below in self.masks.values():
            below &= ~mask
        self.masks[lesion] = mask
        near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
        return near.astype(np.float32)

    def blend(self, paint: Colour, opacity: Layer) -> None:
        """Cover the picture with a colour, (3,), where `opacity` (H, W, 0..1) says."""
        self.colour = np.asarray(
            self.colour + (paint - self.colour) * opacity[..., None], np.float32
        )

    def absorb(self, left: Colour, depth: Layer) -> None:
        """Filter the picture through `depth` (H, W, 0..1) of a medium that leaves `left`, (3,)."""
        self.colour = np.asarray(self.colour * left ** depth[..., None], np.float32)

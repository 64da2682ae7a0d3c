"""Where a phantom's parts are placed: eye coordinates, supersampled layers, smooth noise.

Special here: every position is in *eye units* (origin at the retina's centre, retina radius 1, x to
the right, y down), and noise lies on a grid in eye units too. So one seed gives one eye at every
picture size; only what happens on the sensor, and whether a place is free, is in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Layer = NDArray[np.float32]  # (H, W), one value per pixel
Canvas = NDArray[np.uint8]  # (OVERSAMPLING·H, OVERSAMPLING·W), 0..255
Points = NDArray[np.float64]  # (n, 2) x, y in eye units

OVERSAMPLING = 3  # sub-pixels per edge: a 2-px lesion still has 28 of them
EXTENT = 3.2  # eye units from the centre that noise covers; frames reach less far
_SUBPIXEL_BITS = 4  # OpenCV draws at 1/16 px


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture's size and where the retina lies in it."""

    height_px: int
    width_px: int
    centre_px: tuple[float, float]  # x, y of the retina's centre
    radius_px: float  # one eye unit
    cut: float  # the retina ends at |y| = cut as well; 1 is a whole disc

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.height_px, self.width_px

    def grid(self) -> tuple[Layer, Layer]:
        """Eye coordinates x, y of every pixel's middle, each (H, W)."""
        x = (np.arange(self.width_px) + 0.5 - self.centre_px[0]) / self.radius_px
        y = (np.arange(self.height_px) + 0.5 - self.centre_px[1]) / self.radius_px
        across, down = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
        return across, down

    def canvas(self) -> Canvas:
        """An empty layer to draw on."""
        return np.zeros((self.height_px * OVERSAMPLING, self.width_px * OVERSAMPLING), np.uint8)

    def on_canvas(self, points: Points) -> NDArray[np.int32]:
        """Eye units to OpenCV's fixed-point canvas coordinates, (n, 2)."""
        px = (points * self.radius_px + np.asarray(self.centre_px)) * OVERSAMPLING - 0.5
        return np.asarray(np.round(px * 2**_SUBPIXEL_BITS), np.int32)

    def fill(self, canvas: Canvas, outline: Points, value: float) -> None:
        """Fill a closed outline; `value` in 0..1."""
        polygon = [self.on_canvas(outline)]
        cv2.fillPoly(canvas, polygon, round(value * 255), shift=_SUBPIXEL_BITS)

    def stroke(self, canvas: Canvas, path: Points, widths: Points, value: float) -> None:
        """Draw a line whose width (eye units, one per point) changes along it."""
        fixed = self.on_canvas(path)
        wide = np.maximum(1, np.round(widths * self.radius_px * OVERSAMPLING)).astype(int)
        for start, end, width in zip(fixed[:-1], fixed[1:], wide[:-1], strict=True):
            cv2.line(
                canvas,
                (int(start[0]), int(start[1])),
                (int(end[0]), int(end[1])),
                round(value * 255),
                int(width),
                cv2.LINE_AA,
                _SUBPIXEL_BITS,
            )

    def settle(self, canvas: NDArray[np.generic]) -> Layer:
        """A canvas averaged to the picture's pixels, (H, W); 8-bit becomes 0..1."""
        scale = 255.0 if canvas.dtype == np.uint8 else 1.0
        full = canvas.astype(np.float32)
        small = cv2.resize(full, (self.width_px, self.height_px), interpolation=cv2.INTER_AREA)
        return np.asarray(small / np.float32(scale), np.float32)

    def enlarge(self, layer: Layer) -> Layer:
        """A layer of the picture's size, (H, W), interpolated to a canvas's."""
        size = (self.width_px * OVERSAMPLING, self.height_px * OVERSAMPLING)
        return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR), np.float32)

    def soften(self, layer: Layer, sigma: float) -> Layer:
        """Blur by `sigma` eye units."""
        return blur(layer, sigma * self.radius_px)

    def noise(self, rng: np.random.Generator, pitch: float, *, oversampled: bool = False) -> Layer:
        """Smooth noise with mean 0 and SD about 1, its grains about `pitch` eye units wide."""
        cells = round(2 * EXTENT / pitch)
        seeds = blur(rng.standard_normal((cells, cells), dtype=np.float32), 0.7)
        seeds /= seeds.std()
        factor = OVERSAMPLING if oversampled else 1
        step = 1 / (self.radius_px * factor * pitch)  # cells per output pixel
        first_x = (EXTENT - self.centre_px[0] / self.radius_px) / pitch
        first_y = (EXTENT - self.centre_px[1] / self.radius_px) / pitch
        field = cv2.warpAffine(
            seeds,
            np.array([[step, 0, first_x], [0, step, first_y]]),
            (self.width_px * factor, self.height_px * factor),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        return np.asarray(field, np.float32)


def blur(layer: Layer, sigma_px: float) -> Layer:
    """Gaussian blur; a sigma too small to matter changes nothing."""
    if sigma_px < 0.15:
        return layer
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma_px), np.float32)


def distance(x: Layer, y: Layer, to: tuple[float, float]) -> Layer:
    """Distance of every pixel to a point, in eye units."""
    return np.asarray(np.hypot(x - np.float32(to[0]), y - np.float32(to[1])), np.float32)


def hill(distances: Layer, width: float) -> Layer:
    """A Gaussian hill, 1 at distance 0."""
    return np.asarray(np.exp(-0.5 * (distances / np.float32(width)) ** 2), np.float32)


def lumpy_outline(
    rng: np.random.Generator,
    centre: Sequence[float],
    radii: tuple[float, float],
    turn: float,
    roughness: float,
) -> Points:
    """A closed irregular outline: an ellipse whose radius wobbles, slowly more than quickly.

    Args:
        centre: x, y in eye units.
        radii: half axes in eye units.
        turn: angle of the first half axis, radians.
        roughness: SD of the wobble as a share of the radius, per wave.
    """
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wobble = np.ones_like(angle)
    for waves in range(2, 8):
        amount = rng.normal(0, roughness * (2 / waves) ** 0.7)
        wobble += amount * np.cos(waves * angle + rng.uniform(0, 2 * np.pi))
    wobble = np.maximum(wobble, 0.25)
    along, across = radii[0] * wobble * np.cos(angle), radii[1] * wobble * np.sin(angle)
    x = centre[0] + along * np.cos(turn) - across * np.sin(turn)
    y = centre[1] + along * np.sin(turn) + across * np.cos(turn)
    return np.stack([x, y], axis=1)

"""A phantom's red lesions: microaneurysms and haemorrhages."""

from __future__ import annotations

import numpy as np

from mobileseg.data.phantom.frame import Canvas, lumpy_outline
from mobileseg.data.phantom.scene import Scene

# What is left of R, G, B behind a dense bleeding; red light passes blood best.
BLOOD = np.array([0.74, 0.42, 0.70], np.float32)
MA_DIAMETER = (0.0080, 0.0195)  # eye units: 2 to 5 px in a 512-px picture
MA_SMALLEST_PX = 2.0  # none is drawn smaller, however small the picture


def microaneurysms(scene: Scene) -> None:
    """Dark red dots, from a few to some seventy; the smallest are the hard cases."""
    rng, frame = scene.rng, scene.frame
    canvas = frame.canvas()
    count = 2 + rng.poisson(rng.lognormal(np.log(4 + 28 * scene.severity), 0.4))
    smallest = MA_SMALLEST_PX / frame.radius_px
    for _ in range(min(count, 80)):
        # Squared: small ones are by far the most frequent.
        diameter = MA_DIAMETER[0] + (MA_DIAMETER[1] - MA_DIAMETER[0]) * rng.random() ** 2
        radius = max(diameter, smallest) / 2
        radii = (radius * rng.uniform(1.0, 1.2), radius)
        outline = lumpy_outline(rng, scene.spot(), radii, rng.uniform(0, np.pi), 0.05)
        frame.fill(canvas, outline, rng.uniform(0.24, 0.62))
    near = scene.keep("MA", frame.settle((canvas > 0).astype(np.float32)))
    scene.absorb(BLOOD, frame.soften(frame.settle(canvas) * near, 0.0015))


def haemorrhages(scene: Scene) -> None:
    """Dots and blots deep in the retina; flames along the nerve fibres."""
    rng, frame = scene.rng, scene.frame
    canvas = frame.canvas()
    count = 1 + rng.poisson(rng.lognormal(np.log(2 + 30 * scene.severity**1.5), 0.6))
    flames = rng.uniform(0.0, 0.5)  # their share differs from eye to eye
    for _ in range(min(count, 90)):
        x, y = scene.spot(0.45)
        density = rng.uniform(0.20, 0.62)
        if rng.random() < flames:
            _flame(scene, canvas, complex(x, y), density)
        else:
            _blot(scene, canvas, complex(x, y), density)
    coverage = frame.settle((canvas > 0).astype(np.float32))
    near = scene.keep("HE", coverage)
    patchy = np.clip(0.92 + 0.18 * frame.noise(rng, 0.014), 0.5, 1.3)
    scene.absorb(BLOOD, frame.soften(frame.settle(canvas) * near, 0.0045) * patchy)


def _blot(scene: Scene, canvas: Canvas, at: complex, density: float) -> None:
    """A round to irregular patch, sometimes two or three run together."""
    rng = scene.rng
    radius = float(np.clip(rng.lognormal(np.log(0.016), 0.6), 0.008, 0.085))
    for _ in range(1 if radius < 0.02 else rng.integers(1, 4)):
        centre = at + radius * complex(*rng.normal(0, 0.7, 2))
        radii = (radius * rng.uniform(0.8, 1.4), radius * rng.uniform(0.7, 1.0))
        outline = lumpy_outline(rng, (centre.real, centre.imag), radii, rng.uniform(0, np.pi), 0.10)
        scene.frame.fill(canvas, outline, density)
        radius *= rng.uniform(0.5, 0.9)


def _flame(scene: Scene, canvas: Canvas, at: complex, density: float) -> None:
    """A frayed bundle of streaks that point away from the optic disc."""
    rng = scene.rng
    away = at - complex(*scene.eye.disc)
    along = away / (abs(away) + 1e-6) * np.exp(1j * rng.normal(0, 0.25))
    length = float(np.clip(rng.lognormal(np.log(0.035), 0.5), 0.018, 0.12))
    thickness = length * rng.uniform(0.14, 0.24)
    for _ in range(rng.integers(3, 8)):
        centre = at + along * complex(rng.normal(0, 0.3) * length, rng.normal(0, 0.9) * thickness)
        radii = (length * rng.uniform(0.4, 0.9), thickness * rng.uniform(0.4, 0.8))
        turn = float(np.angle(along)) + rng.normal(0, 0.06)
        outline = lumpy_outline(rng, (centre.real, centre.imag), radii, turn, 0.08)
        scene.frame.fill(canvas, outline, density * rng.uniform(0.75, 1.0))

"""A phantom's bright lesions: hard exudates and cotton-wool spots (soft exudates).

Special here: hard exudates are fine noise cut at a threshold that an envelope lowers. One rule so
gives single specks at a cluster's edge and merged plaques in its middle, as lipid deposits do.
"""

from __future__ import annotations

import numpy as np

from mobileseg.data.phantom.frame import Layer, distance, hill, lumpy_outline
from mobileseg.data.phantom.scene import Scene

THRESHOLD = 3.0  # SDs of the noise; no exudate without an envelope
ENVELOPE_ENDS = 0.35  # below this an envelope counts as zero, or its tail would sow stray specks
SPREAD = 0.30  # SD of the clusters' distance from the fovea, eye units


def hard_exudates(scene: Scene) -> None:
    """Sharp-edged yellow-white deposits: scattered, in rings, as a macular star, in plaques."""
    rng, frame = scene.rng, scene.frame
    envelope = _envelope(scene)
    grain = rng.uniform(0.0065, 0.011)
    noise = 0.80 * frame.noise(rng, grain, oversampled=True)
    noise += 0.60 * frame.noise(rng, 2.5 * grain, oversampled=True)
    lifted = frame.enlarge(np.where(envelope > ENVELOPE_ENDS, envelope, -THRESHOLD))
    excess = lifted + noise - THRESHOLD
    if not (excess > 0.4).any():  # the task says this eye has some: take the strongest point
        excess += 0.6 - excess.max()
    near = scene.keep("EX", frame.settle((excess > 0).astype(np.float32)))
    # A thicker deposit hides more of the retina; even the thinnest has a sharp edge.
    thickness = np.where(excess > 0, np.clip(0.28 + 0.28 * excess, 0, 1), 0).astype(np.float32)
    opacity = frame.settle(thickness) * near * np.float32(rng.uniform(0.30, 0.85))
    glow = 0.12 * frame.soften(opacity, 0.012)  # light scattered by the deposit
    scene.blend(scene.eye.pale * np.array([0.97, 0.93, 1.0], np.float32), np.maximum(opacity, glow))


def _envelope(scene: Scene) -> Layer:
    """How far the threshold is lowered, (H, W): a few clusters, most of them near the macula."""
    rng, eye = scene.rng, scene.eye
    x, y = scene.frame.grid()
    total = np.zeros(scene.frame.shape, np.float32)
    kinds = (_patch, _ring, _star, _plaque)
    for _ in range(min(1 + rng.poisson(1 + 14 * scene.severity), 20)):
        kind = kinds[rng.choice(4, p=(0.55, 0.17, 0.13, 0.15))]
        total = np.maximum(total, kind(scene, x, y))
    keep_off = hill(distance(x, y, eye.disc), 1.3 * eye.disc_radius)
    return np.asarray(total * (1 - keep_off), np.float32)


def _patch(scene: Scene, x: Layer, y: Layer) -> Layer:
    """Specks scattered over an oval."""
    rng, (cx, cy) = scene.rng, scene.spot(SPREAD)
    angle, long = rng.uniform(0, np.pi), rng.uniform(1.0, 2.2)
    dx, dy = x - np.float32(cx), y - np.float32(cy)
    along = dx * np.float32(np.cos(angle)) + dy * np.float32(np.sin(angle))
    across = dy * np.float32(np.cos(angle)) - dx * np.float32(np.sin(angle))
    size = rng.uniform(0.030, 0.055 + 0.11 * scene.severity)
    return rng.uniform(1.3, 3.0) * hill(np.hypot(along / np.float32(long), across), size)


def _ring(scene: Scene, x: Layer, y: Layer) -> Layer:
    """A circinate ring: lipid left at the edge of a leaking patch."""
    rng = scene.rng
    away = distance(x, y, scene.spot(SPREAD))
    ring = hill(away - np.float32(rng.uniform(0.09, 0.24)), rng.uniform(0.018, 0.040))
    return rng.uniform(1.4, 2.5) * ring


def _plaque(scene: Scene, x: Layer, y: Layer) -> Layer:
    """A patch so dense that its specks have merged."""
    rng = scene.rng
    size = rng.uniform(0.012, 0.024 + 0.09 * scene.severity**2)
    return rng.uniform(3.2, 5.5) * hill(distance(x, y, scene.spot(SPREAD)), size)


def _star(scene: Scene, x: Layer, y: Layer) -> Layer:
    """A macular star: spokes around part of the fovea."""
    rng, (fx, fy) = scene.rng, scene.eye.fovea
    angle = np.arctan2(y - np.float32(fy), x - np.float32(fx))
    away = distance(x, y, scene.eye.fovea)
    spokes = np.cos(rng.integers(7, 13) * angle + rng.uniform(0, 6)) * 0.5 + 0.5
    sector = hill(np.sin((angle - rng.uniform(-np.pi, np.pi)) / 2), rng.uniform(0.3, 0.6))
    ring = hill(away - np.float32(rng.uniform(0.10, 0.20)), rng.uniform(0.03, 0.06))
    peak = np.float32(rng.uniform(1.6, 2.6))
    return np.asarray(peak * ring * sector * (0.45 + 0.55 * spokes), np.float32)


def soft_exudates(scene: Scene) -> None:
    """Pale, fuzzy, swollen nerve fibres: few and large, away from the fovea, along vessels."""
    rng, frame = scene.rng, scene.frame
    opacity = np.zeros(frame.shape, np.float32)
    coverage = np.zeros(frame.shape, np.float32)
    for _ in range(1 + min(9, rng.poisson(3 * scene.severity))):
        centre = scene.spot(0.6)
        size = float(np.clip(rng.lognormal(np.log(0.034), 0.4), 0.018, 0.08))
        radii = (size * rng.uniform(0.9, 1.7), size * rng.uniform(0.6, 1.0))
        canvas = frame.canvas()
        frame.fill(canvas, lumpy_outline(rng, centre, radii, rng.uniform(0, np.pi), 0.12), 1.0)
        shape = frame.soften(frame.settle(canvas) * scene.allowed, size * rng.uniform(0.18, 0.35))
        shape /= max(1e-6, float(shape.max()))
        coverage = np.maximum(coverage, shape)
        opacity = np.maximum(opacity, shape * np.float32(rng.uniform(0.22, 0.50)))
    scene.keep("SE", coverage)
    feathery = np.clip(
        0.92 + 0.16 * frame.noise(rng, 0.02) + 0.08 * frame.noise(rng, 0.008), 0, 1.3
    )
    white = 0.75 * scene.eye.pale + 0.25 * np.array([0.86, 0.90, 0.80], np.float32)
    scene.blend(white * np.float32(0.92), opacity * feathery.astype(np.float32))

"""What a phantom shows that looks like a lesion and is none: none of it is in any mask."""

from __future__ import annotations

import numpy as np

from mobileseg.data.phantom.frame import lumpy_outline
from mobileseg.data.phantom.scene import Scene


def drusen(scene: Scene) -> None:
    """Soft yellowish spots, duller and fuzzier than hard exudates; in a third of the eyes."""
    rng, frame = scene.rng, scene.frame
    if rng.random() > 0.35:
        return
    canvas = frame.canvas()
    for _ in range(rng.integers(4, 40)):
        size = rng.uniform(0.007, 0.02)
        outline = lumpy_outline(rng, scene.spot(), (size, size * 0.9), 0, 0.06)
        frame.fill(canvas, outline, rng.uniform(0.4, 1.0))
    opacity = frame.soften(frame.settle(canvas), 0.006) * np.float32(rng.uniform(0.12, 0.28))
    scene.blend(scene.eye.pale * np.array([1.0, 0.85, 0.7], np.float32), opacity)


def reflexes(scene: Scene) -> None:
    """Silvery glints of the inner surface beside vessels, as in young eyes; in a third."""
    rng, frame = scene.rng, scene.frame
    if rng.random() > 0.35:
        return
    beside = frame.soften(scene.fundus.vessels, 0.03) * (1 - scene.fundus.vessels)
    patches = np.clip(frame.noise(rng, 0.06) - 0.6, 0, 1.2) * np.clip(beside * 5, 0, 1)
    opacity = frame.soften(patches.astype(np.float32), 0.006) * np.float32(rng.uniform(0.1, 0.3))
    scene.blend(scene.eye.pale * np.array([0.90, 0.92, 1.2], np.float32), opacity)


def pigment_spots(scene: Scene) -> None:
    """Brown, soft, flat spots, unlike blood dark in red too; in a quarter of the eyes."""
    rng, frame = scene.rng, scene.frame
    if rng.random() > 0.25:
        return
    canvas = frame.canvas()
    for _ in range(rng.integers(1, 9)):
        size = rng.uniform(0.008, 0.035)
        outline = lumpy_outline(rng, scene.spot(), (size, size), 0, 0.12)
        frame.fill(canvas, outline, rng.uniform(0.3, 0.9))
    depth = frame.soften(frame.settle(canvas), 0.007)
    scene.absorb(np.array([0.66, 0.66, 0.70], np.float32), depth)


def dust(scene: Scene) -> None:
    """Grey discs of dust on the optics, far out of focus; in a third of the pictures."""
    rng, frame = scene.rng, scene.frame
    if rng.random() > 0.35:
        return
    canvas = frame.canvas()
    for _ in range(rng.integers(1, 6)):
        size = rng.uniform(0.012, 0.04)
        frame.fill(
            canvas, lumpy_outline(rng, rng.uniform(-0.9, 0.9, 2).tolist(), (size, size), 0, 0.02), 1
        )
    depth = frame.soften(frame.settle(canvas), 0.008) * np.float32(rng.uniform(0.3, 0.9))
    scene.absorb(np.array([0.84, 0.84, 0.84], np.float32), depth)

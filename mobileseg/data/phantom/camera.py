"""A phantom's camera: how the retina lies in the frame, uneven light, blur, noise.

Special here: the retina is rarely centred and often cut by the frame, and light falls off to the
rim; both are what a retina finder and a threshold on brightness stumble over.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.phantom.anatomy import Colour
from mobileseg.data.phantom.frame import Frame, Layer, blur, distance, hill

# Blur and noise were set so that fine residuals match 512-px pictures of real eyes.
REFERENCE_SIDE_PX = 512


def draw_frame(rng: np.random.Generator, height_px: int, width_px: int) -> Frame:
    """Place the retina: whole, with top and bottom cut flat, or running over the frame's edge."""
    style = rng.choice(("whole", "flat", "beyond"), p=(0.40, 0.40, 0.20))
    share = {"whole": rng.uniform(0.465, 0.492), "flat": rng.uniform(0.475, 0.495)}
    radius = share.get(style, rng.uniform(0.515, 0.56)) * height_px
    if style != "whole" and width_px > 1.15 * height_px:
        radius = rng.uniform(0.54, 0.61) * height_px  # the frame itself cuts a wide picture
    room_x = max(0.0, width_px / 2 - radius)
    room_y = max(0.0, height_px / 2 - radius)
    centre = (
        width_px / 2 + rng.uniform(-0.8, 0.8) * max(room_x, 0.02 * width_px),
        height_px / 2 + rng.uniform(-0.8, 0.8) * max(room_y, 0.01 * height_px),
    )
    cut = rng.uniform(0.82, 0.93) if style == "flat" else 1.0
    return Frame(height_px, width_px, centre, radius, cut)


def aperture(frame: Frame) -> Layer:
    """What the camera's field stop lets through, (H, W) in 0..1, one soft pixel at the edge."""
    x, y = frame.grid()
    inside = np.minimum(1 - np.hypot(x, y), np.float32(frame.cut) - np.abs(y))
    return np.asarray(np.clip(inside * frame.radius_px + 0.5, 0, 1), np.float32)


def illuminate(rng: np.random.Generator, frame: Frame, colour: Colour) -> Colour:
    """Uneven light: a bright side, fall-off to the rim, often a hazy crescent at the rim."""
    x, y = frame.grid()
    towards = rng.uniform(0, 2 * np.pi)
    off = rng.uniform(0.0, 0.45)
    fx, fy = np.float32(off * np.cos(towards)), np.float32(off * np.sin(towards))
    falloff = np.float32(rng.uniform(0.16, 0.46)) * ((x - fx) ** 2 + (y - fy) ** 2)
    from_centre = distance(x, y, (0, 0))
    rim = np.float32(rng.uniform(0.0, 0.30)) * np.clip((from_centre - 0.80) / 0.2, 0, 1) ** 2
    light = np.exp(-falloff - rim)[..., None]
    lit = colour * light ** np.array([0.75, 1.0, 1.0], np.float32)  # red saturates, so falls less
    if rng.random() < 0.35:  # light scattered by lids and lens edge
        where = rng.uniform(0, 2 * np.pi)
        facing = np.clip(x * np.cos(where) + y * np.sin(where), 0, None)
        veil = facing**3 * hill(from_centre - 1.0, rng.uniform(0.06, 0.16))
        tint = np.array([0.55, 0.55, 0.5], np.float32) * np.float32(rng.uniform(0.7, 1.2))
        lit = lit + (tint - lit) * (np.float32(rng.uniform(0.15, 0.6)) * veil)[..., None]
    if rng.random() < 0.4:  # a cloudy lens veils everything a little
        lit = lit + (lit.mean(axis=(0, 1)) - lit) * np.float32(rng.uniform(0.02, 0.12))
    return np.asarray(lit, np.float32)


def expose(rng: np.random.Generator, frame: Frame, lit: Colour) -> NDArray[np.uint8]:
    """Blur, black surround, sensor noise and 8 bits: (H, W, 3) RGB."""
    scale = min(frame.height_px, frame.width_px) / REFERENCE_SIDE_PX
    sharpness = rng.uniform(0.35, 0.85)
    picture = np.clip(lit, 0, 1) * aperture(frame)[..., None]
    picture = np.stack([blur(picture[..., i], sharpness * max(scale, 0.6)) for i in range(3)], -1)
    shared = rng.standard_normal(frame.shape, dtype=np.float32)
    amount = rng.uniform(1.5, 2.6)
    noise = np.empty_like(picture)
    for i in range(3):
        own = rng.standard_normal(frame.shape, dtype=np.float32)
        noise[..., i] = blur(0.8 * shared + 0.6 * own, 0.45)
    dark = 0.35 + 0.65 * np.clip(picture.max(axis=-1, keepdims=True) * 3, 0, 1)
    level = 255 * picture + 2 + np.float32(amount) * dark * noise
    return np.asarray(np.clip(np.round(level), 0, 255), np.uint8)

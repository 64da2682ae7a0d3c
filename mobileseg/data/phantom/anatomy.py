"""A phantom's healthy eye: fundus colour, macula, choroid, optic disc and vessels.

Special here: eyes differ more from one another than lesions differ from their surroundings. So the
eye's own numbers (`Eye`) are drawn first, and every colour below is relative to its tone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.phantom.frame import (
    Frame,
    Layer,
    blur,
    distance,
    hill,
    lumpy_outline,
)
from mobileseg.data.phantom.vessels import draw_vessels, grow_vessels

Colour = NDArray[np.float32]  # (H, W, 3) or (3,): RGB, 1.0 is the sensor's white

# Fundus tones seen in adult eyes and cameras, sRGB 0..255; an eye mixes them.
TONES = np.array(
    [
        [222, 96, 4],  # orange
        [156, 80, 8],  # brown
        [214, 120, 88],  # pink, white-balanced camera
        [146, 54, 3],  # dark red-brown
        [184, 106, 12],  # yellowish
        [166, 96, 46],  # greyish brown
    ],
    np.float32,
)
# What is left of R, G, B behind a full layer of blood: green is swallowed first.
ARTERY = np.array([0.96, 0.74, 0.80], np.float32)
VEIN = np.array([0.87, 0.64, 0.74], np.float32)


@dataclass(frozen=True, slots=True)
class Eye:
    """What makes one eye differ from the next; lengths in eye units, colours RGB 0..1."""

    disc: tuple[float, float]
    disc_radius: float
    fovea: tuple[float, float]
    tone: Colour  # (3,)
    pale: Colour  # (3,) what bare, bright tissue (disc, exudates) looks like with this camera
    mottling: float  # about 1
    choroid: float  # 0: hidden, 1: tessellated fundus

    @property
    def temporal(self) -> complex:
        """The vector from the disc to the fovea."""
        return complex(*self.fovea) - complex(*self.disc)


@dataclass(frozen=True, slots=True)
class Fundus:
    """The eye before its lesions."""

    colour: Colour  # (H, W, 3) under even light
    vessels: Layer  # (H, W) 0..1, where a vessel is
    disc: Layer  # (H, W) 0..1


def draw_eye(rng: np.random.Generator) -> Eye:
    """Draw one eye's numbers: left or right, centred on the macula or (1 in 6) on the disc."""
    side = 1.0 if rng.random() < 0.5 else -1.0  # where the disc is: left or right
    disc_x = rng.uniform(0.15, 0.35) if rng.random() < 1 / 6 else rng.uniform(0.60, 0.86)
    disc_y = rng.normal(-0.03, 0.09)
    separation = rng.uniform(0.74, 0.86)  # about 2.5 disc diameters
    drop = rng.normal(0.08, 0.05)  # the fovea lies a little below the disc
    share = rng.dirichlet(np.full(len(TONES), 0.28))
    tone = np.asarray(share @ TONES / 255 * rng.uniform(0.92, 1.14), np.float32)
    # A yellowish camera shows bare tissue yellow, a white-balanced one shows it white.
    whiteness = float(np.clip(tone[2] / tone[0] * 1.7, 0.03, 0.9))
    pale = np.array([1.0, 0.86 + 0.06 * whiteness, 0.06 + 0.86 * whiteness], np.float32)
    return Eye(
        disc=(side * disc_x, disc_y),
        disc_radius=rng.uniform(0.135, 0.168),
        fovea=(side * (disc_x - separation), disc_y + drop),
        tone=tone,
        pale=pale * np.float32(min(1.12, 0.66 + 0.64 * float(tone[0]))),
        mottling=rng.uniform(0.7, 1.4),
        choroid=float(rng.beta(0.7, 2.0)),
    )


def paint_fundus(rng: np.random.Generator, frame: Frame, eye: Eye) -> Fundus:
    """Paint the healthy fundus of `eye` into `frame`, from the choroid forwards."""
    x, y = frame.grid()
    colour = _background(rng, frame, eye, x, y)
    disc = _disc_share(rng, frame, eye)
    colour = _paint_disc(rng, frame, eye, colour, disc)
    vessels = np.zeros(frame.shape, np.float32)
    trunk = rng.uniform(0.024, 0.032)  # a main vein at the disc, eye units
    for blood_colour, width, shine in ((VEIN, trunk, 0.10), (ARTERY, trunk * 0.74, 0.30)):
        tree = grow_vessels(rng, complex(*eye.disc), complex(*eye.fovea), width)
        blood, reflex = draw_vessels(frame, tree)
        blood = frame.soften(blood, 0.0022)
        reflex = frame.soften(reflex, 0.0022)
        depth = blood * (1 - np.float32(shine) * reflex)
        colour = colour * blood_colour ** depth[..., None]
        vessels = np.maximum(vessels, blood)
    return Fundus(colour.astype(np.float32), vessels, disc)


def _background(rng: np.random.Generator, frame: Frame, eye: Eye, x: Layer, y: Layer) -> Colour:
    """Pigment, macula, choroid and nerve fibres as changes of log brightness, (H, W, 3)."""
    # Melanin and blood vary green far more than red; blue follows green.
    pigment = np.zeros(frame.shape, np.float32)
    for pitch, amount in ((0.7, 0.085), (0.25, 0.05), (0.08, 0.022), (0.03, 0.014), (0.011, 0.020)):
        pigment += np.float32(amount * eye.mottling) * frame.noise(rng, pitch)
    to_fovea = distance(x, y, eye.fovea)
    spot = rng.uniform(0.18, 0.40)
    pigment -= np.float32(rng.uniform(0.10, 0.26)) * hill(to_fovea, rng.uniform(0.20, 0.32))
    pigment -= np.float32(spot) * hill(to_fovea, rng.uniform(0.055, 0.09))
    to_disc = distance(x, y, eye.disc)
    pigment += np.float32(rng.uniform(0.05, 0.22)) * hill(to_disc, 0.42)
    pigment += _nerve_fibres(rng, eye, x, y, to_disc)
    tint = np.float32(0.04) * frame.noise(rng, 0.5)  # slow change between red and green
    red = 0.45 * pigment + tint
    red += _choroid(rng, frame, eye, to_fovea)
    green = pigment - tint + 0.6 * (red - 0.45 * pigment - tint)
    blue = 0.8 * pigment + np.float32(0.06) * frame.noise(rng, 0.3)
    return np.asarray(eye.tone * np.exp(np.stack([red, green, blue], axis=-1)), np.float32)


def _choroid(rng: np.random.Generator, frame: Frame, eye: Eye, to_fovea: Layer) -> Layer:
    """Choroidal vessels shining through: a net of lighter bands, not in the macula."""
    sway = frame.noise(rng, 0.10)
    bands = np.exp(-((frame.noise(rng, 0.055) + 0.5 * sway) ** 2) / np.float32(0.10))
    where = np.clip(frame.noise(rng, 0.9) * 0.6 + 0.5, 0, 1) * (1 - hill(to_fovea, 0.38))
    strength = np.float32(0.34 * eye.choroid)
    return np.asarray(strength * where * (frame.soften(bands, 0.006) - 0.35), np.float32)


def _nerve_fibres(rng: np.random.Generator, eye: Eye, x: Layer, y: Layer, to_disc: Layer) -> Layer:
    """Fine bright streaks that leave the disc and fade within half the retina."""
    angle = np.arctan2(y - np.float32(eye.disc[1]), x - np.float32(eye.disc[0]))
    streaks = blur(rng.standard_normal((1, 720), dtype=np.float32), 0.8)[0]
    streak = np.interp(angle, np.linspace(-np.pi, np.pi, 720), streaks).astype(np.float32)
    amount = np.float32(rng.uniform(0.0, 0.035))
    return np.asarray(amount * streak * hill(to_disc - np.float32(0.3), 0.22), np.float32)


def _disc_share(rng: np.random.Generator, frame: Frame, eye: Eye) -> Layer:
    """Where the optic disc is: a soft-edged upright oval, (H, W) in 0..1."""
    canvas = frame.canvas()
    radii = (eye.disc_radius * rng.uniform(0.88, 0.97), eye.disc_radius * rng.uniform(1.0, 1.1))
    frame.fill(canvas, lumpy_outline(rng, eye.disc, radii, rng.normal(0, 0.2), 0.012), 1.0)
    return frame.soften(frame.settle(canvas), rng.uniform(0.008, 0.018))


def _paint_disc(
    rng: np.random.Generator, frame: Frame, eye: Eye, colour: Colour, disc: Layer
) -> Colour:
    """Blend in the disc's rim and its paler cup, and the crescent or halo around it."""
    halo = frame.soften(disc, 0.03) * (1 - disc)
    pigmented = rng.random() < 0.4
    change = rng.uniform(-0.35, -0.10) if pigmented else rng.uniform(0.0, 0.3)
    colour = colour * (1 + change * halo[..., None])
    shift = eye.temporal / abs(eye.temporal) * eye.disc_radius * rng.uniform(0.05, 0.25)
    cup_centre = (eye.disc[0] + shift.real, eye.disc[1] + shift.imag)
    cup_radius = eye.disc_radius * rng.uniform(0.35, 0.65)
    canvas = frame.canvas()
    frame.fill(canvas, lumpy_outline(rng, cup_centre, (cup_radius, cup_radius), 0, 0.03), 1.0)
    cup = frame.soften(frame.settle(canvas), 0.03)
    rim_colour = eye.pale * np.array([0.98, 0.76, 0.66], np.float32)  # nerve tissue, orange
    mix = np.clip(cup * rng.uniform(0.55, 1.0), 0, 1)[..., None]
    inside = rim_colour + (eye.pale - rim_colour) * mix
    inside = inside * (1 + 0.05 * frame.noise(rng, 0.05)[..., None])
    opacity = (disc * rng.uniform(0.80, 0.96))[..., None]
    return np.asarray(colour + (inside - colour) * opacity, np.float32)

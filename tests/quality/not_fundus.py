"""Pictures that are no retina, drawn: eyes from outside, orange discs, fruit, text, noise.

What a phone might be held at instead of a lens. Each is (h, w, 3) uint8 RGB and the same on every
machine but for the last bit of a float.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
SIDE = 640
SKIN = (224, 172, 140), (141, 85, 54)
IRIS = (92, 64, 40), (84, 132, 168), (100, 130, 80)
TEXT = "Patient 0412  left eye  visual acuity 20/40  pressure 17 mmHg  dilated 10:42  no allergies"


def _soft(picture: NDArray[np.float64], sigma: float = 1.2) -> Picture:
    blurred = cv2.GaussianBlur(picture, (0, 0), sigma)
    return np.clip(np.rint(blurred), 0, 255).astype(np.uint8)


def _grain(shape: tuple[int, ...], rng: np.random.Generator, sigma: float) -> NDArray[np.float64]:
    """Noise of SD 1, smooth over `sigma` pixels."""
    grain = np.asarray(cv2.GaussianBlur(rng.normal(size=shape), (0, 0), sigma))
    return grain / grain.std()


def _radius(x: float = 0.5, y: float = 0.5, stretch: float = 1.0) -> NDArray[np.float64]:
    """(SIDE, SIDE) distance from a place, both as shares of the side."""
    at = (np.arange(SIDE) + 0.5) / SIDE
    radius: NDArray[np.float64] = np.hypot(at[None] - x, (at[:, None] - y) * stretch)
    return radius


def eye(skin: int, iris: int, closeness: float, rng: np.random.Generator) -> Picture:
    """An eye from outside: lids, white, iris with its spokes, pupil, a lamp's reflection."""
    picture = np.array(SKIN[skin], float) * (1 + 0.04 * _grain((SIDE, SIDE), rng, 12))[..., None]
    away = _radius()
    at = (np.arange(SIDE) + 0.5) / SIDE
    lid = 0.24 * closeness * (1 - ((at - 0.5) / (0.45 * closeness)) ** 2)
    white = np.abs(at[:, None] - 0.5) < lid[None]
    shade = 1 - 0.5 * (away / 0.5) ** 2
    picture = np.where(white[..., None], np.array([235.0, 228, 222]) * shade[..., None], picture)
    angle = np.arctan2(at[:, None] - 0.5, at[None] - 0.5)
    spokes = 1 + 0.25 * np.sin(41 * angle + 9 * away) + 0.15 * np.sin(97 * angle)
    inside = white & (away < 0.19 * closeness)
    picture = np.where(inside[..., None], np.array(IRIS[iris], float) * spokes[..., None], picture)
    picture[white & (away < 0.08 * closeness)] = 12
    picture[_radius(0.54, 0.46) < 0.02] = 250
    return _soft(picture)


def disc(
    colour: tuple[int, int, int], ground: int, shading: float, grain: float, seed: int = 0
) -> Picture:
    """A disc of one colour, shaded as a ball or flat, rough or smooth."""
    away = _radius(0.51, 0.49) / 0.42
    light = 1 - shading * np.clip(_radius(0.42, 0.4) / 0.6, 0, 1) ** 2
    rough = 1 + grain * _grain((SIDE, SIDE), np.random.default_rng(seed), 2.5)
    ball = np.array(colour, float) * (light * rough)[..., None]
    return _soft(np.where((away < 1)[..., None], ball, float(ground)))


def cut_orange(rng: np.random.Generator) -> Picture:
    """An orange cut through: peel, pith, segments, their fibres."""
    at = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    away, angle = _radius() / 0.45, np.arctan2(at[:, None], at[None])
    flesh = np.array([245.0, 150, 40]) * (1 + 0.06 * np.sin(60 * angle + 20 * away))[..., None]
    walls = (np.abs(np.mod(angle * 10 / (2 * np.pi), 1) - 0.5) > 0.46) | (away < 0.07)
    flesh = np.where(walls[..., None], np.array([250.0, 225, 170]), flesh)
    flesh = np.where((away > 0.86)[..., None], np.array([250.0, 235, 200]), flesh)
    flesh = np.where((away > 0.93)[..., None], np.array([235.0, 120, 10]), flesh)
    flesh *= 1 + 0.03 * _grain((SIDE, SIDE, 1), rng, 3).reshape(SIDE, SIDE, 1)
    return _soft(np.where((away < 1)[..., None], flesh, 0.0))


def apple(rng: np.random.Generator) -> Picture:
    """A red apple with streaks, a bright spot and a stalk, on a table."""
    picture = np.full((SIDE, SIDE, 3), (196.0, 178, 150))
    picture *= (1 + 0.05 * _grain((SIDE, SIDE), rng, 25))[..., None]
    away = _radius(0.5, 0.54, 1.06) / 0.4
    streaks = 1 + 0.2 * _grain((1, SIDE), rng, 6)[..., None]
    light = (1 - 0.55 * np.clip(_radius(0.4, 0.42) / 0.6, 0, 1))[..., None]
    picture = np.where((away < 1)[..., None], np.array([190.0, 40, 30]) * streaks * light, picture)
    shine = np.exp(-((_radius(0.38, 0.4) / 0.05) ** 2))[..., None]
    picture += 200 * shine
    picture[60:170, 316:330] = (70, 45, 20)
    return _soft(picture)


def text(ground: int, ink: int, size: float, seed: int = 0) -> Picture:
    """A screen full of words, with a bar on top."""
    picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    step = int(34 * size)
    for row, y in enumerate(range(70, SIDE, step)):
        line = TEXT[(7 * row + seed) % 40 :]
        cv2.putText(picture, line, (14, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6 * size, (ink,) * 3, 1)
    picture[:40] = (40, 90, 170)
    return picture


def noise(sigma: float, colour: tuple[float, float, float], rng: np.random.Generator) -> Picture:
    """Grain around a colour, `sigma` pixels smooth; 0: every pixel for itself."""
    grain = rng.normal(size=(SIDE, SIDE, 3))
    if sigma:
        grain = _grain((SIDE, SIDE, 3), rng, sigma)
    return np.clip(np.rint(np.array(colour) + 45 * grain), 0, 255).astype(np.uint8)


Draw = Callable[[], Picture]


def drawn() -> Iterator[tuple[str, Draw]]:
    """The fixed list: name and how it is drawn."""

    def rng(seed: int) -> np.random.Generator:
        return np.random.default_rng([1411, seed])

    for skin, iris, near in ((0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.4), (0, 2, 1.8)):
        yield f"eye {skin}{iris} {near}", lambda s=skin, i=iris, n=near: eye(s, i, n, rng(s + i))
    for name, *how in (
        ("flat orange disc on black", (240, 130, 20), 0, 0.0, 0.0),
        ("flat orange disc on white", (240, 130, 20), 255, 0.0, 0.0),
        ("orange ball on black", (240, 130, 20), 0, 0.7, 0.0),
        ("orange ball on grey", (235, 120, 30), 128, 0.6, 0.0),
        ("orange on black", (240, 130, 20), 0, 0.6, 0.05),
        ("orange on white", (245, 140, 30), 255, 0.5, 0.08),
        ("dark red disc on black", (150, 60, 20), 0, 0.0, 0.0),
        ("tomato on black", (200, 40, 25), 0, 0.6, 0.01),
        ("lemon on black", (240, 215, 60), 0, 0.5, 0.04),
        ("white plate on black", (235, 235, 235), 0, 0.2, 0.0),
    ):
        yield name, lambda h=how: disc(*h)
    for seed in range(2):
        yield f"cut orange {seed}", lambda s=seed: cut_orange(rng(s))
        yield f"apple {seed}", lambda s=seed: apple(rng(s))
    for ground, ink, size in ((255, 0, 1.0), (20, 230, 1.0), (245, 60, 0.6), (255, 10, 2.0)):
        yield f"text {ground} {size}", lambda g=ground, i=ink, s=size: text(g, i, s)
    for sigma, colour in (
        (0.0, (128.0, 128.0, 128.0)),
        (0.0, (170.0, 90.0, 40.0)),
        (2.0, (128.0, 128.0, 128.0)),
        (2.0, (170.0, 90.0, 40.0)),
        (12.0, (170.0, 90.0, 40.0)),
    ):
        yield f"noise {sigma} {colour}", lambda s=sigma, c=colour: noise(s, c, rng(int(s)))

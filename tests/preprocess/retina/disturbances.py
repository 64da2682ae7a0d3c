"""What photos meet outside a study: letters, paper, scanner lines, little light, a cut retina.

Special here: each row of the table spoils a clean picture whose circle is known, and says where
the circle then is. What was added or cut is drawn from the generator it is given, so that a
picture and a row always give the same.

    photo, circle = DISTURBANCES["letters, white"].spoil(photo, circle, rng)

Photos are (H, W, 3) uint8 RGB.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from retina.boxes import LEAST_EDGE
from retina.slow_circle import REFERENCE_PX, Circle, share_in_frame

Photo = NDArray[np.uint8]
Rng = np.random.Generator
Spoil = Callable[[Photo, Circle, Rng], tuple[Photo, Circle]]
Colour = tuple[int, int, int]

LIMIT = 0.02  # of the box's side: issue 14, part 1
CLEAN_LIMIT = 0.01
WHITE, YELLOW, GREEN = (255, 255, 255), (255, 230, 40), (60, 255, 60)
DATES = ("2026-11-30 10:21", "30.11.2026 OD 45°", "ID 004711 11/30/26", "10:21:07 R")
LETTERS = ("OD", "OS", "R", "L", "No 7")
SEAM_PX = 1.5  # of a picture of 1024 px: how soft the rim is against paper
RIM_PX = 2.0  # how far inside the circle the pictures' own rims begin to fall, likewise
JPEG_QUALITY = 92
# Cut retinas whose edge in the frame is this near a quarter are drawn anew: on which side of the
# rule a finder sees them is a matter of a pixel.
UNCERTAIN = 0.03


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A way to spoil a picture, and what a finder is held to on it."""

    spoil: Spoil
    limit: float = LIMIT
    may_flag: bool = True  # instead of finding the box


def _px(photo: Photo, reference_px: float) -> int:
    """A length given for a picture whose long side is 1024 px; at least 1."""
    return max(1, round(reference_px * max(photo.shape[:2]) / REFERENCE_PX))


def _placed(circle: Circle, x: float, y: float, photo: Photo) -> Circle:
    """The circle moved to x, y in another picture."""
    hw = (photo.shape[0], photo.shape[1])
    return replace(circle, x=x, y=y, in_frame=share_in_frame(x, y, circle.radius, hw))


def clean(photo: Photo, circle: Circle, rng: Rng) -> tuple[Photo, Circle]:
    """Nothing."""
    return photo, circle


def written(
    photo: Photo,
    circle: Circle,
    rng: Rng,
    *,
    texts: tuple[str, ...],
    colour: Colour,
    shares: tuple[float, float],
) -> tuple[Photo, Circle]:
    """A text in one of the corners, as wide as one of these shares of the picture."""
    h, w = photo.shape[:2]
    text, width_px = str(rng.choice(texts)), w * rng.uniform(*shares)
    size = 100 * width_px / ImageFont.load_default(100).getlength(text)
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    away = w * rng.uniform(0.005, 0.03)
    x = away if rng.random() < 0.5 else w - away - (right - left)
    y = away if rng.random() < 0.5 else h - away - (bottom - top)
    image = Image.fromarray(photo)
    ImageDraw.Draw(image).text((x - left, y - top), text, fill=colour, font=font)
    return np.asarray(image), circle


def on_paper(
    photo: Photo, circle: Circle, rng: Rng, *, colour: Colour, noise: float
) -> tuple[Photo, Circle]:
    """Another surround: outside the circle, and only there, with a soft seam; JPEG afterwards.

    The picture's own rim is soft, so paper from the circle on leaves a dark line around the retina;
    in half the pictures the seam begins inside the rim and no such line helps.
    """
    h, w = photo.shape[:2]
    x, y = np.arange(w, dtype=np.float32) + 0.5, np.arange(h, dtype=np.float32) + 0.5
    distance = np.hypot(x - np.float32(circle.x), (y - np.float32(circle.y))[:, None])
    scale = max(h, w) / REFERENCE_PX
    inner = np.float32(circle.radius - (RIM_PX if rng.random() < 0.5 else 0) * scale)
    outside = np.clip((distance - inner) / np.float32(SEAM_PX * scale), 0, 1)[..., None]
    grain = rng.standard_normal((h, w, 1), np.float32)
    paper = np.array(colour, np.float32) + np.float32(noise) * grain
    mixed = photo + outside * (paper - photo)
    return _through_jpeg(np.clip(np.round(mixed), 0, 255).astype(np.uint8)), circle


def _through_jpeg(photo: Photo) -> Photo:
    whole = io.BytesIO()
    Image.fromarray(photo).save(whole, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return np.asarray(Image.open(whole))


def bright_frame(photo: Photo, circle: Circle, rng: Rng) -> tuple[Photo, Circle]:
    """A bright band along one side of the frame or along all four, up to 1.5 % of it wide."""
    spoilt = photo.copy()
    sides = range(4) if rng.random() < 0.5 else [int(rng.integers(4))]
    wide, level = _px(photo, rng.uniform(1, 15)), int(rng.integers(140, 256))
    for side in sides:
        turned = np.rot90(spoilt, side)  # a view
        turned[:wide] = level
    return spoilt, circle


def scanner_line(photo: Photo, circle: Circle, rng: Rng, *, upright: bool) -> tuple[Photo, Circle]:
    """A bright line right across the picture, up to 8 % away from one of its edges."""
    spoilt = photo.copy()
    lines = spoilt.swapaxes(0, 1) if upright else spoilt
    at, wide = round(len(lines) * rng.uniform(0.005, 0.08)), _px(photo, rng.uniform(1, 4))
    if rng.random() < 0.5:
        at = len(lines) - at - wide
    lines[at : at + wide] = int(rng.integers(160, 256))
    return spoilt, circle


def lit(photo: Photo, circle: Circle, rng: Rng, *, factor: float) -> tuple[Photo, Circle]:
    """Another exposure: every level times a factor, rounded and clipped."""
    levels = np.clip(np.floor(np.arange(256) * factor + 0.5), 0, 255).astype(np.uint8)
    return cv2.LUT(photo, levels), circle


def with_margin(photo: Photo, circle: Circle, rng: Rng, *, share: float) -> tuple[Photo, Circle]:
    """The picture cut tight to its circle, then this share of the side in black all around."""
    h, w = photo.shape[:2]
    left, right = max(0, round(circle.x - circle.radius)), min(w, round(circle.x + circle.radius))
    top, bottom = max(0, round(circle.y - circle.radius)), min(h, round(circle.y + circle.radius))
    margin = round(2 * circle.radius * share)
    padded = np.pad(photo[top:bottom, left:right], ((margin, margin), (margin, margin), (0, 0)))
    return padded, _placed(circle, circle.x - left + margin, circle.y - top + margin, padded)


def turned(photo: Photo, circle: Circle, rng: Rng, *, quarters: int) -> tuple[Photo, Circle]:
    """Turned against the clock by so many times 90 degrees."""
    x, y = circle.x, circle.y
    for quarter in range(quarters):
        x, y = y, photo.shape[1 - quarter % 2] - x
    return np.ascontiguousarray(np.rot90(photo, quarters)), replace(circle, x=x, y=y)


def cut(
    photo: Photo, circle: Circle, rng: Rng, *, sides: tuple[tuple[int, ...], ...]
) -> tuple[Photo, Circle]:
    """The frame cuts 10 to 30 % of the diameter off one of these sets of sides.

    Sides are 0 to 3 for left, top, right, bottom.
    """
    h, w = photo.shape[:2]
    reach = (circle.x, circle.y, w - circle.x, h - circle.y)
    while True:
        kept = list(reach)  # from the circle's centre to each edge of the frame
        for side in sides[rng.integers(len(sides))]:
            kept[side] = min(kept[side], circle.radius * (1 - 2 * rng.uniform(0.1, 0.3)))
        left, top = round(circle.x - kept[0]), round(circle.y - kept[1])
        right, bottom = round(circle.x + kept[2]), round(circle.y + kept[3])
        spoilt = np.ascontiguousarray(photo[top:bottom, left:right])
        moved = _placed(circle, circle.x - left, circle.y - top, spoilt)
        if abs(moved.in_frame - LEAST_EDGE) > UNCERTAIN:
            return spoilt, moved


def retina_throughout(photo: Photo, circle: Circle, rng: Rng) -> tuple[Photo, Circle]:
    """A piece out of the disc: no edge of the retina is in it, 50 to 90 % of the radius."""
    h, w = photo.shape[:2]
    half_diagonal, angle = circle.radius * rng.uniform(0.5, 0.9), np.arctan(rng.uniform(0.6, 1))
    across, down = half_diagonal * np.cos(angle), half_diagonal * np.sin(angle)
    off, towards = rng.uniform(0, 0.98 * circle.radius - half_diagonal), rng.uniform(0, 2 * np.pi)
    x, y = circle.x + off * np.cos(towards), circle.y + off * np.sin(towards)
    left, top = max(0, round(x - across)), max(0, round(y - down))
    right, bottom = min(w, round(x + across)), min(h, round(y + down))
    spoilt = np.ascontiguousarray(photo[top:bottom, left:right])
    return spoilt, _placed(circle, circle.x - left, circle.y - top, spoilt)


def soft_rim(photo: Photo, circle: Circle, rng: Rng) -> tuple[Photo, Circle]:
    """Light that falls over the outer 10 to 20 % of the radius, to 15 to 40 % at the rim."""
    h, w = photo.shape[:2]
    x, y = np.arange(w, dtype=np.float32) + 0.5, np.arange(h, dtype=np.float32) + 0.5
    distance = np.hypot(x - np.float32(circle.x), (y - np.float32(circle.y))[:, None])
    wide, least = circle.radius * rng.uniform(0.1, 0.2), rng.uniform(0.15, 0.4)
    t = np.clip((distance - np.float32(circle.radius - wide)) / np.float32(wide), 0, 1)
    light = 1 - np.float32(1 - least) * t * t * (3 - 2 * t)
    return np.round(photo * light[..., None]).astype(np.uint8), circle


def red_free(photo: Photo, circle: Circle, rng: Rng) -> tuple[Photo, Circle]:
    """Green in all three channels."""
    return np.repeat(photo[..., 1:2], 3, axis=2), circle


def grey(photo: Photo, circle: Circle, rng: Rng) -> tuple[Photo, Circle]:
    """A grey picture in three channels."""
    return np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2), circle


_DATE = partial(written, texts=DATES, shares=(0.12, 0.20))
_LETTERS = partial(written, texts=LETTERS, shares=(0.04, 0.20))
_ADJACENT = ((0, 1), (1, 2), (2, 3), (3, 0))
_OPPOSITE = ((0, 2), (1, 3))
_THREE = ((0, 1, 2), (1, 2, 3), (2, 3, 0), (3, 0, 1))

DISTURBANCES: dict[str, Disturbance] = {
    "clean": Disturbance(clean, CLEAN_LIMIT, may_flag=False),
    "date, white": Disturbance(partial(_DATE, colour=WHITE)),
    "date, yellow": Disturbance(partial(_DATE, colour=YELLOW)),
    "date, green": Disturbance(partial(_DATE, colour=GREEN)),
    "letters, white": Disturbance(partial(_LETTERS, colour=WHITE)),
    "letters, yellow": Disturbance(partial(_LETTERS, colour=YELLOW)),
    "letters, green": Disturbance(partial(_LETTERS, colour=GREEN)),
    "white surround": Disturbance(partial(on_paper, colour=(250, 250, 250), noise=2)),
    "grey surround": Disturbance(partial(on_paper, colour=(128, 128, 128), noise=3)),
    "blue surround": Disturbance(partial(on_paper, colour=(40, 70, 170), noise=3)),
    "bright frame edge": Disturbance(bright_frame),
    "scanner line, upright": Disturbance(partial(scanner_line, upright=True)),
    "scanner line, level": Disturbance(partial(scanner_line, upright=False)),
    "a quarter of the light": Disturbance(partial(lit, factor=0.25), may_flag=False),
    "a tenth of the light": Disturbance(partial(lit, factor=0.1)),
    "1.6 x the light": Disturbance(partial(lit, factor=1.6)),
    **{
        f"margin {percent} %": Disturbance(partial(with_margin, share=percent / 100))
        for percent in (0, 5, 10, 20, 40)
    },
    **{
        f"turned {90 * quarters} degrees": Disturbance(partial(turned, quarters=quarters))
        for quarters in (1, 2, 3)
    },
    "cut on one side": Disturbance(partial(cut, sides=((0,), (1,), (2,), (3,)))),
    "cut on two adjacent sides": Disturbance(partial(cut, sides=_ADJACENT)),
    "cut on two opposite sides": Disturbance(partial(cut, sides=_OPPOSITE)),
    "cut on three sides": Disturbance(partial(cut, sides=_THREE)),
    "retina throughout": Disturbance(retina_throughout),
    "soft rim": Disturbance(soft_rim),
    "red-free": Disturbance(red_free),
    "grey": Disturbance(grey),
}

"""What a camera does wrong, each fault a function of one picture and one grade.

Every function takes (S, S, 3) uint8 RGB as it stands before CLAHE, the retina's disc filling the
square and black around it, and gives the same shape and dtype anew; at its neutral grade the same
levels, to the bit. Grades are in physical units, so that a picture can be spoiled by a known
amount. What is random beside the grade (an angle, a place, the noise itself) comes from the
Generator; no number of threads changes a level.

Light. Exposure and white balance follow sRGB's curve exactly, through tables of 256 entries. What
happens between pixels (blur, vignetting, glare, noise) takes light as the square of the level,
near sRGB's 2.2 over most of the range: a square and a root are quick, and black and every other
level come back exactly. So taken, shot noise is as large in dark levels as in bright ones.

Black. Outside the disc a camera sees its field stop, which no light of the eye passes: gains keep
0, and glare stays where retina shines (`_lit`). What comes after the stop does reach it: blur
spreads over the rim, the sensor reads a little noise there, JPEG rings beside an edge.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.uint8]  # (S, S, 3) RGB
Map = NDArray[np.float32]

WHITE = 255.0
UNCOMPRESSED = 100  # the quality that stands for no JPEG at all; the codec's own 100 rounds too
# Of the way that red goes against blue, green goes at most so far, up or down. A choice: lamps and
# daylight differ along the black body's curve, and lie off it by less.
TINT_SHARE = 0.25
# Read noise, as a share of the shot noise at white. Brooks et al. 2019 (arXiv 1811.11127) give, of
# variances, log read = 2.18 log shot + 1.20: a share of 0.13 at their noisiest, shot = 0.012.
READ_SHARE = 0.13
LUMA = (0.299, 0.587, 0.114)  # Rec. 601, what JPEG and cameras' saturation keep
# Between these levels of max(R, G, B) the field stop ends and the retina begins: below the first
# lie the surround's noise and JPEG's ringing, from the second on a pixel counts as retina
# (spec.RETINA_THRESHOLD).
STOP_LEVELS = (8.0, 25.0)
# Colours of reflections in the Kaggle pictures, as Shen et al. 2020 (arXiv 2005.05594) took them
# for their halo: white, bluish, greenish.
REFLECTIONS = ((251, 249, 246), (141, 238, 238), (177, 195, 147))
# Points that stand for a blur's disc, per axis, and for its line: some per pixel at 1024 px.
DISC_POINTS = 16
LINE_POINTS = 65


def exposure(levels: Levels, stops: float, rng: np.random.Generator) -> Levels:
    """Light times 2**stops, clipped at white."""
    return _looked_up(levels, _gain_table(2.0**stops))


def white_balance(levels: Levels, stops: float, rng: np.random.Generator) -> Levels:
    """A light of another colour: red gains half of `stops`, blue loses as much.

    Green moves too, by chance, at most a quarter as far.
    """
    green = TINT_SHARE * stops * rng.uniform(-1, 1)
    gains = (2.0 ** (stops / 2), 2.0**green, 2.0 ** (-stops / 2))
    return _looked_up(levels, np.stack([_gain_table(g) for g in gains], axis=-1)[None])


def gamma(levels: Levels, exponent: float, rng: np.random.Generator) -> Levels:
    """Level to the power of `exponent`, black and white kept; above 1 darker."""
    return _looked_up(levels, _rounded(WHITE * (np.arange(256) / WHITE) ** exponent))


def saturation(levels: Levels, factor: float, rng: np.random.Generator) -> Levels:
    """Distance from grey times `factor`; 0 is grey, luma stays."""
    matrix = factor * np.eye(3) + (1 - factor) * np.array([LUMA] * 3)
    return np.asarray(cv2.transform(levels, matrix.astype(np.float32)), np.uint8)


def defocus(levels: Levels, radius: float, rng: np.random.Generator) -> Levels:
    """Each point becomes an even disc, its radius a share of the side."""
    across = (np.arange(DISC_POINTS) + 0.5) / DISC_POINTS * 2 - 1
    x, y = np.meshgrid(across, across)
    inside = x**2 + y**2 <= 1
    reach = radius * len(levels)
    return _spread(levels, reach * x[inside], reach * y[inside])


def motion_blur(levels: Levels, length: float, rng: np.random.Generator) -> Levels:
    """Each point becomes a line in a random direction, its length a share of the side."""
    angle = rng.uniform(0, math.pi)
    along = np.linspace(-0.5, 0.5, LINE_POINTS) * length * len(levels)
    return _spread(levels, along * math.cos(angle), along * math.sin(angle))


def vignetting(levels: Levels, loss: float, rng: np.random.Generator) -> Levels:
    """Light falls with the square of the distance from an axis, by `loss` one radius away.

    The axis is by chance up to a quarter of the radius off the centre: a hand holds the lens.
    """
    side = len(levels)
    away, towards = 0.25 * rng.uniform(), rng.uniform(0, 2 * math.pi)
    place = (np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1  # -1..1 over the disc
    down = (place - np.float32(away * math.sin(towards))) ** 2
    across = (place - np.float32(away * math.cos(towards))) ** 2
    share = cv2.sqrt(np.maximum(1 - np.float32(loss) * (down[:, None] + across), 0))
    share = cv2.merge((share, share, share))
    return np.asarray(cv2.multiply(levels, share, dtype=cv2.CV_8U), np.uint8)


def glare(levels: Levels, peak: float, rng: np.random.Generator) -> Levels:
    """A reflection of lamp or lens: a soft bright blob within the disc.

    `peak` is the light that it adds at its middle, 1 = white. Place (up to 0.9 of the radius
    from the centre), size (SD of 0.04 to 0.2 of the side, up to 1.5 times as wide as high or the
    other way round) and colour by chance.
    """
    side = len(levels)
    away, towards = 0.9 * math.sqrt(rng.uniform()), rng.uniform(0, 2 * math.pi)  # even over area
    size = math.exp(rng.uniform(math.log(0.04), math.log(0.2)))
    longer = 1.5 ** rng.uniform(-0.5, 0.5)
    widths = (side * size * longer, side * size / longer)
    colour = np.array(REFLECTIONS[rng.integers(len(REFLECTIONS))]) / WHITE
    place = np.arange(side) + 0.5
    middle = side / 2 * (1 + away * np.array([math.sin(towards), math.cos(towards)]))
    down, across = (
        np.exp(-(((place - m) / w) ** 2) / 2) for m, w in zip(middle, widths, strict=True)
    )
    blob = _lit(levels) * np.outer(down, peak * across).astype(np.float32)
    light = _light(levels)
    for channel in range(3):
        light[..., channel] += np.float32(colour[channel] ** 2) * blob
    return _levels(light)


def noise(levels: Levels, amount: float, rng: np.random.Generator) -> Levels:
    """Shot and read noise; `amount` is its SD at white, as a share of white's light.

    Normal deviates by table from one random byte each, a seventh of the time of float normals:
    256 values, none beyond 2.9 SD, which 8-bit levels do not tell from the real ones.
    """
    light = _light(levels)
    shot, read = np.float32(amount**2), np.float32((READ_SHARE * amount) ** 2)
    deviates = cv2.LUT(rng.integers(0, 256, levels.shape, np.uint8), _DEVIATES)
    light += deviates * cv2.sqrt(shot * light + read)
    return _levels(np.maximum(light, 0, out=light))


def jpeg(levels: Levels, quality: float, rng: np.random.Generator) -> Levels:
    """Written and read as JPEG, 4:2:0, quality 1..99 as libjpeg has it; 100: not at all."""
    whole = round(quality)
    if whole >= UNCOMPRESSED:
        return levels.copy()
    bgr = cv2.cvtColor(levels, cv2.COLOR_RGB2BGR)  # which channel is blue matters: chroma is halved
    _, coded = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, whole))
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _looked_up(levels: Levels, table: Levels) -> Levels:
    return np.asarray(cv2.LUT(levels, table), np.uint8)


def _rounded(values: NDArray[np.float64]) -> Levels:
    return np.clip(np.floor(values + 0.5), 0, WHITE).astype(np.uint8)


def _gain_table(gain: float) -> Levels:
    """(256,): the level that each level becomes when its light is multiplied, by IEC 61966-2-1."""
    level = np.arange(256) / WHITE
    light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4) * gain
    curve = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return _rounded(WHITE * np.where(light <= 0.0031308, 12.92 * light, curve))


def _normal_quantiles() -> Map:
    """(256,): of a byte's 256 equal shares, scaled to an SD of 1."""
    quantiles = [NormalDist().inv_cdf((byte + 0.5) / 256) for byte in range(256)]
    return np.asarray(np.array(quantiles) / np.std(quantiles), np.float32)


_DEVIATES = _normal_quantiles()


def _light(levels: Levels) -> Map:
    """(S, S, 3) float32, 0..1: the square of the level."""
    level = levels.astype(np.float32)
    level *= np.float32(1 / WHITE)
    level *= level
    return level


def _levels(light: Map) -> Levels:
    """The nearest level of light ≥ 0, clipped at white; what `_light` made comes back exactly."""
    return np.asarray(cv2.convertScaleAbs(cv2.sqrt(light), alpha=WHITE), np.uint8)


def _lit(levels: Levels) -> Map:
    """(S, S) 0..1: how much of the field stop lets light through, from black to retina."""
    red, green, blue = cv2.split(levels)
    brightest = cv2.max(cv2.max(red, green), blue)
    low, high = STOP_LEVELS
    table = np.clip((np.arange(256) - low) / (high - low), 0, 1) ** 2
    return np.asarray(cv2.LUT(brightest, table.astype(np.float32)), np.float32)


def _spread(levels: Levels, x: NDArray[np.float64], y: NDArray[np.float64]) -> Levels:
    """Each pixel's light shared among these places beside it, in pixels.

    A place between four pixels gives to each by its nearness, so that the blur grows smoothly
    with its size, from none at all.
    """
    reach = math.ceil(max(np.abs(x).max(), np.abs(y).max()))
    grid = np.arange(-reach, reach + 1)
    near_x = np.clip(1 - np.abs(grid[:, None] - x), 0, None)
    near_y = np.clip(1 - np.abs(grid[:, None] - y), 0, None)
    kernel = (near_y @ near_x.T / len(x)).astype(np.float32)
    # Black beyond the picture: there is no retina.
    blurred = cv2.filter2D(_light(levels), -1, kernel, borderType=cv2.BORDER_CONSTANT)
    return _levels(np.maximum(blurred, 0).astype(np.float32, copy=False))

"""The retina's circle in a clean picture, slowly and carefully: what a fast finder is held to.

Special here: nothing is thresholded. Along many rays the step from retina to surround is looked
for, and its half height to a fraction of a pixel; a circle through three of these points that most
others agree with (RANSAC) starts a robust least-squares fit, which alone decides. Rays that leave
the picture before a step give no point, and points on a straight line across or down the picture
(the end of a photo's content inside its frame) are left out.

Coordinates are those of pixels' edges: pixel i covers [i, i + 1), so a frame of width W ends at W.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.optimize import least_squares

Floats = NDArray[np.floating]

RAYS = 1440  # a quarter of a degree: 2 px apart on the edge at 1024 px
REFERENCE_PX = 1024  # lengths below are pixels of a picture with this long side
BLUR_PX = 0.8  # sigma; a step's half height stays where it is, JPEG's and sensor's noise goes
WINDOW_PX = 8  # either side of a step; wider than any rim seen (2 to 4 px), narrower than a notch
GAP_PX = 2.5  # from the step to where its levels are taken, so that the rim itself does not count
DARK = 8.0  # grey levels; steps are compared as ratios, and below this all is black
LEAST_STEP = 0.35  # of the log step that rays have in the median; a weaker one is no rim
CLOSE_PX = 2.0  # an edge point this near the circle counts as on it
LEAST_POINTS = 24  # 6 degrees of edge; fewer are no circle
TRIALS = 400  # of RANSAC; with 40 % good points one of them is good with 1 - 1e-11
LINE_PX = 1.0  # points of a straight end of content lie this close together ...
LINE_SHARE = 0.25  # ... over this share of the radius; an arc's top within 1 px is 0.1 long


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle in a picture, pixels; where the numbers come from a fit, how good it was."""

    x: float
    y: float
    radius: float
    in_frame: float  # share of the circumference that lies inside the frame, 0..1
    supported: float = 1.0  # share of the rays crossing the edge in the frame whose point fits
    rms_px: float = 0.0  # of the points that fit


@dataclass(frozen=True, slots=True)
class _Plane:
    """max(R, G, B), a little smoothed, and how many of its pixels are one of the reference's."""

    values: NDArray[np.float32]  # (H, W)
    scale: float

    @classmethod
    def of(cls, photo: NDArray[np.uint8]) -> _Plane:
        scale = max(photo.shape[:2]) / REFERENCE_PX
        plane = photo.max(axis=2).astype(np.float32)
        return cls(cv2.GaussianBlur(plane, (0, 0), BLUR_PX * scale), scale)

    def along(self, centre: tuple[float, float], angles: Floats, radii: Floats) -> Floats:
        """(angles, radii) levels; NaN outside the frame."""
        x = centre[0] + np.cos(angles)[:, None] * radii
        y = centre[1] + np.sin(angles)[:, None] * radii
        levels = map_coordinates(self.values, [y - 0.5, x - 0.5], order=1, mode="nearest")
        h, w = self.values.shape
        outside = (x < 0.5) | (x > w - 0.5) | (y < 0.5) | (y > h - 0.5)
        return np.where(outside, np.nan, levels.astype(np.float64))


def share_in_frame(x: float, y: float, radius: float, frame_hw: tuple[int, int]) -> float:
    """Share of a circle's circumference that lies inside the frame, 0..1, to 1 in 7200."""
    angles = (np.arange(7200) + 0.5) * (2 * np.pi / 7200)
    px, py = x + radius * np.cos(angles), y + radius * np.sin(angles)
    return float(np.mean((px >= 0) & (px <= frame_hw[1]) & (py >= 0) & (py <= frame_hw[0])))


def find_circle(photo: NDArray[np.uint8]) -> Circle:
    """The circle of the retina's edge in a clean picture.

    Args:
        photo: (H, W, 3) uint8 RGB of any size; the retina on a dark surround, at least 60 degrees
            of its edge in the frame.

    Raises:
        ValueError: fewer than 24 edge points lie on one circle.
    """
    plane = _Plane.of(photo)
    h, w = plane.values.shape
    found = (*_inside(plane), float(np.hypot(h, w)))
    nearest = 0.05 * min(h, w)  # from the first start, anything but the start itself
    for _ in range(3):  # the first circle is from rays of a poor centre; then it hardly moves
        points = _edge_points(plane, found[:2], nearest, 1.25 * found[2])
        found = _fit(points, plane.scale)
        nearest = 0.75 * found[2]
    return _measured(found, plane)


def _inside(plane: _Plane) -> tuple[float, float]:
    """A point well inside the retina: the middle of what is bright (Otsu, largest piece)."""
    small = cv2.resize(plane.values, None, fx=0.25 / plane.scale, fy=0.25 / plane.scale)
    root = (16 * np.sqrt(small.clip(0, 255))).astype(np.uint8)  # so that dim retina is apart
    _, bright = cv2.threshold(root, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    count, _, stats, middles = cv2.connectedComponentsWithStats(bright)
    if count < 2:
        raise ValueError("no circle: nothing is brighter than the rest")
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    x, y = (middles[largest] + 0.5) * 4 * plane.scale
    return float(x), float(y)


def _edge_points(
    plane: _Plane, centre: tuple[float, float], nearest: float, farthest: float
) -> Floats:
    """(n, 2) x, y of the half height of each ray's largest step from bright to dark."""
    angles = np.arange(RAYS) * (2 * np.pi / RAYS)
    pitch = 0.5 * plane.scale
    radii = np.arange(nearest, farthest, pitch)
    levels = plane.along(centre, angles, radii)
    n, gap = round(WINDOW_PX * plane.scale / pitch), round(GAP_PX * plane.scale / pitch)
    steps = _steps(np.log(levels + DARK), n)
    has_step = np.isfinite(steps).any(axis=1)
    at = np.argmax(np.where(np.isfinite(steps), steps, -np.inf), axis=1)
    height = np.take_along_axis(steps, at[:, None], axis=1)[:, 0]
    usual = np.median(height[has_step]) if has_step.any() else np.inf
    kept = has_step & (height > LEAST_STEP * usual)
    index = _half_heights(levels[kept], at[kept], n, gap)
    r, angle = radii[0] + index * pitch, angles[kept]
    points = np.stack([centre[0] + r * np.cos(angle), centre[1] + r * np.sin(angle)], axis=1)
    points = points[np.isfinite(index)]
    if len(points) < LEAST_POINTS:
        raise ValueError(f"no circle: {len(points)} edge points")
    return _off_lines(points, plane.scale)


def _steps(logs: Floats, n: int) -> Floats:
    """Mean of the n samples before each place less that of the n after it; NaN near the ends."""
    sums = np.cumsum(np.pad(logs, ((0, 0), (1, 0))), axis=1)  # NaN from the frame's end on
    steps = np.full(logs.shape, np.nan)
    steps[:, n:-n] = (2 * sums[:, n:-n] - sums[:, : -2 * n] - sums[:, 2 * n :])[:, :-1] / n
    return steps


def _half_heights(rays: Floats, at: NDArray[np.intp], n: int, gap: int) -> Floats:
    """Index, with its fraction, where each ray falls through the middle of the levels around `at`.

    NaN where the n samples to either side hold no such place.
    """
    around = np.take_along_axis(rays, at[:, None] + np.arange(-n, n), axis=1)
    half = (np.median(around[:, : n - gap], axis=1) + np.median(around[:, n + gap :], axis=1)) / 2
    below = around < half[:, None]
    first = np.argmax(below, axis=1)
    row = np.arange(len(rays))
    high, low = around[row, first - 1], around[row, first]
    with np.errstate(divide="ignore", invalid="ignore"):
        index = at - n + first - 1 + (high - half) / (high - low)
    return np.where(below.any(axis=1) & (first > 0), index, np.nan)


def _off_lines(points: Floats, scale: float) -> Floats:
    """Without points on a straight horizontal or vertical end of the photo's content."""
    spread = float(np.ptp(points, axis=0).max()) / 2  # about the radius
    on_line = np.zeros(len(points), bool)
    for axis in (0, 1):
        order = np.argsort(points[:, axis])
        sorted_at = points[order, axis]
        last = np.searchsorted(sorted_at, sorted_at + LINE_PX * scale)
        for first, end in enumerate(last):
            members = order[first:end]
            if len(members) <= 8:
                continue
            if _longest_run(points[members, 1 - axis], 6 * scale) > LINE_SHARE * spread:
                on_line[members] = True
    return points[~on_line]


def _longest_run(along: Floats, gap: float) -> float:
    """Length of the longest stretch whose neighbours are no further apart than `gap`."""
    along = np.sort(along)
    breaks = np.flatnonzero(np.diff(along) > gap)
    starts, ends = np.r_[0, breaks + 1], np.r_[breaks, len(along) - 1]
    return float(np.max(along[ends] - along[starts]))


def _fit(points: Floats, scale: float) -> tuple[float, float, float]:
    """Centre and radius: RANSAC, soft L1 over all near points, least squares over those on it."""
    start = _ransac(points, CLOSE_PX * scale)
    near = points[np.abs(_distances(start, points)) < 5 * CLOSE_PX * scale]
    robust = least_squares(_distances, start, args=(near,), loss="soft_l1", f_scale=0.5 * scale).x
    on = points[np.abs(_distances(robust, points)) < CLOSE_PX * scale]
    x, y, radius = least_squares(_distances, robust, args=(on,)).x
    return float(x), float(y), float(radius)


def _distances(circle: Floats, points: Floats) -> Floats:
    """Signed distance of each point to the circle's line, pixels; outside is positive."""
    return np.hypot(points[:, 0] - circle[0], points[:, 1] - circle[1]) - circle[2]


def _ransac(points: Floats, close: float) -> Floats:
    """Of circles through three random points, the one that most points are close to."""
    rng = np.random.default_rng(0)
    circles = _through(points[rng.integers(len(points), size=(TRIALS, 3))])
    agreeing = [int((np.abs(_distances(circle, points)) < close).sum()) for circle in circles]
    best = int(np.argmax(agreeing))
    if agreeing[best] < LEAST_POINTS:
        raise ValueError(f"no circle: of {len(points)} edge points at most {agreeing[best]} fit")
    return circles[best]


def _through(threes: Floats) -> Floats:
    """(m, 3) x, y, radius through (n, 3, 2) points, without those that lie on a line."""
    a = threes[:, 0]
    b, c = threes[:, 1] - a, threes[:, 2] - a
    twice = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    a, b, c, twice = (one[np.abs(twice) > 1e-9] for one in (a, b, c, twice))
    bb, cc = (b**2).sum(axis=1), (c**2).sum(axis=1)
    ux, uy = (c[:, 1] * bb - b[:, 1] * cc) / twice, (b[:, 0] * cc - c[:, 0] * bb) / twice
    return np.stack([a[:, 0] + ux, a[:, 1] + uy, np.hypot(ux, uy)], axis=1)


def _measured(found: tuple[float, float, float], plane: _Plane) -> Circle:
    """How much of the circle's edge is in the frame, and how much of that has its points."""
    x, y, radius = found
    points = _edge_points(plane, (x, y), 0.75 * radius, 1.25 * radius)
    off = _distances(np.array(found), points)
    on = off[np.abs(off) < CLOSE_PX * plane.scale]
    in_frame = share_in_frame(x, y, radius, plane.values.shape)
    return Circle(
        x, y, radius, in_frame, len(on) / (RAYS * in_frame), float(np.sqrt(np.mean(on**2)))
    )

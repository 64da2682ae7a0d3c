"""Retina finder 2 in NumPy: the definition that the graph is held to.

See constants.py for what it does and why everything in it is a whole number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobileseg.preprocess.retina import constants as at

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Retina:
    """Where a frame's retina is, in frame pixels."""

    left: int
    top: int
    side: int  # of the box, a square; it may reach outside the frame
    found: bool  # False: nothing but black, and the box is the whole frame's square
    round: bool  # False: no circle was seen, and the disc is all of the box
    visible: int  # of 128 directions, in how many the circle's edge lies in the picture
    rows: tuple[int, int]  # first row that belongs to the picture, and the first below it
    columns: tuple[int, int]

    def disc(self, side_px: int) -> NDArray[np.bool_]:
        """(side, side): what of the box, brought to `side` pixels, is retina.

        The circle's pixels that touch a row and a column of the picture; of a box without a circle
        all that do; none where no retina was found.
        """
        if not self.found:
            return np.zeros((side_px, side_px), bool)
        # From the centre, in half pixels.
        squared = (2 * np.arange(side_px) + 1 - side_px) ** 2
        disc: NDArray[np.bool_] = squared + squared[:, None] <= side_px**2
        rows, columns = (
            _touching(start, self.side, of_picture, side_px)
            for start, of_picture in ((self.top, self.rows), (self.left, self.columns))
        )
        return (disc | (not self.round)) & rows[:, None] & columns


def _touching(
    start: int, length: int, of_picture: tuple[int, int], count: int
) -> NDArray[np.bool_]:
    """(count,) which of `count` equal stretches of [start, start+length) touch the picture."""
    begin, end = (min(max(v - start, 0), length) * count for v in of_picture)
    stretch = np.arange(count) * length
    return (stretch + length > begin) & (stretch < end)


@dataclass(frozen=True, slots=True)
class _Lines:
    """A frame along 64 rows and 64 columns."""

    cell_px: int
    cells: Whole  # (2, LINES, CELLS, 3) sums over a cell's pixels: rows, then columns
    across: Whole  # (2, LINES) where a line lies, in units
    first: tuple[int, int]  # cell of the picture along rows, along columns
    last: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Circle:
    x: int  # units
    y: int
    radius: int


def find_retina(frame: NDArray[np.uint8]) -> Retina:
    """The retina's circle, or what stands in for it.

    Args:
        frame: (H, W, 3) uint8 RGB.
    """
    h, w = frame.shape[:2]
    lines = _lines(frame)
    if lines is None:
        side = max(h, w)
        return Retina(-((side - w) // 2), -((side - h) // 2), side, False, False, 0, (0, h), (0, w))
    features = _opened(_features(lines, _surround(lines)))
    mask, coarse = _coarse(features, lines)
    points, valid = _points(features, lines, slice(mask, mask + 1), 1)
    circles, scores = _moved(coarse[None], points, valid, at.STEPS, lines.cell_px)
    circle, score = _Circle(*map(int, circles[0])), int(scores[0])
    visible, supported = _edge(circle, lines, points[0], valid[0])
    believed = (
        score >= at.SUPPORT * at.POINT
        and 2 * score >= valid.sum() * at.POINT
        and 2 * supported >= visible
    )
    px = lines.cell_px
    rows = (lines.first[1] * px, min((lines.last[1] + 1) * px, h))
    columns = (lines.first[0] * px, min((lines.last[0] + 1) * px, w))
    if believed and visible >= at.VISIBLE:
        left, top = (
            (v * px + 2) // at.UNITS for v in (circle.x - circle.radius, circle.y - circle.radius)
        )
        side = (2 * circle.radius * px + 2) // at.UNITS
        return Retina(left, top, side, True, True, visible, rows, columns)
    return Retina(
        *_visible_square(rows, columns), True, False, visible if believed else 0, rows, columns
    )


def _lines(frame: NDArray[np.uint8]) -> _Lines | None:
    """None for a frame without light."""
    h, w = frame.shape[:2]
    px = at.cell_px((h, w))
    y, x = (((2 * np.arange(at.LINES) + 1) * n) // (2 * at.LINES) for n in (h, w))
    cells = np.zeros((2, at.LINES, at.CELLS, 3), np.int64)
    across, down = w // px, h // px
    cells[0, :, :across] = (
        frame[y, : across * px].reshape(at.LINES, across, px, 3).sum(axis=2, dtype=np.int64)
    )
    columns = frame[: down * px, x].transpose(1, 0, 2)
    cells[1, :, :down] = columns.reshape(at.LINES, down, px, 3).sum(axis=2, dtype=np.int64)
    lit = cells.max(axis=(1, 3)) > 0  # 2 CELLS
    if not lit.any(axis=1).all():
        return None
    first = lit.argmax(axis=1)
    last = at.CELLS - 1 - lit[:, ::-1].argmax(axis=1)
    where = np.stack([(at.UNITS * v + 2) // px for v in (y, x)])
    return _Lines(px, cells, where, (int(first[0]), int(first[1])), (int(last[0]), int(last[1])))


def _surround(lines: _Lines) -> Whole:
    """(3,) the commonest colour just inside the picture's edge, as sums over a cell."""
    ends = []
    inside = []
    for k in range(2):
        cell = lines.across[k] // at.UNITS
        within = (cell >= lines.first[1 - k]) & (cell <= lines.last[1 - k])
        for place in (lines.first[k] + at.INSET, lines.last[k] - at.INSET):
            ends.append(lines.cells[k, :, min(max(place, 0), at.CELLS - 1)])
            inside.append(within)
    colours, counted = np.concatenate(ends), np.concatenate(inside)  # 256 3, 256
    asked = colours[::4]
    same = np.abs(colours[None] - asked[:, None]).max(axis=2) <= at.SAME * lines.cell_px
    votes = (same & counted).sum(axis=1) * counted[::4]
    surround: Whole = asked[int(votes.argmax())]
    return surround


def _features(lines: _Lines, surround: Whole) -> Whole:
    """(2, 2, LINES, CELLS): brightness, and distance from the surround, along rows and columns."""
    bright = lines.cells.max(axis=3)
    apart = np.abs(lines.cells - surround).max(axis=3)
    # Exactly black is what a frame is filled up with: surround, whatever colour that has.
    return np.stack([bright, np.minimum(apart, 64 * bright)])


def _opened(values: Whole) -> Whole:
    """Grey opening along lines: the least over OPENING cells, then the most of those."""
    n = values.shape[-1] - at.OPENING + 1
    least = values[..., :n].copy()
    for i in range(1, at.OPENING):
        np.minimum(least, values[..., i : i + n], out=least)
    most = np.zeros_like(values)
    for i in range(at.OPENING):
        np.maximum(most[..., i : i + n], least, out=most[..., i : i + n])
    return most


def _points(
    features: Whole, lines: _Lines, masks: slice, every: int
) -> tuple[Whole, NDArray[np.bool_]]:
    """(m, 4·n, 2) x and y of the ends in units: left, right, top, bottom; (m, 4·n) which count."""
    limits = at.thresholds()[masks] * lines.cell_px
    feature = (np.arange(at.MASKS) >= len(at.BRIGHTER)).astype(np.int64)[masks]
    hit = features[feature][:, :, every - 1 :: every] > limits[:, None, None, None]  # m 2 n CELLS
    some = hit.max(axis=3)  # as `any`, which mypy takes for one truth
    first = np.where(some, hit.argmax(axis=3), at.CELLS)
    last = np.where(some, at.CELLS - 1 - hit[..., ::-1].argmax(axis=3), -1)
    across = np.broadcast_to(lines.across[:, every - 1 :: every], first.shape)
    ends, counted = [], []
    for k in range(2):
        for place in (first[:, k], last[:, k] + 1):
            pair = [at.UNITS * place, across[:, k]]
            ends.append(np.stack(pair if k == 0 else pair[::-1], axis=2))
        counted += [
            some[:, k] & (first[:, k] >= lines.first[k] + at.INSET),
            some[:, k] & (last[:, k] <= lines.last[k] - at.INSET),
        ]
    return np.concatenate(ends, axis=1), np.concatenate(counted, axis=1)


def _coarse(features: Whole, lines: _Lines) -> tuple[int, Whole]:
    """The first mask with a circle nearly as good as any, and that circle."""
    points, valid = _points(features, lines, slice(None), at.COARSE)
    chosen = at.triples()
    p, q, r = (points[:, chosen[:, i]] // 8 for i in range(3))  # m n 2, two cells
    d1, d2 = q - p, r - p
    n1, n2 = (d1**2).sum(axis=2), (d2**2).sum(axis=2)
    den = 2 * (d1[..., 0] * d2[..., 1] - d1[..., 1] * d2[..., 0])
    num = np.stack([d2[..., 1] * n1 - d1[..., 1] * n2, d1[..., 0] * n2 - d2[..., 0] * n1], axis=2)
    sign = np.where(den < 0, -1, 1)
    usable = valid[:, chosen].all(axis=2) & (den != 0)
    den = np.maximum(np.abs(den), 1)
    centre = 8 * p + 8 * num * sign[..., None] // den[..., None]
    offset = points[:, chosen[:, 0]] - centre
    radius = np.floor(np.sqrt((offset**2).sum(axis=2)) + 0.5).astype(np.int64)
    usable &= (radius >= at.SMALLEST_RADIUS) & (radius <= at.largest_radius(lines.cell_px))
    centre, radius = centre * usable[..., None], radius * usable
    e = _excess(points[:, None], centre[:, :, None], radius[:, :, None])
    reach = 2 * radius * at.NEAR
    sums = (np.maximum(reach[:, :, None] - np.abs(e), 0) * valid[:, None]).sum(axis=2)
    scores = 16 * sums // np.maximum(reach, 1) * usable  # m n, in 1/16 of a point
    best = scores.argmax(axis=1)
    every = np.arange(at.MASKS)
    circles = np.concatenate([centre[every, best], radius[every, best][:, None]], axis=1)  # m 3
    circles, scores = _moved(circles, points, valid, at.FIRST_STEPS, lines.cell_px)
    good = 100 * scores >= at.TIGHT_PERCENT * scores.max()
    radius = circles[:, 2]
    alike = at.ALIKE * np.abs(radius[1:] - radius[:-1]) <= radius[:-1]
    seen_twice = good[:-1] & good[1:] & alike & at.neighbours()
    mask = int(seen_twice.argmax() if seen_twice.any() else scores.argmax())
    return mask, circles[mask]


def _excess(points: Whole, centre: Whole, radius: Whole | int) -> Whole:
    """Squared distance from the centre, less the radius squared."""
    excess: Whole = ((points - centre) ** 2).sum(axis=-1) - radius**2
    return excess


def _moved(
    circles: Whole,
    points: Whole,
    valid: NDArray[np.bool_],
    steps: Sequence[tuple[int, int]],
    px: int,
) -> tuple[Whole, Whole]:
    """Each mask's circle moved to where its points are nearest; its score, in 1/256 of a point.

    Args:
        circles: (m, 3) centre and radius, units.
        points: (m, n, 2); valid: (m, n).
    """
    every = np.arange(len(circles))
    for step, reach in steps:
        tried = circles[:, None] + step * at.moves()  # m moves 3
        tried[..., 2] = tried[..., 2].clip(1, at.largest_radius(px))
        radius = tried[..., 2:]
        e = _excess(points[:, None], tried[:, :, None, :2], radius)
        # Half units of distance, rounded: e / (2 r) to first order.
        d = (2 * e + radius) // (2 * radius)
        weight = np.maximum((2 * reach) ** 2 - d**2, 0) * valid[:, None]
        sums = weight.sum(axis=2)
        one = sums.argmax(axis=1)
        circles, scores = tried[every, one], sums[every, one]
    return circles, scores


def _edge(
    circle: _Circle, lines: _Lines, points: Whole, valid: NDArray[np.bool_]
) -> tuple[int, int]:
    """In how many directions the edge lies in the picture; in how many of these a point is near.

    Only points near the circle count, in whatever direction.
    """
    centre = np.array([circle.x, circle.y])
    edge = centre + circle.radius * at.directions() // 1024
    low = at.UNITS * np.array(lines.first)
    high = at.UNITS * (np.array(lines.last) + 1)
    visible = ((edge >= low) & (edge < high)).all(axis=1)
    on = np.abs(_excess(points, centre, circle.radius)) <= 2 * at.NEAR * circle.radius
    near = _excess(points, edge[:, None], at.WITHIN) <= 0  # DIRECTIONS points
    supported = (near & on & valid).any(axis=1)
    return int(visible.sum()), int((visible & supported).sum())


def _visible_square(rows: tuple[int, int], columns: tuple[int, int]) -> tuple[int, int, int]:
    """Left, top and side of the square around what there is of a picture."""
    height, width = rows[1] - rows[0], columns[1] - columns[0]
    side = max(height, width)
    return columns[0] - (side - width) // 2, rows[0] - (side - height) // 2, side

"""Constants of retina finder 2: the lines it looks along, its thresholds, and the circles it tries.

The finder looks along 64 rows and 64 columns of a frame for the first and the last pixel that is
not surround, for several brightnesses and several distances from the surround's colour. Each of
these *masks* gives points; circles through three points at a time are scored by all of a mask's
points, and the darkest mask whose best circle is nearly as good as any wins, because what lies
outside a retina is dark or of one colour, and round edges inside it are rare. That circle is then
moved, in ever smaller steps, to where the points lie closest.

Everything is a whole number below 2**24, which float32 holds exactly, so that the definition
(reference.py) and the graph (graph.py) cannot differ. Lengths along a line are
counted in *units*, a quarter of a cell; a cell is `cell_px` pixels of the frame.

Source: circles through three points scored by all: Fischler & Bolles 1981 (RANSAC), with fixed
samples in place of random ones.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

LINES = 64  # rows, and as many columns
CELLS = 256  # at most along a line; a circle's place is then known to 0.1 % of the frame
UNITS = 4  # a cell
# Cells: what is narrower along a line (letters, scanner lines, a frame's edge) is not seen.
OPENING = 5
INSET = 2  # cells from the picture's edge within which a line's end says nothing of the retina
SAME = 8  # grey levels: border pixels that differ by no more in any channel are of one colour
# Grey levels from which a cell is not surround. A ratio of about 1.5 between two, because a rim's
# brightness falls by more over the width of a cell; 2 is the noise of a black surround in JPEG.
BRIGHTER = (2, 3, 5, 8, 12, 18, 27, 40, 60)
APART = (12, 24, 48, 96)  # the same, of the distance from the border's commonest colour
MASKS = len(BRIGHTER) + len(APART)
COARSE = 2  # every second line while circles are searched, every line once one is refined
NEAR = 8  # units: a point farther from a circle does not support it
# The first mask is taken whose score is this share of the best one's, as the next mask's is, and
# whose circle's radius differs from the next one's by no more than 1/160. A glow around the retina
# looks round at one threshold, its rim at several; a rim that fades looks roundest far inside.
TIGHT_PERCENT = 88
ALIKE = 160
# Units. A retina under a third of the frame's longer side is no picture of one; and an optic disc
# is as round and as bright, with a sixth of the retina's diameter.
SMALLEST_RADIUS = 160
LARGEST_RADIUS = 768  # units: a box of 1.5 times the frame's longer side
LARGEST_BOX_PX = 4096  # sums of the resize are exact up to there (area_resize.py)
# Units by which each mask's circle is moved before one is chosen, and how near its points have to
# be; then the same for that one.
FIRST_STEPS = ((4, 8), (2, 4), (1, 4))
STEPS = ((2, 8), (2, 4), (1, 4), (1, 4), (1, 4))
DIRECTIONS = 128  # in which a circle's edge is looked for in the frame
# Fewer inside, and the box is the visible part's (DESIGN, "Retina finder").
VISIBLE = DIRECTIONS // 4
# A circle is believed that has so many points near it, half of its mask's points, and one within
# reach of half its visible edge: 24 units is one and a half times what lies between two lines.
SUPPORT = 12
WITHIN = 24
POINT = 64  # score of a point on a circle, by the last of STEPS


def largest_radius(cell_px: int) -> int:
    """Of a circle that is tried, units."""
    return min(LARGEST_RADIUS, LARGEST_BOX_PX * UNITS // (2 * cell_px))


def largest_box_px(frame_hw: tuple[int, int]) -> int:
    """The longest side that a box can have, around a circle or a whole frame."""
    px = cell_px(frame_hw)
    return max(*frame_hw, (2 * largest_radius(px) * px + 2) // UNITS)


def cell_px(frame_hw: tuple[int, int]) -> int:
    """Pixels of a cell, so that no line has more than CELLS."""
    return -(-max(frame_hw) // CELLS)


def thresholds() -> NDArray[np.int64]:
    """(MASKS,) grey levels, of brightness first, then of distance."""
    return np.array([*BRIGHTER, *APART])


def neighbours() -> NDArray[np.bool_]:
    """(MASKS - 1,): whether a mask and the next one look at the same thing."""
    same: NDArray[np.bool_] = np.arange(1, MASKS) != len(BRIGHTER)
    return same


def triples() -> NDArray[np.int64]:
    """(n, 3) places in a mask's coarse points: left, right, top, bottom ends, a line each.

    Three of one side find a circle that the frame cuts everywhere else, two of one and one of the
    opposite side find the others, however small.
    """
    lines = LINES // COARSE
    one_side = [
        (side * lines + i, side * lines + i + gap, side * lines + i + 2 * gap)
        for side in range(4)
        for gap in (3, 6, 10)
        for i in range(0, lines - 2 * gap, 3)
    ]
    two_sides = [
        (side * lines + i, side * lines + i + gap, other * lines + i + gap // 2)
        for side, other in ((0, 1), (1, 0), (2, 3), (3, 2))
        for gap in (4, 8, 14)
        for i in range(0, lines - gap, 3)
    ]
    return np.array(one_side + two_sides)


def moves() -> NDArray[np.int64]:
    """(27, 3) changes of a circle's centre and radius that a step tries."""
    return np.array(list(itertools.product((-1, 0, 1), repeat=3)))


def directions() -> NDArray[np.int64]:
    """(DIRECTIONS, 2) x and y of the unit circle, in 1/1024."""
    angle = 2 * np.pi * (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS
    whole: NDArray[np.int64] = np.rint(
        1024 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ).astype(np.int64)
    return whole

"""DESIGN's box of a circle in a frame, and how far off a found box is.

A box is left, top and side in pixels of the picture it was found in; its edges are pixels' edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retina.slow_circle import Circle

LEAST_EDGE = 0.25  # of the circumference in the frame; with less of it, the visible part's square

AS_GOOD_AS_NONE = 0.05  # 18 degrees: no finder need see that it is no retina throughout


@dataclass(frozen=True, slots=True)
class Box:
    """A square, pixels; it may reach outside the picture."""

    left: float
    top: float
    side: float

    @classmethod
    def around(cls, left: float, top: float, right: float, bottom: float) -> Box:
        """The square around a rectangle's centre, as wide as its longer side."""
        side = max(right - left, bottom - top)
        return cls((left + right - side) / 2, (top + bottom - side) / 2, side)

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.left + self.side, self.top + self.side


def expected_box(circle: Circle, frame_hw: tuple[int, int]) -> Box:
    """DESIGN's box of a retina whose edge is this circle, in a frame of this height and width."""
    h, w = frame_hw
    corners = [(x, y) for x in (0, w) for y in (0, h)]
    if all(np.hypot(x - circle.x, y - circle.y) <= circle.radius for x, y in corners):
        return Box.around(0, 0, w, h)  # retina throughout
    if circle.in_frame < LEAST_EDGE:
        return Box.around(*visible_part(circle, frame_hw))
    left, top = circle.x - circle.radius, circle.y - circle.radius
    return Box(left, top, 2 * circle.radius)


def visible_part(circle: Circle, frame_hw: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what of the disc lies in the frame."""
    x = _reach(circle.x, circle.y, circle.radius, frame_hw[1], frame_hw[0])
    y = _reach(circle.y, circle.x, circle.radius, frame_hw[0], frame_hw[1])
    return x[0], y[0], x[1], y[1]


def _reach(at: float, across: float, radius: float, length: int, width: int) -> tuple[float, float]:
    """How far the disc reaches along one axis of a frame that is `width` across that axis."""
    off = max(0.0 - across, across - width, 0.0)  # of the disc's middle, from the frame
    half = float(np.sqrt(max(radius**2 - off**2, 0.0)))
    return max(at - half, 0.0), min(at + half, float(length))


def must_be_flagged(circle: Circle) -> bool:
    """Whether so little of the edge is in the frame that DESIGN wants the field flag.

    With none of it, or as good as none, the frame is retina throughout, and nothing is said.
    """
    return AS_GOOD_AS_NONE < circle.in_frame < LEAST_EDGE


def box_error(found: Box, expected: Box) -> float:
    """Largest deviation of left, top, right and bottom, as a share of the expected box's side."""
    apart = np.abs(np.subtract(found.edges, expected.edges))
    return float(apart.max() / expected.side)


def circle_error(found: Circle, true: Circle) -> float:
    """Largest deviation that an edge of the circle's box can have, as a share of the radius."""
    moved = max(abs(found.x - true.x), abs(found.y - true.y))
    return (moved + abs(found.radius - true.radius)) / true.radius

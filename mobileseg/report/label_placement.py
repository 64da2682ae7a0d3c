"""Put labels beside points so that none covers another, a point or the figure's edge."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from mobileseg.report.style import SMALLEST_PT

POINTS_PER_INCH = 72
RADII_PT = (4.0, 6.5, 9.5, 13.0, 17.0, 22.0, 28.0, 35.0, 43.0, 52.0, 62.0)
ANGLES = 24
LEADER_FROM_PT = 9.0  # nearer labels need no line to their point
POINT_PT = 2.6  # half the width that a point's mark takes
GAP_PT = 0.6  # between two labels


@dataclass(frozen=True, slots=True)
class Label:
    """A word at a point, in the axes' data."""

    x: float
    y: float
    text: str
    colour: str
    italic: bool = False


def place_labels(axes: Axes, labels: Sequence[Label]) -> list[Annotation]:
    """Write each label at the nearest place that is free.

    The most crowded point chooses first. Where nothing is free the label stands at its nearest
    place nevertheless: hidden would be worse. The layout is fixed afterwards.

    Returns:
        The labels in the order given.
    """
    figure = axes.figure
    canvas = FigureCanvasAgg(figure)  # type: ignore[arg-type]
    canvas.draw()  # type: ignore[no-untyped-call]
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    figure.set_layout_engine("none")  # type: ignore[union-attr]
    pixels = canvas.figure.dpi / POINTS_PER_INCH
    points = [tuple(axes.transData.transform((label.x, label.y))) for label in labels]
    taken = [_square(x, y, POINT_PT * pixels) for x, y in points]
    area = axes.get_window_extent()
    order = sorted(range(len(labels)), key=lambda i: (-_crowd(points, i), i))
    written: dict[int, Annotation] = {}
    for i in order:
        written[i] = note = _annotation(axes, labels[i])
        size = note.get_window_extent(renderer)
        best = _choose(points[i], size.width, size.height, pixels, taken, area)
        note.set_position((best[0] / pixels, best[1] / pixels))
        box = note.get_window_extent(renderer)
        taken.append(box.padded(GAP_PT * pixels))
        if math.hypot(*best) / pixels > LEADER_FROM_PT + size.width / pixels / 2:
            _lead(axes, labels[i], box)
    return [written[i] for i in range(len(labels))]


def _square(x: float, y: float, half: float) -> Bbox:
    return Bbox.from_extents(x - half, y - half, x + half, y + half)


def _crowd(points: Sequence[tuple[float, ...]], i: int) -> float:
    return sum(1 / (5 + math.dist(points[i], p)) for k, p in enumerate(points) if k != i)


def _annotation(axes: Axes, label: Label) -> Annotation:
    return axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=(0, 0),
        textcoords="offset points",
        ha="center",
        va="center",
        color=label.colour,
        fontstyle="italic" if label.italic else "normal",
        fontsize=SMALLEST_PT,
        path_effects=[withStroke(linewidth=1.6, foreground="white")],  # over circles and lines
        zorder=5,
    )


def _places(width: float, height: float, pixels: float) -> Iterator[tuple[float, float]]:
    """Offsets of a label's middle from its point, pixels: near ones first, right and left first."""
    for radius in RADII_PT:
        angles = sorted(range(ANGLES), key=lambda k: abs(math.sin(2 * math.pi * k / ANGLES)))
        for k in angles:
            cos, sin = math.cos(2 * math.pi * k / ANGLES), math.sin(2 * math.pi * k / ANGLES)
            yield (radius * pixels + width / 2) * cos, (radius * pixels + height / 2) * sin


def _choose(
    point: tuple[float, ...],
    width: float,
    height: float,
    pixels: float,
    taken: Sequence[Bbox],
    area: Bbox,
) -> tuple[float, float]:
    best, least = (0.0, 0.0), math.inf
    for dx, dy in _places(width, height, pixels):
        x, y = point[0] + dx, point[1] + dy
        box = Bbox.from_extents(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        covered = sum(_shared(box, other) for other in taken)
        covered += width * height - _shared(box, area)  # what would be cut
        if covered < 1e-6:
            return dx, dy
        if covered < least:
            best, least = (dx, dy), covered
    return best


def _shared(a: Bbox, b: Bbox) -> float:
    """The area that two boxes have in common."""
    width: float = min(a.x1, b.x1) - max(a.x0, b.x0)
    height: float = min(a.y1, b.y1) - max(a.y0, b.y0)
    return max(width, 0.0) * max(height, 0.0)


def _lead(axes: Axes, label: Label, box: Bbox) -> None:
    """A thin line from a point to the nearest edge of its label's box."""
    x, y = axes.transData.transform((label.x, label.y))
    end = axes.transData.inverted().transform(
        (min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1))
    )
    axes.plot([label.x, end[0]], [label.y, end[1]], color=label.colour, linewidth=0.4, zorder=4)

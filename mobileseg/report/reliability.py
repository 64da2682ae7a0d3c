"""A reliability diagram: of the pixels that were said to be lesion at some probability, the share
that is, before and after calibration."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mobileseg.lesions import LESIONS
from mobileseg.report.style import COLUMN_IN, GREY, PALETTE, PNG_DPI, drawn_alike

PANEL_IN = 3.0
STEPS = (  # told apart without colour too
    ("before", "as the network says", PALETTE[1], "o"),
    ("after", "calibrated", PALETTE[0], "s"),
)

Measured = Mapping[str, Mapping[str, Any]]
"""Lesion code -> {"before", "after"}, each as `Reliability.to_json` gives it."""


def draw_reliability(measured: Measured, pictures: str) -> Figure:
    """A panel a lesion.

    Args:
        pictures: which they were measured on, for the title.
    """
    columns = min(2, len(measured))
    rows = -(-len(measured) // columns)
    figure = Figure(figsize=(COLUMN_IN * columns, PANEL_IN * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (code, steps) in zip(panels, measured.items(), strict=False):
        _draw(axes, steps)
        axes.set_title(f"{LESIONS[code].name} ({code}), {pictures}")
    for axes in panels[len(measured) :]:
        axes.set_visible(False)
    return figure


def _draw(axes: Axes, steps: Mapping[str, Any]) -> None:
    for step, words, colour, marker in STEPS:
        bins = steps[step]["bins"]
        x, y = ([one[name] for one in bins] for name in ("probability", "share"))
        told = f"{words}: ECE {steps[step]['ece']:.4f}"
        axes.plot(x, y, color=colour, marker=marker, markersize=3, label=told, clip_on=False)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="as it should be")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(xlabel="probability, mean of a bin", ylabel="share of its pixels that are lesion")
    axes.legend(loc="upper left")
    axes.grid(visible=True)


def reliability_png(measured: Measured, pictures: str) -> bytes:
    """The diagram as a PNG; the same figures give the same bytes."""
    into = io.BytesIO()
    with drawn_alike():
        figure = draw_reliability(measured, pictures)
        FigureCanvasAgg(figure)
        figure.savefig(into, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return into.getvalue()

"""How figures look and are written: legible in a printed column, without colour, the same twice.

Sizes are those on paper: a figure is as wide as a column of a two-column page and its smallest
letters have 7 points there. Colours are Okabe & Ito's (2008), and whatever a colour says, a hatch,
a marker or a word says too. The same study gives the same bytes: no date, a fixed salt for SVG's
names, and matplotlib's own defaults instead of the reader's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLUMN_IN = 3.4  # a column of a two-column page
PAGE_IN = 7.0  # both
SMALLEST_PT = 7.0
PNG_DPI = 300

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is everywhere
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": SMALLEST_PT,
    "ytick.labelsize": SMALLEST_PT,
    "legend.fontsize": SMALLEST_PT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.linewidth": 0.4,
    "grid.alpha": 0.4,
    "lines.linewidth": 0.9,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "svg.hashsalt": "mobileseg",
}
INK, GREY = "#222222", "#666666"
# Okabe & Ito 2008, without their yellow (too light for lines on paper).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


@dataclass(frozen=True, slots=True)
class Look:
    """How a kind of network is drawn."""

    name: str
    colour: str
    hatch: str  # the same without colour


LOOKS = {
    "unet": Look("U-Net", "#CC79A7", "..."),
    "regular": Look("U²-Net", "#0072B2", ""),
    "separable": Look("U²-Net*, depthwise separable", "#009E73", "/////"),
    "shared": Look("dual (DT), multi task (MT)", "#56B4E9", "\\\\\\\\\\"),
    "ensemble": Look("ensemble †", "#E69F00", "xxxxx"),
}


def look(variant: str | None, family: str, members: int) -> Look:
    """The look of a row of a table."""
    if members > 1 or variant is None:
        return LOOKS["ensemble"]
    if family != "single":
        return LOOKS["shared"]
    if variant == "unet":
        return LOOKS["unet"]
    return LOOKS["separable" if variant.endswith("-sep") else "regular"]


@contextmanager
def drawn_alike() -> Iterator[None]:
    """Within it figures are made in this style, whatever the reader's own settings say."""
    with style.context(["default", STYLE]):
        yield


def save(folder: Path, name: str, make: Callable[[], Figure], *, svg: bool = True) -> list[str]:
    """Draw a figure and write `name`.png and `name`.svg.

    Args:
        svg: not for photographs, which would be as large again.

    Returns:
        The file names.
    """
    kinds: dict[str, dict[str, None]] = {"png": {"Software": None}}
    if svg:
        kinds["svg"] = {"Date": None, "Creator": None}
    with drawn_alike():
        figure = make()
        FigureCanvasAgg(figure)
        for kind, without in kinds.items():
            figure.savefig(folder / f"{name}.{kind}", dpi=PNG_DPI, metadata=without)
    return [f"{name}.{kind}" for kind in kinds]


def legend_below(figure: Figure, axes: Axes, handles: list[Any], columns: int) -> None:
    """A legend under the figure, outside the axes."""
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)

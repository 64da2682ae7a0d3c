"""AUPR against MACs, in the manner of the paper's Fig. 2: a circle's area is the parameters.

Ours are filled with a dot in the middle; the paper's are dashed and hollow around a cross. Single
task only, as in the paper: a dual-task network costs what a single-task one does and answers for
two lesions, so its circle would not compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from mobileseg.lesions import LESIONS
from mobileseg.models.profile import TABLE_2, TABLE_2_SIDE_PX, Costs, profile
from mobileseg.report.label_placement import Label, place_labels
from mobileseg.report.published_results import TABLE_3
from mobileseg.report.rows import Row
from mobileseg.report.style import COLUMN_IN, GREY, INK, SMALLEST_PT, Look, look

HEIGHT_IN = 4.3
STRIP_SHARE = 0.12  # of the height: where the circles' sizes are shown
AREA_PT2_PER_M = 18.0  # U²-Net-O, 44 M, is then 32 points wide
SIZES_SHOWN_M = {1: 0.32, 10: 0.52, 40: 0.8}  # -> where in the strip, 0..1
TICKS_G = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class Circle:
    """A network in the figure."""

    name: str
    macs_g: float  # paper convention
    params_m: float
    aupr: float  # mean over `lesions` of the figure
    look: Look
    ours: bool


@cache
def costs(variant: str, side_px: int, members: int) -> Costs:
    """`profile`, once per network."""
    return profile(variant, side_px, members=members)


def circles(rows: Sequence[Row], lesions: Sequence[str]) -> list[Circle]:
    """Ours that were scored for all of `lesions`, and the paper's over the same lesions."""
    found = []
    for row in rows:
        mean = row.mean_over(lesions, outliers=False)
        if row.family != "single" or row.variant is None or mean is None:
            continue
        cost = costs(row.variant, row.setting.side_px, row.members)
        drawn = look(row.variant, row.family, row.members)
        found.append(Circle(row.short, cost.macs_paper_g, cost.params_m, mean, drawn, True))
    for theirs in TABLE_3:
        if theirs.variant is None or theirs.family != "single":
            continue
        printed = TABLE_2[theirs.variant, theirs.members]
        found.append(
            Circle(
                theirs.name.removeprefix("U²-Net-"),
                float(printed.macs_paper_g),
                float(printed.params_m),
                fmean(float(theirs.aupr[code]) for code in lesions),
                look(theirs.variant, theirs.family, theirs.members),
                False,
            )
        )
    return found


def left_out(rows: Sequence[Row], lesions: Sequence[str]) -> list[str]:
    """Labels of the rows that the figure cannot show."""
    return [
        row.label
        for row in rows
        if row.family != "single"
        or row.variant is None
        or row.mean_over(lesions, outliers=False) is None
    ]


def draw_tradeoff(drawn: Sequence[Circle], lesions: Sequence[str]) -> Figure:
    """The figure."""
    figure = Figure(figsize=(COLUMN_IN, HEIGHT_IN), layout="constrained")
    axes, strip = figure.subplots(2, 1, height_ratios=(1, STRIP_SHARE))
    _show_sizes(strip)
    for circle in sorted(drawn, key=lambda c: -c.params_m):  # small ones on top
        _draw(axes, circle)
    axes.set_xscale("log")
    axes.margins(x=0.13, y=0.13)
    axes.set_xlabel(f"MACs, G (the paper's convention; its own at {TABLE_2_SIDE_PX} px)")
    axes.set_ylabel(_axis(lesions))
    axes.set_xticks(TICKS_G)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    low, high = min(c.macs_g for c in drawn), max(c.macs_g for c in drawn)
    axes.set_xlim(low / 1.8, high * 1.9)
    axes.grid()
    axes.set_axisbelow(True)
    figure.legend(handles=_legend(drawn), loc="outside lower center", ncols=2, columnspacing=1.0)
    place_labels(
        axes,
        [Label(c.macs_g, c.aupr, c.name, INK if c.ours else GREY, not c.ours) for c in drawn],
    )
    return figure


def _axis(lesions: Sequence[str]) -> str:
    if len(lesions) == 1:
        return f"AUPR, {LESIONS[lesions[0]].name} ({lesions[0]})"
    return f"mean AUPR over {', '.join(lesions)}"


def _draw(axes: Axes, circle: Circle) -> None:
    area = AREA_PT2_PER_M * circle.params_m
    style: dict[str, Any] = {"s": area, "edgecolor": circle.look.colour, "linewidth": 0.9}
    at = ([circle.macs_g], [circle.aupr])
    if circle.ours:
        axes.scatter(*at, facecolor=f"{circle.look.colour}66", zorder=3, **style)
        axes.plot(*at, "o", color=circle.look.colour, markersize=3.2, zorder=4,
                  markeredgecolor=INK, markeredgewidth=0.4)  # fmt: skip
    else:
        axes.scatter(*at, facecolor="none", linestyle=(0, (2, 1)), zorder=2, **style)
        axes.plot(*at, "x", color=circle.look.colour, markersize=3.2, markeredgewidth=0.9, zorder=4)


def _legend(drawn: Sequence[Circle]) -> list[Line2D]:
    """Which kind, and whose."""
    kinds = {c.look.name: c.look for c in drawn}
    shown = [
        _key(k.name.split(",")[0], marker="s", markerfacecolor=k.colour, markersize=5)
        for k in kinds.values()
    ]
    if any(c.ours for c in drawn):
        shown.append(_key("ours, upright letters", marker="o", markerfacecolor=GREY, markersize=4))
    shown.append(_key("the paper's, italic", marker="x", markeredgecolor=GREY, markersize=4))
    return shown


def _show_sizes(strip: Axes) -> None:
    """Circles to scale beside one another: a legend's lines are too narrow for them."""
    strip.set_axis_off()
    strip.set(xlim=(0, 1), ylim=(0, 1))
    strip.text(0, 0.5, "parameters:", va="center", fontsize=SMALLEST_PT)
    for size, x in SIZES_SHOWN_M.items():
        area = AREA_PT2_PER_M * size
        ring: dict[str, Any] = {
            "facecolor": "none",
            "edgecolor": INK,
            "linewidth": 0.7,
            "clip_on": False,
        }
        strip.scatter(x, 0.5, s=area, **ring)
        beside = (area**0.5 / 2 + 3, 0)
        place: dict[str, Any] = {"xytext": beside, "textcoords": "offset points", "va": "center"}
        strip.annotate(f"{size} M", (x, 0.5), fontsize=SMALLEST_PT, **place)


def _key(label: str, **style: Any) -> Line2D:
    edge: dict[str, Any] = {"markeredgecolor": INK, "markeredgewidth": 0.6}
    return Line2D([], [], linestyle="none", label=label, **(edge | style))

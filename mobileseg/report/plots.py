"""Boxplots over runs, in the manner of the paper's Figs 3 to 5, and training curves.

One panel a lesion, networks by size from left to right. Every run is a dot, so that a box over
four runs is seen to be one over four; fewer than four get no box. Where the paper gives a mean and
SD, they stand beside ours as a hollow square with its bar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from mobileseg.lesions import LESIONS
from mobileseg.report.evaluation_file import METRIC_ROWS
from mobileseg.report.load import RunFolder
from mobileseg.report.outliers import WHISKER_IQR, is_outlier
from mobileseg.report.published_results import published_row
from mobileseg.report.rows import Row, parameters
from mobileseg.report.style import (
    COLUMN_IN,
    GREY,
    INK,
    LOOKS,
    PALETTE,
    look,
)
from mobileseg.training.metrics_file import METRICS, defined_points, read_metrics

BOX_FROM = 4  # runs; quartiles of three are their own neighbours
PANEL_IN, LABELS_IN, LEGEND_IN = 1.35, 0.55, 0.62  # heights
FEWEST_COLUMNS = 6  # wide: one network's box does not fill the figure
SPREAD = 0.16  # of the dots around a box's middle, in columns


@dataclass(frozen=True, slots=True)
class Boxplots:
    """One figure: a metric over runs."""

    name: str  # of the files
    metric: str  # a row of METRIC_ROWS
    axis: str
    bounded: bool  # within 0..1

    @property
    def title(self) -> str:
        return f"{METRIC_ROWS[self.metric].title} over runs"


BOXPLOTS = (
    Boxplots("fig3-aupr", "aupr", "AUPR", True),
    Boxplots("fig4-dice", "dice", "Dice", True),
    Boxplots("fig5-hausdorff", "hausdorff", "Hausdorff, px", False),
)


def by_size(rows: Sequence[Row]) -> list[Row]:
    """Single networks before ensembles, each from few parameters to many."""
    return sorted(rows, key=lambda r: (r.members > 1, parameters(r), r.family, r.mark))


def title_of(lesion: str, approximate: Sequence[str]) -> str:
    note = ", approximate masks" if lesion in approximate else ""
    return f"{LESIONS[lesion].name} ({lesion}){note}"


def draw_boxplots(
    rows: Sequence[Row], lesions: Sequence[str], which: Boxplots, approximate: Sequence[str] = ()
) -> Figure:
    """A panel a lesion; a column a row."""
    ordered = by_size(rows)
    height = PANEL_IN * len(lesions) + LABELS_IN + LEGEND_IN
    figure = Figure(figsize=(COLUMN_IN, height), layout="constrained")
    panels = figure.subplots(len(lesions), 1, sharex=True, squeeze=False)[:, 0]
    for axes, lesion in zip(panels, lesions, strict=True):
        axes.set_title(title_of(lesion, approximate), loc="left")
        axes.set_ylabel(which.axis)
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        for place, row in enumerate(ordered):
            _draw_column(axes, place, row, lesion, which)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        if not any(row.values(lesion, which.metric) for row in ordered):
            axes.set_yticks([])
            axes.text(0.5, 0.5, "no run has this figure", transform=axes.transAxes, ha="center")
    panels[-1].set_xticks(
        range(len(ordered)), [r.short for r in ordered], rotation=90 if len(ordered) > 4 else 0
    )
    figure.align_ylabels(panels)
    middle, half = (len(ordered) - 1) / 2, max(len(ordered), FEWEST_COLUMNS) / 2
    panels[-1].set_xlim(middle - half - 0.1, middle + half + 0.1)
    shown = [*_kinds(ordered), *_marks(ordered, which)]
    figure.legend(handles=shown, loc="outside lower center", ncols=2, columnspacing=1.2)
    return figure


def _draw_column(axes: Axes, place: int, row: Row, lesion: str, which: Boxplots) -> None:
    values = row.values(lesion, which.metric)
    drawn = look(row.variant, row.family, row.members)
    if len(values) >= BOX_FROM:
        box = axes.boxplot(
            [values],
            positions=[place],
            widths=0.5,
            whis=WHISKER_IQR,
            showfliers=False,  # drawn below, with all the other runs
            patch_artist=True,
            manage_ticks=False,
            medianprops={"color": INK, "linewidth": 1.2},
        )
        for patch in box["boxes"]:
            patch.set(facecolor=f"{drawn.colour}55", edgecolor=drawn.colour, hatch=drawn.hatch)
        for part in (*box["whiskers"], *box["caps"]):
            part.set_color(drawn.colour)
    outside = is_outlier(values)
    for out, marker, face in ((False, "o", drawn.colour), (True, "X", "white")):
        chosen = [(i, v) for i, v in enumerate(values) if outside[i] == out]
        axes.plot(
            [place + _aside(i, len(values)) for i, _ in chosen],
            [v for _, v in chosen],
            "D" if row.members > 1 and not out else marker,
            markersize=4.5 if out or row.members > 1 else 2.6,
            markerfacecolor=face,
            markeredgecolor=INK,
            markeredgewidth=0.5,
            linestyle="none",
        )
    if which.metric == "aupr" and values:
        _draw_published(axes, place, row, lesion)


def _aside(i: int, count: int) -> float:
    """Where the i-th of `count` dots stands beside the column's middle: spread, and no chance."""
    return SPREAD * (2 * i / (count - 1) - 1) if count > 1 else 0.0


def _draw_published(axes: Axes, place: int, row: Row, lesion: str) -> None:
    theirs = published_row(row.variant, row.family, row.members)
    if theirs is None:
        return
    axes.errorbar(
        place + 0.38,
        float(theirs.aupr[lesion]),
        yerr=float(theirs.sd[lesion]) if theirs.sd else None,
        fmt="s",
        markersize=3,
        markerfacecolor="white",
        color=GREY,
        elinewidth=0.8,
        capsize=1.5,
    )


def _kinds(rows: Sequence[Row]) -> list[Patch]:
    boxed = [r for r in rows if r.members == 1]  # an ensemble has its own mark
    looks = {look(r.variant, r.family, r.members): None for r in boxed}
    return [
        Patch(facecolor=f"{k.colour}55", edgecolor=k.colour, hatch=k.hatch, label=k.name)
        for k in looks
    ]


def _marks(rows: Sequence[Row], which: Boxplots) -> list[Line2D]:
    def mark(marker: str, label: str, face: str, edge: str = INK) -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            markersize=4,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=0.7,
            label=label,
        )

    shown = [mark("o", "a run", GREY), mark("X", "a run, outlier", "white")]
    if any(row.members > 1 for row in rows):
        shown.append(mark("D", "an ensemble", LOOKS["ensemble"].colour))
    if which.metric == "aupr" and any(published_row(r.variant, r.family, r.members) for r in rows):
        shown.append(mark("s", "the paper's mean (SD)", "white", GREY))
    return shown


LINES = ("-", "--", "-.", ":")
CURVES_HEIGHT_IN = 4.4


Curve = tuple[RunFolder, list[dict[str, float]]]  # a run and its epochs


def finished_epochs(runs: Sequence[RunFolder]) -> list[Curve]:
    """The metrics of the runs that have finished an epoch."""
    written = [run for run in runs if (run.path / METRICS).is_file()]
    curves = [(run, read_metrics(run.path / METRICS)) for run in written]
    return [(run, rows) for run, rows in curves if rows]


def draw_curves(curves: Sequence[Curve]) -> Figure:
    """Losses and validation AUPR over epochs, a line a run."""
    seeds = [run.seed for run, _ in curves]
    seeds_tell = None not in seeds and len(set(seeds)) == len(seeds)
    figure = Figure(figsize=(COLUMN_IN, CURVES_HEIGHT_IN), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True)
    titles = ("training loss", "validation loss", "validation AUPR")
    for axes, title in zip(panels, titles, strict=True):
        axes.set_ylabel(title)
        axes.grid()
    for i, (run, rows) in enumerate(curves):
        line: dict[str, Any] = {"color": PALETTE[i % len(PALETTE)], "linewidth": 0.7}
        line["linestyle"] = LINES[i // len(PALETTE) % len(LINES)]
        for axes, key in zip(panels, ("train_loss", "validation_loss"), strict=False):
            axes.plot(*defined_points(rows, _loss(key)), **line)
        label = f"seed {run.seed}" if seeds_tell else run.name
        panels[2].plot(*defined_points(rows, _aupr), label=label, **line)
    for axes in panels[:2]:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    panels[2].set(xlabel="epoch", ylim=(0, 1))
    panels[2].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.align_ylabels(panels)
    figure.legend(loc="outside lower center", ncols=4 if seeds_tell else 2)
    return figure


def _loss(key: str) -> Callable[[Mapping[str, float]], float]:
    """What reads a loss off a row; NaN where it is missing."""
    return lambda row: row.get(key, float("nan"))


def _aupr(row: Mapping[str, float]) -> float:
    """Mean over the task's lesions; NaN where none is defined."""
    values = [v for k, v in row.items() if k.startswith("validation_aupr") and v == v]
    return sum(values) / len(values) if values else float("nan")

"""The demo's report: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from operator import itemgetter
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mobileseg.training.metrics_file import defined_points

PICTURE_PX = 420  # wide, on the page


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One picture as everyone saw it: who -> (h, w, 3) RGB, or why there is nothing to see."""

    name: str
    seen: Mapping[str, NDArray[np.uint8] | str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What the page shows."""

    title: str
    record: Mapping[str, str]  # date, machine, command, data …
    curve: Sequence[Mapping[str, float]]  # rows of metrics.csv
    scores: Sequence[Sequence[str]]  # header row first
    parity: Sequence[Sequence[str]]
    remarks: Sequence[str]  # what was not run, and why
    profile: Sequence[Sequence[str]]
    colours: Mapping[str, tuple[int, int, int]]
    pictures: Sequence[PictureRow] = field(default_factory=list)


def render(report: Report) -> str:
    """The whole page."""
    template = (files("converters") / "report_template.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        title=html.escape(report.title),
        record=_definitions(report.record),
        curve=_image(_curve_png(report.curve), "learning curve", "png", 860),
        scores=_table(report.scores),
        parity=_table(report.parity),
        remarks="".join(f"<li>{html.escape(r)}</li>" for r in report.remarks),
        profile=_table(report.profile),
        legend=_legend(report.colours),
        pictures="".join(_picture_row(row) for row in report.pictures),
    )


def _definitions(record: Mapping[str, str]) -> str:
    items = (f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in record.items())
    return f"<dl>{''.join(items)}</dl>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    header, *body = rows

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    inside = "".join(line(row, "td") for row in body)
    return f"<table><thead>{line(header, 'th')}</thead><tbody>{inside}</tbody></table>"


def _image(data: bytes, text: str, kind: str, width_px: int) -> str:
    encoded = base64.b64encode(data).decode()
    source = f"data:image/{kind};base64,{encoded}"
    return f'<img alt="{html.escape(text)}" width="{width_px}" src="{source}">'


def _legend(colours: Mapping[str, tuple[int, int, int]]) -> str:
    return " ".join(
        f'<span class="key" style="background: rgb{rgb}"></span> {html.escape(name)}'
        for name, rgb in colours.items()
    )


def _picture_row(row: PictureRow) -> str:
    cells = []
    for who, seen in row.seen.items():
        if isinstance(seen, str):
            shown = f'<div class="none">{html.escape(seen)}</div>'
        else:
            shown = _image(_jpeg(seen), f"{row.name}, {who}", "jpeg", PICTURE_PX)
        cells.append(f"<figure>{shown}<figcaption>{html.escape(who)}</figcaption></figure>")
    note = html.escape(row.note)
    return f"<h3>{html.escape(row.name)}</h3><p>{note}</p><div class='row'>{''.join(cells)}</div>"


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(picture)
    width = min(2 * PICTURE_PX, image.width)  # twice, for dense screens
    image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, subsampling=0)
    return buffer.getvalue()


def _curve_png(rows: Sequence[Mapping[str, float]]) -> bytes:
    """Losses on the left, validation AUPR on the right, over epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), dpi=160, layout="constrained")
    losses, scores = figure.subplots(1, 2)
    for key, style in (("train_loss", "-"), ("validation_loss", "--")):
        losses.plot(*defined_points(rows, itemgetter(key)), style, label=key.replace("_", " "))
    losses.set(xlabel="epoch", ylabel="loss, sum over all maps")
    losses.set_ylim(bottom=0)
    for key in (k for k in rows[0] if k.startswith("validation_aupr")):
        label = key.removeprefix("validation_aupr_")
        scores.plot(*defined_points(rows, itemgetter(key)), label=label)
    scores.set(xlabel="epoch", ylabel="validation AUPR", ylim=(0, 1))
    for axes in (losses, scores):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def as_rows(header: Sequence[str], body: Sequence[Sequence[Any]]) -> list[list[str]]:
    """A header and rows of anything, as the text that a table shows."""
    return [list(header), *([str(cell) for cell in row] for row in body)]

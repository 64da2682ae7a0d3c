"""The outcome as one HTML file: verdicts, stages, limits with their reasons, heat maps.

The worst picture of each bundle is shown as the reference and the file mark it, and where they
differ. Pictures stand inside the file: it opens offline and is not to be published without their
licence.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from converters.parity.metrics import faults, in_words, judged, made_by, untested, verdict
from converters.parity.result import Parity, Worst
from converters.parity.text_tables import number, stage_table
from converters.parity.tolerances import Gate
from mobileseg.evaluation.overlay import blend
from mobileseg.lesions import LESIONS

SHOWN_PX = 512
HEAT = "inferno"  # dark to light: its order survives greyscale and colour blindness
Picture = NDArray[np.uint8]


def page(results: Sequence[Parity], gate: Gate, record: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        record: what every published figure names: date, machine, command.
    """
    template = (files("converters.parity") / "page.html").read_text(encoding="utf-8")
    noted = {**record, "limits": gate.source or "the built-in table"}
    return Template(template).substitute(
        record="".join(f"<dt>{_safe(k)}</dt><dd>{_safe(v)}</dd>" for k, v in noted.items()),
        bundles="".join(_bundle(result, gate) for result in results),
    )


def _safe(text: object) -> str:
    return html.escape(str(text))


def _bundle(result: Parity, gate: Gate) -> str:
    said = verdict(result, gate).value
    parts = [
        f"<h2>{_safe(result.bundle)}: {_safe(result.target)} {_safe(result.made)}</h2>",
        f'<p class="verdict {said.replace(" ", "-")}">{_safe(in_words(result, gate))}</p>',
        f"<p>On {_safe(result.data)}, against {_safe(result.against or 'the reference')}.</p>",
    ]
    if result.pictures and result.blind_to:
        parts.append(f"<p>It cannot see {_safe(result.blind_to)}.</p>")
    parts.append(_list(_lines(result, gate)))
    if result.pictures:
        parts.append(_table(stage_table(result), "stages"))
        parts.append(_limits(result, gate))
    if result.worst:
        parts.append(_worst(result.worst, list(result.pictures[0].end_to_end.flipped)))
    return "".join(parts)


def _lines(result: Parity, gate: Gate) -> list[str]:
    made = made_by(result, gate)
    lines = [f"not run: {result.not_run}"] if result.not_run else []
    lines += [f"the first stage at fault: {made}"] if made else []
    return [*lines, *map(str, faults(result, gate)), *untested(result, gate)]


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{_safe(line)}</li>' for line in lines)}</ul>" if lines else ""


def _table(rows: Sequence[Sequence[str]], kind: str, mark: Sequence[str] = ()) -> str:
    """Header first; `mark`: a class for each of the other rows."""
    header, *body = rows
    head = "".join(f"<th>{_safe(cell)}</th>" for cell in header)
    lines = [
        f'<tr class="{own}">{"".join(f"<td>{_safe(cell)}</td>" for cell in row)}</tr>'
        for row, own in zip(body, mark or [""] * len(body), strict=True)
    ]
    inside = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="wide"><table class="{kind}">{inside}</table></div>'


def _limits(result: Parity, gate: Gate) -> str:
    found = judged(result, gate)
    rows = [["stage", "figure", "found", "at most", "why"]]
    rows += [
        [j.figure.stage, j.figure.text, number(j.found), number(j.limit.most), j.limit.why]
        for j in found
    ]
    return _table(rows, "limits", ["" if j.holds else "over" for j in found])


def _worst(worst: Worst, lesions: Sequence[str]) -> str:
    """Per lesion: as the reference marks it, as the file does, and how far they are apart."""
    parts = [f"<h3>The worst picture: {_safe(worst.name)}</h3>"]
    for channel, code in enumerate(lesions):
        expected, found = worst.expected[channel], worst.found[channel]
        off = np.abs(found - expected)
        largest = float(np.nanmax(off)) if np.isfinite(off).any() else float("nan")
        shown = {
            f"{LESIONS[code].name}: probability, expected": _heat(expected, 1.0),
            f"{LESIONS[code].name}: probability, found": _heat(found, 1.0),
            f"|Δp|, black 0 to white {largest:.1e}": _heat(off, largest),
            "where they differ, over the picture": _where(worst.picture, off, largest),
        }
        parts.append("".join(_figure(picture, caption) for caption, picture in shown.items()))
    return f'<div class="row">{"".join(parts)}</div>'


def _heat(values: NDArray[np.float32], largest: float) -> Picture:
    """(h, w) -> (h, w, 3); blue where there is no number."""
    scaled = np.clip(values / largest, 0, 1) if largest > 0 else np.zeros_like(values)
    coloured: Picture = (colormaps[HEAT](np.nan_to_num(scaled))[..., :3] * 255).astype(np.uint8)
    coloured[~np.isfinite(values)] = (0, 90, 255)
    return coloured


def _where(picture: Picture, off: NDArray[np.float32], largest: float) -> Picture:
    """The picture, tinted where the difference is at least half of its largest."""
    far = off >= largest / 2 if largest > 0 else np.zeros(off.shape, bool)
    return blend(picture, far | ~np.isfinite(off), (0, 200, 255), 220)


def _figure(picture: Picture, caption: str) -> str:
    image = Image.fromarray(picture).resize((SHOWN_PX, SHOWN_PX), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    text = _safe(caption)
    source = f'<img alt="{text}" width="{SHOWN_PX}" src="data:image/png;base64,{encoded}">'
    return f"<figure>{source}<figcaption>{text}</figcaption></figure>"

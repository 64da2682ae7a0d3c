"""Pages that open offline: one a picture, an index, and the best and worst in the manner of Fig. 1.

Each is one HTML file with its pictures inside. They show pictures of the data set: they are written
beside the tables, for whoever has the data, and are not to be published without its licence.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from mobileseg.files.atomic import write_text
from mobileseg.lesions import LESIONS
from mobileseg.report.mask_comparison import COLOURS, compared, with_masks
from mobileseg.report.predicted_masks import Marked, Seen, Watch
from mobileseg.report.style import PAGE_IN, SMALLEST_PT, save

JPEG_QUALITY = 90
INDEX, BEST_WORST = "index.html", "fig1.html"
EXTREMES = 2  # pictures shown from each end
NETWORKS_ON_PAPER = 4  # columns of masks that stay legible across a printed page
NOT_MEDICAL = "Not a medical device: for research and prototypes only."

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 25%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1400px; margin: 2rem auto;
       padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
.warning { border-left: 4px solid #c60; padding: .3rem .8rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
.row { display: flex; flex-wrap: wrap; gap: .8rem; } figure { margin: 0; width: 320px; }
.wide { flex-wrap: nowrap; overflow-x: auto; } .wide figure { width: 240px; flex: none; }
figcaption { font-size: .9rem; } img { width: 100%; height: auto; display: block; }
.key { display: inline-block; width: .9em; height: .9em; border: 1px solid #888;
       vertical-align: -.1em; }
"""


def write_pages(
    folder: Path, seen: Sequence[Seen], order: Sequence[str], caption: str, watch: Watch
) -> list[str]:
    """Write the pages and fig1.png into `folder`.

    Args:
        order: labels of the rows, as the tables have them.
        caption: data, side, protocol … of what is shown.

    Returns:
        The file names.
    """
    ranked = sorted((s for s in seen if s.dice is not None), key=lambda s: -(s.dice or 0))
    count = min(EXTREMES, len(ranked) // 2)
    extremes = [*ranked[:count], *(ranked[-count:] if count else [])] or ranked
    names = []
    for i, picture in enumerate(seen):
        before, after = (seen[k].name if 0 <= k < len(seen) else None for k in (i - 1, i + 1))
        text = _picture_page(picture, order, caption, before, after)
        names.append(_write(folder, f"{picture.name}.html", text))
        watch("writing pages", i + 1, len(seen))
    names.append(_write(folder, INDEX, _index_page(seen, order, caption)))
    if extremes:
        names.append(_write(folder, BEST_WORST, _extremes_page(extremes, order, caption)))
        shown = [label for label in order if all(label in s.marked for s in extremes)]
        names += save(
            folder, "fig1", lambda: draw_extremes(extremes, shown[:NETWORKS_ON_PAPER]), svg=False
        )
    return names


def _write(folder: Path, name: str, text: str) -> str:
    write_text(folder / name, text)
    return name


def _page(title: str, body: str, caption: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f'<h1>{html.escape(title)}</h1>\n<p class="warning">{NOT_MEDICAL}</p>\n'
        f"<p>{html.escape(caption)}</p>\n{body}\n</body></html>\n"
    )


def _picture_page(
    seen: Seen, order: Sequence[str], caption: str, before: str | None, after: str | None
) -> str:
    links = [f'<a href="{INDEX}">all pictures</a>']
    for name, word in ((before, "previous"), (after, "next")):
        if name:
            links.append(f'<a href="{html.escape(name)}.html">{word}: {html.escape(name)}</a>')
    truth = {code: packed.mask for code, packed in seen.truth.items()}
    parts = [f"<p>{' · '.join(links)}</p>", _legend(seen)]
    parts.append("<h2>Picture and true masks</h2>")
    parts.append(
        _figures({"picture": seen.levels, "true masks": with_masks(seen.levels, truth)}, seen.name)
    )
    parts.append("<h2>In figures</h2>")
    parts.append(_counts_table(seen, order))
    for label in (name for name in order if name in seen.marked):
        parts.append(f"<h2>{html.escape(label)}</h2>")
        parts.append(_figures(_views(seen, label), f"{seen.name}, {label}"))
    return _page(f"{seen.name}: what each network marks", "\n".join(parts), caption)


def _views(seen: Seen, label: str) -> dict[str, NDArray[np.uint8]]:
    """Predicted masks in the lesions' colours, then each lesion compared with its truth."""
    levels, marked = seen.levels_of[label], seen.marked[label]
    views = {
        "predicted masks": with_masks(levels, {c: m.predicted.mask for c, m in marked.items()})
    }
    for code, m in marked.items():
        views[_note(code, m)] = compared(levels, m.truth.mask, m.predicted.mask)
    return views


def _note(code: str, m: Marked) -> str:
    dice = "–" if m.counts.dice is None else f"{m.counts.dice:.3f}"
    return f"{LESIONS[code].name} by {m.run}, threshold {m.threshold:.3f}: Dice {dice}"


def _counts_table(seen: Seen, order: Sequence[str]) -> str:
    head = ("network", "lesion", "Dice", "pixels found", "missed", "false", "lesions found")
    rows = []
    for label in (name for name in order if name in seen.marked):
        for code, m in seen.marked[label].items():
            c = m.counts
            dice = "–" if c.dice is None else f"{c.dice:.3f}"
            found = f"{c.lesions_found} of {c.lesions}"
            rows.append((label, code, dice, str(c.found), str(c.missed), str(c.false), found))
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, raw: bool = False) -> str:
    safe = (lambda c: c) if raw else html.escape
    lines = "".join("<tr>" + "".join(f"<td>{safe(c)}</td>" for c in row) + "</tr>" for row in rows)
    top = "".join(f"<th>{html.escape(c)}</th>" for c in head)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _index_page(seen: Sequence[Seen], order: Sequence[str], caption: str) -> str:
    shown = [label for label in order if any(label in s.marked for s in seen)]
    rows = []
    for s in seen:
        link = f'<a href="{html.escape(s.name)}.html">{html.escape(s.name)}</a>'
        rows.append([link, _figure(s.dice), *(_figure(_row_dice(s, label)) for label in shown)])
    note = (
        "<p>Dice at each network's own threshold, mean over its lesions with a pixel in either "
        "mask.</p>"
    )
    link = f'<p><a href="{BEST_WORST}">Best and worst pictures, side by side</a></p>'
    table = _table(["picture", "mean", *shown], rows, raw=True)
    return _page("Pictures", link + note + table, caption)


def _row_dice(seen: Seen, label: str) -> float | None:
    known = [m.counts.dice for m in seen.marked.get(label, {}).values()]
    defined = [d for d in known if d is not None]
    return sum(defined) / len(defined) if defined else None


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _extremes_page(seen: Sequence[Seen], order: Sequence[str], caption: str) -> str:
    parts = ["<p>The pictures with the highest and the lowest mean Dice.</p>", _legend(seen[0])]
    for s in seen:
        parts.append(f"<h2>{html.escape(s.name)}: mean Dice {_figure(s.dice)}</h2>")
        parts.append(_figures(side_by_side(s, order), s.name, wide=True))
    return _page("Best and worst pictures", "\n".join(parts), caption)


def side_by_side(seen: Seen, order: Sequence[str]) -> dict[str, NDArray[np.uint8]]:
    """The picture, its true masks, and what each network marks."""
    truth = {code: packed.mask for code, packed in seen.truth.items()}
    views = {"picture": seen.levels, "true masks": with_masks(seen.levels, truth)}
    for label in (name for name in order if name in seen.marked):
        masks = {code: m.predicted.mask for code, m in seen.marked[label].items()}
        views[label] = with_masks(seen.levels_of[label], masks)
    return views


def draw_extremes(seen: Sequence[Seen], order: Sequence[str]) -> Figure:
    """The page of extremes for print: a line a picture, across the page's width."""
    views = [side_by_side(s, order) for s in seen]
    columns = len(views[0])
    cell_in = PAGE_IN / columns
    figure = Figure(figsize=(PAGE_IN, (cell_in + 0.02) * len(seen) + 0.5), layout="constrained")
    grid = figure.subplots(len(seen), columns, squeeze=False)
    for line, (s, shown) in enumerate(zip(seen, views, strict=True)):
        for axes, (name, picture) in zip(grid[line], shown.items(), strict=True):
            axes.imshow(picture, interpolation="antialiased")
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set_visible(False)
            if line == 0:
                axes.set_title(name, fontsize=SMALLEST_PT + 0.5)
        dice = _figure(s.dice)
        grid[line, 0].set_ylabel(f"{s.name}\nDice {dice}", fontsize=SMALLEST_PT)
    figure.legend(handles=_lesion_keys(seen), loc="outside lower center", ncols=4)
    return figure


def _lesion_keys(seen: Sequence[Seen]) -> list[object]:
    from matplotlib.patches import Patch

    codes = [c for c in LESIONS if any(c in s.truth for s in seen)]
    return [
        Patch(
            facecolor="#{:02x}{:02x}{:02x}".format(*LESIONS[c].colour),
            edgecolor="#222222",
            linewidth=0.5,
            label=f"{LESIONS[c].name} ({c})",
        )
        for c in codes
    ]


def _legend(seen: Seen) -> str:
    keys: Mapping[str, tuple[int, int, int]] = {
        **{LESIONS[code].name: LESIONS[code].colour for code in seen.truth},
        **{f"{name} pixels (comparisons)": rgb for name, rgb in COLOURS.items()},
    }
    return "<p>" + " ".join(
        f'<span class="key" style="background: rgb{rgb}"></span> {html.escape(name)} &nbsp;'
        for name, rgb in keys.items()
    ) + "</p>"  # fmt: skip


def _figures(views: Mapping[str, NDArray[np.uint8]], about: str, *, wide: bool = False) -> str:
    cells = []
    for name, picture in views.items():
        data = base64.b64encode(_jpeg(picture)).decode()
        alt = html.escape(f"{about}: {name}")
        image = f'<img alt="{alt}" loading="lazy" src="data:image/jpeg;base64,{data}">'
        cells.append(f"<figure>{image}<figcaption>{html.escape(name)}</figcaption></figure>")
    return f'<div class="row{" wide" if wide else ""}">{"".join(cells)}</div>'


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    # Full colour resolution: a lesion's colour is a few pixels wide.
    Image.fromarray(picture).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()

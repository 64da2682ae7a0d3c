"""Latency against AUPR, a circle as large as the file: which form to take, at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mobileseg.files.atomic import staged_file

SHAPES = {"whole": "o", "network": "s"}
LARGEST = 900  # points², of the largest file


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write a PNG of the rows that have a time, an AUPR and a file.

    Args:
        rows: as `interleaved.Field.measure` gives them, with `aupr`.

    Raises:
        ValueError: none has.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.lines import Line2D

    shown = [r for r in rows if r.get("median_ms") and r.get("aupr") is not None]
    shown = [r for r in shown if r.get("file_bytes")]
    if not shown:
        raise ValueError("no row has a time, an AUPR and a file")
    engines = list(dict.fromkeys(r["engine"] for r in shown))
    colours = {engine: f"C{i}" for i, engine in enumerate(engines)}
    largest = max(r["file_bytes"] for r in shown)
    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    for r in shown:
        axes.scatter(
            r["ratio_to_onnxruntime_fp32"],
            r["aupr"],
            s=LARGEST * r["file_bytes"] / largest,
            color=colours[r["engine"]],
            marker=SHAPES[r["graph"]],
            alpha=0.6,
            edgecolor="black",
            linewidth=0.6,
        )
        axes.annotate(
            f"{r['variant']} {r['precision']}",
            (r["ratio_to_onnxruntime_fp32"], r["aupr"]),
            textcoords="offset points",
            xytext=(0, 14),
            ha="center",
            fontsize=7,
        )
    axes.axvline(1, color="grey", linewidth=0.8, linestyle=":")
    axes.set_xlabel("time of a picture, onnxruntime float32 on the same graph = 1")
    axes.set_ylabel("AUPR on the test pictures")
    axes.margins(0.15)
    marks = [
        *(Line2D([], [], marker="o", ls="", color=colours[e], label=e) for e in engines),
        *(
            Line2D([], [], marker=SHAPES[g], ls="", color="grey", label=_graph(g))
            for g in dict.fromkeys(r["graph"] for r in shown)
        ),
    ]
    axes.legend(handles=marks, fontsize=8)
    axes.set_title(f"Size of a mark: the file; the largest {largest / 1000:.0f} kB", fontsize=9)
    with staged_file(path) as staged:
        figure.savefig(staged, dpi=140, format="png")
    pyplot.close(figure)


def _graph(name: str) -> str:
    return "whole pipeline" if name == "whole" else "network alone"

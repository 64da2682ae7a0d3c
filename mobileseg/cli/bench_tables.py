"""`mobileseg bench`, shown to a person: a table for each run and graph, and what is doubtful."""

from __future__ import annotations

from typing import Any

import click

from mobileseg.cli.console import show_table

NONE = "–"
HEADERS = ["", "ms, p50\n(p90)", "× onnxr.\nfp32", "p10–p90", "peak\nMB", "load\nms", "kB", "AUPR"]
TITLES = {"whole": "whole pipeline", "network": "network alone"}


def show(rows: list[dict[str, Any]], doubts: list[str], minutes: float | None) -> None:
    """Print all rows; `minutes` is that of --sustained."""
    measured = [r for r in rows if r["not_measured"] is None]
    machine = rows[0]["machine"] if rows else ""
    if minutes is not None:
        (only,) = measured
        windows = ", ".join(f"{ms:.1f}" for ms in only["windows_ms"])
        click.echo(f"{only['engine']} {only['precision']}, {minutes:g} min on {machine}")
        click.echo(f"median of each tenth, ms: {windows}")
        click.echo(f"slowdown, last over first: {only['slowdown']:.2f}")
        return
    for name, graph in dict.fromkeys((r["run"], r["graph"]) for r in measured):
        cells = [_cells(r) for r in measured if (r["run"], r["graph"]) == (name, graph)]
        threads = measured[0]["threads"]
        show_table(f"{name}, {TITLES[graph]}; {machine}, {threads} used", HEADERS, cells)
    for r in rows:
        if r["not_measured"]:
            what = f"{r['engine']} {r['precision']} ({r['graph']})"
            click.echo(f"not measured: {what}: {r['not_measured']}")
    for doubt in doubts:
        click.echo(f"do not trust these figures: {doubt}")


def _cells(r: dict[str, Any]) -> list[str]:
    ratio = r["ratio_to_onnxruntime_fp32"]
    known = ratio is not None
    return [
        f"{r['engine']} {r['precision']}",
        f"{r['median_ms']:.0f} ({r['p90_ms']:.0f})",
        f"{ratio:.2f}" if known else NONE,
        f"{r['ratio_p10']:.2f}–{r['ratio_p90']:.2f}" if known else NONE,
        f"{r['peak_mb']:.0f}",
        f"{r['load_ms']:.0f}",
        f"{r['file_bytes'] / 1000:.0f}" if r["file_bytes"] else NONE,
        NONE if r["aupr"] is None else f"{r['aupr']:.4f}",
    ]

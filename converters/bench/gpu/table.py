"""The rows as tables of text, for a terminal and a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from converters.bench.gpu.goals import aims
from converters.bench.gpu.modes import REFERENCE
from mobileseg.models.profile import TABLE_2

Row = dict[str, Any]
NONE = "–"
DAGGER = "†"


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose every cell is text; the first column reads left."""

    title: str
    headers: list[str]
    rows: list[list[str]]


def tables(rows: list[Row]) -> list[Table]:
    """All tables that the rows have something for."""
    made = (_card, _reference, _costs, _best, _throughput, _ensembles, _forms, _aims, _missing)
    return [table for table in (make(rows) for make in made) if table.rows]


def _card(rows: list[Row]) -> Table:
    shown = [r for r in rows if r["part"] == "limits"]
    cells = [
        [
            r["engine"].removeprefix("PyTorch "),
            r["precision"] or NONE,
            _number(r["bandwidth_gb_s"], ".0f"),
            _number(r["matrix_tflop_s"], ".1f"),
            _number(r["kernel_us"], ".2f"),
        ]
        for r in shown
    ]
    headers = ["measured", "precision", "GB/s\nread + written", "TFLOP/s", "µs\na kernel"]
    return Table(f"The card's own limits{_card_name(shown)}", headers, cells)


def _reference(rows: list[Row]) -> Table:
    shown = [r for r in rows if r["part"] == "reference"]
    cells = [
        [
            _name(r),
            "eager" if r["form"] == REFERENCE.name else "graph",
            *_times(r),
            f"{_number(r['fps'], '.1f')} ({_number(r['fps_paper'], '.2f')})",
            f"{_number(r['peak_mb'], '.1f')} ({_number(r['peak_mb_paper'], '.2f')})",
        ]
        for r in shown
    ]
    headers = ["", "run", "p50 ms", "p90", "p99", "fps\n(paper)", "peak MB\n(paper)"]
    title = f"Table 2's way: float32, TF32 off, batch 1{_side(shown)}{_card_name(shown)}"
    return Table(title, headers, cells)


def _costs(rows: list[Row]) -> Table:
    """In brackets what the paper prints, which holds for its side alone."""
    eager = [r for r in rows if r["part"] == "reference" and r["form"] == REFERENCE.name]
    cells = []
    for r in eager:
        printed = TABLE_2[r["variant"], r["members"]]
        cells.append(
            [
                _name(r),
                f"{r['macs_true_g']:.2f}",
                f"{r['macs_paper_g']:.2f} ({printed.macs_paper_g})",
                f"{r['params_m']:.2f} ({printed.params_m})",
                f"{r['size_mb']:.2f} ({printed.size_mb})",
            ]
        )
    headers = ["", "MACs G\ntrue", "MACs G, its way\n(paper)", "params M\n(paper)"]
    return Table("What they cost", [*headers, "size MB\n(paper)"], cells)


def _best(rows: list[Row]) -> Table:
    shown = [r for r in rows if r["best"] and r["part"] != "reference"]
    cells = [
        [
            _name(r),
            r["form"],
            *_times(r),
            _number(r["fps"], ".0f"),
            _number(r["times_paper"], ".1f"),
            _accuracy(r),
            _number(r["limit_share"], ".1%"),
            r["binds"] or NONE,
        ]
        for r in shown
    ]
    headers = [
        "",
        "form",
        "p50 ms",
        "p90",
        "p99",
        "fps",
        "× paper",
        "max |Δp|\n(limit)",
        "share of\nlimit",
        "binds",
    ]
    return Table(f"At their best within tolerance, batch 1{_side(shown)}", headers, cells)


def _throughput(rows: list[Row]) -> Table:
    shown = [r for r in rows if r["best_throughput"] and r["batch"] > 1]
    cells = [
        [
            _name(r),
            r["form"],
            str(r["batch"]),
            _number(r["median_ms"], ".2f"),
            _number(r["fps"], ".0f"),
            _number(r["peak_mb"], ".0f"),
            _accuracy(r),
            _number(r["limit_share"], ".1%"),
            r["binds"] or NONE,
        ]
        for r in shown
    ]
    headers = [
        "",
        "form",
        "batch",
        "p50 ms\na batch",
        "fps",
        "peak MB",
        "max |Δp|\n(limit)",
        "share of\nlimit",
        "binds",
    ]
    return Table(f"Most pictures a second{_side(shown)}", headers, cells)


def _ensembles(rows: list[Row]) -> Table:
    """Forms down; per network the time, and how many times the best single member's."""
    shown = [r for r in rows if r["part"] == "ensembles" and r["members"] > 1]

    def cell(row: Row) -> str:
        ratio = _number(row["ratio_to_best_one"], ".2f")
        return f"{_number(row['median_ms'], '.3f')} ({ratio}×){_flaw(row)}"

    title = "Three members: p50 ms, batch 1 (times the best single member's)"
    return _matrix(title, shown, cell)


def _forms(rows: list[Row]) -> Table:
    shown = [r for r in rows if r["part"] == "best" and r["batch"] == 1]

    def cell(row: Row) -> str:
        return f"{_number(row['median_ms'], '.3f')}{_flaw(row)}"

    return _matrix("Every form: p50 ms, batch 1 (!: out of tolerance)", shown, cell)


def _matrix(title: str, rows: list[Row], cell: Callable[[Row], str]) -> Table:
    """Forms down, networks across."""
    cells = {(r["form"], _name(r)): cell(r) for r in rows}
    networks = list(dict.fromkeys(_name(r) for r in rows))
    forms = dict.fromkeys(r["form"] for r in rows)
    return Table(
        title,
        ["form", *networks],
        [[form, *(cells.get((form, network), NONE) for network in networks)] for form in forms],
    )


def _aims(rows: list[Row]) -> Table:
    measured = any(r["not_measured"] is None for r in rows)
    return Table("Aims", ["what", "aim", "reached", ""], aims(rows) if measured else [])


def _missing(rows: list[Row]) -> Table:
    """What was not measured: each reason once, with what it holds for."""
    by_reason: dict[str, list[str]] = {}
    for r in rows:
        if r["not_measured"]:
            what = f"{_name(r)} {r['form']}" if r["form"] else r["engine"]
            by_reason.setdefault(r["not_measured"], []).append(what)
    cells = [[why, _listed(what)] for why, what in by_reason.items()]
    return Table("Not measured", ["why", "what"], cells)


def _listed(what: Iterable[str], most: int = 12) -> str:
    names = list(dict.fromkeys(what))
    more = f" … and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _name(row: Row) -> str:
    return f"{row['variant']}{DAGGER * (row['members'] > 1)}" if row["variant"] else NONE


def _times(row: Row) -> list[str]:
    return [_number(row[key], ".3f") for key in ("median_ms", "p90_ms", "p99_ms")]


def _accuracy(row: Row) -> str:
    return f"{_number(row['delta_p_max'], '.1e')} ({_number(row['tolerance_max'], 'g')})"


def _flaw(row: Row) -> str:
    return " !" if row["within_tolerance"] is False else ""


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else format(value, form)


def _side(rows: list[Row]) -> str:
    return f", 3×{rows[0]['side']}×{rows[0]['side']}" if rows else ""


def _card_name(rows: list[Row]) -> str:
    return f" ({rows[0]['gpu']})" if rows and rows[0]["gpu"] else ""

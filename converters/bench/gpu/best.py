"""Which rows are the best of their network, by what the rows themselves say.

The rows of several commands may be joined first: a run can be split, and nothing here was there
when they were measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

Row = dict[str, Any]


def usable(rows: Iterable[Row]) -> list[Row]:
    """Rows of networks that were measured and whose answer is within tolerance."""
    return [r for r in rows if r["not_measured"] is None and r["within_tolerance"] is True]


def mark_best(rows: list[Row]) -> None:
    """Set `best`, `best_throughput` and the ratios of ensembles on every row of a network.

    `best`: of a variant and its number of members, the fastest at batch 1 within tolerance.
    `best_throughput`: likewise, the most pictures a second at any batch. Of cards: each its own.
    """
    networks = [r for r in rows if r["variant"] is not None and r["batch"] is not None]
    for _, group in groupby(sorted(networks, key=_network), key=_network):
        _mark_one(list(group))
    for row in networks:
        alone = [r for r in networks if _is_alone(r, row) and r["not_measured"] is None]
        row["ratio_to_alone"] = _ratio(row, [r for r in alone if r["form"] == row["alone"]])
        row["ratio_to_best_one"] = _ratio(row, usable(alone))


def _network(row: Row) -> tuple[str, str, int, int]:
    return str(row["gpu"]), row["variant"], row["members"], row["side"]


def _mark_one(rows: list[Row]) -> None:
    fastest = min((r for r in usable(rows) if r["batch"] == 1), key=_median, default=None)
    most = max(usable(rows), key=_fps, default=None)
    for row in rows:
        row["best"] = row is fastest
        row["best_throughput"] = row is most


def _is_alone(one: Row, many: Row) -> bool:
    """Whether a row is of one member of another row's ensemble, on the same card."""
    alike = all(one[k] == many[k] for k in ("gpu", "variant", "side", "batch"))
    return alike and one["members"] == 1 < many["members"]


def _ratio(row: Row, ones: list[Row]) -> float | None:
    """A row's time over the shortest of `ones`."""
    if row["not_measured"] is not None or not ones:
        return None
    return float(row["median_ms"] / min(map(_median, ones)))


def _median(row: Row) -> float:
    return float(row["median_ms"])


def _fps(row: Row) -> float:
    return float(row["fps"])

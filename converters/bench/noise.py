"""Why a figure must not be trusted, when it must not.

Other work on the machine, a clock that changes, a spread that hides what is compared: a benchmark
that says nothing of them is believed all the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

SPREAD_LIMIT = 0.15  # (p90 - p10) / median: beyond it a ratio is not good to the first digit
IDLE = 0.5  # load average that a machine has by itself


def load_average() -> float | None:
    """Processes that wanted a core in the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def spread(row: Mapping[str, Any]) -> float:
    """(p90 - p10) / median of a row's times."""
    return float((row["p90_ms"] - row["p10_ms"]) / row["median_ms"])


def doubts(
    rows: Sequence[Mapping[str, Any]], load_before: float | None, threads: int, cores: int
) -> list[str]:
    """What speaks against figures, in lines; empty: nothing known.

    Args:
        rows: measured ones, with `engine`, `precision`, `graph` and times.
        load_before: `load_average` before anything was measured.
        threads: of each entrant.
        cores: that this process may use.
    """
    found = []
    if load_before is not None and load_before > IDLE:
        found.append(
            f"load average {load_before:.2f} before the first figure: other work was running"
        )
    if threads > cores:
        found.append(f"{threads} threads on {cores} core(s): they wait for each other")
    wide = [row for row in rows if spread(row) > SPREAD_LIMIT]
    if wide:
        worst = max(wide, key=spread)
        found.append(
            f"spread (p10 to p90) above {SPREAD_LIMIT:.0%} of the median in {len(wide)} of "
            f"{len(rows)} row(s), most in {worst['engine']} {worst['precision']} "
            f"({worst['graph']}): {spread(worst):.0%}"
        )
    return found

"""A row of a benchmark: one thing measured, with everything that a reader needs to weigh it.

Every row has the same keys, so that tables, figures and other people's scripts read them without
asking which benchmark wrote them. What does not apply is None; what could not be measured says
why, and has no figures.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mobileseg.version import __version__

# Always there, in this order. Times are of one picture (or batch) in milliseconds, memory is the
# peak in 10^6 bytes, `ratio_to_onnxruntime_fp32` is of one interleaved run. The last three belong
# to a GPU: frames a second, the paper's, and the share of the card's binding limit that is reached.
FIELDS = (
    "date",
    "machine",
    "gpu",
    "versions",
    "command",
    "variant",
    "members",
    "engine",
    "precision",
    "threads",
    "side",
    "median_ms",
    "p90_ms",
    "peak_mb",
    "ratio_to_onnxruntime_fp32",
    "fps",
    "fps_paper",
    "limit_share",
    "not_measured",
)
CPU_INFO = Path("/proc/cpuinfo")


def row(*, packages: Iterable[str] = ("torch",), **figures: Any) -> dict[str, Any]:
    """One row, dated now, on this machine, of this command.

    Args:
        packages: distributions whose versions the figures depend on, if they are installed.
        figures: values of `FIELDS`, and whatever else the benchmark has; those come after.
    """
    known: dict[str, Any] = dict.fromkeys(FIELDS)
    known |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(packages),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }
    return known | figures


def not_measured(why: str, **figures: Any) -> dict[str, Any]:
    """The row of what could not be measured.

    Args:
        why: the reason, and what would measure it.
        figures: what is known all the same: variant, members, engine …
    """
    return row(not_measured=why, **figures)


@cache
def machine() -> str:
    """The processor by its own name, and how many cores this process may use."""
    return f"{_processor()}, {platform.machine()}, {cores()} cores"


def cores() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """As Linux tells it; elsewhere what Python knows."""
    if CPU_INFO.is_file():
        for line in CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    return platform.processor() or platform.system()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of mobileseg, Python, and those of `packages` that are installed."""
    found = {"mobileseg": __version__, "python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found

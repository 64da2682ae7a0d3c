"""One file under load for minutes: a phone that was fast once may not stay so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from converters.bench.engines import Entrant
from converters.bench.interleaved import described, picture_for
from converters.bench.process import Lane, percentiles
from converters.bench.results import row

WINDOWS = 10  # the run in as many parts; the first and the last are compared


def sustained(
    entrant: Entrant, minutes: float, threads: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Let one entrant answer without a pause.

    Args:
        minutes: how long.
        threads: that it may use.
        say: told how far it is, ten times.

    Returns:
        A row: `windows_ms`, the median of each tenth of the time, and `slowdown`, the last over
        the first.

    Raises:
        LaneFailed: it cannot be opened, or died.
    """
    lane = Lane(entrant, picture_for(entrant), threads)
    windows: list[list[float]] = []
    try:
        for done in range(WINDOWS):
            ends = time.monotonic() + 60 * minutes / WINDOWS
            taken = lane.turn(1)
            while time.monotonic() < ends:
                taken += lane.turn(1)
            windows.append(taken)
            say(f"{done + 1} of {WINDOWS}: {np.median(taken):.1f} ms")
        memory = lane.leave()
    finally:
        lane.stop()
    medians = [float(np.median(taken)) for taken in windows]
    figures: dict[str, Any] = dict(percentiles([ms for taken in windows for ms in taken]))
    return row(
        peak_mb=memory.peak_mb,
        minutes=minutes,
        windows_ms=medians,
        slowdown=medians[-1] / medians[0],
        **described(entrant, threads),
        **figures,
    )

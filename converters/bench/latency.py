"""Which file is faster, on this machine, side by side.

A shared machine's clock is worth nothing by itself: files take turns, picture by picture, so that
whatever slows the machine slows them all, and only ratios are told.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.targets import Runner

WARM_UP = 3  # turns that are not timed: the first call also lays out memory


@dataclass(frozen=True, slots=True)
class Lap:
    """One file's times over all turns, in milliseconds."""

    median_ms: float
    p10_ms: float
    p90_ms: float

    @property
    def spread(self) -> float:
        """(p90 - p10) / median: above 0.15 the ratio is not to be trusted to the digit."""
        return (self.p90_ms - self.p10_ms) / self.median_ms


def one_thread() -> None:
    """ExecuTorch's and PyTorch's own threads to one, for the rest of this process."""
    import torch
    from executorch.extension.pybindings import portable_lib

    torch.set_num_threads(1)
    portable_lib._unsafe_reset_threadpool(1)


def race(runners: Mapping[str, Runner], picture: NDArray[Any], turns: int = 20) -> dict[str, Lap]:
    """Let every file answer the same picture in turn.

    Args:
        runners: by name; all take `picture`.
        turns: timed ones.
    """
    times: dict[str, list[float]] = {name: [] for name in runners}
    for turn in range(WARM_UP + turns):
        for name, runner in runners.items():
            begun = time.perf_counter()
            runner(picture)
            if turn >= WARM_UP:
                times[name].append(1000 * (time.perf_counter() - begun))
    return {
        name: Lap(*(float(v) for v in np.percentile(taken, [50, 10, 90])))
        for name, taken in times.items()
    }

"""Time and memory of a call: by the GPU's own events, or by the host's clock in tests.

Two times are taken, because they answer different questions. `laps` lets calls follow each other
without waiting, as in a stream of pictures, and gives frames a second. `awaited` waits for every
answer, as an app does that shows one picture; what the host adds is in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Laps:
    """Calls that followed each other."""

    each_ms: NDArray[np.float64]  # (iterations,)
    total_ms: float  # from before the first to after the last

    def percentile(self, q: float) -> float:
        """The time in milliseconds that q % of the calls did not exceed."""
        return float(np.percentile(self.each_ms, q))

    def per_second(self, batch: int) -> float:
        """Pictures a second over the whole, at `batch` pictures a call."""
        return 1000 * batch * len(self.each_ms) / self.total_ms


class Clock(Protocol):
    """What a benchmark needs of a device."""

    def laps(self, call: Call, iterations: int) -> Laps:
        """Warm up, then time `iterations` calls one after the other."""
        ...

    def awaited(self, call: Call, iterations: int) -> NDArray[np.float64]:
        """(iterations,) milliseconds of the host's clock, each until the answer is there."""
        ...

    def mark_memory(self) -> None:
        """From here on memory counts."""
        ...

    def peak_mb(self) -> float | None:
        """The most that was allocated since the mark, beyond what was there, in 10^6 bytes."""
        ...


class CudaClock:
    """CUDA events, and PyTorch's own count of allocated memory."""

    # An idle card lowers its clocks; a few calls of a small network do not wake it.
    WARM_UP_CALLS, WARM_UP_S = 20, 0.3

    def __init__(self) -> None:
        self._before = 0

    def laps(self, call: Call, iterations: int) -> Laps:
        self._warm_up(call)
        event: Any = torch.cuda.Event  # untyped in PyTorch
        events = [event(enable_timing=True) for _ in range(iterations + 1)]
        events[0].record()
        for after in events[1:]:
            call()
            after.record()
        torch.cuda.synchronize()
        each = [before.elapsed_time(after) for before, after in pairwise(events)]
        return Laps(np.array(each, np.float64), float(events[0].elapsed_time(events[-1])))

    def awaited(self, call: Call, iterations: int) -> NDArray[np.float64]:
        torch.cuda.synchronize()
        return _host_times(call, iterations, torch.cuda.synchronize)

    def mark_memory(self) -> None:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        self._before = torch.cuda.memory_allocated()

    def peak_mb(self) -> float | None:
        return (torch.cuda.max_memory_allocated() - self._before) / 1e6

    def _warm_up(self, call: Call) -> None:
        begun, calls = time.perf_counter(), 0
        while calls < self.WARM_UP_CALLS or time.perf_counter() - begun < self.WARM_UP_S:
            call()
            torch.cuda.synchronize()
            calls += 1


class HostClock:
    """The same on a CPU, where a call returns when its answer is there."""

    def laps(self, call: Call, iterations: int) -> Laps:
        call()
        begun = time.perf_counter()
        each = _host_times(call, iterations, lambda: None)
        return Laps(each, 1000 * (time.perf_counter() - begun))

    def awaited(self, call: Call, iterations: int) -> NDArray[np.float64]:
        return _host_times(call, iterations, lambda: None)

    def mark_memory(self) -> None:
        return None

    def peak_mb(self) -> float | None:
        return None  # PyTorch does not count a CPU's


def clock_of(device: torch.device) -> Clock:
    return CudaClock() if device.type == "cuda" else HostClock()


def _host_times(call: Call, iterations: int, wait: Call) -> NDArray[np.float64]:
    taken = np.empty(iterations, np.float64)
    for i in range(iterations):
        begun = time.perf_counter()
        call()
        wait()
        taken[i] = 1000 * (time.perf_counter() - begun)
    return taken

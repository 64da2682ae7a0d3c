"""A process of its own for one entrant: its memory is its own, and nothing warms another's cache.

The parent says when to answer; a lane that is not asked waits without using its core.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.bench.engines import Entrant, open_entrant
from converters.quiet import quiet

LONGEST_REASON = 200  # characters
# Before torch is loaded: its threads are to sleep while they wait, and to be as many as were asked.
QUIET = {"OMP_WAIT_POLICY": "passive", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
PAGE = os.sysconf("SC_PAGE_SIZE")
MB = 1e6


@dataclass(frozen=True, slots=True)
class Ready:
    """What opening cost."""

    load_ms: float  # file or network to something that can answer, toolkit imported before
    first_ms: float  # the first answer: memory is laid out, what is compiled late is compiled


@dataclass(frozen=True, slots=True)
class Memory:
    """In 10^6 bytes."""

    peak_mb: float  # above what the process held before it opened the entrant
    process_mb: float  # all of it, Python and PyTorch included


class Lane:
    """The parent's end.

    Args:
        entrant: opened in the new process.
        picture: what it answers, as its order's `Runner` takes it.
        threads: that it may use, and cores it is pinned to.

    Raises:
        LaneFailed: it could not be opened, and why.
    """

    def __init__(self, entrant: Entrant, picture: NDArray[Any], threads: int) -> None:
        self.entrant = entrant
        context = get_context("spawn")  # a fork would share memory, and count it
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(theirs, entrant, picture, threads), daemon=True
        )
        with environment({**QUIET, "OMP_NUM_THREADS": str(threads)}):
            self.process.start()
        theirs.close()
        self.ready: Ready = self._answer()

    def turn(self, calls: int) -> list[float]:
        """Milliseconds of each of `calls` answers in a row."""
        taken: list[float] = self._ask(calls)
        return taken

    def leave(self) -> Memory:
        """End the process."""
        memory: Memory = self._ask(0)
        self.process.join()
        return memory

    def stop(self) -> None:
        """End it whatever it does."""
        self.process.kill()
        self.process.join()

    def _ask(self, calls: int) -> Any:
        with suppress(OSError):  # it died: what it left to be read says so
            self.pipe.send(calls)
        return self._answer()

    def _answer(self) -> Any:
        try:
            answer = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            raise LaneFailed(f"its process died with exit code {self.process.exitcode}") from None
        if isinstance(answer, str):
            self.process.join()
            raise LaneFailed(answer)
        return answer


class LaneFailed(Exception):
    """Why an entrant has no figures."""


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for a process that is started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _serve(pipe: Connection, entrant: Entrant, picture: NDArray[Any], threads: int) -> None:
    """The process: open, then as many answers as are asked for, until none is."""
    with quiet():
        _answer_all(pipe, entrant, picture, threads)


def _answer_all(pipe: Connection, entrant: Entrant, picture: NDArray[Any], threads: int) -> None:
    try:
        pin(threads)
        import torch

        torch.set_num_threads(threads)
        _import_toolkit(entrant)
        before = resident_bytes()
        call, load_ms = _timed(lambda: open_entrant(entrant))
        _, first_ms = _timed(lambda: call(picture))
        pipe.send(Ready(load_ms, first_ms))
        while calls := pipe.recv():
            pipe.send([_timed(lambda: call(picture))[1] for _ in range(calls)])
        peak = peak_bytes()
        pipe.send(Memory(max(0.0, peak - before) / MB, peak / MB))
    except Exception as error:  # a toolkit may raise anything; the parent makes a row of it
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        pipe.send(f"{type(error).__name__}: {(lines or ['no text'])[0]}"[:LONGEST_REASON])


def _import_toolkit(entrant: Entrant) -> None:
    """Importing is Python's cost and no phone's."""
    from importlib import import_module

    toolkits = {"executorch": "executorch.runtime", "onnx": "onnxruntime"}
    import converters.deployable  # noqa: F401

    if entrant.target in toolkits:
        import_module(toolkits[entrant.target])


def pin(threads: int) -> None:
    """Keep this process on as many cores as it has threads: the last, which others ask least."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def resident_bytes() -> int:
    """What this process holds in memory now; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * PAGE if statm.is_file() else 0


def peak_bytes() -> int:
    """The most that this process has held.

    Not `ru_maxrss` where the system tells better: Linux starts that at what the parent held.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def _timed(act: Any) -> tuple[Any, float]:
    begun = time.perf_counter()
    result = act()
    return result, 1000 * (time.perf_counter() - begun)


def percentiles(taken: list[float]) -> dict[str, float]:
    """p10, median, p90 of times in milliseconds."""
    p10, median, p90 = (float(v) for v in np.percentile(taken, [10, 50, 90]))
    return {"p10_ms": p10, "median_ms": median, "p90_ms": p90}

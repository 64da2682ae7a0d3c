"""Workers as processes of this machine, each in a pool of its own.

One pool for all would do, but for this: where one of its processes dies, every picture at work is
lost with it, and none can be named.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Self

from converters.predict.worker import Bench, Order, Reply
from mobileseg.errors import MobilesegError


@dataclass(frozen=True, slots=True)
class LocalWorker:
    """A pool of one process."""

    pool: ProcessPoolExecutor
    process: BaseProcess
    opening: Future[str]

    def predict(self, name: str, path: Path) -> Future[Reply]:
        return self.pool.submit(_predict, name, path)

    def death(self, error: BaseException) -> str:
        self.pool.shutdown()  # its own thread buries the process: then the exit code is known
        code = self.process.exitcode or 0
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"left with exit code {code}"

    def dismiss(self) -> None:
        self.pool.shutdown(wait=False)


class LocalCrew:
    """Worker processes, spawned; Ctrl-C is their starter's to hear, whose end is theirs."""

    deaths: tuple[type[Exception], ...] = (BrokenProcessPool,)

    def __init__(self, order: Order, workers: int) -> None:
        self.order = order
        self.size = workers
        self.pools: list[ProcessPoolExecutor] = []
        self.others = set(active_children())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in set(active_children()) - self.others:
            process.kill()  # what it wrote is whole at every moment
        for pool in self.pools:
            pool.shutdown(cancel_futures=True)

    def hire(self) -> LocalWorker:
        before = set(active_children())
        # Spawned: a fork would copy the threads' locks, held by threads that it does not copy.
        pool = ProcessPoolExecutor(1, get_context("spawn"), _begin)
        self.pools.append(pool)
        with _deaf():
            opening = pool.submit(_open, self.order)
        (process,) = set(active_children()) - before
        return LocalWorker(pool, process, opening)


@contextmanager
def _deaf() -> Iterator[None]:
    """A process that is started inside never hears Ctrl-C, not even while Python starts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_bench: list[Bench] = []  # of this process, if it is a worker that has opened the model


def _begin() -> None:
    Thread(target=_leave_with_the_starter, daemon=True).start()


def _leave_with_the_starter() -> None:
    """A pool's process would wait for work for ever: it holds both ends of what work comes by."""
    starter = parent_process()
    assert starter is not None
    starter.join()
    os._exit(1)


def _open(order: Order) -> str:
    try:
        _bench.append(Bench(order))
    except MobilesegError as error:
        return str(error)
    return ""


def _predict(name: str, path: Path) -> Reply:
    (bench,) = _bench
    return bench.predict(name, path)

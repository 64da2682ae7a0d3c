"""Pictures shared out to worker processes: one picture each at a time, so nothing piles up.

A worker that dies (out of memory, a crash in a decoder) costs the picture it had in hand one
attempt, and nobody else anything. A picture that two workers died over is not called unreadable:
with more memory it may well be read, and what is written must not hang on the day's memory. The
others are finished first; then the work ends with an error that names it, and can be gone on with.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from converters.predict.batch import Done, Share
from converters.predict.resumable import Unfinished
from converters.predict.worker import Order, Reply
from mobileseg.errors import BadInput

ATTEMPTS = 2  # of a picture whose worker died, and of opening the model

Say = Callable[[str], None]


class Worker(Protocol):
    """A process that has been asked to open the model."""

    @property
    def opening(self) -> Future[str]:
        """Why it cannot; empty: it has."""

    def predict(self, name: str, path: Path) -> Future[Reply]:
        """Have one picture predicted and committed."""

    def death(self, error: BaseException) -> str:
        """How it ended, as in "was killed by SIGKILL"."""

    def dismiss(self) -> None:
        """Nothing is left for it to do."""


class Crew(Protocol):
    """Where workers come from; on leaving it as a context, none is left."""

    size: int
    deaths: tuple[type[Exception], ...]  # what a future raises whose worker died

    def hire(self) -> Worker: ...


Muster = Callable[[Order], AbstractContextManager[Crew]]
"""Finds the crew for an order."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is at."""

    worker: Worker
    name: str | None  # of the picture in hand, or that is kept for it while it opens the model
    opening: bool


@dataclass
class Sharing:
    """One pass through a list of pictures."""

    crew: Crew
    order: Order
    pictures: Mapping[str, Path]
    done: Done
    say: Say
    todo: deque[str] = field(default_factory=deque)
    at_work: dict[Future[Any], Task] = field(default_factory=dict)
    died_over: Counter[str] = field(default_factory=Counter)
    died_opening: int = 0  # since a worker last opened the model
    lost: dict[str, str] = field(default_factory=dict)  # picture -> how its last worker ended

    def run(self) -> None:
        """Deal with every picture.

        Raises:
            BadInput: the model cannot be opened, a result not be written, or workers died over a
                picture again and again.
        """
        self.todo.extend(self.pictures)
        for _ in range(min(self.crew.size, len(self.todo))):
            self._hire(None)
        while self.at_work:
            ended = wait(self.at_work, return_when=FIRST_COMPLETED).done
            for future in [f for f in self.at_work if f in ended]:  # the longest at work first
                self._take(future, self.at_work.pop(future))
        self._refuse_lost()

    def _hire(self, name: str | None) -> None:
        worker = self.crew.hire()
        self.at_work[worker.opening] = Task(worker, name, opening=True)

    def _take(self, future: Future[Any], task: Task) -> None:
        try:
            result = future.result()
        except self.crew.deaths as error:
            self._mourn(task, task.worker.death(error))
            return
        fault = result if task.opening else result.fault
        if fault:
            raise BadInput(fault)
        if task.opening:
            self.died_opening = 0
            self._next(task.worker, task.name)
        elif task.name is not None:
            self.done(task.name, result.unreadable)
            self._next(task.worker, None)

    def _next(self, worker: Worker, name: str | None) -> None:
        if name is None and self.todo:
            name = self.todo.popleft()
        if name is None:
            worker.dismiss()
            return
        task = Task(worker, name, opening=False)
        try:
            self.at_work[worker.predict(name, self.pictures[name])] = task
        except self.crew.deaths as error:  # it died since its last answer
            self._mourn(task, worker.death(error))

    def _mourn(self, task: Task, how: str) -> None:
        """A worker died: whoever takes its place begins with the picture that it had in hand."""
        name = task.name
        if task.opening:
            self.died_opening += 1
            if self.died_opening >= ATTEMPTS:
                raise BadInput(self._stillborn(how))
        elif name is not None:
            self.died_over[name] += 1
            again = self.died_over[name] < ATTEMPTS
            then = "tried again in a new one" if again else "given up"
            self.say(f"mobileseg: {self.pictures[name]}: the process at work on it {how}; {then}")
            if not again:
                self.lost[name] = how
                name = None
        if name is not None or self.todo:
            self._hire(name)

    def _stillborn(self, how: str) -> str:
        return (
            f"{self.order.model}: a process {how} while it opened this, and so did the next; "
            f"expected memory for each of {self.crew.size}: fewer --workers need less. "
            f"{self._kept()}"
        )

    def _refuse_lost(self) -> None:
        if self.lost:
            named = ", ".join(
                str(self.pictures[name]) for name in self.pictures if name in self.lost
            )
            *_, how = self.lost.values()
            raise BadInput(
                f"{named}: the process at work on it {how}, {ATTEMPTS} times; give it more memory "
                f"(fewer --workers) or leave it out. {self._kept()}"
            )

    def _kept(self) -> str:
        work = self.order.work
        return (
            f"{len(work.names())} result(s) are kept in {work.work.name}: the same command goes on"
        )


def with_workers(
    model: Path, verify_key: Path | None, maker: Mapping[str, str], muster: Muster, say: Say
) -> Share:
    """Worker processes do them.

    Args:
        model: run or bundle that each worker opens, and must find as it was: `maker` says how.
        verify_key: as for `open_predictor`.
        muster: finds the crew; it is asked for only if there is work.
        say: told when a worker dies.
    """

    def share(work: Unfinished, pictures: Mapping[str, Path], done: Done) -> None:
        if pictures:
            order = Order.of(model, verify_key, maker, pictures.values(), work)
            with muster(order) as crew:
                Sharing(crew, order, pictures, done, say).run()

    return share

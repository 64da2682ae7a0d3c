"""What a person sees of a study at work, read from its folder, whoever does the work.

On a terminal a table that follows the runs; elsewhere a line per event. Many runs are shown by
variant and task, with a row of its own only for those at work and those that failed.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from mobileseg.study.folder import (
    COMPLETE,
    DIVERGED,
    FAILED,
    RUNNING,
    WAITING,
    Reached,
    State,
    StudyFolder,
)

ROWS = 24  # runs that are shown one by one; more do not fit a screen
LASTING = (COMPLETE, DIVERGED, FAILED)


@dataclass(frozen=True, slots=True)
class Standing:
    """One run at one moment."""

    name: str
    variant: str
    task: str
    epochs: int
    state: State
    reached: Reached
    left_s: float | None = None  # None: not known
    taught: str = ""  # "distilled", if it is


@dataclass
class Pace:
    """How long an epoch takes, from what this process has seen: the same for every engine."""

    first: dict[str, tuple[float, int]] = field(default_factory=dict)  # run -> time, epoch

    def left(self, name: str, epoch: int, epochs: int, now: float) -> float | None:
        """Seconds until the last epoch; None before a whole one was seen."""
        begun, before = self.first.setdefault(name, (now, epoch))
        if epoch <= before:
            return None
        return (epochs - epoch) * (now - begun) / (epoch - before)

    def forget(self, name: str) -> None:
        self.first.pop(name, None)


@dataclass
class Watch:
    """Follows a study; a context, because a table on a terminal must be ended."""

    study: StudyFolder
    console: Console
    pace: Pace = field(default_factory=Pace)
    lasting: dict[str, Standing] = field(default_factory=dict)  # read once: they do not change
    live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.live = Live(console=self.console, auto_refresh=False)
            self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.live:
            self._draw()
            self.live.stop()

    def say(self, line: str) -> None:
        """Tell an event; above the table, if there is one."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def look(self, at_work: set[str]) -> None:
        """Draw the table anew, if there is one.

        Args:
            at_work: runs that may have changed since.
        """
        for name in at_work & self.lasting.keys():
            del self.lasting[name]
        if self.live:
            self._draw()

    def _draw(self) -> None:
        assert self.live
        standings = [self._standing(name) for name in self.study.runs]
        self.live.update(study_table(self.study.values["name"], standings), refresh=True)

    def _standing(self, name: str) -> Standing:
        if name not in self.lasting:
            now = standing(self.study, name, self.pace, time.monotonic())
            if now.state.state not in LASTING:
                return now
            self.lasting[name] = now
        return self.lasting[name]


def standing(study: StudyFolder, name: str, pace: Pace, now: float) -> Standing:
    """Read where a run stands."""
    run, state = study.runs[name], study.state(name)
    reached, epochs = study.reached(name), study.epochs(name)
    if state.state == RUNNING:
        left = pace.left(name, reached.epoch, epochs, now)
    else:
        left = None
        pace.forget(name)  # the time that it waits for another attempt is none of an epoch's
    taught = "distilled" if run.taught_by else ""
    return Standing(name, run.variant, run.task, epochs, state, reached, left, taught)


def study_table(title: str, standings: list[Standing]) -> Table:
    """The whole study as a table of at most a screen, as far as its groups allow."""
    states = Counter(s.state.state for s in standings)
    words = ", ".join(f"{states[s]} {s}" for s in (*LASTING, RUNNING, WAITING) if states[s])
    table = Table(title=f"{title}: {len(standings)} runs: {words}", title_justify="left")
    for header in ("run", "state", "epoch", "validation AUPR", "left"):
        table.add_column(header, justify="left" if header in ("run", "state") else "right")
    if len(standings) <= ROWS:
        for one in standings:
            table.add_row(*run_row(one))
        return table
    for one in standings:  # first: a short screen cuts the end off
        if one.state.state in (RUNNING, DIVERGED, FAILED):
            table.add_row(*run_row(one))
    table.add_section()
    for row in group_rows(standings):
        table.add_row(*row)
    return table


def run_row(one: Standing) -> tuple[str, str, str, str, str]:
    """Name, state, epoch, score and time left of a run."""
    again = f", attempt {one.state.attempts}" if one.state.attempts > 1 else ""
    return (
        one.name,
        one.state.state + again,
        f"{one.reached.epoch}/{one.epochs}",
        _score([one.reached.aupr]),
        "" if one.left_s is None else duration(one.left_s),
    )


def group_rows(standings: Iterable[Standing]) -> list[tuple[str, str, str, str, str]]:
    """A row for each variant and task; runs that are taught apart."""
    groups: dict[tuple[str, str, str], list[Standing]] = {}
    for one in standings:
        groups.setdefault((one.variant, one.task, one.taught), []).append(one)
    rows = []
    for kind, ones in groups.items():
        states = Counter(one.state.state for one in ones)
        words = ", ".join(f"{states[s]} {s}" for s in (RUNNING, DIVERGED, FAILED) if states[s])
        complete = f"{states[COMPLETE]} of {len(ones)} complete"
        epochs = f"{sum(one.reached.epoch for one in ones)}/{sum(one.epochs for one in ones)}"
        ended = [one.reached.aupr for one in ones if one.state.state == COMPLETE]
        state = ", ".join(filter(None, (complete, words)))
        rows.append((" ".join(filter(None, kind)), state, epochs, _score(ended), ""))
    return rows


def _score(values: list[float]) -> str:
    defined = [v for v in values if not math.isnan(v)]
    return f"{sum(defined) / len(defined):.3f}" if defined else ""


def duration(seconds: float) -> str:
    """1 h 05 min, 12 min, 40 s: as exact as an estimate may look."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"

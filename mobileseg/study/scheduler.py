"""Work through a study's runs on any engine: what dies is tried again, nothing stops the rest."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mobileseg.study.folder import COMPLETE, FAILED, RUNNING, WAITING, StudyFolder
from mobileseg.study.jobs import OUT_OF_MEMORY, Ended, Engine, Held, Job, halves

PAUSE_S = 0.2  # between two looks at what has ended
LOOK_S = 1.0  # between two looks into the folder, which may be far away and hold hundreds of runs

Say = Callable[[str], None]


@dataclass
class Drive:
    """One pass through the unfinished runs.

    Args:
        retries: how often a run is tried again whose process died.
        say: told of every event, a line each.
        look: called now and then with the runs at work (a live table).
    """

    study: StudyFolder
    engine: Engine
    retries: int
    say: Say
    look: Callable[[set[str]], None]
    at_work: dict[str, str] = field(default_factory=dict)  # run -> the state it was last seen in
    deaths: Counter[str] = field(default_factory=Counter)
    looked: float = -math.inf

    def run(self, jobs: list[Job], held: Sequence[Held] = ()) -> None:
        """Bring every job to its end, those that are held as soon as they may begin."""
        for job in jobs:
            self._begin(job)
        waiting = list(held)
        while self.at_work or waiting:
            for free in [h for h in waiting if not h.after & self.at_work.keys()]:
                waiting.remove(free)
                for job in free.jobs():
                    self._begin(job)
            if time.monotonic() - self.looked >= LOOK_S:
                self._tell_changes()
                self.look(set(self.at_work))
                self.looked = time.monotonic()
            ended = self.engine.ended()
            for one in ended:
                self._take(one)
            if not ended:
                time.sleep(PAUSE_S)

    def _begin(self, job: Job) -> None:
        for name in job.runs:
            if self.study.state(name).state != WAITING:  # a study that was killed left it so
                self.study.note(name, WAITING)
        self._submit(job)

    def _submit(self, job: Job) -> None:
        self.at_work |= dict.fromkeys(job.runs, WAITING)
        self.engine.submit(job)

    def _tell_changes(self) -> None:
        for name, before in self.at_work.items():
            now = self.study.state(name).state
            if now == RUNNING != before:
                self.say(f"{name}: begun")
            self.at_work[name] = now

    def _take(self, ended: Ended) -> None:
        """Note how each run of a job ended; those that only died go back."""
        died = []
        for name in ended.job.runs:
            del self.at_work[name]
            state = self.study.state(name)
            if state.state == COMPLETE:
                self.say(f"{name}: complete, {self._score(name)}")
            elif state.state in (RUNNING, WAITING):
                died.append(name)
                self.deaths[name] += 1
                self.study.note(name, WAITING, ended.reason or state.error or "its process left")
            else:
                self.say(f"{name}: {state.state}: {state.error}")
        again = tuple(name for name in died if self._may_try_again(name))
        if again:
            job = replace(ended.job, runs=again)
            for part in halves(job) if ended.code == OUT_OF_MEMORY else [job]:
                self._submit(part)

    def _may_try_again(self, name: str) -> bool:
        error, times = self.study.state(name).error, self.deaths[name]
        if times <= self.retries:
            self.say(f"{name}: {error}; tried again ({times} of {self.retries})")
            return True
        line = f"{error}; given up after {times} attempt(s)"
        self.study.note(name, FAILED, line)
        self.say(f"{name}: {FAILED}: {line}")
        return False

    def _score(self, name: str) -> str:
        reached = self.study.reached(name)
        return f"validation AUPR {reached.aupr:.3f} in its last epoch, {reached.epoch}"

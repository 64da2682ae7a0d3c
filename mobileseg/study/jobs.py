"""What one process is given to do: runs that may be trained together, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, Self

from mobileseg.study.folder import StudyFolder
from mobileseg.study.planned import PlannedRun

# How a process that worked on a job left. Both are told by its exit code, or by what it returned.
DONE = 0  # every run was brought to its end, a bad one included
BROKE = 1  # something that nobody foresaw; the rest may be tried again
OUT_OF_MEMORY = 3  # likewise, and fewer runs at once may do


@dataclass(frozen=True, slots=True)
class Job:
    """Runs of one variant, task and teacher, with the same choices but for their seeds."""

    folder: Path
    data: Path
    runs: tuple[str, ...]
    device: str
    threads: int = 1  # the engine's to say

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"folder": str(self.folder), "data": str(self.data)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        paths = {key: Path(values[key]) for key in ("folder", "data")}
        return cls(**{**values, **paths, "runs": tuple(values["runs"])})


@dataclass(frozen=True, slots=True)
class Ended:
    """A job whose process has gone."""

    job: Job
    code: int | None  # None: it was lost
    reason: str  # why, in words; empty where the process could say so itself


@dataclass(frozen=True, slots=True)
class Held:
    """Jobs that wait for runs to end, however they end."""

    after: frozenset[str]
    jobs: Callable[[], list[Job]]  # called once, then; may find that there is nothing to do


class Engine(Protocol):
    """Where jobs are worked on. A context: leaving it stops whatever still works."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def submit(self, job: Job) -> None:
        """Take a job; it begins when there is room."""
        ...

    def ended(self) -> list[Ended]:
        """Jobs that have ended since the last call; starts others in their place."""
        ...


def in_jobs(
    study: StudyFolder, names: Iterable[str], together: int, *, data: Path, device: str
) -> Iterator[Job]:
    """Divide runs into jobs of up to `together`, in their order."""
    planned = [study.runs[name] for name in names]
    for _, alike in groupby(planned, key=_likeness):
        of_a_kind = [run.name for run in alike]
        for start in range(0, len(of_a_kind), together):
            some = tuple(of_a_kind[start : start + together])
            yield Job(study.path.resolve(), data.resolve(), some, device)


def _likeness(run: PlannedRun) -> tuple[Any, ...]:
    choices = replace(run.choices, seed=0, split_seed=0)
    return run.variant, run.task, choices, run.taught_by, bool(run.starts_at)


def halves(job: Job) -> list[Job]:
    """The job as two, or itself if it is one run."""
    middle = (len(job.runs) + 1) // 2
    parts = (job.runs[:middle], job.runs[middle:])
    return [replace(job, runs=runs) for runs in parts if runs]

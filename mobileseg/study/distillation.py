"""Runs that an ensemble of the same study teaches: they begin when it can be made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from mobileseg.study.ensembles import Maker, Wanted, wanted
from mobileseg.study.folder import COMPLETE, DIVERGED, FAILED, StudyFolder
from mobileseg.study.jobs import Held, Job, in_jobs


def held_jobs(
    study: StudyFolder, names: Sequence[str], maker: Maker, together: int, data: Path, device: str
) -> Iterator[Held]:
    """Divide runs that are taught into jobs, to begin when their teacher can be made.

    Args:
        names: unfinished runs; plain ones are passed over.
        maker: makes the teachers.
    """
    for teacher in wanted(study):
        students = [name for name in names if study.runs[name].taught_by == teacher.name]
        if students:
            jobs = partial(in_jobs, study, together=together, data=data, device=device)
            after = frozenset(plain_runs(study, teacher))
            yield Held(after, partial(_begin, study, teacher, students, maker, jobs))


def plain_runs(study: StudyFolder, teacher: Wanted) -> list[str]:
    """Those that a teacher's members are chosen from."""
    return [
        name
        for name, run in study.runs.items()
        if (run.variant, run.task) == (teacher.variant, *teacher.tasks) and not run.taught_by
    ]


def _begin(
    study: StudyFolder,
    teacher: Wanted,
    students: Sequence[str],
    maker: Maker,
    jobs: Callable[[list[str]], Iterable[Job]],
) -> list[Job]:
    """Make the teacher; students without one, or without their start, fail with the reason."""
    states = {name: study.state(name).state for name in plain_runs(study, teacher)}
    # One that only failed may yet be completed, and another teacher would follow from it.
    missing = [name for name, state in states.items() if state not in (COMPLETE, DIVERGED)]
    fault = f"{', '.join(missing)} not complete" if missing else maker.make(teacher)
    begun = []
    for name in students:
        start = study.runs[name].starts_at
        reason = f"no teacher {teacher.name}: {fault}" if fault else None
        if not reason and start and states[start] != COMPLETE:
            reason = f"is to start at {start}, which is {states[start]}"
        if reason:
            study.note(name, FAILED, reason)
            maker.say(f"{name}: {FAILED}: {reason}")
        else:
            begun.append(name)
    return list(jobs(begun))

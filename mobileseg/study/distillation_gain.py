"""What an ensemble taught its students: their AUPR between the plain runs' and the teacher's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from mobileseg.errors import BadInput
from mobileseg.files.atomic import read_json
from mobileseg.runs import is_run, open_run
from mobileseg.study.distillation import plain_runs
from mobileseg.study.ensembles import wanted
from mobileseg.study.folder import EVALUATION, StudyFolder
from mobileseg.training.config import KnownRun
from mobileseg.training.source_runs import known


@dataclass(frozen=True, slots=True)
class Gain:
    """What teaching brought, in one lesion's AUPR on test pictures."""

    plain: dict[str, float]  # run -> AUPR
    teacher: float
    distilled: dict[str, float]

    @property
    def gap(self) -> float:
        """From the plain runs' mean to the teacher."""
        return self.teacher - fmean(self.plain.values())

    @property
    def closed(self) -> float | None:
        """Share of the gap that the distilled runs' mean has closed; None: undecidable."""
        if self.undecidable:
            return None
        return (fmean(self.distilled.values()) - fmean(self.plain.values())) / self.gap

    @property
    def undecidable(self) -> str | None:
        """Why no share can be told, if none can."""
        spread = _sd(self.plain)
        if spread is None:
            return "one plain run has no SD"
        if self.gap <= 0:
            return f"the teacher is no better than the plain runs ({self.gap:+.4f})"
        if self.gap < spread:
            return f"the gap {self.gap:.4f} is smaller than the plain runs' SD {spread:.4f}"
        return None

    def to_json(self) -> dict[str, Any]:
        return {
            "plain": self.plain,
            "plain_mean": fmean(self.plain.values()),
            "plain_sd": _sd(self.plain),
            "teacher": self.teacher,
            "distilled": self.distilled,
            "distilled_mean": fmean(self.distilled.values()),
            "distilled_sd": _sd(self.distilled),
            "gap": self.gap,
            "gap_closed": self.closed,
            "undecidable": self.undecidable,
        }


def _sd(values: dict[str, float]) -> float | None:
    return stdev(values.values()) if len(values) > 1 else None


def gain(plain: Sequence[Path], teacher: Path, distilled: Sequence[Path], code: str) -> Gain | None:
    """One lesion's gain, from the evaluations in run folders; None where an AUPR is undefined."""
    found = [{p.name: _aupr(p, code) for p in some} for some in (plain, [teacher], distilled)]
    if not all(found) or any(value is None for named in found for value in named.values()):
        return None
    ours, theirs, taught = ({n: v for n, v in f.items() if v is not None} for f in found)
    return Gain(ours, theirs[teacher.name], taught)


def _aupr(run: Path, code: str) -> float | None:
    where = run / EVALUATION
    try:
        rows = read_json(where)["lesions"]
        value = next((row["aupr"] for row in rows if row["lesion"] == code), None)
        return None if value is None else float(value)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{where}: entry missing or of another kind ({error}); remove it, and the study scores "
            "the run again"
        ) from None


def _teacher_of(run: Path) -> KnownRun:
    return KnownRun(**open_run(run).config.training["teacher"])


def gains(study: StudyFolder) -> Iterator[dict[str, Any]]:
    """A row for each teacher and lesion, of all runs that are complete.

    A distilled run that another teacher taught (plain runs were added since) is named apart.
    """
    for teacher in wanted(study):
        students = [n for n, run in study.runs.items() if run.taught_by == teacher.name]
        folder = study.ensemble_folder(teacher.name)
        if not students or not (is_run(folder) and (folder / EVALUATION).is_file()):
            continue
        opened = open_run(folder)
        now = known(opened)
        done = [study.run_folder(n) for n in students if study.is_complete(n)]
        taught = [p for p in done if _teacher_of(p) == now]
        plain = [study.run_folder(n) for n in plain_runs(study, teacher) if study.is_complete(n)]
        for code in opened.config.lesions:
            found = gain(plain, folder, taught, code)
            if found:
                head = {"teacher_name": teacher.name, "lesion": code}
                apart = [p.name for p in done if p not in taught]
                yield head | found.to_json() | {"taught_by_another": apart}

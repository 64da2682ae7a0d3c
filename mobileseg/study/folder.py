"""A study's folder: what is asked for, how far each run came, and what is complete.

    study.json              the plan, written when the study begins
    runs/<name>/            a run folder; its evaluation.json is the mark that it is complete
    distilled/<name>/       likewise, of runs that an ensemble of the study teaches
    ensembles/<name>/       a folder of the same kind that answers by several runs
    states/<name>.json      attempts, state and last error of a run; no file: it waits
    states/<name>.log       what its process said, if it said anything
    study.lock              held while somebody works on the study

Everything is read anew from here: the processes of a study share nothing but this folder.
"""

from __future__ import annotations

import math
import os
import socket
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from mobileseg.data.idrid import fingerprint, read_idrid
from mobileseg.errors import BadInput
from mobileseg.files.atomic import leftovers, write_json
from mobileseg.files.lock import LOCK
from mobileseg.files.untrusted import read_json
from mobileseg.runs import is_run, open_run
from mobileseg.spec import PreprocessSpec
from mobileseg.study.planned import Plan, PlannedCombination, PlannedEnsemble, PlannedRun
from mobileseg.study.schema import refuse_unfit, refuse_unfit_state
from mobileseg.training.config import PIECES, SWITCHES, TEACHING, TrainConfig
from mobileseg.training.metrics_file import METRICS, read_metrics

SCHEMA = 1
STUDY = "study.json"
EVALUATION = "evaluation.json"
# What a study is; each of these is one for all its runs.
IDENTITY = ("name", "protocol", "approximate", "preprocess", "data", "data_sha256")

# What a run's row leaves out where it does without.
UNTOLD = {name: getattr(TrainConfig(), name) for name in (*SWITCHES, *TEACHING, *PIECES)}

WAITING, RUNNING, COMPLETE = "waiting", "running", "complete"
DIVERGED, FAILED = "diverged", "failed"


@dataclass(frozen=True, slots=True)
class State:
    """Where a run of a study stands."""

    state: str = WAITING
    attempts: int = 0  # processes that have begun on it
    error: str | None = None  # the last one's line
    host: str | None = None  # where it runs or ran
    pid: int | None = None

    def to_json(self) -> dict[str, Any]:
        names = ("state", "attempts", "error", "host", "pid")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `to_json` gave; checked by `read_state`."""
        return cls(**{row.name: values[row.name] for row in fields(cls) if row.name in values})


@dataclass(frozen=True, slots=True)
class Reached:
    """What a run's metrics.csv says."""

    epoch: int = 0
    aupr: float = math.nan  # of the last validation, mean over lesions


@dataclass(frozen=True)
class StudyFolder:
    """An opened study."""

    path: Path
    values: dict[str, Any] = field(repr=False)  # study.json

    @cached_property
    def runs(self) -> dict[str, PlannedRun]:
        """By name, in the order of the file."""
        return {row["name"]: PlannedRun.from_json(row) for row in _run_rows(self.values)}

    @property
    def preprocess(self) -> PreprocessSpec:
        return PreprocessSpec.from_json(self.values["preprocess"])

    @property
    def ensembles(self) -> list[PlannedEnsemble]:
        rows = self.values["ensembles"]
        return [PlannedEnsemble(row["variant"], row["task"], row["best"]) for row in rows]

    @property
    def combinations(self) -> list[PlannedCombination]:
        rows = self.values["combinations"]
        return [PlannedCombination(row["variant"], row["of"]) for row in rows]

    def run_folder(self, name: str) -> Path:
        """Apart from the plain runs: nobody may take a run that was taught for one of them."""
        return self.path / ("distilled" if self.runs[name].taught_by else "runs") / name

    def ensemble_folder(self, name: str) -> Path:
        return self.path / "ensembles" / name

    def log(self, name: str) -> Path:
        return self.path / "states" / f"{name}.log"

    def is_complete(self, name: str) -> bool:
        return (self.run_folder(name) / EVALUATION).is_file()

    def state(self, name: str) -> State:
        """Complete if it is, whatever the state's file says: a kill may come between the two."""
        path = self.path / "states" / f"{name}.json"
        noted = read_state(path) if path.is_file() else State()
        return replace(noted, state=COMPLETE, error=None) if self.is_complete(name) else noted

    def note(self, name: str, state: str, error: str | None = None) -> None:
        """Write down where a run stands."""
        self._write(name, replace(self.state(name), state=state, error=error))

    def note_attempt(self, name: str) -> None:
        """Write down that this process begins on a run."""
        before = self.state(name)
        now = replace(before, state=RUNNING, attempts=before.attempts + 1)
        self._write(name, replace(now, host=socket.gethostname(), pid=os.getpid()))

    def _write(self, name: str, state: State) -> None:
        write_json(self.path / "states" / f"{name}.json", state.to_json())

    def reached(self, name: str) -> Reached:
        """How far a run's metrics.csv goes; it is replaced whole, so it is never half a row."""
        path = self.run_folder(name) / METRICS
        rows = read_metrics(path) if path.is_file() else []
        if not rows:
            return Reached()
        for row in reversed(rows):  # not every epoch is validated
            scores = [v for k, v in row.items() if k.startswith("validation_aupr_")]
            if defined := [v for v in scores if not math.isnan(v)]:
                return Reached(int(rows[-1]["epoch"]), sum(defined) / len(defined))
        return Reached(int(rows[-1]["epoch"]))

    def epochs(self, name: str) -> int:
        """A run's whole length; of one that was given minutes, as it was measured at its start."""
        choices, folder = self.runs[name].choices, self.run_folder(name)
        if choices.minutes and is_run(folder):
            return int(open_run(folder).config.training["epochs"])
        return choices.epochs

    def unfinished(self) -> list[str]:
        """Runs to be worked on; one that diverged would do so again, and is left alone."""
        return [name for name in self.runs if not self._is_settled(name)]

    def _is_settled(self, name: str) -> bool:
        state = self.state(name).state
        # Without its folder there is nothing that diverged: removing it is how to try again.
        return state == COMPLETE or (state == DIVERGED and self.run_folder(name).exists())


def read_state(path: Path) -> State:
    """Where a run was noted to stand.

    Raises:
        BadInput: the file is damaged.
    """
    values = read_json(path)
    refuse_unfit_state(values, path)
    return State.from_json(values)


def data_fingerprint(data: Path) -> str:
    """One sum over names and contents of all pictures and masks, test set included.

    Raises:
        BadInput: another layout than IDRiD's.
    """
    splits = sorted(read_idrid(data).samples.items())
    return fingerprint((f"{split}/{s.name}", s) for split, samples in splits for s in samples)


def open_study(path: Path) -> StudyFolder:
    """Open a study's folder.

    Raises:
        BadInput: there is no study, one of another version, or one that is damaged.
    """
    where = path / STUDY
    if not where.is_file():
        raise BadInput(f"{path}: no {STUDY} in it; expected a folder that mobileseg study wrote")
    values = read_json(where)
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise BadInput(f"{where}: expected schema {SCHEMA}: not of this version")
    refuse_unfit(values, where)
    return StudyFolder(path, values)


def refuse_foreign(path: Path) -> None:
    """Raise BadInput where there is something and no study: nothing of somebody else's is touched.

    What a kill leaves before study.json is nothing.
    """
    if not path.exists() or (path / STUDY).is_file():
        return
    worthless = {path / LOCK, *leftovers(path / STUDY)}
    if not path.is_dir() or set(path.iterdir()) - worthless:
        raise BadInput(f"{path}: exists already and holds no {STUDY}; choose another place")


def begin_study(path: Path, plan: Plan, data: Path) -> StudyFolder:
    """Open or set up the folder of a plan; runs that the plan has more of are added.

    Raises:
        BadInput: the folder holds another study, or something else; the first difference is named.
    """
    begun = open_study(path) if (path / STUDY).is_file() else None
    if begun:
        plan = plan.going_on(begun.preprocess)
    values = {
        "schema": SCHEMA,
        "name": plan.name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": data.resolve().name,
        "data_sha256": data_fingerprint(data),
        "approximate": list(plan.approximate),
        "protocol": plan.protocol,
        "preprocess": plan.preprocess.to_json(),
        "runs": [run.to_json() for run in plan.runs if not run.taught_by],
        "distilled": [run.to_json() for run in plan.runs if run.taught_by],
        "ensembles": [ensemble.to_json() for ensemble in plan.ensembles],
        "combinations": [combination.to_json() for combination in plan.combinations],
    }
    if begun:
        refuse_other(path, begun.values, values, plan.file)
        values["date"] = begun.values["date"]
    write_json(path / STUDY, values)
    return StudyFolder(path, values)


def refuse_other(path: Path, begun: dict[str, Any], asked: dict[str, Any], file: Path) -> None:
    """A folder belongs to one study: what has begun in it keeps its choices, and may grow."""
    difference = _first_difference(begun, asked)
    if difference:
        raise BadInput(
            f"{path}: was begun as another study: {difference} in {file}; "
            "choose another folder, or the file it began with"
        )


def _first_difference(begun: dict[str, Any], asked: dict[str, Any]) -> str | None:
    for key in IDENTITY:
        if begun.get(key) != asked[key]:
            return f"{key} is {begun.get(key)!r} there, {asked[key]!r}"
    runs = {row["name"]: row for row in _run_rows(asked)}
    for row in _run_rows(begun):
        if row["name"] not in runs:
            return f"run {row['name']} is there, not"
        there, here = ({**UNTOLD, **values} for values in (row, runs[row["name"]]))
        for key, value in here.items():
            if there.get(key, value) != value:  # a choice that an older version did not have: equal
                return f"{key} of run {row['name']} is {there[key]!r} there, {value!r}"
    return None


def _run_rows(values: dict[str, Any]) -> list[dict[str, Any]]:
    """All runs of a study.json, plain and taught; older ones know of none that is taught."""
    return [*values["runs"], *values.get("distilled", [])]

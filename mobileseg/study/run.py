"""A study from its plan to its ensembles, on one of the engines."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from mobileseg.data.idrid import read_idrid
from mobileseg.files.lock import alone_on
from mobileseg.lesions import task_lesions
from mobileseg.study.distillation import held_jobs
from mobileseg.study.distillation_gain import gains
from mobileseg.study.engine_local import LocalEngine
from mobileseg.study.engine_ray import RayEngine
from mobileseg.study.ensembles import Maker
from mobileseg.study.folder import (
    COMPLETE,
    STUDY,
    WAITING,
    State,
    StudyFolder,
    begin_study,
    open_study,
    refuse_foreign,
)
from mobileseg.study.jobs import Engine, in_jobs
from mobileseg.study.planned import Plan
from mobileseg.study.progress_table import Watch
from mobileseg.study.scheduler import Drive


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a study stands when everything has been tried."""

    study: StudyFolder
    states: dict[str, State]
    ensembles: dict[str, str | None]  # None: complete; else why not

    @property
    def failures(self) -> dict[str, str]:
        """What is not complete, and why."""
        runs = {n: f"{s.state}: {s.error}" for n, s in self.states.items() if s.state != COMPLETE}
        return runs | {n: f"not made: {why}" for n, why in self.ensembles.items() if why}

    def line(self, where: Path) -> str:
        complete = sum(s.state == COMPLETE for s in self.states.values())
        made = sum(why is None for why in self.ensembles.values())
        runs = f"{where}: {complete} of {len(self.states)} runs complete"
        return f"{runs}, {made} of {len(self.ensembles)} ensembles" if self.ensembles else runs

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.study.values["name"],
            "folder": str(self.study.path),
            "runs": [self._run_json(name) for name in self.states],
            "ensembles": [{"name": n, "error": why} for n, why in self.ensembles.items()],
            "distillation": list(gains(self.study)),
        }

    def _run_json(self, name: str) -> dict[str, Any]:
        state, reached = self.states[name], self.study.reached(name)
        return {
            "name": name,
            "state": state.state,
            "attempts": state.attempts,
            "error": state.error,
            "epoch": reached.epoch,
            "validation_aupr": reached.aupr,
        }


def conduct(
    plan: Plan,
    data: Path,
    output: Path,
    *,
    engine: str,
    address: str | None,
    workers: int | None,
    together: int,
    retries: int,
    device: str,
) -> Outcome:
    """Train what is unfinished, then make the ensembles; teachers as soon as they can be made.

    Args:
        output: the study's folder.
        engine: "local" or "ray".
        address: of a Ray cluster.
        workers: processes at a time; None is the engine's own choice.
        together: runs that one process trains at once.
        retries: how often a run is tried again whose process died.
        device: auto, cpu or cuda.

    Raises:
        BadInput: the folder is another study's or somebody is at work on it; the data cannot be
            used; the engine cannot be had. Nothing has begun then.
        MissingToolkit: the engine is not installed.
    """
    _refuse_unlabelled(plan, data)
    with ExitStack() as stack:
        refuse_foreign(output)
        stack.enter_context(alone_on(output))
        study = begin_study(output, plan, data)
        watch = stack.enter_context(Watch(study, Console(stderr=True)))
        names, maker = study.unfinished(), Maker(study, data, watch.say)
        if names:
            with _engine(engine, output, data, workers, device, address) as where:
                plain = [name for name in names if not study.runs[name].taught_by]
                jobs = in_jobs(study, plain, together, data=data, device=device)
                held = held_jobs(study, names, maker, together, data, device)
                drive = Drive(study, where, retries, watch.say, watch.look)
                drive.run(list(jobs), list(held))
        ensembles = maker.make_all()
    return Outcome(study, {name: study.state(name) for name in study.runs}, ensembles)


def _engine(
    name: str, folder: Path, data: Path, workers: int | None, device: str, address: str | None
) -> Engine:
    if name == "ray":
        return RayEngine(folder, data, workers, device, address)
    return LocalEngine(workers or 1, device)


def _refuse_unlabelled(plan: Plan, data: Path) -> None:
    """Data that lacks a task's masks, or its test set, is told before anything is begun."""
    collection = read_idrid(data)
    for task in dict.fromkeys(run.task for run in plan.runs):
        for split in ("train", "test"):
            collection.split(split, task_lesions(task))


def planned_states(plan: Plan, output: Path | None) -> dict[str, str]:
    """How each planned run stands in a folder that may not be there yet."""
    if output is None or not (output / STUDY).is_file():
        return {run.name: WAITING for run in plan.runs}
    study = open_study(output)
    return {run.name: study.state(run.name).state for run in plan.runs}

"""What dies is tried again, what cannot succeed is marked, and nothing stops the other runs.

The processes are real and are really killed. Only deaths that cannot be had on demand (memory
running out, a process that dies every time) come from an engine that is written here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest
import torch

from mobileseg.files.atomic import write_json
from mobileseg.study.engine_local import LocalEngine
from mobileseg.study.folder import EVALUATION, StudyFolder, begin_study
from mobileseg.study.jobs import BROKE, DONE, OUT_OF_MEMORY, Ended, Job, in_jobs
from mobileseg.study.run import Outcome, conduct
from mobileseg.study.scheduler import Drive
from mobileseg.training.session import begin, pick_device

EPOCHS = 6
LOCAL: dict[str, Any] = {
    "engine": "local",
    "address": None,
    "together": 2,
    "retries": 2,
    "device": "cpu",
}


@dataclass(frozen=True)
class Told:
    """A study that has been worked through, and what was said."""

    outcome: Outcome
    folder: Path
    lines: list[str]
    again: Callable[[], Outcome]


@pytest.fixture(scope="module")
def told(tmp_path_factory, planned, block, phantoms, workers, kill_in_mid_run) -> Told:
    """Two runs of one process that is killed, one run that diverges, an ensemble."""
    folder = tmp_path_factory.mktemp("drive")
    more = block + "runs = 2" + block + "seeds = [9]\nlr = 1e30"
    more += '\n[[ensembles]]\nvariants = ["xs"]\ntasks = ["EX"]\nbest = 2'
    plan = planned(folder, more, EPOCHS)
    study = folder / "study"
    killer = kill_in_mid_run(study, "xs-EX-0")
    with pytest.MonkeyPatch.context() as patch:
        said = (folder / "said").open("w+")
        patch.setattr("sys.stderr", said)
        outcome = conduct(plan, phantoms, study, workers=workers, **LOCAL)
        killer.join()
        said.seek(0)
        lines = said.read().splitlines()
        said.close()
    again = partial(conduct, plan, phantoms, study, workers=workers, **LOCAL)
    return Told(outcome, study, lines, again)


def test_the_killed_run_is_tried_again_and_the_study_completes(told):
    states = told.outcome.states
    assert {name: state.state for name, state in states.items()} == {
        "xs-EX-0": "complete",
        "xs-EX-1": "complete",
        "xs-EX-9": "diverged",
    }
    for name in ("xs-EX-0", "xs-EX-1"):
        assert states[name].attempts == 2
        assert f"{name}: killed by SIGKILL; tried again (1 of 2)" in told.lines


def test_the_run_that_diverged_is_marked_with_its_line_and_not_tried_again(told):
    state = told.outcome.states["xs-EX-9"]
    assert state.attempts == 1
    assert state.error and "the loss is nan in epoch 1" in state.error
    assert list(told.outcome.failures) == ["xs-EX-9"]


def test_the_resumed_run_is_to_the_bit_what_it_would_have_been(told, phantoms, tmp_path):
    folder = told.folder / "runs" / "xs-EX-0"
    before = torch.get_num_threads()
    torch.set_num_threads(json.loads((folder / "run.json").read_text())["threads"])
    try:
        study, run = told.outcome.study, told.outcome.study.runs["xs-EX-0"]
        trainer = begin(
            tmp_path / "run",
            phantoms,
            variant=run.variant,
            task=run.task,
            preprocess=study.preprocess,
            choices=run.choices,
            device=pick_device("cpu"),
        )
        trainer.run()
    finally:
        torch.set_num_threads(before)
    resumed = torch.load(folder / "last.pt", weights_only=True)
    whole = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert resumed["epoch"] == whole["epoch"] == EPOCHS
    for part in ("network", "best_network"):
        assert resumed[part].keys() == whole[part].keys()
        assert all(torch.equal(resumed[part][key], whole[part][key]) for key in whole[part])
    assert resumed["rows"] == whole["rows"]


def test_complete_runs_are_scored_on_the_test_set(told, phantoms):
    for name in ("runs/xs-EX-0", "runs/xs-EX-1", "ensembles/xs-EX-best2"):
        scored = json.loads((told.folder / name / EVALUATION).read_text())
        assert (scored["split"], scored["data"]) == ("test", phantoms.name)
        assert [row["lesion"] for row in scored["lesions"]] == ["EX"]
        assert scored["lesions"][0]["pictures"] == 3


def test_the_ensemble_is_made_of_the_complete_runs(told):
    config = json.loads((told.folder / "ensembles" / "xs-EX-best2" / "config.json").read_text())
    assert {member["name"] for member in config["members"]} == {"xs-EX-0", "xs-EX-1"}
    assert told.outcome.ensembles == {"xs-EX-best2": None}


def test_the_outcome_is_one_line_and_one_object(told):
    assert told.outcome.line(Path("s")) == "s: 2 of 3 runs complete, 1 of 1 ensembles"
    runs = told.outcome.to_json()["runs"]
    assert [(r["name"], r["state"], r["epoch"]) for r in runs] == [
        ("xs-EX-0", "complete", EPOCHS),
        ("xs-EX-1", "complete", EPOCHS),
        ("xs-EX-9", "diverged", 0),
    ]


def test_starting_again_touches_nothing_that_is_complete(told):
    def stamps() -> dict[Path, int]:
        files = (p for p in told.folder.rglob("*") if p.is_file() and p.parent != told.folder)
        return {path: path.stat().st_mtime_ns for path in files}

    before = stamps()
    outcome = told.again()
    assert stamps() == before
    assert outcome.states == told.outcome.states


# What a scripted engine does with a job: completes these of its runs, then leaves so.
Act = Callable[[StudyFolder, Job], Ended]


@dataclass
class Scripted:
    """An engine that does at once what its script says, job by job."""

    study: StudyFolder
    script: list[Act]
    jobs: list[tuple[str, ...]] = field(default_factory=list)
    done: list[Ended] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, job: Job) -> None:
        self.jobs.append(job.runs)
        act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.done.append(act(self.study, job))

    def ended(self) -> list[Ended]:
        done, self.done = self.done, []
        return done


def completes(study: StudyFolder, job: Job) -> Ended:
    for name in job.runs:
        study.note_attempt(name)
        write_json(study.run_folder(name) / EVALUATION, {})
    return Ended(job, DONE, "")


def dies(code: int | None, reason: str, error: str | None = None) -> Act:
    def act(study: StudyFolder, job: Job) -> Ended:
        for name in job.runs:
            study.note_attempt(name)
            if error:
                study.note(name, "running", error)
        return Ended(job, code, reason)

    return act


@pytest.fixture
def drive(tmp_path, planned, block, phantoms):
    """Call it with a script; returns the study, the jobs that were given out, and the lines."""

    def call(script: list[Act], together: int, retries: int = 2) -> tuple[Any, ...]:
        plan = planned(tmp_path, block + "runs = 4")
        study = begin_study(tmp_path / "study", plan, phantoms)
        engine, lines = Scripted(study, script), []
        jobs = in_jobs(study, study.runs, together, data=phantoms, device="cpu")
        Drive(study, engine, retries, lines.append, lambda at_work: None).run(list(jobs))
        return study, engine.jobs, lines

    return call


ALL = ("xs-EX-0", "xs-EX-1", "xs-EX-2", "xs-EX-3")


def test_out_of_memory_is_tried_again_with_half_as_many_together(drive):
    study, jobs, lines = drive(
        [dies(OUT_OF_MEMORY, "", "OutOfMemoryError: 2 GiB")] * 2 + [completes], together=4
    )
    assert jobs == [ALL, ALL[:2], ALL[2:], ALL[:1], ALL[1:2]]
    assert study.unfinished() == []
    assert "xs-EX-0: OutOfMemoryError: 2 GiB; tried again (2 of 2)" in lines


def test_a_killed_group_is_tried_again_as_it_is(drive):
    _, jobs, _ = drive([dies(None, "killed by SIGKILL"), completes], together=4)
    assert jobs == [ALL, ALL]


def test_what_dies_every_time_is_given_up_and_the_others_are_complete(drive):
    def act(study: StudyFolder, job: Job) -> Ended:
        is_bad = "xs-EX-1" in job.runs
        return (dies(BROKE, "", "KeyError: 'x'") if is_bad else completes)(study, job)

    study, jobs, lines = drive([act], together=1)
    assert jobs.count(("xs-EX-1",)) == 3
    assert study.state("xs-EX-1").state == "failed"
    assert study.state("xs-EX-1").attempts == 3
    assert lines[-1] == "xs-EX-1: failed: KeyError: 'x'; given up after 3 attempt(s)"
    assert [n for n in study.runs if study.state(n).state == "complete"] == [
        *("xs-EX-0", "xs-EX-2", "xs-EX-3")
    ]


def test_no_retries_are_none(drive):
    _, jobs, lines = drive([dies(None, "killed by SIGKILL")], together=2, retries=0)
    assert jobs == [ALL[:2], ALL[2:]]
    assert "xs-EX-3: failed: killed by SIGKILL; given up after 1 attempt(s)" in lines


def test_a_process_that_dies_before_it_says_anything_is_counted_too(drive):
    def act(study: StudyFolder, job: Job) -> Ended:
        return Ended(job, None, "left with exit code 2")

    study, jobs, _ = drive([act], together=4)
    assert jobs == [ALL] * 3
    assert study.state("xs-EX-0").error == "left with exit code 2; given up after 3 attempt(s)"


def test_workers_share_the_cores():
    cores = os.cpu_count() or 1
    assert LocalEngine(1, "cpu").threads == cores
    assert LocalEngine(2 * cores, "cpu").threads == 1

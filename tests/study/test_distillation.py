"""Runs that an ensemble of their study teaches: planned, waiting, taught, and what they gained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from mobileseg.errors import BadInput
from mobileseg.files.atomic import sha256
from mobileseg.runs import WEIGHTS, open_run
from mobileseg.study.distillation import held_jobs
from mobileseg.study.distillation_gain import Gain, gains
from mobileseg.study.ensembles import Maker
from mobileseg.study.folder import EVALUATION, STUDY, begin_study, open_study
from mobileseg.study.jobs import in_jobs
from mobileseg.study.plan import find_study, read_plan
from mobileseg.study.progress_table import Pace, group_rows, standing
from mobileseg.study.run import Outcome, conduct

TAUGHT = '\n[[distilled]]\nvariants = ["xs"]\ntasks = ["EX"]\nbest = 2\n'
HOW = {"engine": "local", "address": None, "together": 2, "retries": 2, "device": "cpu"}


@pytest.fixture
def plan_of(planned, block, tmp_path):
    return lambda more: planned(tmp_path, block + "runs = 2\n" + more)


def test_a_block_of_taught_runs_brings_its_teacher(plan_of):
    plan = plan_of(TAUGHT + "seeds = [1, 5]\nlr = 1e-4\ndistil_weight = 0.75")
    assert [(r.name, r.taught_by) for r in plan.runs] == [
        ("xs-EX-0", ""),
        ("xs-EX-1", ""),
        ("xs-EX-distilled-1", "xs-EX-best2"),
        ("xs-EX-distilled-5", "xs-EX-best2"),
    ]
    assert [e.name for e in plan.ensembles] == ["xs-EX-best2"]
    assert (plan.runs[2].choices.lr, plan.runs[2].choices.distil_weight) == (1e-4, 0.75)
    assert plan.runs[0].choices.lr == 2e-3
    asked = '\n[[ensembles]]\nvariants = ["xs"]\ntasks = ["EX"]\nbest = 2'
    assert len(plan_of(TAUGHT + "runs = 2" + asked).ensembles) == 1  # asked for or not


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (TAUGHT.replace("2", "1") + "runs = 1", "[[distilled]] 1 best: found 1; expected 2 or"),
        (TAUGHT.replace("2", "3") + "runs = 1", "xs-EX-best3 wants the best 3 of 2 run(s)"),
        (TAUGHT + "seeds = [7]\nstart = true", "is to start at xs-EX-7; expected that seed under"),
        (TAUGHT + "runs = 1\nstart = 3", "[[distilled]] 1 start: found 3; expected true or false"),
        (TAUGHT + 'runs = 1\nteacher = "x"', "[[distilled]] 1: no entry 'teacher' is known"),
        (TAUGHT + "runs = 1\nprotocol = 'paper'", "protocol: one for the whole study"),
        (TAUGHT + "runs = 1" + TAUGHT + "runs = 1", "xs-EX-distilled-0 is asked for 2 times"),
    ],
)
def test_what_cannot_be_taught_is_one_line(plan_of, more, text):
    with pytest.raises(BadInput) as caught:
        plan_of(more)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["distillation", "distillation-cpu"])
def test_the_shipped_studies_teach_as_many_as_they_train(name):
    plan = read_plan(find_study(name))
    taught = [run for run in plan.runs if run.taught_by]
    assert len(taught) * 2 == len(plan.runs)
    assert {run.choices.seed for run in taught} == {0, 1, 2}
    assert {run.taught_by for run in taught} == {e.name for e in plan.ensembles}


def test_the_cpu_study_trains_its_plain_runs_as_the_shipped_network_was():
    ours, theirs = (read_plan(find_study(n)) for n in ("distillation-cpu", "exudates-cpu"))
    assert ours.preprocess == theirs.preprocess
    assert ours.runs[:3] == theirs.runs[:3]


def test_a_taught_run_is_apart_from_the_plain_ones(plan_of, phantoms, tmp_path):
    plan = plan_of(TAUGHT + "runs = 2\nstart = true\ndistil_weight = 0.75")
    study = begin_study(tmp_path / "study", plan, phantoms)
    values = json.loads((study.path / STUDY).read_text())
    assert [row["name"] for row in values["runs"]] == ["xs-EX-0", "xs-EX-1"]
    assert values["distilled"][0]["starts_at"] == "xs-EX-0"
    assert study.run_folder("xs-EX-distilled-0") == study.path / "distilled" / "xs-EX-distilled-0"
    again = open_study(study.path)
    assert list(again.runs.values()) == list(plan.runs)
    jobs = in_jobs(again, again.runs, 9, data=phantoms, device="cpu")
    assert [job.runs for job in jobs] == [
        ("xs-EX-0", "xs-EX-1"),
        ("xs-EX-distilled-0", "xs-EX-distilled-1"),
    ]
    rows = group_rows(standing(again, name, Pace(), 0.0) for name in again.runs)
    assert [row[0] for row in rows] == ["xs EX", "xs EX distilled"]
    # What a row leaves out where it is the default is a difference all the same.
    other = plan_of(TAUGHT + "runs = 2\nstart = true")
    with pytest.raises(BadInput, match=r"distil_weight of run xs-EX-distilled-0 is 0\.75 "):
        begin_study(study.path, other, phantoms)


def test_without_its_teacher_a_run_fails_and_says_why(plan_of, phantoms, tmp_path):
    study = begin_study(tmp_path / "study", plan_of(TAUGHT + "runs = 1"), phantoms)
    lines = []
    (held,) = held_jobs(
        study, study.unfinished(), Maker(study, phantoms, lines.append), 1, phantoms, "cpu"
    )
    assert held.after == {"xs-EX-0", "xs-EX-1"}
    study.note("xs-EX-0", "failed", "no room")
    (study.run_folder("xs-EX-1")).mkdir(parents=True)
    study.note("xs-EX-1", "diverged", "nan")
    assert held.jobs() == []
    reason = "no teacher xs-EX-best2: xs-EX-0 not complete"
    assert study.state("xs-EX-distilled-0").error == reason
    assert lines == [f"xs-EX-distilled-0: failed: {reason}"]
    assert "xs-EX-distilled-0" in study.unfinished()  # tried again with the plain run


@dataclass(frozen=True)
class Taught:
    outcome: Outcome
    folder: Path
    lines: list[str]
    again: partial[Outcome]


@pytest.fixture(scope="module")
def taught(tmp_path_factory, planned, block, phantoms, workers, kill_in_mid_run) -> Taught:
    """Two plain runs, their ensemble, and two that it teaches, one of which is killed."""
    folder = tmp_path_factory.mktemp("distilled")
    more = block + "runs = 2\n" + TAUGHT + "runs = 2\nstart = true\nepochs = 4"
    plan, study = planned(folder, more, 1), folder / "study"
    killer = kill_in_mid_run(study, "xs-EX-distilled-0")
    with pytest.MonkeyPatch.context() as patch, (folder / "said").open("w+") as said:
        patch.setattr("sys.stderr", said)
        outcome = conduct(plan, phantoms, study, workers=workers, **HOW)
        killer.join()
        said.seek(0)
        lines = said.read().splitlines()
    again = partial(conduct, plan, phantoms, study, workers=workers, **HOW)
    return Taught(outcome, study, lines, again)


def test_the_teacher_is_made_before_its_students_begin(taught):
    assert taught.outcome.failures == {}
    made = next(i for i, line in enumerate(taught.lines) if line.startswith("xs-EX-best2: compl"))
    begun = [i for i, line in enumerate(taught.lines) if "distilled" in line and "begun" in line]
    plain = [
        i for i, line in enumerate(taught.lines) if line.startswith(("xs-EX-0: c", "xs-EX-1: c"))
    ]
    assert max(plain) < made < min(begun)
    members = open_run(taught.folder / "ensembles" / "xs-EX-best2").config.members
    assert {m.name for m in members} == {"xs-EX-0", "xs-EX-1"}


def test_each_student_had_that_teacher_and_its_own_start(taught):
    for seed in (0, 1):
        config = open_run(taught.folder / "distilled" / f"xs-EX-distilled-{seed}").config
        assert config.training["teacher"] == {
            "name": "xs-EX-best2",
            "weights_sha256": sha256(taught.folder / "ensembles" / "xs-EX-best2" / WEIGHTS),
        }
        assert config.training["start"]["name"] == f"xs-EX-{seed}"
        assert config.training["epochs"] == 4


def test_the_killed_student_went_on_with_its_teacher(taught):
    state = taught.outcome.states["xs-EX-distilled-0"]
    assert (state.state, state.attempts) == ("complete", 2)
    assert "xs-EX-distilled-0: killed by SIGKILL; tried again (1 of 2)" in taught.lines


def test_the_outcome_says_what_teaching_brought(taught):
    (row,) = taught.outcome.to_json()["distillation"]
    assert (row["teacher_name"], row["lesion"]) == ("xs-EX-best2", "EX")
    folders = {"plain": "runs", "distilled": "distilled"}
    for part, holder in folders.items():
        assert len(row[part]) == 2
        for name, value in row[part].items():
            path = taught.folder / holder / name / EVALUATION
            assert json.loads(path.read_text())["lesions"][0]["aupr"] == value
    assert (row["gap_closed"] is None) == bool(row["undecidable"])
    assert row["taught_by_another"] == []


def test_starting_again_touches_nothing(taught):
    def stamps():
        files = [p for p in taught.folder.rglob("*") if p.is_file() and p.suffix != ".lock"]
        return {p: p.stat().st_mtime_ns for p in files if p.name != STUDY}

    before = stamps()
    assert taught.again().failures == {}
    assert stamps() == before


def test_a_student_of_an_earlier_teacher_is_told_apart(taught, monkeypatch):
    folder = taught.folder / "distilled" / "xs-EX-distilled-1"
    text = (folder / "config.json").read_text()
    values = json.loads(text)
    values["training"]["teacher"]["weights_sha256"] = "0"
    (folder / "config.json").write_text(json.dumps(values))
    try:
        (row,) = gains(taught.outcome.study)
    finally:
        (folder / "config.json").write_text(text)
    assert row["taught_by_another"] == ["xs-EX-distilled-1"]
    assert list(row["distilled"]) == ["xs-EX-distilled-0"]


def test_the_gap_is_what_lies_between_the_plain_mean_and_the_teacher():
    gain = Gain({"a": 0.80, "b": 0.82}, 0.85, {"c": 0.84, "d": 0.84})
    assert gain.gap == pytest.approx(0.04)
    assert gain.closed == pytest.approx(0.75)
    assert gain.to_json()["plain_sd"] == pytest.approx(0.0141421, abs=1e-6)
    worse = Gain(gain.plain, 0.85, {"c": 0.79})
    assert worse.closed == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("plain", "teacher", "reason"),
    [
        ({"a": 0.80, "b": 0.88}, 0.85, "the gap 0.0100 is smaller than the plain runs' SD 0.0566"),
        ({"a": 0.80, "b": 0.82}, 0.80, "the teacher is no better than the plain runs (-0.0100)"),
        ({"a": 0.80}, 0.85, "one plain run has no SD"),
    ],
)
def test_a_gap_that_is_none_is_undecidable(plain, teacher, reason):
    gain = Gain(plain, teacher, {"c": 0.9})
    assert gain.undecidable == reason
    assert gain.closed is None
    assert gain.to_json()["gap_closed"] is None

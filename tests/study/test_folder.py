"""A study's folder belongs to one study, remembers where each run stands, and has one master."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mobileseg.data.idrid import PICTURES, ROOT, SPLITS
from mobileseg.errors import BadInput
from mobileseg.files.atomic import write_json
from mobileseg.files.lock import LOCK, alone_on
from mobileseg.study.distillation_gain import gain
from mobileseg.study.ensembles import Wanted, is_current
from mobileseg.study.folder import (
    EVALUATION,
    STUDY,
    Reached,
    StudyFolder,
    begin_study,
    data_fingerprint,
    open_study,
    refuse_foreign,
)
from mobileseg.study.jobs import halves, in_jobs


@pytest.fixture
def begun(tmp_path, planned, block, phantoms) -> StudyFolder:
    """Three runs of which none has been worked on."""
    return begin_study(tmp_path / "study", planned(tmp_path, block + "runs = 3"), phantoms)


def test_what_is_written_is_what_a_report_needs(begun, phantoms):
    values = json.loads((begun.path / STUDY).read_text())
    assert (values["schema"], values["name"], values["data"]) == (1, "small", phantoms.name)
    assert (values["protocol"], values["approximate"]) == ("clean", [])
    first = values["runs"][0]
    assert (first["name"], first["variant"], first["task"]) == ("xs-EX-0", "xs", "EX")
    assert (first["seed"], first["split_seed"], first["epochs"]) == (0, 0, 2)
    assert open_study(begun.path).runs == begun.runs


def test_a_run_waits_until_something_is_noted(begun):
    assert begun.state("xs-EX-0").state == "waiting"
    begun.note_attempt("xs-EX-0")
    begun.note("xs-EX-0", "waiting", "killed by SIGKILL")
    begun.note_attempt("xs-EX-0")
    begun.note("xs-EX-0", "failed", "no room")
    state = json.loads((begun.path / "states" / "xs-EX-0.json").read_text())
    assert (state["state"], state["attempts"], state["error"]) == ("failed", 2, "no room")


def test_its_evaluation_makes_a_run_complete_whatever_its_state_says(begun):
    begun.note_attempt("xs-EX-1")
    write_json(begun.run_folder("xs-EX-1") / EVALUATION, {})
    assert begun.state("xs-EX-1").state == "complete"
    assert begun.unfinished() == ["xs-EX-0", "xs-EX-2"]


def test_a_run_that_diverged_is_left_alone_until_its_folder_is_removed(begun):
    begun.run_folder("xs-EX-0").mkdir(parents=True)
    begun.note("xs-EX-0", "diverged", "the loss is nan")
    assert begun.unfinished() == ["xs-EX-1", "xs-EX-2"]
    shutil.rmtree(begun.run_folder("xs-EX-0"))
    assert begun.unfinished() == ["xs-EX-0", "xs-EX-1", "xs-EX-2"]


def test_how_far_a_run_is_stands_in_its_metrics(begun):
    assert begun.reached("xs-EX-0").epoch == 0
    folder = begun.run_folder("xs-EX-0")
    folder.mkdir(parents=True)
    rows = "epoch,lr,validation_aupr_MA,validation_aupr_HE\n1,1,0.1,0.1\n2,1,0.5,0.75\n"
    (folder / "metrics.csv").write_text(rows)
    assert begun.reached("xs-EX-0") == Reached(2, 0.625)
    (folder / "metrics.csv").write_text(rows + "3,1,nan,0.5\n")
    assert begun.reached("xs-EX-0") == Reached(3, 0.5)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("ensembles", None, "ensembles: found None, expected a list"),
        ("combinations", [3], "combinations[0]: found 3, expected an object"),
        ("preprocess", {"side_px": 64}, "'frame_hw'"),
        ("preprocess", {"side_px": 63, "frame_hw": [64, 64]}, "side 63: expected a multiple"),
        ("preprocess", {"side_px": 64, "frame_hw": [64, 64], "x": 1}, "unexpected keyword"),
        ("approximate", ["XX"], "approximate[0]: found 'XX', expected one of MA"),
        ("runs.0.task", "..", "runs[0].task: found '..', expected one of MA"),
        ("runs.0.name", "../../xs-EX-0", "runs: found name '../../xs-EX-0'"),
        ("runs.0.augment", {}, "'scale'"),
        ("runs.0.epochs", [], "not supported between"),
        ("runs.0.taught_by", "../other", "runs: found name 'xs-EX-0'"),
    ],
)
def test_a_damaged_study_is_refused_by_file_and_entry(begun, key, value, text):
    values = json.loads((begun.path / STUDY).read_text())
    *way, last = key.split(".")
    place = values
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    write_json(begun.path / STUDY, values)
    with pytest.raises(BadInput) as refusal:
        open_study(begun.path)
    assert str(refusal.value).startswith(f"{begun.path / STUDY}: ")
    assert text in str(refusal.value) and str(refusal.value).isprintable()


@pytest.mark.parametrize("noted", [{}, [], {"state": "failed", "attempts": "x"}, {"state": 1}])
def test_a_damaged_state_is_refused_by_its_file(begun, noted):
    begun.note_attempt("xs-EX-0")
    path = begun.path / "states" / "xs-EX-0.json"
    write_json(path, noted)
    with pytest.raises(BadInput, match="remove it, and the run counts as waiting") as refusal:
        begun.state("xs-EX-0")
    assert str(refusal.value).startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["epoch,lr\n1,x\n", "a\n1\n", "epoch\ninf\n", "epoch,lr\n1\n"])
def test_damaged_metrics_are_refused_by_their_file(begun, text):
    folder = begun.run_folder("xs-EX-0")
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text(text)
    with pytest.raises(BadInput, match="cannot be read as a run's metrics") as refusal:
        begun.reached("xs-EX-0")
    assert str(folder / "metrics.csv") in str(refusal.value)


def test_metrics_without_a_row_are_no_epoch(begun):
    begun.run_folder("xs-EX-0").mkdir(parents=True)
    (begun.run_folder("xs-EX-0") / "metrics.csv").write_text("epoch,lr\n")
    assert begun.reached("xs-EX-0") == begun.reached("xs-EX-1")


@pytest.mark.parametrize("record", [{}, {"candidates": 3}, {"candidates": [{}]}])
def test_an_ensemble_without_its_record_is_made_anew(begun, record):
    one = Wanted("xs-EX-best2", "xs", ("EX",), 2)
    write_json(begun.ensemble_folder(one.name) / EVALUATION, {})
    write_json(begun.ensemble_folder(one.name) / "run.json", record)
    assert not is_current(begun, one)


@pytest.mark.parametrize("scores", [{}, {"lesions": 3}, {"lesions": [{"lesion": "EX"}]}])
def test_damaged_scores_are_refused_by_their_file(begun, scores):
    folder = begun.run_folder("xs-EX-0")
    write_json(folder / EVALUATION, scores)
    with pytest.raises(BadInput, match="remove it, and the study scores the run again") as refusal:
        gain([folder], folder, [folder], "EX")
    assert str(refusal.value).startswith(f"{folder / EVALUATION}: ")


def test_a_study_may_grow_and_keeps_its_date(begun, planned, block, phantoms, tmp_path):
    date = begun.values["date"]
    more = planned(tmp_path, block + "runs = 4" + block + "seeds = [9]\nlr = 0.5")
    grown = begin_study(begun.path, more, phantoms)
    assert list(grown.runs)[3:] == ["xs-EX-3", "xs-EX-9"]
    assert grown.values["date"] == date
    assert len(open_study(begun.path).runs) == 5


@pytest.mark.parametrize(
    ("runs", "epochs", "difference"),
    [
        ("runs = 2", 2, "run xs-EX-2 is there, not in"),
        ("runs = 3", 3, "epochs of run xs-EX-0 is 2 there, 3 in"),
        ("runs = 3\nlr = 0.5", 2, "lr of run xs-EX-0 is 0.002 there, 0.5 in"),
    ],
)
def test_other_choices_are_refused_by_name(
    begun, planned, block, phantoms, tmp_path, runs, epochs, difference
):
    before = (begun.path / STUDY).read_bytes()
    plan = planned(tmp_path, block + runs, epochs)
    with pytest.raises(BadInput, match=difference) as refusal:
        begin_study(begun.path, plan, phantoms)
    assert f"{begun.path}: was begun as another study: " in str(refusal.value)
    assert str(plan.file) in str(refusal.value)
    assert (begun.path / STUDY).read_bytes() == before


def test_other_pictures_are_refused_though_the_folder_is_called_the_same(
    begun, planned, block, phantoms, tmp_path
):
    data = Path(shutil.copytree(phantoms, tmp_path / "elsewhere" / phantoms.name))
    plan = planned(tmp_path, block + "runs = 3")
    assert begin_study(begun.path, plan, data).runs  # a copy is the same data
    picture = sorted((data / ROOT / PICTURES / SPLITS["test"]).iterdir())[0]
    picture.write_bytes(picture.read_bytes() + b"\0")
    assert data_fingerprint(data) != data_fingerprint(phantoms)
    with pytest.raises(BadInput, match="data_sha256 is"):
        begin_study(begun.path, plan, data)


def test_a_folder_of_something_else_is_not_touched(tmp_path):
    refuse_foreign(tmp_path / "new")
    (tmp_path / LOCK).touch()
    (tmp_path / f".{STUDY}.x1").touch()  # both are left by a kill before the first study.json
    refuse_foreign(tmp_path)
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(BadInput, match=r"exists already and holds no study\.json; choose another"):
        refuse_foreign(tmp_path)


def test_one_process_at_a_time_works_on_a_study(tmp_path):
    with (
        alone_on(tmp_path),
        pytest.raises(BadInput, match=r"process \d+ on \S+ is at work on this study"),
        alone_on(tmp_path),
    ):
        pass
    with alone_on(tmp_path):
        pass


def test_the_lock_of_a_killed_process_bars_nobody(tmp_path):
    hold = (
        "import sys, time; from pathlib import Path; from mobileseg.files.lock import alone_on\n"
        "with alone_on(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        with pytest.raises(BadInput, match=f"process {holder.pid} on"), alone_on(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
    with alone_on(tmp_path):
        pass


def test_a_job_is_runs_of_one_kind(planned, block, phantoms, tmp_path):
    more = block + "runs = 5" + block + "seeds = [8, 9]\nlr = 0.5"
    study = begin_study(tmp_path / "study", planned(tmp_path, more), phantoms)

    def divided(names: list[str], together: int) -> list[list[int]]:
        jobs = in_jobs(study, names, together, data=phantoms, device="cpu")
        return [[int(name.split("-")[-1]) for name in job.runs] for job in jobs]

    assert divided(list(study.runs), 1) == [[0], [1], [2], [3], [4], [8], [9]]
    assert divided(list(study.runs), 3) == [[0, 1, 2], [3, 4], [8, 9]]
    assert divided(["xs-EX-1", "xs-EX-4", "xs-EX-8"], 10) == [[1, 4], [8]]


def test_a_job_of_too_many_runs_is_halved(planned, block, phantoms, tmp_path):
    study = begin_study(tmp_path / "study", planned(tmp_path, block + "runs = 3"), phantoms)
    (job,) = in_jobs(study, study.runs, 3, data=phantoms, device="cpu")
    assert [half.runs for half in halves(job)] == [("xs-EX-0", "xs-EX-1"), ("xs-EX-2",)]
    assert [half.runs for half in halves(halves(job)[1])] == [("xs-EX-2",)]

"""How a process of a study tells what went wrong: a mark, or an exit that may be tried again."""

from __future__ import annotations

import pytest
import torch

from mobileseg.runs import open_run
from mobileseg.study import worker
from mobileseg.study.folder import begin_study
from mobileseg.study.jobs import BROKE, DONE, OUT_OF_MEMORY, Job
from mobileseg.study.plan import read_plan
from mobileseg.study.worker import work
from mobileseg.training.trainer import Trainer


@pytest.fixture
def job(tmp_path, planned, block, phantoms):
    """A study of two runs and the job of both."""
    study = begin_study(tmp_path / "study", planned(tmp_path, block + "runs = 2"), phantoms)
    return study, Job(study.path, phantoms, ("xs-EX-0", "xs-EX-1"), "cpu")


def test_pictures_that_cannot_be_used_fail_every_run_of_the_job(job, tmp_path):
    study, asked = job
    code = work(Job(study.path, tmp_path / "nowhere", asked.runs, "cpu"))
    assert code == DONE
    for name in asked.runs:
        state = study.state(name)
        assert (state.state, state.attempts) == ("failed", 1)
        assert state.error.startswith(f"{tmp_path / 'nowhere'}: found no folder; expected ")


def test_a_damaged_run_fails_alone(job, monkeypatch):
    study, asked = job
    folder = study.run_folder("xs-EX-0")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")
    monkeypatch.setattr(worker, "_train", lambda trainers: {})
    monkeypatch.setattr(worker.Bench, "complete", lambda self, name, trainer: None)
    assert work(asked) == DONE
    assert study.state("xs-EX-0").error.startswith(f"{folder / 'config.json'}: cannot be read as")
    assert (study.state("xs-EX-0").state, study.state("xs-EX-1").state) == ("failed", "running")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (torch.OutOfMemoryError("2 GiB\nmore"), OUT_OF_MEMORY, "OutOfMemoryError: 2 GiB (see "),
        (MemoryError(), OUT_OF_MEMORY, "MemoryError:  (see "),
        (KeyError("x"), BROKE, "KeyError: 'x' (see "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_nobody_foresaw_is_written_down_and_left_to_be_tried_again(
    job, monkeypatch, error, code, line
):
    study, asked = job

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(worker, "read_pictures", fail)
    assert work(asked) == code
    for name in asked.runs:
        state = study.state(name)
        assert (state.state, state.attempts) == ("running", 1)
        assert state.error == f"{line}{study.log('xs-EX-0')})"
    assert "Traceback" in study.log("xs-EX-0").read_text()


PIECES = """
name = "pieces"
[preprocess]
side_px = 128
frame = "256x256"
[training]
recipe = "pieces"
pieces = 64
ema = 0.9
photometric = 0.5
piece_hard_share = 0.25
{length}
validate_every = 2
[[runs]]
variants = ["narrow"]
tasks = ["EX"]
runs = 2
"""


@pytest.fixture
def of_pieces(narrow, phantoms, tmp_path):
    """Call it with a folder's name and the study's length; returns the study and its job."""

    def begun(name: str, length: str):
        file = tmp_path / f"{name}.toml"
        file.write_text(PIECES.format(length=length))
        study = begin_study(tmp_path / name, read_plan(file), phantoms)
        return study, Job(study.path, phantoms, tuple(study.runs), "cpu")

    return begun


def test_a_study_of_pieces_that_was_stopped_ends_to_the_bit(of_pieces, phantoms, monkeypatch):
    whole, job = of_pieces("whole", "epochs = 3")
    assert work(job) == DONE
    _, job = of_pieces("stopped", "epochs = 3")
    epochs = []
    real = Trainer.end_epoch

    def killed(trainer, *how):
        row = real(trainer, *how)
        epochs.append(row["epoch"])
        if len(epochs) == 3:  # the first has two, the second one
            raise KeyboardInterrupt
        return row

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "end_epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            work(job)
    assert epochs == [1, 1, 2]
    again, job = of_pieces("stopped", "epochs = 3")  # from the same file
    assert work(job) == DONE
    for name in again.runs:
        assert again.is_complete(name)
        for file in ("best.safetensors", "metrics.csv"):
            ours, theirs = (s.run_folder(name) / file for s in (again, whole))
            assert ours.read_bytes() == theirs.read_bytes()
        rows = (again.run_folder(name) / "metrics.csv").read_text().splitlines()
        assert [row.count("nan") for row in rows[1:]] == [2, 0, 0]  # the lesion and the loss
        assert again.reached(name).epoch == 3 and again.reached(name).aupr > 0


def test_a_study_of_minutes_has_the_epochs_that_each_run_was_found_to_have(of_pieces):
    study, job = of_pieces("timed", "minutes = 0.02")
    assert {study.epochs(name) for name in study.runs} == {60}  # until they begin: the recipe's
    assert work(job) == DONE
    for name in study.runs:
        written = open_run(study.run_folder(name)).config.training
        assert (written["minutes"], written["epochs"]) == (0.02, study.epochs(name))
        assert study.reached(name).epoch == study.epochs(name)

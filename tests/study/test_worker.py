"""How a process of a study tells what went wrong: a mark, or an exit that may be tried again."""

from __future__ import annotations

import pytest
import torch

from mobileseg.study import worker
from mobileseg.study.folder import begin_study
from mobileseg.study.jobs import BROKE, DONE, OUT_OF_MEMORY, Job
from mobileseg.study.worker import work


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

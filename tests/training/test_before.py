"""Runs and a study of an older version are finished to the bit: what they do not name is off."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from mobileseg.runs import open_run
from mobileseg.study.folder import begin_study, open_study
from mobileseg.study.jobs import Job
from mobileseg.study.plan import read_plan
from mobileseg.study.worker import work
from mobileseg.training.checkpoint import TrainState
from mobileseg.training.config import PIECES, SWITCHES, TrainConfig
from mobileseg.training.metrics_file import read_metrics
from mobileseg.training.session import chosen, resume

BEFORE = Path(__file__).parent / "before"
CPU = torch.device("cpu")
# On another processor or PyTorch a convolution adds in another order. Adam divides by a gradient's
# own size, so that three epochs of a large learning rate take such a rounding to a per cent or so;
# an option that is on where it should be off moves the losses by tens of per cent.
ELSEWHERE = 0.05


@pytest.fixture
def before(tmp_path, narrow) -> Iterator[Path]:
    """What is kept, unpacked; its variant is known meanwhile."""
    with zipfile.ZipFile(BEFORE / "before.zip") as kept:
        kept.extractall(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as it was made
    yield tmp_path
    torch.set_num_threads(threads)


def refuse_other(make: ModuleType, folder: Path, kept: dict[str, Any], where: Path) -> None:
    """Compare a finished run with what the older version made of it."""
    found = make.ended(folder)
    if kept["machine"] == make.machine():
        assert found == kept[folder.name]
        return
    (where / "expected.csv").write_text(kept[folder.name]["metrics"])
    rows, expected = read_metrics(folder / "metrics.csv"), read_metrics(where / "expected.csv")
    for name in ("train_loss", "lr"):
        ours, theirs = ([row[name] for row in some] for some in (rows, expected))
        assert ours == pytest.approx(theirs, rel=ELSEWHERE)


@pytest.mark.parametrize("name", ["plain", "settled"])
def test_a_run_of_before_is_finished_as_its_own_version_would_have(before, before_make, name):
    kept = json.loads((before / "expected.json").read_text())
    trainer = resume(before / name, before / "data", device=CPU)
    assert trainer.committed == 1
    trainer.run()
    refuse_other(before_make, before / name, kept, before)
    state = torch.load(before / name / "last.pt", weights_only=True)
    old = {row.name for row in fields(TrainState)} - {"average", "errors"}
    assert set(state) == old  # so that the older version can still open it


def test_a_half_finished_study_of_before_is_finished_as_its_own_version_would_have(
    before, before_make
):
    kept = json.loads((before / "expected.json").read_text())
    # Begun again from the same file, as the command does: not another study.
    study = begin_study(before / "study", read_plan(before / "study.toml"), before / "data")
    assert study.unfinished() == ["narrow-EX-0", "narrow-EX-1"]
    assert work(Job(study.path, before / "data", tuple(study.runs), "cpu")) == 0
    for name in study.runs:
        assert study.is_complete(name)
        refuse_other(before_make, study.run_folder(name), kept, before)


def test_what_is_stored_of_before_names_nothing_new_and_reads_as_without(before):
    study = open_study(before / "study")
    stored = [chosen(before / n, open_run(before / n).config) for n in ("plain", "settled")]
    for choices in (*stored, *(run.choices for run in study.runs.values())):
        off = TrainConfig()
        for name in (*SWITCHES, *PIECES):
            expected = 1 if (name, choices.keep) == ("settle", "last") else getattr(off, name)
            assert getattr(choices, name) == expected, name


def test_the_comparison_can_fail(before, before_make):
    """A single thing that is on shows in the sums, and beyond what another machine explains."""
    kept = json.loads((before / "expected.json").read_text())
    for option in ({"prior": True}, {"ema": 0.9}, {"warmup": 0.5}):
        folder = before / f"other{len(option)}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before / "plain", folder)
        (folder / "last.pt").unlink()  # from the start, where every option shows
        config = json.loads((folder / "config.json").read_text())
        config["training"] |= option
        (folder / "config.json").write_text(json.dumps(config))
        resume(folder, before / "data", device=CPU).run()
        found = before_make.ended(folder)
        assert found["best_weights_sha256"] != kept["plain"]["best_weights_sha256"], option

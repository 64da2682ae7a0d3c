"""One training shared by two processes, through the command that a user types."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import TrainConfig
from mobileseg.training.fabric import train_on_devices

pytest.importorskip("lightning", reason="not run: lightning is not installed")
COMMAND = Path(sys.executable).parent / "mobileseg"
SMALL = ("--side", "64", "--frame", "256x256", "--batch", "4", "--seed", "3")


def train(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "train", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def last_loss(run: Path) -> float:
    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    return float(rows[-1]["train_loss"])


@pytest.fixture(scope="module")
def shared(tmp_path_factory, phantoms) -> Path:
    """A run that two processes trained for three epochs."""
    folder = tmp_path_factory.mktemp("shared") / "run"
    how = ("--data", phantoms, "-o", folder, *SMALL, "--devices", 2, "--epochs", 3)
    done = train(*how)
    assert done.returncode == 0, done.stderr
    assert "2 processes share each batch" in done.stderr
    assert f"{folder}: 3 epochs, best validation AUPR" in done.stdout
    return folder


def test_two_processes_write_one_run(shared):
    rows = list(csv.DictReader((shared / "metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[2]["train_loss"]) < float(rows[0]["train_loss"])
    config = json.loads((shared / "config.json").read_text())
    assert config["training"]["devices"] == 2
    assert set(config["thresholds"]) == {"EX"}
    assert "finished" in json.loads((shared / "run.json").read_text())
    assert not list(shared.glob(".*"))  # nothing half-written


def test_a_shared_run_ends_about_where_one_process_does(shared, phantoms, tmp_path):
    """Not the same weights: each process's batch norm sees its own part of a batch."""
    done = train("--data", phantoms, "-o", tmp_path / "alone", *SMALL, "--epochs", 3)
    assert done.returncode == 0, done.stderr
    losses = [
        float(
            list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))[-1]["train_loss"]
        )
        for run in (shared, tmp_path / "alone")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.15)
    assert losses[0] != losses[1]


def test_wrong_input_is_one_line_from_one_process(tmp_path, phantoms, shared):
    done = train("--data", tmp_path / "no", "-o", tmp_path / "run", *SMALL, "--devices", 2)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith(f"mobileseg: {tmp_path / 'no'}: found")
    assert "Traceback" not in done.stderr
    done = train("--data", phantoms, "-o", shared, *SMALL, "--devices", 2)
    assert done.returncode == 2
    assert "exists already" in done.stderr


def test_a_loss_that_is_not_a_number_stops_every_process(tmp_path, phantoms):
    how = (*SMALL, "--devices", 2, "--epochs", 2, "--lr", 1e30)
    done = train("--data", phantoms, "-o", tmp_path / "run", *how)
    assert done.returncode == 1, done.stderr
    assert "the loss is nan in epoch 1" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "run" / "diverged.json").is_file()


def test_it_can_be_called_from_python_without_a_report(tmp_path, phantoms):
    """What is sent to the processes must be picklable, defaults included."""
    choices = TrainConfig(epochs=1, batch=4, devices=2)
    spec = PreprocessSpec(64, (256, 256))
    new = {"variant": "xs", "task": "EX", "preprocess": spec, "choices": choices}
    state = train_on_devices(
        tmp_path / "run", phantoms, new=new, device=torch.device("cpu"), devices=2
    )
    assert (state.epoch, state.best_epoch) == (1, 1)

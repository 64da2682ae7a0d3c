"""`mobileseg train` from the outside: the command itself, its exit codes and its words."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mobileseg.cli import main
from mobileseg.data.idrid import MASKS, PICTURES, ROOT, SPLITS
from mobileseg.lesions import LESIONS

COMMAND = Path(sys.executable).parent / "mobileseg"
EPOCHS = 8
SMALL = ("--side", "64", "--frame", "256x256", "--epochs", str(EPOCHS), "--seed", "3")
# One thread: what is compared to the bit must be summed in the same order.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def begin(*arguments: object) -> subprocess.Popen[str]:
    # A shell that runs tests in the background lets its children ignore Ctrl-C; these must not.
    return subprocess.Popen(
        [COMMAND, "train", *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )


@pytest.fixture
def refused(monkeypatch, capsys):
    """Run a command line in this process; it must exit 2 with one line, which is returned."""

    def call(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["mobileseg", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        assert (left.value.code, out) == (2, "")
        assert err.startswith("mobileseg: ")
        assert err.count("\n") == 1, err
        return err

    return call


@pytest.fixture(scope="module")
def trained(tmp_path_factory, phantoms) -> tuple[Path, str, str]:
    """A run trained by the command, and what it wrote to stdout and stderr."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    process = begin("--data", phantoms, *SMALL, "-o", folder)
    out, err = process.communicate()
    assert process.returncode == 0, err
    return folder, out, err


def test_it_writes_a_run_and_says_how_well_it_went(trained):
    folder, out, err = trained
    assert {p.name for p in folder.iterdir()} == {
        *("config.json", "metrics.csv", "best.safetensors", "last.pt", "run.json")
    }
    record = json.loads((folder / "run.json").read_text())
    assert out == (
        f"{folder}: {EPOCHS} epochs, best validation AUPR {record['best_validation_aupr']:.4f} "
        f"in epoch {record['best_epoch']}\n"
    )
    assert "Traceback" not in err
    assert json.loads((folder / "config.json").read_text())["training"]["seed"] == 3


def test_ctrl_c_keeps_the_last_epoch_and_resume_ends_as_if_nothing_had_happened(
    trained, phantoms, tmp_path
):
    folder = tmp_path / "run"
    process = begin("--data", phantoms, *SMALL, "-o", folder)
    deadline = time.monotonic() + 120
    while not (folder / "metrics.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    kept = torch.load(folder / "last.pt", weights_only=True)["epoch"]
    assert 1 <= kept < EPOCHS
    assert [line for line in err.splitlines() if line] == [
        f"{folder}: stopped after {kept} whole epoch(s), which are kept; "
        "the same command with --resume goes on",
        "mobileseg: stopped",
    ]

    again = begin("--data", phantoms, *SMALL, "-o", folder, "--resume")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert out.startswith(f"{folder}: {EPOCHS} epochs, ")
    whole = trained[0]
    for name in ("best.safetensors", "metrics.csv", "config.json"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    ours, theirs = (torch.load(run / "last.pt", weights_only=True) for run in (folder, whole))
    assert all(torch.equal(t, theirs["network"][name]) for name, t in ours["network"].items())


def test_a_finished_run_is_left_as_it_is(trained, phantoms, tmp_path, monkeypatch, capsys):
    folder = Path(shutil.copytree(trained[0], tmp_path / "run"))
    names = ("best.safetensors", "metrics.csv", "config.json", "last.pt")
    before = {name: (folder / name).read_bytes() for name in names}
    monkeypatch.setattr(
        sys, "argv", ["mobileseg", *f"train --data {phantoms} -o {folder} --resume".split()]
    )
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    assert capsys.readouterr().out == trained[1].replace(str(trained[0]), str(folder))
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_an_existing_folder_is_refused_in_one_line_without_a_traceback(trained, phantoms):
    process = begin("--data", phantoms, "-o", trained[0])
    out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err == (
        f"mobileseg: {trained[0]}: exists already; choose another place, "
        "or go on with a run: --resume\n"
    )


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (("--epochs", "9"), "was begun with epochs 8, now 9 is asked for"),
        (("--side", "96"), "was begun with side_px 64, now 96 is asked for"),
        (("--variant", "s"), "was begun with variant xs, now s is asked for"),
        (("--frame", "256x320"), "was begun with frame_hw (256, 256), now (256, 320) is asked"),
        (("--seed", "0"), "was begun with seed 3, now 0 is asked for"),  # 0 is also the default
    ],
    ids=lambda o: o[0] if isinstance(o, tuple) else "",
)
def test_a_resumed_run_keeps_its_choices(trained, phantoms, refused, option, text):
    err = refused("train", "--data", phantoms, "-o", trained[0], "--resume", *option)
    assert text in err
    assert "leave the option out, or train another run" in err


def test_what_is_not_there_cannot_be_resumed(phantoms, tmp_path, refused):
    err = refused("train", "--data", phantoms, "-o", tmp_path / "run", "--resume")
    assert "no such folder; expected a run folder as mobileseg train writes it" in err


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (("--side", "100"), "side 100: expected a multiple of 32"),
        (("--variant", "xxs"), "no variant 'xxs'; choose from unet, "),
        (("--task", "XX"), "no task 'XX'; choose from MA, HE, EX, SE"),
        (("--crop", "round"), "no crop 'round'; choose from square, rectangle"),
        (("--schedule", "step"), "no schedule 'step'; choose from plateau, cosine, cosine-step"),
        (("--epochs", "0"), "epochs 0: expected 1 or more"),
        (("--lr", "nan"), "lr nan: expected a number above 0"),
        (("--seed", "-1"), "seed -1: expected 0 or more"),
    ],
    ids=lambda o: " ".join(o) if isinstance(o, tuple) else "",
)
def test_an_impossible_option_is_refused_in_one_line(phantoms, tmp_path, refused, option, text):
    assert text in refused("train", "--data", phantoms, "-o", tmp_path / "run", *option)
    assert not (tmp_path / "run").exists()


def test_a_data_folder_of_another_layout_is_refused(tmp_path, refused):
    (tmp_path / "holiday.jpg").touch()
    err = refused("train", "--data", tmp_path, "-o", tmp_path / "run")
    assert f"{tmp_path}: found ['holiday.jpg']; expected {ROOT}/" in err


def test_a_lesion_without_labels_is_refused(phantoms, tmp_path, refused):
    data = Path(shutil.copytree(phantoms, tmp_path / "data"))
    shutil.rmtree(data / ROOT / MASKS / SPLITS["train"] / LESIONS["SE"].folder)
    err = refused("train", "--data", data, "--task", "SE", "-o", tmp_path / "run")
    assert "the train set is not labelled for SE: choose another task" in err


def test_every_bad_picture_is_named_before_training(phantoms, tmp_path, monkeypatch, capsys):
    data = Path(shutil.copytree(phantoms, tmp_path / "data"))
    pictures = sorted((data / ROOT / PICTURES / SPLITS["train"]).iterdir())
    for path in (pictures[0], pictures[3]):
        path.write_bytes(path.read_bytes()[:2000])
    run = tmp_path / "run"
    monkeypatch.setattr(sys, "argv", ["mobileseg", "train", "--data", str(data), "-o", str(run)])
    with pytest.raises(SystemExit) as left:
        main()
    first, *lines = capsys.readouterr().err.splitlines()
    assert left.value.code == 2
    assert first == f"mobileseg: {data}: 2 file(s) cannot be used:"
    assert [line.split(": ")[0].strip() for line in lines] == [str(pictures[0]), str(pictures[3])]
    assert all("truncated" in line for line in lines)
    assert not run.exists()


def test_a_loss_that_is_no_number_is_answered_with_1(phantoms, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    options = f"train --data {phantoms} -o {run} --side 64 --frame 256x256 --lr 1e30"
    monkeypatch.setattr(sys, "argv", ["mobileseg", *options.split()])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    err = capsys.readouterr().err
    assert err.startswith(f"mobileseg: {run}: the loss is ")
    assert "lower --lr" in err
    assert err.count("\n") == 1


def test_a_student_is_taught_stopped_and_gone_on_with_by_the_command(
    trained, phantoms, tmp_path, refused
):
    """The first run teaches and is where the second starts; both are asked for again to go on."""
    teacher, folder = trained[0], tmp_path / "run"
    leaning = ("--teacher", teacher, "--start", teacher, "--distil-weight", "0.75")
    small = ("--data", phantoms, *SMALL[:4], "--epochs", "2", *leaning)
    process = begin(*small, "-o", folder)
    assert process.wait(120) == 0, process.communicate()[1]
    training = json.loads((folder / "config.json").read_text())["training"]
    assert training["teacher"]["name"] == training["start"]["name"] == teacher.name
    assert training["distil_weight"] == 0.75
    resumed = ("train", "--data", phantoms, "-o", folder, "--resume")
    assert "was begun with --teacher run; name that run again" in refused(*resumed)
    text = "was begun with distil_weight 0.75, now 0.5 is asked for"
    assert text in refused(*resumed, "--teacher", teacher, "--distil-weight", "0.5")


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (("--teacher", "nowhere"), "nowhere: no such folder; expected a run folder"),
        (("--start", "nowhere"), "nowhere: no such folder; expected a run folder"),
        (("--teacher", "xs-ex"), "found side_px 256 there and 64 here"),
        (
            ("--distil-weight", "0.5"),
            "--distil-weight: how a teacher is learned from; expected --tea",
        ),
        (
            ("--distil-loss", "masks"),
            "--distil-loss: how a teacher is learned from; expected --tea",
        ),
        (("--distil-weight", "2", "--teacher", "xs-ex"), "distil weight 2.0: expected 0 to 1"),
        (("--prune", "1"), "prune 1.0: expected 0 or more, below 1"),
        (("--devices", "2", "--start", "xs-ex"), "--devices 2: not tried with --teacher or"),
    ],
    ids=lambda o: " ".join(o) if isinstance(o, tuple) else "",
)
def test_a_run_that_cannot_be_leaned_on_is_refused(phantoms, tmp_path, refused, option, text):
    frame = ("--frame", "1024x1024", "--side", "64")
    assert text in refused("train", "--data", phantoms, *frame, "-o", tmp_path / "run", *option)
    assert not (tmp_path / "run").exists()

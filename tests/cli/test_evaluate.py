"""`mobileseg evaluate` from the outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mobileseg.cli import main
from mobileseg.data.idrid import MASKS, ROOT, SPLITS
from mobileseg.lesions import LESIONS
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import TrainConfig
from mobileseg.training.session import begin, finish

COMMAND = Path(sys.executable).parent / "mobileseg"


@pytest.fixture(scope="module")
def run(tmp_path_factory, phantoms) -> Path:
    """An epoch of xs at 64 px: enough to be scored."""
    folder = tmp_path_factory.mktemp("evaluate") / "run"
    trainer = begin(
        folder,
        phantoms,
        variant="xs",
        task="EX",
        preprocess=PreprocessSpec(side_px=64, frame_hw=(256, 256)),
        choices=TrainConfig(epochs=1),
        device=torch.device("cpu"),
    )
    trainer.run()
    finish(folder, trainer)
    return folder


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command line in this process: exit code, stdout, stderr."""

    def run_main(*arguments: object) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["mobileseg", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, *capsys.readouterr()

    return run_main


def test_json_goes_to_stdout_and_has_every_field(run, phantoms):
    done = subprocess.run(
        [COMMAND, "evaluate", str(run), "--data", str(phantoms), "--json"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (score,) = answer.pop("lesions")
    assert answer == {
        "run": str(run),
        "data": phantoms.name,
        "split": "test",
        "resolution": "network",
        "side_px": 64,
        "protocol": "clean",
        "leaks": [],
    }
    assert (score["lesion"], score["pictures"], score["with_lesion"]) == ("EX", 3, 3)
    assert 0 < score["aupr"] <= 1
    config = json.loads((run / "config.json").read_text())
    assert score["threshold"] == config["thresholds"]["EX"]


def test_the_table_says_which_pictures_and_at_what_size(run, phantoms, call):
    code, out, _ = call(run, "--data", phantoms, "--split", "train")
    assert code == 0
    words = " ".join(out.split())
    assert "on the train set of" in words
    assert "at the network's 64 px" in words
    assert "EX" in words
    for figure in ("33 thresholds", "Hausdorff 95", "lesion recall", "false positives per image"):
        assert figure in words
    assert "oracle: chosen on these pictures" in words
    assert "leak" not in words


def test_on_the_photos_own_pixels_and_into_a_file(run, phantoms, tmp_path, call):
    file = tmp_path / "new" / "original.json"
    code, out, err = call(run, "--data", phantoms, "--resolution", "original", "-o", file, "--json")
    assert (code, err) == (0, "")
    written = json.loads(file.read_text())
    assert written == json.loads(out)
    assert (written["resolution"], written["side_px"]) == ("original", 64)
    assert 0 < written["lesions"][0]["aupr"] <= 1


def test_a_picture_without_the_lesion_is_named_in_the_table(run, phantoms, tmp_path, call):
    data = Path(shutil.copytree(phantoms, tmp_path / "data"))
    mask = min((data / ROOT / MASKS / SPLITS["test"] / LESIONS["EX"].folder).iterdir())
    mask.unlink()
    code, out, _ = call(run, "--data", data)
    assert code == 0
    assert f"1: {mask.stem.removesuffix('_EX')}" in " ".join(out.split())


def test_the_leaks_of_the_papers_protocol_are_said(run, phantoms, tmp_path, call):
    leaking = Path(shutil.copytree(run, tmp_path / "leaking"))
    config = json.loads((leaking / "config.json").read_text())
    config["training"]["protocol"] = "paper"
    (leaking / "config.json").write_text(json.dumps(config))
    code, out, _ = call(leaking, "--data", phantoms)
    assert code == 0
    assert "leak of protocol paper: thresholds were chosen on the test pictures" in out


def test_without_lesions_json_has_null_and_no_nan(run, phantoms, tmp_path, call):
    data = Path(shutil.copytree(phantoms, tmp_path / "data"))
    for mask in (data / ROOT / MASKS / SPLITS["test"] / LESIONS["EX"].folder).iterdir():
        mask.unlink()
    code, out, _ = call(run, "--data", data, "--json")
    assert code == 0
    (score,) = json.loads(out, parse_constant=pytest.fail)["lesions"]
    assert (score["aupr"], score["with_lesion"]) == (None, 0)


def test_a_folder_that_is_no_run_is_refused_in_one_line(phantoms, tmp_path, call):
    code, out, err = call(tmp_path, "--data", phantoms)
    assert (code, out) == (2, "")
    assert err.startswith(
        f"mobileseg: {tmp_path}: no config.json in it; "
        "expected a run folder as mobileseg train writes it, or a name of "
    )
    assert err.count("\n") == 1


def test_a_lesion_that_the_test_set_is_not_labelled_for_is_refused(run, phantoms, tmp_path, call):
    data = Path(shutil.copytree(phantoms, tmp_path / "data"))
    shutil.rmtree(data / ROOT / MASKS / SPLITS["test"] / LESIONS["EX"].folder)
    code, out, err = call(run, "--data", data)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "the test set is not labelled for EX" in err


def test_a_run_that_has_no_weights_yet_is_refused_in_one_line(run, phantoms, tmp_path, call):
    begun = Path(shutil.copytree(run, tmp_path / "begun"))
    (begun / "best.safetensors").unlink()
    code, out, err = call(begun, "--data", phantoms)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "best.safetensors" in err


def test_an_unknown_split_lists_the_choices(run, phantoms, call):
    code, _, err = call(run, "--data", phantoms, "--split", "validation")
    assert code == 2
    assert "'test', 'train'" in err

"""`mobileseg calibrate` from the outside."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from converters import calibrate as calibrating
from mobileseg import load
from mobileseg.cli import main
from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import prepare_all
from mobileseg.errors import MissingToolkit
from mobileseg.evaluation import quality_fit
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.quantization.quantized_run import (
    Quantized,
    folded_networks,
    save_quantized,
)
from mobileseg.runs import Run, open_run
from mobileseg.spec import PreprocessSpec

MADE = {"calibration.json", "calibration.png"}


@pytest.fixture(scope="module")
def made(phantoms, make_run, tmp_path_factory) -> Run:
    """Random weights: what they say of exudates is near nothing, but not the contrary."""
    names = [s.name for s in read_idrid(phantoms).split("train", ("EX",))]
    return make_run(
        tmp_path_factory.mktemp("calibrate") / "run",
        seed=2,
        preprocess=PreprocessSpec(64, (256, 256)),
        # Only the validation pictures are read.
        pictures={"train": [f"other_{i}" for i in range(8)], "validation": names[:3]},
    )


@pytest.fixture
def run(made, tmp_path) -> Path:
    return shutil.copytree(made.path, tmp_path / "run")


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command line here: exit code, stdout, stderr. Quality is asked for by name."""

    def run_main(*arguments: object) -> tuple[object, str, str]:
        words = [*map(str, arguments)]
        words += [] if "--quality" in words else ["--no-quality"]
        monkeypatch.setattr(sys, "argv", ["mobileseg", "calibrate", *words])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return run_main


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_it_writes_constants_thresholds_and_what_was_gained(run, phantoms, call):
    before = open_run(run).config
    code, out, err = call(run, "--data", phantoms, "--test", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told == json.loads((run / "calibration.json").read_text())
    assert set(contents(run)) == {"config.json", "best.safetensors", *MADE}
    config = open_run(run).config
    found = told["forms"]["fp32"]["EX"]
    assert config.calibration["EX"].to_json() == {"a": found["a"], "b": found["b"]}
    assert config.thresholds["EX"] == found["threshold"] != before.thresholds["EX"]
    assert config.uncalibrated() == before
    # Random weights say 0.5 of what is in one pixel of hundreds: any constants are better.
    for part in ("validation", "test"):
        assert found[part]["after"]["ece"] < found[part]["before"]["ece"] / 2
        assert found[part]["after"]["brier"] < found[part]["before"]["brier"]
    assert told["validation_pictures"] == sorted(before.pictures["validation"])
    assert told["test_pictures"] == 3 and told["int8_not_run"] is None


@pytest.mark.slow  # 44 spoiled forms of each picture
def test_quality_is_fitted_on_the_runs_training_pictures(
    phantoms, make_run, tmp_path, call, monkeypatch
):
    monkeypatch.setattr(quality_fit, "FEWEST", 3)
    monkeypatch.setattr(calibrating, "FEWEST", 6)
    names = [s.name for s in read_idrid(phantoms).split("train", ("EX",))]
    made = make_run(
        tmp_path / "run",
        seed=2,
        preprocess=PreprocessSpec(64, (256, 256)),
        pictures={"train": names[3:6], "validation": names[:3]},
    )
    code, out, err = call(made.path, "--data", phantoms, "--quality", "--json")
    assert code == 0, err
    config = open_run(made.path).config
    assert config.quality is not None and set(config.quality.lesions) == {"EX"}
    assert config.calibration
    (said,) = json.loads(out)["quality"]
    assert said.startswith("EX: off by ")
    found = load(made.path).predict(next((phantoms).rglob("*.jpg")))
    assert 0 <= found.quality.shown <= 1


def test_masks_stay(made, run, phantoms, call):
    assert call(run, "--data", phantoms)[0] == 0
    calibrated, config = open_run(run), made.config
    samples = read_idrid(phantoms).split("test", ("EX",))
    flipped = pixels = 0
    for p in prepare_all(phantoms, samples, ("EX",), config.preprocess):
        before = reference_probabilities(made, p.picture) >= np.float32(config.thresholds["EX"])
        after = reference_probabilities(calibrated, p.picture)
        flipped += (before != (after >= np.float32(calibrated.config.thresholds["EX"]))).sum()
        pixels += before.size
    assert flipped <= 1e-4 * pixels  # those within rounding of the threshold; 0 were measured


def test_calling_it_twice_changes_nothing(run, phantoms, call):
    assert call(run, "--data", phantoms)[0] == 0
    once = contents(run)
    assert call(run, "--data", phantoms)[0] == 0
    assert contents(run) == once


def test_a_person_gets_a_table_and_is_told_that_few_pictures_are_few(run, phantoms, call):
    code, out, err = call(run, "--data", phantoms)
    assert code == 0
    for word in ("validation, 3 pictures", "fp32 EX", "calibrated", "ECE", "adaptive ECE", "Brier"):
        assert word in out
    assert "a " in out and "threshold 0.5000 -> " in out
    assert "3 validation picture(s) are few" in err


# int8: that it gets constants of its own stands in tests/converters/test_calibrated.py


@pytest.fixture
def quantized(run) -> Path:
    """With an int8 form, of ranges that nobody uses here."""
    opened = open_run(run)
    form = Quantized("ptq", ("outconv", "side"), ({},), folded_networks(opened), ("a",))
    save_quantized(form, opened, run)
    return run


def test_without_the_toolkit_that_is_said(quantized, phantoms, call, monkeypatch):
    def missing(run: Run) -> None:
        raise MissingToolkit.install("executorch", "executorch")

    monkeypatch.setattr(calibrating, "int8_answers", missing)
    code, out, err = call(quantized, "--data", phantoms, "--json")
    assert code == 0 and "int8: not run, executorch is not installed" in err
    assert json.loads(out)["int8_not_run"].startswith("executorch is not installed")
    before = contents(quantized)
    code, _, err = call(quantized, "--data", phantoms, "--int8")
    assert code == 2 and "executorch is not installed" in err
    assert contents(quantized) == before


# Bad input


def refused(call, run: Path, data: Path, *arguments: str) -> str:
    """The one line; and nothing of the run was touched."""
    before = contents(run)
    code, out, err = call(run, "--data", data, *arguments)
    assert code == 2 and out == "" and err.count("\n") == 1, err
    assert contents(run) == before
    return err


def edited(run: Path, **entries: object) -> Path:
    path = run / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))
    return run


def test_a_folder_without_the_runs_pictures(run, phantoms, tmp_path, call):
    strange = edited(run, pictures={"train": list("abcdefgh"), "validation": ["x", "y"]})
    assert "found 0 of the 2 validation pictures" in refused(call, strange, phantoms)
    assert "found no folder" in refused(call, run, tmp_path / "nothing")


def test_fewer_than_eight_pictures(run, phantoms, call):
    few = edited(run, pictures={"train": ["a"], "validation": ["b", "c"]})
    assert "names 3 pictures; expected 8 or more" in refused(call, few, phantoms)


def test_no_validation_picture(run, phantoms, call):
    none = edited(run, pictures={"train": list("abcdefgh"), "validation": []})
    assert "names no validation picture" in refused(call, none, phantoms)


def test_a_validation_part_that_lacks_a_lesion(run, phantoms, tmp_path, call):
    other = shutil.copytree(phantoms, tmp_path / "data")
    names = open_run(run).config.pictures["validation"]
    for mask in other.rglob("*_EX.tif"):
        if any(mask.name.startswith(name) for name in names):
            mask.unlink()
    assert "none of the 3 validation pictures has any EX" in refused(call, run, other)


def test_weights_that_hold_nan(run, phantoms, call):
    from safetensors.torch import load_file, save_file

    tensors = load_file(run / "best.safetensors")
    tensors["outconv.bias"].fill_(float("nan"))
    save_file(tensors, run / "best.safetensors")
    assert "NaN" in refused(call, run, phantoms)


def test_a_run_without_thresholds(run, phantoms, call):
    assert "has no thresholds yet" in refused(call, edited(run, thresholds={}), phantoms)


def test_int8_of_a_run_that_has_none(run, phantoms, call):
    assert "has no quantized.json" in refused(call, run, phantoms, "--int8")


def test_a_run_that_ships_is_not_changed(phantoms, call):
    code, _, err = call("xs-ex", "--data", phantoms)
    assert code == 2 and "ships with the package" in err


def test_no_test_pictures(run, phantoms, tmp_path, call):
    other = shutil.copytree(phantoms, tmp_path / "data")
    for folder in other.rglob("b. Testing Set"):
        shutil.rmtree(folder)
    assert "test" in refused(call, run, other, "--test")


@pytest.mark.parametrize("when", ["fit_lesions", "replace_all"])
def test_stopped_by_ctrl_c_nothing_has_changed(run, phantoms, call, monkeypatch, when):
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    if when == "replace_all":  # after everything was staged
        monkeypatch.setattr(Path, "replace", stop)
    else:
        monkeypatch.setattr(calibrating, when, stop)
    before = contents(run)
    code, _, err = call(run, "--data", phantoms)
    assert code == 130 and err.splitlines()[-1] == "mobileseg: stopped"
    assert contents(run) == before

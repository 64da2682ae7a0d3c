"""`mobileseg.load`: one way to ask a run or a bundle, with the same answer."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from PIL import Image

import mobileseg
from converters.torchscript import converter as torchscript_lite
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.evaluation.picture_flags import NO_RETINA, TOO_SMALL
from mobileseg.files.atomic import read_json, write_json


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return make_phantom(4, 150, aspect=1.3).picture


@pytest.fixture(scope="module")
def asked(tiny_run, tiny_bundle):
    return mobileseg.load(tiny_run.path), mobileseg.load(tiny_bundle)


def test_a_run_and_its_bundle_find_the_same(asked, picture):
    run, bundle = (predictor.predict(picture) for predictor in asked)
    # Nothing but float32 rounding lies between them; a pixel right at the threshold may flip.
    assert np.abs(run.probabilities - bundle.probabilities).max() < 1e-4
    assert (run.masks["EX"] != bundle.masks["EX"]).sum() <= 1
    assert run.masks["EX"].any() and not run.masks["EX"].all()
    assert (run.crop, run.flags, run.content_hw) == (bundle.crop, bundle.flags, bundle.content_hw)
    assert run.retina == pytest.approx(bundle.retina, abs=1e-6)  # one division
    assert run.lesions["EX"].pixels == run.masks["EX"].sum()


def test_executorch_finds_the_same_as_its_run(bundles, trained_run, picture):
    pytest.importorskip("executorch", reason="not run: executorch is not installed")
    run, bundle = (
        mobileseg.load(path).predict(picture) for path in (trained_run, bundles / "executorch")
    )
    assert np.abs(run.probabilities - bundle.probabilities).max() < 1e-4
    assert (run.masks["EX"] != bundle.masks["EX"]).sum() <= 1
    assert run.crop == bundle.crop


def test_each_says_what_it_is(asked):
    run, bundle = asked
    assert run.name == "tiny (PyTorch)"
    assert bundle.name == "bundle (torchscript fp32)"
    assert run.thresholds == bundle.thresholds == {"EX": 0.5}
    assert run.frame_hw == bundle.frame_hw == (128, 160)


def test_a_file_and_its_array_are_the_same_picture(asked, picture, tmp_path):
    path = tmp_path / "eye.png"
    Image.fromarray(picture).save(path)
    of_array, of_file, of_text = (asked[1].predict(p) for p in (picture, path, str(path)))
    assert np.array_equal(of_array.probabilities, of_file.probabilities)
    assert np.array_equal(of_array.probabilities, of_text.probabilities)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((64, 64, 3), np.float32), "float32, shape (64, 64, 3)"),
        (np.zeros((64, 64), np.uint8), "uint8, shape (64, 64)"),
        (np.zeros((64, 64, 4), np.uint8), "uint8, shape (64, 64, 4)"),
        (np.zeros((1, 64, 64, 3), np.uint8), "uint8, shape (1, 64, 64, 3)"),
        (np.zeros((0, 64, 3), np.uint8), "uint8, shape (0, 64, 3)"),
    ],
)
def test_an_array_that_is_no_picture_is_refused(array, found, asked):
    for predictor in asked:
        with pytest.raises(BadInput) as caught:
            predictor.predict(array)
        expected = f"found an array of {found}; expected uint8 RGB, (h, w, 3)"
        assert str(caught.value) == expected


def test_an_array_that_is_a_view_is_answered_as_its_copy(asked, picture):
    flipped = picture[:, ::-1]
    assert not flipped.flags.c_contiguous
    for predictor in asked:
        answers = [predictor.predict(p).probabilities for p in (flipped, flipped.copy())]
        assert np.array_equal(*answers)


def test_black_and_small_pictures_are_flagged_in_both(asked):
    small = make_phantom(4, 64, aspect=1.0).picture[:40, :40]
    for predictor in asked:
        black = predictor.predict(np.zeros((100, 100, 3), np.uint8))
        assert black.flags == (NO_RETINA,)
        assert black.lesions["EX"].area == 0
        assert predictor.predict(small).flags == (TOO_SMALL,)


def test_a_folder_that_is_neither_is_refused(tmp_path):
    with pytest.raises(BadInput) as caught:
        mobileseg.load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: neither config.json nor model.json in it; expected a run or a bundle folder"
    )
    with pytest.raises(BadInput, match="nowhere: no such folder; expected a run or a bundle"):
        mobileseg.load(tmp_path / "nowhere")


def test_a_core_ml_bundle_is_evaluated_and_says_so(bundles, phantom_frame):
    pytest.importorskip("coremltools", reason="not run: coremltools is not installed")
    predictor = mobileseg.load(bundles / "coreml")
    assert predictor.name == "coreml (coreml fp32, Linux evaluation)"
    found, expected = (
        p.predict(phantom_frame) for p in (predictor, mobileseg.load(bundles / "torchscript"))
    )
    off = np.abs(found.probabilities - expected.probabilities)
    assert off.max() < 1e-5 and found.crop == expected.crop


def test_a_bundle_that_cannot_run_here_says_why(bundles, monkeypatch):
    monkeypatch.setattr(torchscript_lite, "why_not", lambda order: "no such runtime")
    with pytest.raises(MissingToolkit, match=r"model\.ptl cannot run here: no such runtime"):
        mobileseg.load(bundles / "torchscript")


def test_a_run_is_never_signed(tiny_run, tmp_path):
    with pytest.raises(BadInput, match="found no bundle; expected one that is signed"):
        mobileseg.load(tiny_run.path, verify_key=tmp_path / "key.pem")


def test_damaged_weights_show_when_a_run_is_opened_and_not_at_its_first_picture(tiny_run, tmp_path):
    run = shutil.copytree(tiny_run.path, tmp_path / "run")
    weights = run / "best.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BadInput, match=r"best\.safetensors: not a readable safetensors file"):
        mobileseg.load(run)


def test_a_run_without_thresholds_is_not_guessed_at(tiny_run, tmp_path):
    run = shutil.copytree(tiny_run.path, tmp_path / "run")
    write_json(run / "config.json", read_json(run / "config.json") | {"thresholds": {}})
    with pytest.raises(BadInput, match=re.escape("no threshold for EX; train it further")):
        mobileseg.load(run)

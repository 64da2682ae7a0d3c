"""Golden pairs, read as an app reads them: raw bytes, JSON, and nothing of this project."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from converters.bundle.goldens import golden_frames
from converters.bundle.read import open_bundle
from converters.executorch import converter as executorch_program
from converters.quiet import quiet
from converters.torchscript import converter as torchscript_lite

NAMES = ("retina", "black")
TARGETS = ("executorch", "torchscript")
LOADERS = {"executorch": executorch_program.load, "torchscript": torchscript_lite.load}


def golden(folder: Path, name: str):
    """Frame, probabilities and the rest: with numpy and json alone."""
    place = folder / "goldens" / name
    about = json.loads((place / "expected.json").read_text())
    frame = np.frombuffer((place / "frame.rgb").read_bytes(), np.uint8)
    expected = np.frombuffer((place / "probabilities.f32").read_bytes(), "<f4")
    return (
        frame.reshape(about["frame"]["shape"]).copy(),
        expected.reshape(about["probabilities"]["shape"]),
        about,
    )


@pytest.fixture(scope="module", params=TARGETS)
def opened(request, bundles):
    if request.param == "executorch":
        pytest.importorskip("executorch", reason="not run: executorch is not installed")
    bundle = open_bundle(bundles / request.param)
    return bundle.path, LOADERS[request.param](bundle.artifact)


@pytest.mark.parametrize("name", NAMES)
def test_the_file_answers_the_golden_frames(name, opened):
    folder, runner = opened
    frame, expected, about = golden(folder, name)
    with quiet():
        answer = runner(frame)
    # The same arithmetic in another order, through 119 layers; 1e-6 was measured.
    assert np.abs(answer.probabilities - expected).max() < 1e-4
    assert answer.crop.tolist() == about["crop"]
    assert answer.retina == pytest.approx(about["retina"], abs=1e-6)  # one division


def test_another_frame_is_another_answer(opened):
    """So that the comparison above can fail: the barely trained network does look at its frame."""
    folder, runner = opened
    frame, expected, _ = golden(folder, "retina")
    with quiet():
        answer = runner(np.ascontiguousarray(frame[..., ::-1]))
    assert np.abs(answer.probabilities - expected).max() > 1e-3


@pytest.mark.parametrize("target", [*TARGETS, "coreml"])
def test_the_black_frame_has_no_retina_and_the_other_a_crop(target, bundles):
    frame, expected, about = golden(bundles / target, "black")
    assert not frame.any()
    assert about["retina"] == 0
    assert about["crop"] == [0, 0, 1024, 1024]
    assert np.isfinite(expected).all()
    frame, expected, about = golden(bundles / target, "retina")
    assert 0.5 < about["retina"] < 1
    assert about["crop"][2] == about["crop"][3] < 1024
    assert frame.shape == (1024, 1024, 3)
    assert expected.shape == (1, 128, 128)


def test_all_targets_ship_the_same_goldens(bundles):
    def sums(target: str):
        listed = open_bundle(bundles / target).manifest["files"]
        return {name: v for name, v in listed.items() if name.startswith("goldens/")}

    assert sums("executorch") == sums("torchscript") == sums("coreml")
    assert len(sums("coreml")) == 6


@pytest.mark.parametrize("frame_hw", [(32, 32), (64, 200), (200, 64)])
def test_there_is_a_golden_retina_for_small_and_for_narrow_frames(frame_hw):
    frames = {g.name: g.frame for g in golden_frames(frame_hw)}
    assert list(frames) == list(NAMES)
    assert all(f.shape == (*frame_hw, 3) for f in frames.values())
    assert frames["retina"].max() > 25 and not frames["black"].any()

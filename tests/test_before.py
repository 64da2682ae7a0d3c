"""What was made before retina finder 2 opens and answers as it did.

`tests/before/xs-ex-onnx.zip` is the bundle that `mobileseg convert xs-ex --target onnx --frame
256x320` wrote at the last revision with one finder (a57b2f4); its reference/ is the network that
shipped then. `preprocessed.json` is what that revision's preprocessing made of the golden frames.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import mobileseg
from mobileseg.preprocess.reference import preprocess
from mobileseg.runs import open_run

BEFORE = Path(__file__).parent / "before"
FRAME_HW = (256, 320)
# Convolutions on another processor add in another order: 3.6e-6 was the most between the engines
# (benchmarks/results/parity-xs-ex-*.json).
ANOTHER_ORDER = 1e-5


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    with zipfile.ZipFile(BEFORE / "xs-ex-onnx.zip") as archive:
        archive.extractall(folder)
    return folder / "xs-ex-onnx"


def golden(bundle: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A frame, and the probabilities that were written for it."""
    place = bundle / "goldens" / name
    frame = np.fromfile(place / "frame.rgb", np.uint8).reshape(*FRAME_HW, 3)
    return frame, np.fromfile(place / "probabilities.f32", "<f4").reshape(1, 256, 256)


@pytest.mark.parametrize("name", ["retina", "black"])
def test_an_old_run_prepares_a_picture_bit_for_bit_as_it_did(bundle, name):
    expected = json.loads((BEFORE / "preprocessed.json").read_text())[name]
    config = open_run(bundle / "reference").config
    assert config.preprocess.finder == 1
    done = preprocess(golden(bundle, name)[0], config.preprocess.with_frame(FRAME_HW))
    crop = done.crop
    assert [crop.left, crop.top, crop.width, crop.height] == expected["crop"]
    assert (crop.found, done.retina) == (expected["found"], expected["retina"])
    for what in ("levels", "enhanced"):
        found = hashlib.sha256(getattr(done, what).tobytes()).hexdigest()
        assert found == expected[what], what
    assert done.disc is None


@pytest.mark.parametrize("name", ["retina", "black"])
@pytest.mark.parametrize("part", ["reference", "."])
def test_an_old_run_and_its_bundle_answer_as_they_did(bundle, part, name):
    if part == ".":
        pytest.importorskip("onnxruntime", reason="not run: onnxruntime is not installed")
    frame, expected = golden(bundle, name)
    predictor = mobileseg.load(bundle / part)
    answer = predictor.runner(frame)
    assert np.abs(answer.probabilities - expected).max() < ANOTHER_ORDER
    told = json.loads((bundle / "goldens" / name / "expected.json").read_text())
    assert answer.crop.tolist() == told["crop"]
    assert answer.retina == pytest.approx(told["retina"], abs=1e-6)  # one division in float32

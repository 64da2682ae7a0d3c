"""The functions under test, each as far as a verb would go with what it opened."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch

from converters.bundle.evidence import read_evidence
from converters.bundle.read import artifact_sha256, open_bundle
from converters.parity.mac_results import read_mac_evidence
from converters.parity.tolerances import read_gate
from converters.predict.predictor import open_predictor
from fuzz.pictures import SIDE_PX
from fuzz.runs import DATA, SPEC
from fuzz.spot import Spot
from mobileseg.data.dataset import Pictures, read_pictures
from mobileseg.data.idrid import read_idrid
from mobileseg.data.images import read_mask, read_photo
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.lesions import LESIONS
from mobileseg.quantization.quantized_run import is_quantized, open_quantized
from mobileseg.report.load import read_study
from mobileseg.runs import open_run
from mobileseg.study.folder import open_study
from mobileseg.study.plan import read_plan
from mobileseg.training.session import resume

CPU = torch.device("cpu")


def photo(spot: Spot) -> None:
    pixels = read_photo(spot.file)
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3


def mask(spot: Spot) -> None:
    found = read_mask(spot.file)
    assert found.dtype == bool and found.ndim == 2


def bundle(spot: Spot) -> None:
    opened = open_bundle(spot.folder)
    assert artifact_sha256(opened)
    assert opened.reference().networks
    assert open_predictor(spot.folder).thresholds


def artifact(spot: Spot) -> None:
    """Load it in its runtime and have it answer."""
    open_predictor(spot.folder).predict(_phantom())


@cache
def _phantom() -> np.ndarray:
    return make_phantom(3, 2 * SIDE_PX).picture


def evidence(spot: Spot) -> None:
    opened = open_bundle(spot.folder)
    assert read_evidence(opened, "parity")
    assert read_mac_evidence(opened, spot.folder / "evidence" / "macos.json").verdict


def plan(spot: Spot) -> None:
    assert read_plan(spot.file).runs


def gate(spot: Spot) -> None:
    assert read_gate(spot.file).limits


def run(spot: Spot) -> None:
    opened = open_run(spot.folder)
    assert opened.networks and opened.ensemble
    if is_quantized(opened):
        assert open_quantized(opened).networks


@cache
def _pictures(data: Path) -> Pictures:
    return read_pictures(data, ("EX",), SPEC, "half", CPU)


def checkpoint(spot: Spot) -> None:
    data = spot.root / DATA
    assert resume(spot.folder, data, device=CPU, pictures=_pictures(data)).state.epoch < 3


def study(spot: Spot) -> None:
    opened = open_study(spot.folder)
    for name in opened.runs:
        assert opened.state(name) and opened.reached(name)
    assert opened.preprocess
    for made in (*opened.ensembles, *opened.combinations):
        assert opened.ensemble_folder(made.name).parent.parent == spot.folder


def study_report(spot: Spot) -> None:
    assert read_study(spot.folder).folders


def idrid(spot: Spot) -> None:
    collection = read_idrid(spot.folder)
    for split in collection.samples:
        assert collection.split(split, tuple(LESIONS))

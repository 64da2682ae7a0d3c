"""Faults planted into what a file is given or says, and into the file itself: parity finds each."""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from converters.bundle.read import Bundle, open_bundle
from converters.parity.compare import compare
from converters.parity.metrics import faults, made_by, verdict
from converters.parity.result import Verdict
from converters.parity.stages import ARTIFACT, PREPROCESSING
from converters.targets import target
from converters.torchscript import converter as torchscript_lite
from mobileseg.preprocess.graph import Preprocess

FRAME_HW = (128, 160)
NAN = float("nan")

# In what the file is given or says.


def no_number(answer):
    probabilities = answer.probabilities.copy()
    probabilities[0, 3, 3] = NAN
    return replace(answer, probabilities=probabilities)


def shifted(frame):
    return np.roll(frame, 1, axis=1)


RUNNER_FAULTS = {
    "blue first": lambda run: lambda f: run(np.ascontiguousarray(f[..., ::-1])),
    "green and blue swapped": lambda run: lambda f: run(np.ascontiguousarray(f[..., [0, 2, 1]])),
    "frame one pixel to the right": lambda run: lambda f: run(shifted(f)),
    "frame mirrored": lambda run: lambda f: run(np.ascontiguousarray(f[:, ::-1])),
    "a grey level darker": lambda run: lambda f: run(np.where(f > 26, f - np.uint8(1), f)),
    "answer turned": lambda run: (
        lambda f: replace(run(f), probabilities=run(f).probabilities.transpose(0, 2, 1))
    ),
    "answer always zero": lambda run: (
        lambda f: replace(run(f), probabilities=np.zeros_like(run(f).probabilities))
    ),
    "one NaN": lambda run: lambda f: no_number(run(f)),
    "crop off by one": lambda run: lambda f: replace(run(f), crop=run(f).crop + np.float32(1)),
    "crop off by a fraction": lambda run: (
        lambda f: replace(run(f), crop=run(f).crop + np.float32(0.5))
    ),
    "crop not a number": lambda run: lambda f: replace(run(f), crop=run(f).crop * np.float32(NAN)),
    "retina not a number": lambda run: lambda f: replace(run(f), retina=NAN),
    "retina off": lambda run: lambda f: replace(run(f), retina=run(f).retina + 1e-4),
}


@pytest.mark.parametrize("fault", RUNNER_FAULTS)
def test_a_fault_around_the_file_is_found(fault, tiny_bundle, cases, monkeypatch):
    load = torchscript_lite.load
    monkeypatch.setattr(torchscript_lite, "load", lambda path: RUNNER_FAULTS[fault](load(path)))
    result = compare(open_bundle(tiny_bundle), cases[:1], "one phantom")
    assert verdict(result) is Verdict.DIFFERS
    assert made_by(result) in (ARTIFACT, None)  # None: of crop and retina alone


@pytest.fixture
def converted_otherwise(tiny_bundle, tmp_path):
    """The tiny bundle, its artifact replaced by one made from another run."""

    def make(run) -> Bundle:
        folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
        order = target("torchscript").order([FRAME_HW])
        torchscript_lite.export(run, order, folder / "model.ptl")
        # Not opened, because the sum would give it away: as if it had been written so.
        return Bundle(folder, open_bundle(tiny_bundle).manifest)

    return make


# In layers that the answer hangs on: a percent in the innermost unit of a block, through which
# this network sends next to nothing, moves no probability by the 1e-4 that is tolerated.


def one_weight_by_a_percent(network: torch.nn.Module) -> None:
    weight = network.encoder[0].first.conv.weight.view(-1)
    weight[weight.abs().argmax()] *= 1.01


def one_layer_by_a_percent(network: torch.nn.Module) -> None:
    network.encoder[2].first.conv.weight *= 1.01


def a_statistic_by_a_percent(network: torch.nn.Module) -> None:
    network.encoder[1].first.bn.running_var *= 1.01


def two_kernels_swapped(network: torch.nn.Module) -> None:
    weight = network.encoder[0].first.conv.weight
    weight[[0, 1]] = weight[[1, 0]].clone()


WEIGHT_FAULTS = (
    one_weight_by_a_percent,
    one_layer_by_a_percent,
    a_statistic_by_a_percent,
    two_kernels_swapped,
)


@pytest.mark.parametrize("fault", WEIGHT_FAULTS, ids=lambda f: f.__name__)
def test_a_file_made_from_other_weights_is_found(
    fault, tiny_run, write_run, converted_otherwise, cases, tmp_path
):
    network = copy.deepcopy(tiny_run.network)
    with torch.no_grad():
        fault(network)
    other = write_run(tmp_path / "other", network)
    result = compare(converted_otherwise(other), cases[:2], "two phantoms")
    assert verdict(result) is Verdict.DIFFERS
    assert made_by(result) == ARTIFACT


def crop_moved(monkeypatch) -> None:
    resize = Preprocess.crop_and_resize
    monkeypatch.setattr(
        Preprocess,
        "crop_and_resize",
        lambda self, frame, box: resize(self, frame, (box[0] + 1, *box[1:])),
    )


def align_corners(monkeypatch) -> None:
    interpolate = torch.nn.functional.interpolate
    monkeypatch.setattr(
        torch.nn.functional,
        "interpolate",
        lambda x, **given: interpolate(x, **(given | {"align_corners": True})),
    )


def no_clahe(monkeypatch) -> None:
    monkeypatch.setattr(Preprocess, "enhance", lambda self, levels, disc: levels)


@pytest.mark.parametrize("fault", [crop_moved, align_corners, no_clahe], ids=lambda f: f.__name__)
def test_a_file_whose_graph_is_another_is_found(
    fault, tiny_run, converted_otherwise, cases, monkeypatch
):
    with monkeypatch.context() as while_exporting:
        fault(while_exporting)
        bundle = converted_otherwise(tiny_run)
    result = compare(bundle, cases[:1], "one phantom")
    assert verdict(result) is Verdict.DIFFERS
    assert made_by(result) == ARTIFACT


def test_another_normalisation_is_found(tiny_run, converted_otherwise, cases):
    normal = tiny_run.config.normalisation
    other = replace(normal, mean=(normal.mean[0] + 0.002, *normal.mean[1:]))  # half a grey level
    run = replace(tiny_run, config=replace(tiny_run.config, normalisation=other))
    result = compare(converted_otherwise(run), cases[:1], "one phantom")
    assert verdict(result) is Verdict.DIFFERS


def test_a_preprocessing_that_is_off_is_counted_in_grey_levels(tiny_bundle, cases, monkeypatch):
    """The graph's preprocessing off by one level in one pixel of 4096 is over the limit."""
    resize = Preprocess.crop_and_resize

    def off(self, frame, box):
        levels = resize(self, frame, box)
        levels[0, 1, 30, 30] += 1
        return levels

    monkeypatch.setattr(Preprocess, "crop_and_resize", off)
    result = compare(open_bundle(tiny_bundle), cases[:1], "one phantom")
    assert result.pictures[0].level_flips == 1
    assert any("levels flipped before CLAHE" in fault.text for fault in faults(result))
    assert made_by(result) == PREPROCESSING

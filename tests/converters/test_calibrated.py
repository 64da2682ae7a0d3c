"""A calibrated run converted: the last step of every graph, and int8's is its own."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from converters.bundle.goldens import planes, reference_answer
from converters.bundle.read import open_bundle, write_bundle
from converters.deployable import IMAGE, NetworkAlone, deployable, shipped_graph
from converters.parity.compare import compare
from converters.parity.metrics import faults, judged
from converters.parity.tolerances import TOLERANCES, Gate
from converters.targets import target
from mobileseg.cli import main
from mobileseg.data.idrid import read_idrid
from mobileseg.files.atomic import read_json, write_json
from mobileseg.models.build import build
from mobileseg.platt import Calibration
from mobileseg.preprocess.reference import preprocess
from mobileseg.quantization.calibration import calibrate
from mobileseg.quantization.quantized_run import (
    Quantized,
    folded_networks,
    in_precision,
    open_quantized,
    save_quantized,
    with_constants,
)
from mobileseg.runs import Run, open_run

SURE = {"EX": Calibration(0.58, -1.3)}
INT8 = {"EX": Calibration(0.8, 0.4)}


def with_config(run: Run, constants: dict[str, Calibration], folder: Path) -> Run:
    shutil.copytree(run.path, folder)
    write_json(folder / "config.json", run.config.calibrated(constants).to_json())
    return open_run(folder)


@pytest.fixture(scope="module")
def plain(few_stages, write_run, made_lively, phantom_frame, tmp_path_factory) -> Run:
    """Of two stages, which convert in a sixth of the time."""
    torch.manual_seed(7)  # one whose answers are not the contrary of the truth
    network = made_lively(build(few_stages.name, 1), phantom_frame)
    return write_run(tmp_path_factory.mktemp("plain") / "run", network, few_stages.name)


@pytest.fixture(scope="module")
def sure(plain, tmp_path_factory) -> Run:
    return with_config(plain, SURE, tmp_path_factory.mktemp("sure") / "run")


@pytest.fixture(scope="module")
def sure_of_finder_1(sure, tmp_path_factory) -> Run:
    """The same with a finder that toolkits convert in a third of the time."""
    preprocess = replace(sure.config.preprocess, finder=1)
    run = Run(sure.path, replace(sure.config, preprocess=preprocess).uncalibrated())
    return with_config(run, SURE, tmp_path_factory.mktemp("finder-1") / "run")


@torch.no_grad()
def answered(graph: torch.nn.Module, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    probabilities: NDArray[np.float32] = graph(torch.from_numpy(frame)[None])[0][0].numpy()
    return probabilities


def test_the_graph_answers_as_the_reference_and_no_mask_moves(plain, sure, phantom_frame):
    before = reference_answer(plain, phantom_frame).probabilities
    wanted = reference_answer(sure, phantom_frame).probabilities
    assert np.abs(wanted - before).max() > 0.1  # it does something
    found = answered(deployable(sure, (128, 160), folded=False), phantom_frame)
    # Other kernels' log and exp, and float32 steps next to 1: as parity allows, a tenth of it.
    assert np.abs(found - wanted).max() < 1e-5 + 2 * SURE["EX"].largest_step()
    assert np.array_equal(found == 0, before == 0)  # outside the disc: exactly 0
    low, high = (np.float32(run.config.thresholds["EX"]) for run in (plain, sure))
    # Pixels at the threshold to float32's last digit may flip: none of these does.
    assert ((before >= low) != (wanted >= high)).sum() == 0
    assert ((before >= low) != (found >= high)).sum() == 0


def test_without_a_calibration_there_is_no_such_step(plain):
    order = target("onnx").order([(128, 160)])
    names = [name for name, _ in shipped_graph(plain, order, IMAGE).named_modules()]
    assert not any("calibration" in name for name in names)


def test_a_network_alone_is_calibrated_too(sure, phantom_frame):
    """An app that preprocesses itself has the same thresholds; the disc is its business."""
    order = target("onnx").order([(128, 160)], graph="network")
    graph = shipped_graph(sure, order, IMAGE)
    assert isinstance(graph, NetworkAlone)
    done = preprocess(phantom_frame, sure.config.preprocess)
    with torch.no_grad():
        found = graph(torch.from_numpy(planes(done.enhanced))[None])[0].numpy()
    wanted = reference_answer(sure, phantom_frame).probabilities
    assert np.abs(done.within_disc(found) - wanted).max() < 1e-5 + 2 * SURE["EX"].largest_step()


# Written files


def written(run: Run, name: str, into: Path, **asked: str):
    row = target(name)
    checks = write_bundle(run, into, target=row, order=row.order([(128, 160)], **asked))
    assert all(check.holds for check in checks)
    return open_bundle(into)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("torchscript", "torch"),
        ("onnx", "onnxscript"),
        ("coreml", "coremltools"),
        ("executorch", "executorch"),
    ],
)
def test_every_target_agrees_with_the_reference(
    sure, sure_of_finder_1, cases, tmp_path, name, package
):
    """Core ML: the evaluator knows each operation; ExecuTorch: the network stays one delegate."""
    pytest.importorskip(package, reason=f"not run: {package} is not installed")
    run = sure if name == "torchscript" else sure_of_finder_1
    bundle = written(run, name, tmp_path / "bundle")
    assert bundle.reference().config == run.config
    found = compare(bundle, cases[:2], "phantoms")
    assert faults(found) == []
    limits = {j.figure.key: j.limit for j in judged(found)}
    plain = TOLERANCES["fp32"]["written"].most
    step = SURE["EX"].largest_step()
    assert limits["written"].most == pytest.approx(plain + 2 * step)
    assert limits["mean"] == TOLERANCES["fp32"]["mean"]  # one pixel's rounding is nobody's mean


def test_a_limit_that_somebody_set_is_not_loosened(sure, cases, tmp_path):
    found = compare(written(sure, "torchscript", tmp_path / "bundle"), cases[:1], "phantoms")
    own = replace(TOLERANCES["fp32"]["written"], why="by gate.toml")
    gate = Gate({**TOLERANCES, "fp32": {**TOLERANCES["fp32"], "written": own}})
    assert {j.figure.key: j.limit for j in judged(found, gate)}["written"] == own


@pytest.fixture(scope="module")
def quantized(sure_of_finder_1, phantom_frame, tmp_path_factory) -> Run:
    """The calibrated run with an int8 form, of which nothing is known yet."""
    before = sure_of_finder_1.uncalibrated()
    run = with_config(before, SURE, tmp_path_factory.mktemp("int8") / "run")
    done = preprocess(phantom_frame, run.config.preprocess)
    normalised = torch.from_numpy(done.normalised(run.config.normalisation))[None]
    networks = folded_networks(run)
    ranges = tuple(calibrate(network, [normalised] * 8, 64) for network in networks)
    save_quantized(Quantized("ptq", ("outconv", "side"), ranges, networks, ("a",)), run, run.path)
    return run


def test_int8_has_a_calibration_of_its_own_or_none(quantized, tmp_path):
    assert in_precision(quantized, "fp16") is quantized
    without = in_precision(quantized, "int8").config
    assert without == quantized.config.uncalibrated()  # another file's constants would not fit
    run = Run(shutil.copytree(quantized.path, tmp_path / "run"), quantized.config)
    write_json(run.path / "quantized.json", with_constants(run, INT8))
    assert open_quantized(run).constants == INT8
    found = in_precision(run, "int8").config
    assert found == quantized.config.uncalibrated().calibrated(INT8)


@pytest.mark.parametrize(
    ("constants", "named"),
    [
        ({}, "'probability_calibration.EX'"),
        ({"EX": {"a": 0, "b": 0}}, "probability_calibration.EX.a: found 0"),
        ({"EX": {"a": 1}}, "'probability_calibration.EX.b'"),
    ],
)
def test_constants_of_int8_that_are_none_are_refused_by_name(quantized, tmp_path, constants, named):
    run = Run(shutil.copytree(quantized.path, tmp_path / "run"), quantized.config)
    record = read_json(run.path / "quantized.json") | {"probability_calibration": constants}
    write_json(run.path / "quantized.json", record)
    with pytest.raises(Exception, match=named) as found:
        open_quantized(run)
    assert str(found.value).startswith(f"{run.path / 'quantized.json'}: ")


def test_an_int8_bundle_carries_its_own_constants_and_its_reference_uses_them(
    quantized, cases, tmp_path
):
    pytest.importorskip("executorch", reason="not run: executorch is not installed")
    run = Run(shutil.copytree(quantized.path, tmp_path / "run"), quantized.config)
    write_json(run.path / "quantized.json", with_constants(run, INT8))
    bundle = written(run, "executorch", tmp_path / "bundle", precision="int8")
    config = bundle.reference().config
    assert config.calibration == INT8
    threshold = bundle.manifest["lesions"][0]["threshold"]
    assert threshold == config.thresholds["EX"] == INT8["EX"].threshold(0.5)
    assert open_run(run.path).config == quantized.config  # the run keeps its own
    found = compare(bundle, cases[:1], "phantoms")
    assert not any("crop" in str(fault) for fault in faults(found))
    # Ranges of one phantom are rough: 0.03 measured. Were the file's constants the run's, it would
    # be off by more than thrice that.
    (mean,) = (j.found for j in judged(found) if j.figure.key == "mean")
    assert mean < 0.05
    raw = np.linspace(0.2, 0.8, 100, dtype=np.float32)
    assert np.abs(SURE["EX"].of(raw) - INT8["EX"].of(raw)).mean() > 0.15


def test_the_verb_gives_int8_constants_of_its_own_from_its_written_file(
    quantized, phantoms, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("executorch", reason="not run: executorch is not installed")
    names = [s.name for s in read_idrid(phantoms).split("train", ("EX",))]
    pictures = {"train": [f"other_{i}" for i in range(8)], "validation": names[:2]}
    folder = shutil.copytree(quantized.path, tmp_path / "run")
    config = replace(quantized.config.uncalibrated(), pictures=pictures)
    write_json(folder / "config.json", config.to_json())
    before = read_json(folder / "quantized.json")
    monkeypatch.setattr(
        sys, "argv", ["mobileseg", "calibrate", str(folder), "--data", str(phantoms), "--json"]
    )
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert left.value.code == 0, said.err
    forms = json.loads(said.out)["forms"]
    run = open_run(folder)
    found = open_quantized(run).constants["EX"]
    assert found.to_json() == {name: forms["int8"]["EX"][name] for name in ("a", "b")}
    assert found != run.config.calibration["EX"]
    after = read_json(folder / "quantized.json")
    assert after.pop("probability_calibration") and after == before  # and nothing else changed

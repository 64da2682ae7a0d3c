"""Platt scaling: one definition in NumPy, the same as PyTorch's operations, thresholds along."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mobileseg.errors import BadInput
from mobileseg.models.platt import PlattScaling
from mobileseg.platt import EPSILON, STEP, Calibration, calibrated
from mobileseg.run_config import RunConfig
from mobileseg.runs import Run, open_run
from mobileseg.training.checkpoint import TrainState, commit

SURE = Calibration(0.58, -1.3)  # as xs-ex needs: too sure, and of too much
SHY = Calibration(2.5, 0.7)


@pytest.fixture(scope="module")
def probabilities() -> NDArray[np.float32]:
    """300,000 of them: all over, crowded at 0, crowded at 1, and both ends."""
    p = np.random.default_rng(0).random((3, 100_000), dtype=np.float32)
    p[1] **= 12
    p[2] = 1 - p[2] ** 12
    p[0, :4] = 0, 1, EPSILON / 2, 1 - EPSILON / 2
    return p


@pytest.mark.parametrize("constants", [SURE, SHY, Calibration(1, 0)])
def test_it_is_the_formula_within_what_float32_knows_of_the_probability(probabilities, constants):
    exact = np.clip(probabilities.astype(np.float64), EPSILON, 1 - EPSILON)
    wanted = 1 / (1 + np.exp(-(constants.a * np.log(exact / (1 - exact)) + constants.b)))
    found = constants.of(probabilities)
    assert found.dtype == np.float32
    # A few float32 roundings of a logit up to 35: 35 · 6e-8 · 3, and sigmoid halves it twice.
    assert np.abs(found - wanted).max() < 2e-6


def test_no_constants_change_nothing(probabilities):
    assert calibrated(probabilities, ()) is probabilities


@pytest.mark.parametrize("constants", [SURE, SHY])
def test_it_rises_so_that_the_order_of_pixels_stays(probabilities, constants):
    assert (np.diff(constants.of(np.sort(probabilities.ravel()))) >= 0).all()


def test_the_graphs_operations_answer_what_the_reference_does(probabilities):
    """Each channel by its own constants."""
    maps = probabilities.reshape(3, 100, 1000)
    constants = [SURE, SHY, Calibration(1.1, -0.2)]
    graph = PlattScaling(constants)
    found = graph(torch.from_numpy(maps)[None])[0].numpy()
    # Another library's log and exp: a few last digits of the logit.
    assert np.abs(found - calibrated(maps, constants)).max() < 1e-6
    assert all(buffer.shape == (1, 3, 1, 1) for buffer in graph.buffers())
    assert all(buffer.dtype == torch.float32 for buffer in graph.buffers())


def test_extremes_are_finite_in_both(probabilities):
    wildest = Calibration(100, -100)
    ends = np.array([0, 1, EPSILON, 1 - EPSILON], np.float32).reshape(1, 2, 2)
    found = PlattScaling([wildest])(torch.from_numpy(ends)[None])[0].numpy()
    for answer in (calibrated(ends, [wildest]), found):
        assert np.isfinite(answer).all() and answer.min() >= 0 and answer.max() <= 1


@pytest.mark.parametrize("constants", [SURE, SHY])
def test_a_threshold_goes_the_pixels_own_way(probabilities, constants):
    """Thresholds are probabilities of pixels: those stand at the very edge, and stay inside."""
    p = probabilities.ravel()
    for threshold in map(float, p[::10_000]):
        before = p >= np.float32(threshold)
        after = constants.of(p) >= np.float32(constants.threshold(threshold))
        flipped = p[before != after]
        # Where calibration brings neighbours together, those below come inside: nothing else may.
        assert (flipped < threshold).all()
        assert (constants.of(flipped) == np.float32(constants.threshold(threshold))).all()


@pytest.mark.parametrize("threshold", [0.01, 0.3644, 0.9])
def test_the_way_back_is_as_near_as_float32s_steps(threshold):
    back = SURE.uncalibrated_threshold(SURE.threshold(threshold))
    assert back == pytest.approx(threshold, abs=1e-6)


def test_the_largest_step_is_what_one_float32_step_becomes():
    p = 1 - EPSILON - STEP * np.arange(16, dtype=np.float32)[::-1]
    assert (np.diff(p.astype(np.float32)) == np.float32(STEP)).all()
    steps = np.diff(SURE.of(p.astype(np.float32)))
    assert SURE.largest_step() == pytest.approx(steps.max())  # its slope is steepest at the end
    assert SURE.largest_step() > 1e-5  # why parity asks: more than float32's own tolerance
    assert SHY.largest_step() < 1e-6


@pytest.mark.parametrize(("a", "b"), [(0, 0), (-1, 0), (math.nan, 0), (1, math.nan), (101, 0)])
def test_constants_that_are_none_are_refused(a, b):
    with pytest.raises(BadInput, match=r"expected a above 0"):
        Calibration(a, b)


# In a run's config.json


@pytest.fixture(scope="module")
def made(make_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("platt") / "run"
    return make_run(folder, task="EX,SE", thresholds={"EX": 0.3, "SE": 0.6})


@pytest.fixture
def run(made, tmp_path):
    """A folder that is its own, for a config.json to be written into."""
    return Run(tmp_path, made.config)


BOTH = {"EX": SURE, "SE": SHY}


def kept(config: RunConfig, folder: Path) -> RunConfig:
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    return open_run(folder).config


def test_a_config_without_it_says_nothing_of_it(run):
    assert not {"calibration", "uncalibrated_thresholds"} & set(run.config.to_json())
    assert run.config.calibration == {} and run.config.uncalibrated() == run.config


def test_it_is_read_back_and_undone(run):
    found = kept(run.config.calibrated(BOTH), run.path)
    assert found.calibration == BOTH and found.constants == (SURE, SHY)
    assert found.thresholds == {"EX": SURE.threshold(0.3), "SE": SHY.threshold(0.6)}
    assert found.uncalibrated() == run.config


def test_calibrating_twice_is_calibrating_once(run):
    once = run.config.calibrated(BOTH)
    assert once.calibrated(BOTH) == once
    assert once.calibrated({"EX": SHY, "SE": SURE}).uncalibrated() == run.config


def test_thresholds_of_before_may_be_missing_and_are_computed(run):
    values = run.config.calibrated(BOTH).to_json()
    del values["uncalibrated_thresholds"]
    (run.path / "config.json").write_text(json.dumps(values))
    assert open_run(run.path).config.uncalibrated().thresholds == pytest.approx(
        run.config.thresholds, abs=1e-6
    )


@pytest.mark.parametrize(
    ("entry", "value", "named"),
    [
        ("calibration", {"EX": {"a": 1.0, "b": 0.0}}, "'calibration.SE'"),
        ("calibration", {}, "'calibration.EX'"),
        ("calibration", [], "calibration: found"),
        ("calibration", {c: {"a": 0.0, "b": 0.0} for c in BOTH}, r"calibration.EX.a: found 0.0"),
        ("calibration", {c: {"a": -1, "b": 0.0} for c in BOTH}, r"calibration.EX.a: found -1"),
        ("calibration", {c: {"a": True, "b": 0.0} for c in BOTH}, r"calibration.EX.a: found True"),
        ("calibration", {c: {"a": 1.0, "b": "0"} for c in BOTH}, r"calibration.EX.b: found '0'"),
        ("calibration", {c: {"a": 1.0} for c in BOTH}, "'calibration.EX.b'"),
        ("calibration", {c: {"a": 1.0, "b": 0} for c in ("EX", "SE", "MA")}, "calibration.MA"),
        ("uncalibrated_thresholds", {"EX": 0.5}, "'uncalibrated_thresholds.SE'"),
        ("uncalibrated_thresholds", {"EX": 0.5, "SE": 2}, "uncalibrated_thresholds.SE: found 2"),
        ("thresholds", {"EX": 0.5}, "'thresholds.SE'"),
    ],
)
def test_what_is_none_is_refused_by_name(run, entry, value, named):
    values = {**run.config.calibrated(BOTH).to_json(), entry: value}
    (run.path / "config.json").write_text(json.dumps(values))
    with pytest.raises(BadInput, match=named) as found:
        open_run(run.path)
    assert str(found.value).startswith(f"{run.path / 'config.json'}: ")


def test_nan_is_no_json(run):
    values = run.config.calibrated(BOTH).to_json()
    values["calibration"]["EX"]["b"] = math.nan
    (run.path / "config.json").write_text(json.dumps(values))
    with pytest.raises(BadInput, match="NaN is no number"):
        open_run(run.path)


def test_a_training_that_goes_on_keeps_it_until_thresholds_change(run, made):
    """A finished run that is resumed writes its config.json again."""
    config = kept(run.config.calibrated(BOTH), run.path)
    state = replace(
        TrainState(),
        epoch=1,
        rows=[{"epoch": 1}],
        thresholds=run.config.thresholds,
        best_network=made.network.state_dict(),
    )
    commit(run.path, state, config, best_changed=False)
    assert open_run(run.path).config == config
    commit(run.path, replace(state, thresholds={"EX": 0.2, "SE": 0.6}), config, best_changed=False)
    after = open_run(run.path).config
    assert after.calibration == {} and after.thresholds == {"EX": 0.2, "SE": 0.6}

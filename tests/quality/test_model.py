"""A run's constants: written and read back, refused by name, and the graph that has them."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from converters.bundle.goldens import reference_answer
from converters.deployable import BYTES, QUALITY, deployable, output_names
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.errors import BadInput
from mobileseg.evaluation.picture_flags import QualitySpec
from mobileseg.evaluation.postprocess import judge
from mobileseg.evaluation.quality_spec import quality_manifest, quality_spec
from mobileseg.quality.falloff import Falloff, Hinge
from mobileseg.quality.model import FAULTS, Colour, Limits, QualityModel
from mobileseg.quality.values import NAMES
from mobileseg.run_config import RunConfig
from mobileseg.runs import Run, open_run
from mobileseg.spec import photo_to_frame

FRAME = (320, 320)
CLOSE = 1e-3  # float32 for float64 sums that cancel: 3e-7 measured
MODEL = QualityModel(
    Colour((0.6, 0.3), (400.0, 50.0, 500.0)),
    {
        "dark": Hinge(0.3, 0.0),
        "bright": Hinge(0.45, 1.0),
        "clipping": Hinge(0.1, 1.0),
        "blur": Hinge(0.6, 0.25),
        "field": Hinge(0.9, 0.0),
        "glare": Hinge(0.2, 1.0),
        "colour": Hinge(1.5, 11.5),
    },
    {"EX": Falloff(2.0, dict.fromkeys(FAULTS, 3.0))},
    {
        "light": Limits(0.15, 0.7),
        "clipping": Limits(None, 0.5),
        "sharpness": Limits(0.4),
        "field": Limits(0.7),
        "glare": Limits(None, 0.6),
        "colour": Limits(None, 40.0),
        "fundus": Limits(0.35),
    },
)


@pytest.fixture(scope="module")
def run() -> Run:
    """The shipped network, with made-up constants of quality."""
    shipped = open_run(Path("xs-ex"))
    spec = replace(shipped.config.preprocess, finder=2, side_px=128)
    return Run(shipped.path, replace(shipped.config, preprocess=spec, quality=MODEL))


def test_config_keeps_it_to_the_bit(run: Run, tmp_path: Path) -> None:
    values = json.loads(json.dumps(run.config.to_json()))
    assert RunConfig.from_json(values, tmp_path) == run.config
    without = replace(run.config, quality=None).to_json()
    assert "quality" not in without
    assert RunConfig.from_json(without, tmp_path).quality is None


def changed(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one entry changed; ...: left out."""
    values = copy.deepcopy(values)
    *parents, last = path.split(".")
    inside = values
    for name in parents:
        inside = inside[name]
    if value is ...:
        del inside[last]
    else:
        inside[last] = value
    return values


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("quality.usable", 1.5, "quality.usable"),
        ("quality.usable", float("nan"), "quality.usable"),
        ("quality.colour.mean", [0.5], "quality.colour.mean"),
        ("quality.colour.inverse", [1, 5, 1], "quality.colour: inverse"),
        ("quality.faults.blur", ..., "quality.faults.blur"),
        ("quality.faults.blur.full", 0.6, "quality.faults.blur: begins"),
        ("quality.lesions.EX", ..., "quality.lesions: found no EX"),
        ("quality.lesions.EX.weights.glare", -1, "quality.lesions.EX.weights.glare"),
        ("quality.lesions.EX.weights.glare", ..., "quality.lesions.EX.weights.glare"),
        ("quality.lesions.EX.ideal", 99, "quality.lesions.EX: ideal"),
        ("quality.values.light.least", 0.9, "quality.values.light: least"),
        ("quality.values.light.most", float("inf"), "quality.values.light.most"),
        ("quality.values.fundus", ..., "quality.values.fundus"),
        ("quality.values.sharpness.most", 2.0, "quality.values.sharpness.most"),
        ("preprocess.finder", 1, "quality: found retina finder 1"),
    ],
)
def test_what_is_off_is_refused_by_name(
    run: Run, path: str, value: Any, named: str, tmp_path: Path
) -> None:
    values = changed(run.config.to_json(), path, value)
    with pytest.raises(BadInput) as refused:
        RunConfig.from_json(values, tmp_path / "config.json")
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_manifest_is_what_readers_take(run: Run) -> None:
    said = quality_manifest(run.config)
    assert said is not None
    spec = QualitySpec.from_json(said)
    assert [value.name for value in spec.values] == list(NAMES)
    assert quality_manifest(replace(run.config, quality=None)) is None


@pytest.mark.parametrize("kind", ["phantom", "black", "noise"])
def test_the_graph_says_what_the_definition_says(run: Run, kind: str) -> None:
    rng = np.random.default_rng(3)
    frame = {
        "phantom": lambda: photo_to_frame(make_phantom(5, 300).picture, FRAME),
        "black": lambda: np.zeros((*FRAME, 3), np.uint8),
        "noise": lambda: rng.integers(0, 256, (*FRAME, 3)).astype(np.uint8),
    }[kind]()
    graph = deployable(run, FRAME, BYTES)
    with torch.no_grad():
        outputs = graph(torch.from_numpy(frame).unsqueeze(0))
    assert dict(zip(output_names(run.config), outputs, strict=True))[QUALITY].shape == (1, 8)
    expected = reference_answer(run, frame)
    assert expected.quality is not None
    assert outputs[3][0].numpy() == pytest.approx(expected.quality, abs=CLOSE)
    if kind == "black":
        assert not expected.quality.any()


def test_a_run_without_it_gives_three_outputs(run: Run) -> None:
    plain = Run(run.path, replace(run.config, quality=None))
    frame = torch.zeros(1, *FRAME, 3, dtype=torch.uint8)
    assert len(deployable(plain, FRAME, BYTES)(frame)) == len(output_names(plain.config)) == 3


def test_a_dark_phantom_is_flagged_and_not_usable(run: Run) -> None:
    bright = photo_to_frame(make_phantom(5, 300).picture, FRAME)
    spec = quality_spec(run.config)

    def found(frame: np.ndarray) -> Any:
        said = reference_answer(run, frame)
        return judge(
            frame, FRAME, said.probabilities, list(said.crop), said.retina,
            run.config.thresholds, said.quality, spec,
        )  # fmt: skip

    light, dark = found(bright), found((bright * 0.25).astype(np.uint8))
    assert "too-dark" not in light.flags
    assert "too-dark" in dark.flags
    assert dark.quality.shown < light.quality.shown
    assert dark.sentences[0].startswith("Too dark")


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_helps(fault: str) -> None:
    value = FAULTS[fault]
    hinge = MODEL.faults[fault]
    best = {
        "light": 0.4, "clipping": 0.0, "sharpness": 0.7, "field": 1.0, "glare": 0.1,
        "colour": 1.0, "fundus": 1.0,
    }  # fmt: skip
    way = np.linspace(hinge.begins, hinge.full, 9)
    shares = [MODEL.shares({**best, value: float(x)})["EX"] for x in way]
    assert shares[0] == pytest.approx(1)  # an ideal picture's
    assert shares == sorted(shares, reverse=True)

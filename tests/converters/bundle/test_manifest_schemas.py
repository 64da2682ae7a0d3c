"""model.json in schema 3, and schema 2 read as if it were: old bundles answer as they did."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.apps.goldens.manifest_examples import GONE, changed, manifest, manifest_2
from converters.apps.goldens.qualities import QUALITY
from converters.bundle.manifest import order_of, parse_manifest
from converters.bundle.manifest_schemas import RENAMED
from converters.bundle.model_card import model_card
from converters.bundle.read import open_bundle
from converters.predict.predictor import open_predictor
from converters.targets import CHOICES
from mobileseg.errors import BadInput

BEFORE = Path(__file__).parents[2] / "before" / "schema-2"  # written by what knew schema 2 alone
WHERE = Path("model.json")


def parsed(values: dict[str, Any]) -> dict[str, Any]:
    return parse_manifest(json.dumps(values).encode(), WHERE)


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as caught:
        parsed(values)
    return str(caught.value)


def test_schema_2_reads_as_schema_3_says_it():
    old = parsed(manifest_2("onnx", "EX SE"))
    new = manifest("onnx", "EX SE")
    for lesion in new["lesions"]:
        del lesion["names"]["de"]  # which schema 2 did not know
    assert old == new


def test_the_renamed_choices_are_choices():
    assert set(RENAMED.values()) <= set(CHOICES)
    old = manifest_2("coreml") | {"answer": "masks", "ensembling": "grouped"}
    order = order_of(parsed(old))
    assert (order.head, order.member_execution) == ("masks", "grouped")
    new = manifest("coreml") | {"head": "masks", "member_execution": "grouped"}
    assert order_of(parsed(new)) == order


def test_a_choice_is_refused_under_the_files_own_word():
    assert "(answer: found 'x', expected one of" in refusal(manifest_2("coreml") | {"answer": "x"})
    assert "(head: found 'x', expected one of" in refusal(manifest("coreml") | {"head": "x"})


def test_quality_calibration_and_declared_lesions_come_back_as_written():
    written = manifest("onnx", "EX NV DRUSEN A1234567", QUALITY)
    assert parsed(written) == written


def lesion(key: str, to: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda base: changed(base, f"lesions/0/{key}", to)


def entry(path: str, to: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda base: changed(base, path, to)


NAN = float("nan")
REFUSED: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "code": (lesion("code", "ex"), "lesions[0].code: found 'ex', expected a capital letter"),
    "long code": (lesion("code", "A" * 9), "lesions[0].code: found 'AAAAAAAAA'"),
    "17 lesions": (
        lambda base: (
            base | {"lesions": [base["lesions"][0] | {"code": f"L{i}"} for i in range(17)]}
        ),
        "lesions: found 17 of them, expected a list of 1..16",
    ),
    "lesion twice": (entry("lesions/1/code", "MA"), "lesion MA: found 2 times"),
    "no names": (lesion("names", GONE), "('lesions[0].names')"),
    "names a list": (lesion("names", ["x"]), "lesions[0].names: found ['x'], expected an object"),
    "no English": (lesion("names", {"de": "x"}), "('lesions[0].names.en')"),
    "empty name": (lesion("names/de", ""), "lesions[0].names.de: found '', expected a name"),
    "no calibration": (lesion("calibration", GONE), "('lesions[0].calibration')"),
    "calibration in part": (lesion("calibration/b", GONE), "('lesions[0].calibration.b')"),
    "a is 0": (
        lesion("calibration/a", 0),
        "lesions[0].calibration.a: found 0, expected a number above 0, at most 100",
    ),
    "b": (
        lesion("calibration/b", 101),
        "lesions[0].calibration.b: found 101, expected a number -100..100",
    ),
    "b NaN": (
        lesion("calibration/b", NAN),
        "cannot be read as JSON (lesions[0].calibration.b: NaN is no number)",
    ),
    "no quality": (entry("quality", GONE), "('quality')"),
    "quality a list": (entry("quality", []), "quality: found [], expected an object"),
    "no usable": (entry("quality/usable", GONE), "('quality.usable')"),
    "usable": (entry("quality/usable", 1.5), "quality.usable: found 1.5, expected a number 0..1"),
    "usable NaN": (entry("quality/usable", NAN), "(quality.usable: NaN is no number)"),
    "least NaN": (
        entry("quality/values/0/least", NAN),
        "(quality.values[0].least: NaN is no number)",
    ),
    "most": (
        entry("quality/values/0/most", 1e7),
        "quality.values[0].most: found 10000000.0, expected a number",
    ),
    "crossed": (
        entry("quality/values/0/most", 0.1),
        "quality.values[0].most: found 0.1, expected above least, 0.12",
    ),
    "no flag": (
        entry("quality/values/0/flag_below", None),
        "quality.values[0].flag_below: found None, expected one exactly where least is",
    ),
    "flag": (
        entry("quality/values/0/flag_above", "dim"),
        "quality.values[0].flag_above: found 'dim', expected one of",
    ),
    "no output": (
        entry("outputs/3", GONE),
        "outputs: found quality 'none', expected one of shape [1, 5]",
    ),
    "output of another size": (
        entry("outputs/3/shape", [1, 4]),
        "outputs: found quality [1, 4], expected one of shape [1, 5]",
    ),
    "not described": (
        entry("quality", None),
        "quality: found null, expected what output quality holds",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_entry_that_cannot_be_is_refused_by_its_name(name):
    damage, said = REFUSED[name]
    base = manifest("executorch", "MA HE", QUALITY)
    parsed(base)  # good until now
    found = refusal(damage(copy.deepcopy(base)))
    assert found.startswith("model.json: ") and said in found and "\n" not in found


def test_the_bundle_of_before_opens():
    written = json.loads((BEFORE / "model.json").read_text())
    assert (written["schema"], written["answer"]) == (2, "probabilities")  # untouched
    bundle = open_bundle(BEFORE)
    assert bundle.order.head == "probabilities"
    assert [lesion["names"] for lesion in bundle.manifest["lesions"]] == [
        {"en": "hard exudates"},
        {"en": "soft exudates"},
    ]
    assert bundle.manifest["quality"] is None
    assert not bundle.reference().config.to_json().keys() & {"calibration", "quality"}


@pytest.mark.parametrize("golden", ["retina", "black"])
def test_the_bundle_of_before_and_its_run_answer_as_they_did(golden):
    pytest.importorskip("onnxruntime", reason="not run: onnxruntime is not installed")
    place = BEFORE / "goldens" / golden
    expected = json.loads((place / "expected.json").read_text())
    frame = np.fromfile(place / "frame.rgb", np.uint8).reshape(expected["frame"]["shape"])
    then = np.fromfile(place / "probabilities.f32", "<f4").reshape(
        expected["probabilities"]["shape"]
    )
    # Sums in float32, in the order in which a processor's kernels add them up: rounding alone. What
    # one with AVX-512 wrote is 1.3e-6 off on one without.
    for model in (BEFORE / "reference", BEFORE):
        now = open_predictor(model).predict(frame)
        assert np.abs(now.probabilities - then).max() <= 1e-5
        assert list(now.crop) == expected["crop"]
        assert now.retina == pytest.approx(expected["retina"], abs=1e-6)


def test_an_app_takes_the_bundle_of_before(tmp_path):
    from converters.apps.install import plan, put
    from converters.apps.manifest import app_manifest

    root = Path(__file__).parents[3]
    demos = tmp_path / "demos"
    shutil.copytree(root / "tests" / "goldens", demos / "tests" / "goldens")
    (demos / "web_demo").mkdir()
    (planned,) = plan([BEFORE], demos)
    put(planned)
    (copied,) = demos.rglob("web_demo/**/model.json")
    assert copied.read_bytes() == (BEFORE / "model.json").read_bytes()
    read = app_manifest(copied.read_text(), "onnx")
    assert (read["quality"], read["lesions"][0]["calibration"]) == (None, None)


def test_the_card_shows_names_calibration_and_limits():
    run = open_bundle(BEFORE).reference()
    bare = model_card(run, manifest("onnx", "EX SE"))
    assert "| EX | hard exudates | 0.3000 | none |" in bare
    assert "not calibrated" in bare and "says nothing of it" in bare
    card = model_card(run, manifest("onnx", "EX NV", QUALITY))
    assert "| NV | lesion NV | 0.3500 | a 1.21, b -0.34 |" in card
    assert "are calibrated" in card and "picture below 0.5, without" in card
    light = "| light | mean level over the disc, 0..1 | 0.12: too-dark | 0.93: too-bright |"
    assert light in card
    assert "| texture | told, and judged by nobody | – | – |" in card

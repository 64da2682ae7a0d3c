"""What an app reads of model.json, beside what the package itself writes and reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from converters.apps.goldens.manifest_examples import manifest
from converters.apps.goldens.qualities import QUALITY
from converters.apps.manifest import APPS, app_manifest, runtime_problem
from converters.apps.manifest_entries import Problem
from converters.bundle.manifest import parse_manifest
from converters.bundle.read import write_bundle
from converters.targets import TARGETS, target
from mobileseg.errors import BadInput

FRAME_HW = (128, 160)


def test_apps_know_the_targets_own_file_names():
    """Kotlin, Swift and JavaScript spell them out."""
    assert {name: TARGETS[name].artifact for name in APPS} == {
        "executorch": "model.pte",
        "onnx": "model.onnx",
        "coreml": "model.mlpackage",
    }


def test_a_converted_runs_manifest_is_taken(make_run, tmp_path):
    pytest.importorskip("onnx", reason="not run: onnx is not installed")
    run = make_run(tmp_path / "run", task="EX,SE", thresholds={"EX": 0.25, "SE": 0.75})
    chosen = target("onnx")
    write_bundle(run, tmp_path / "bundle", target=chosen, order=chosen.order([FRAME_HW]))
    read = app_manifest((tmp_path / "bundle" / "model.json").read_text(), "onnx")
    file = tmp_path / "bundle" / "model.onnx"
    assert (read["frame_hw"], read["side"]) == ([128, 160], 64)
    assert (read["bytes"], read["name"]) == (file.stat().st_size, "run")
    assert {e["code"]: e["threshold"] for e in read["lesions"]} == {"EX": 0.25, "SE": 0.75}


@pytest.mark.parametrize("app", APPS)
def test_what_apps_take_the_package_takes(app):
    written = manifest(app, "MA HE EX SE", QUALITY)
    assert app_manifest(json.dumps(written), app)["target"] == app
    assert parse_manifest(json.dumps(written).encode(), Path("model.json")) == written


@pytest.mark.parametrize("word", ["NaN", "Infinity", "1e999"])
def test_no_number_that_is_none(word):
    text = json.dumps(manifest("onnx")).replace('"threshold": 0.3', f'"threshold": {word}')
    with pytest.raises(Problem) as refused:
        app_manifest(text, "onnx")
    assert (refused.value.code, refused.value.entry) == ("entry", "lesions[0].threshold")
    with pytest.raises(BadInput, match=r"lesions\[0\].threshold: "):
        parse_manifest(text.encode(), Path("model.json"))


def test_the_runtimes_patch_level_is_free():
    assert runtime_problem({"executorch": "1.4.1"}, "1.4.9") is None
    assert str(runtime_problem({"executorch": "1.4.1"}, "1.5.0")) == "runtime exporter.executorch"

"""`mobileseg bench --import`: a phone's file becomes the bundle's evidence, or is one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from converters.bundle.evidence import read_evidence
from converters.bundle.read import artifact_sha256, open_bundle, write_bundle
from converters.targets import target
from mobileseg.cli import main

EVIDENCE = "bench-phone-maker-model-8-executorch-1-4-1"


@pytest.fixture(scope="module")
def bundle(make_run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    row = target("torchscript")
    order = row.order([(128, 160)])
    write_bundle(make_run(folder / "run"), folder / "bundle", target=row, order=order)
    return folder / "bundle"


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command line in this process; returns the exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["mobileseg", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def file(bundle, tmp_path) -> Path:
    values = {
        "schema": 1,
        "kind": "mobileseg-phone-bench",
        "date": "2026-11-26T10:00:00Z",
        "app": "android",
        "app_version": "0.1.0",
        "device": "Maker Model 8",
        "system": "Android 15 (API 35)",
        "abi": "arm64-v8a",
        "cores": 8,
        "runtime": "executorch 1.4.1",
        "artifact_sha256": artifact_sha256(open_bundle(bundle)),
        "target": "torchscript",
        "precision": "fp32",
        "frame_hw": [128, 160],
        "load_ms": 12.3,
        "warmup": 5,
        "rounds_ms": [40 + i / 10 for i in range(11)],
        "median_ms": 40.5,
        "p90_ms": 40.9,
        "battery_saver": True,
        "thermal": "none",
    }
    path = tmp_path / "phone.json"
    path.write_text(json.dumps(values))
    return path


def test_it_becomes_evidence_and_a_row_with_its_doubt(call, bundle, file):
    code, out, err = call("bench", bundle, "--import", file)
    assert (code, err) == (0, "")
    for word in ("Maker Model", "Android 15", "executorch", "40.5", "40.9", "12"):
        assert word in out
    assert "do not trust these figures: battery saver on" in out
    noted = read_evidence(open_bundle(bundle), EVIDENCE)
    assert noted is not None
    assert noted["measured"]["median_ms"] == 40.5
    assert noted["measured"]["doubts"] == [
        "battery saver on: it slows the phone down; switch it off"
    ]


def test_for_a_machine_it_is_one_row(call, bundle, file):
    code, out, err = call("bench", bundle, "--import", file, "--json")
    assert (code, err) == (0, "")
    (row,) = json.loads(out)
    assert row["bundle"] == str(bundle)
    assert (row["device"], row["median_ms"]) == ("Maker Model 8", 40.5)
    assert row["spread"] == pytest.approx(0.8 / 40.5)
    assert len(row["doubts"]) == 1


def test_anothers_file_is_one_line_and_leaves_no_evidence(call, bundle, file):
    evidence = bundle / "evidence" / f"{EVIDENCE}.json"
    evidence.unlink(missing_ok=True)
    file.write_text("[]")
    code, out, err = call("bench", bundle, "--import", file)
    assert (code, out) == (2, "")
    assert err.startswith(f"mobileseg: {file}: found no object") and err.count("\n") == 1
    assert not evidence.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["b", "c"],
        ["b", "--rounds", "3"],
        ["b", "--gpu"],
        ["b", "-o", "x.json"],
        ["b", "--force"],
    ],
    ids=" ".join,
)
def test_it_goes_with_one_bundle_and_nothing_else(call, file, arguments):
    code, out, err = call("bench", *arguments, "--import", file)
    assert (code, out) == (2, "")
    assert err.startswith("mobileseg: --import takes one BUNDLE, --json and nothing else")


def test_a_run_is_no_bundle(call, bundle, file):
    code, _, err = call("bench", bundle / "reference", "--import", file)
    assert code == 2
    assert "no model.json in it; expected a bundle" in err

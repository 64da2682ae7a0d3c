"""A phone's figures are taken in if they are this artifact's, whole, and follow from the rounds."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.apps.phone_bench import FORMAT, LARGEST_BYTES, read_phone_bench
from converters.bundle.read import Bundle, artifact_sha256, open_bundle
from mobileseg.errors import BadInput

ROUNDS = [40.0, 41.0, 40.5, 42.0, 40.25, 41.5, 40.75, 41.25, 40.0, 43.0, 40.5]


@pytest.fixture(scope="module")
def opened(tiny_bundle: Path) -> Bundle:
    return open_bundle(tiny_bundle)


@pytest.fixture
def written(opened: Bundle) -> dict[str, Any]:
    """What an app writes; of this bundle, and beyond doubt."""
    return {
        "schema": 1,
        "kind": "mobileseg-phone-bench",
        "date": "2026-11-26T10:00:00+00:00",
        "app": "android",
        "app_version": "0.1.0",
        "device": "Maker Model 8",
        "system": "Android 15 (API 35)",
        "abi": "arm64-v8a",
        "cores": 8,
        "runtime": "executorch 1.4.1",
        "artifact_sha256": artifact_sha256(opened),
        "target": "torchscript",
        "precision": "fp32",
        "frame_hw": [128, 160],
        "load_ms": 12.3,
        "warmup": 5,
        "rounds_ms": copy.copy(ROUNDS),
        "median_ms": 40.75,
        "p90_ms": 42.0,
        "battery_saver": False,
        "thermal": "none",
    }


def read(bundle: Bundle, file: Path, values: Any):
    file.write_text(json.dumps(values))
    return read_phone_bench(bundle, file)


def test_good_figures_are_taken_in_whole_and_without_doubt(opened, written, tmp_path):
    result = read(opened, tmp_path / "f.json", {**written, "more": "x" * 1000})
    p10 = float(np.percentile(ROUNDS, 10))
    assert result.measured == {**written, "p10_ms": p10}  # and nothing that nobody knows
    assert result.doubts == []
    assert result.spread == pytest.approx((42.0 - 40.0) / 40.75)
    assert result.evidence == "bench-phone-maker-model-8-executorch-1-4-1"


def test_the_format_is_all_that_is_written(written):
    assert set(FORMAT) == set(written)


@pytest.mark.parametrize("name", sorted(set(FORMAT) - {"schema", "kind", "artifact_sha256"}))
def test_every_entry_is_needed_and_has_its_kind(opened, written, tmp_path, name):
    file = tmp_path / "f.json"
    for wrong in ([None], {}, None):
        with pytest.raises(BadInput, match=rf"{name}.*: found .*measure again on the phone"):
            read(opened, file, {**written, name: wrong})
    del written[name]
    with pytest.raises(BadInput, match=rf"entry missing.*'{name}'"):
        read(opened, file, written)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("date", "yesterday", "a date and time with zone"),
        ("date", "2026-11-26T10:00:00", "a date and time with zone"),
        ("app", "windows", "one of android, ios, web"),
        ("device", "", "a name of 1..200 characters"),
        ("device", "x\x1b[31m", "a name of 1..200 characters"),
        ("device", "x" * 201, "a name of 1..200 characters"),
        ("cores", True, "a whole number"),
        ("cores", 0, "a whole number 1..1024"),
        ("frame_hw", [128], "frame_hw: found 1 of them"),
        ("load_ms", -1, "a number 0..1e+06"),
        ("rounds_ms", [40.0] * 9, "found 9 of them, expected a list of 10..10000"),
        ("rounds_ms", [40.0] * 10_001, "found 10001 of them"),
        ("rounds_ms", [*ROUNDS[:-1], 0], "milliseconds above 0"),
        ("rounds_ms", [*ROUNDS[:-1], 1e6], "below 1e+06"),
        ("rounds_ms", [*ROUNDS[:-1], "40"], "rounds_ms[10]: found '40'"),
        ("rounds_ms", [*ROUNDS[:-1], True], "rounds_ms[10]: found True"),
        ("median_ms", 40.5, "median_ms: found 40.5, expected 40.75, from rounds_ms"),
        ("p90_ms", 42.02, "p90_ms: found 42.02, expected 42, from rounds_ms"),
        ("battery_saver", 0, "true or false"),
        ("thermal", "hot", "one of none, light"),
        ("target", "tflite", "one of executorch"),
    ],
)
def test_a_value_beyond_its_limits_is_named(opened, written, tmp_path, name, value, said):
    with pytest.raises(BadInput) as error:
        read(opened, tmp_path / "f.json", {**written, name: value})
    assert said in str(error.value) and str(tmp_path / "f.json") in str(error.value)
    assert "\n" not in str(error.value)


def test_figures_may_be_rounded_to_two_decimals(opened, written, tmp_path):
    thirds = [40 + i / 3 for i in range(11)]
    median, p90 = np.percentile(thirds, [50, 90])
    values = {**written, "rounds_ms": thirds, "median_ms": round(median, 2)}
    read(opened, tmp_path / "f.json", {**values, "p90_ms": round(p90, 2)})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("artifact_sha256", "0" * 64, "measured on sha256 000000000000…; expected"),
        ("target", "executorch", "found target 'executorch'; expected 'torchscript'"),
        ("precision", "int8", "found precision 'int8'; expected 'fp32'"),
        ("frame_hw", [160, 128], "found frame_hw [160, 128]; expected [128, 160]"),
    ],
)
def test_another_models_figures_are_refused(opened, written, tmp_path, name, value, said):
    with pytest.raises(BadInput) as error:
        read(opened, tmp_path / "f.json", {**written, name: value})
    assert said in str(error.value) and "mobileseg bundle-apps" in str(error.value)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"schema": 2}, "schema 2"),
        ({"schema": "1"}, "schema '1'"),
        ({"schema": True}, "schema: found True"),
        ({"kind": "other"}, "kind 'other'"),
    ],
)
def test_another_schema_is_named(opened, written, tmp_path, change, found):
    with pytest.raises(BadInput, match=f"{found}.*expected"):
        read(opened, tmp_path / "f.json", {**written, **change})


def test_what_is_no_such_file_is_named(opened, written, tmp_path):
    file = tmp_path / "f.json"
    with pytest.raises(BadInput, match="found no object; expected kind 'mobileseg-phone-bench'"):
        read(opened, file, [written])
    with pytest.raises(BadInput, match="nowhere: no such file"):
        read_phone_bench(opened, Path("nowhere"))
    file.write_text(json.dumps(written) + " " * LARGEST_BYTES)
    with pytest.raises(BadInput, match="cannot be read as JSON"):
        read_phone_bench(opened, file)
    file.write_text('{"schema": 1, "schema": 1}')
    with pytest.raises(BadInput, match="stands twice"):
        read_phone_bench(opened, file)


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"thermal": "severe"}, "thermal state severe"),
        ({"thermal": "unknown"}, "thermal state unknown"),
        ({"battery_saver": True}, "battery saver on"),
        ({"rounds_ms": [*[40.0] * 9, 50.0, 50.0], "median_ms": 40, "p90_ms": 50}, "spread"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_speaks_against_the_figures_is_said(opened, written, tmp_path, change, doubt):
    (found,) = read(opened, tmp_path / "f.json", {**written, **change}).doubts
    assert found.startswith(doubt)


@pytest.mark.parametrize(
    ("device", "runtime", "name"),
    [
        ("../../etc", "coreml all", "bench-phone-etc-coreml-all"),
        ("手机", "executorch 1.4.1", "bench-phone-executorch-1-4-1"),
        ("手机", "運行", "bench-phone-unnamed"),
        ("x" * 200, "y", "bench-phone-" + "x" * 100),
    ],
)
def test_the_evidences_name_is_one_that_every_disk_takes(
    opened, written, tmp_path, device, runtime, name
):
    values = {**written, "device": device, "runtime": runtime}
    assert read(opened, tmp_path / "f.json", values).evidence == name

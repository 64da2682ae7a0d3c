"""Manifests that an app takes, and such as it refuses, each with the one thing that is wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from converters.apps.goldens.manifest_examples import GONE, SUM, Json, changed, manifest, manifest_2
from converters.apps.goldens.manifests_2 import GONE_TOGETHER, GOOD_2, LENIENT, NO_OBJECT, REFUSED
from converters.apps.goldens.manifests_3 import GONE_TOGETHER_3, GOOD_3, NO_NUMBERS, REFUSED_3
from converters.apps.goldens.qualities import QUALITY
from converters.apps.manifest import app_manifest, runtime_problem
from converters.apps.manifest_entries import Problem
from converters.bundle.checksums import Sum, sum_of_artifact
from converters.bundle.manifest_schemas import MOST_LESIONS

FOLDER = "manifests"
RUNTIMES = [
    ({"executorch": "1.4.1"}, "1.4.0"),
    ({"executorch": "1.4.1"}, "1.4.1"),
    ({"executorch": "1.4.1"}, "1.5.0"),
    ({"executorch": "1.4.1"}, "2.4.1"),
    ({"executorch": "1.40.1"}, "1.4.1"),
    ({"executorch": "1.4.1+cpu"}, "1.4"),
    ({"executorch": "1"}, "1.4.1"),
    ({"torch": "2.13.0"}, "1.4.1"),
    ({}, "1.4.1"),
]


def write(folder: Path) -> dict[str, Any]:
    """Write the cases; returns what the index says of them."""
    good = {**GOOD_2, **GOOD_3}
    cases = [_case(folder, name, target, dumped(make())) for name, (target, make) in good.items()]
    cases += [_case(folder, f"bad-{n}", "executorch", text) for n, text in NO_OBJECT.items()]
    base = manifest_2("executorch", "MA HE")
    cases.append(_case(folder, "line-end-behind", "executorch", dumped(base) + "\r\n\t "))
    cases += _replaced(folder, "bad-lenient", base, LENIENT)
    cases += _refused(folder, "bad", base, REFUSED, GONE_TOGETHER)
    newest = manifest("executorch", "MA HE", QUALITY)
    cases += _refused(folder, "bad-3", newest, REFUSED_3, GONE_TOGETHER_3)
    cases += _replaced(folder, "bad-3-no-number", newest, NO_NUMBERS)
    many = manifest("executorch", " ".join(f"L{i}" for i in range(MOST_LESIONS + 1)))
    cases.append(_case(folder, "bad-3-seventeen-lesions", "executorch", dumped(many)))
    without = manifest("executorch")
    without["outputs"].append(newest["outputs"][-1])
    cases.append(_case(folder, "bad-3-quality-not-described", "executorch", dumped(without)))
    return {
        FOLDER: cases,
        "runtimes": [_runtime(exporter, runtime) for exporter, runtime in RUNTIMES],
        "artifact_sums": [_package_sum()],
    }


def _refused(
    folder: Path,
    start: str,
    base: Json,
    refused: dict[str, list[Any]],
    gone_together: list[tuple[str, str]],
) -> list[Json]:
    """Each with one entry of the base changed, or with two of them gone."""
    cases = []
    for path, values in refused.items():
        for n, value in enumerate(values):
            name = f"{start}-{path.replace('/', '.')}-{n}"
            cases.append(_case(folder, name, "executorch", dumped(changed(base, path, value))))
    for n, (first, then) in enumerate(gone_together):
        both = changed(changed(base, first, GONE), then, GONE)
        cases.append(_case(folder, f"{start}-both-{n}", "executorch", dumped(both)))
    return cases


def _replaced(
    folder: Path, start: str, base: Json, replaced: dict[str, tuple[str, str]]
) -> list[Json]:
    """Each with one piece of the base's text replaced."""
    cases = []
    for name, (strict, other) in replaced.items():
        text = dumped(base).replace(strict, other, 1)
        cases.append(_case(folder, f"{start}-{name}", "executorch", text))
    return cases


def dumped(values: Json) -> str:
    return json.dumps(values, ensure_ascii=False, indent=1)


def _case(folder: Path, name: str, target: str, text: str) -> Json:
    file = folder / FOLDER / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text.encode())
    about = {"file": file.name, "target": target}
    try:
        return about | {"expected": app_manifest(text, target)}
    except Problem as problem:
        return about | {"problem": {"code": problem.code, "entry": problem.entry}}


def _runtime(exporter: dict[str, str], runtime: str) -> Json:
    problem = runtime_problem(exporter, runtime)
    said = {"code": problem.code, "entry": problem.entry} if problem else None
    return {"exporter": exporter, "runtime": runtime, "problem": said}


def _package_sum() -> Json:
    """The one sum of an artifact that is a folder, as evidence names it."""
    files = {
        "model.mlpackage/Manifest.json": hashlib.sha256(b"manifest").hexdigest(),
        "model.mlpackage/Data/com.apple.CoreML/model.mlmodel": SUM,
        "model.mlpackage/Data/com.apple.CoreML/weights/weight.bin": hashlib.sha256(
            b"weights"
        ).hexdigest(),
        "model.mlpackages/other": SUM,
        "model.json": SUM,
        "goldens/black/frame.rgb": SUM,
    }
    listed = {name: Sum(one, 1) for name, one in files.items()}
    return {
        "artifact": "model.mlpackage",
        "files": {name: one.to_json() for name, one in listed.items()},
        "sha256": sum_of_artifact(listed, "model.mlpackage"),
    }

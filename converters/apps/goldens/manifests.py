"""Manifests that an app takes, and such as it refuses, each with the one thing that is wrong."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from converters.apps.manifest import Problem, app_manifest, runtime_problem
from converters.manifest import REFERENCE, SCHEMA
from converters.sums import Sum, sum_of_artifact
from mobileseg.lesions import LESIONS

FOLDER = "manifests"
SUM = hashlib.sha256(b"").hexdigest()
Json = dict[str, Any]
GONE = object()  # in the place of a value: the entry is taken out


def manifest(target: str, codes: str = "EX") -> Json:
    """As `mobileseg convert` writes it, of a model that never was."""
    artifact, picture, exporter = {
        "executorch": ("model.pte", [1, 480, 640, 3], {"executorch": "1.4.1", "torch": "2.13.0"}),
        "onnx": ("model.onnx", [1, 480, 640, 3], {"onnx": "1.23.2", "onnxscript": "0.7.2"}),
        "coreml": ("model.mlpackage", [1, 3, 480, 640], {"coremltools": "9.0", "torch": "2.13.0"}),
    }[target]
    inside = f"{artifact}/Manifest.json" if target == "coreml" else artifact
    lesions = [
        {
            "code": code,
            "name": LESIONS[code].name,
            "colour": list(LESIONS[code].colour),
            "threshold": round(0.3 + 0.05 * i, 2),
        }
        for i, code in enumerate(codes.split())
    ]
    return {
        "schema": SCHEMA,
        "mobileseg": "0.1.0",
        "target": target,
        "precision": "fp32",
        "graph": "whole",
        "answer": "probabilities",
        "artifact": artifact,
        "variant": "xs",
        "task": ",".join(codes.split()),
        "members": [
            {
                "name": "xs-golden",
                "variant": "xs",
                "task": ",".join(codes.split()),
                "mean": [0.6, 0.3, 0.1],
                "sd": [0.2, 0.1, 0.1],
                "weights_sha256": SUM,
            }
        ],
        "lesions": lesions,
        "frames": [[480, 640]],
        "input": {"name": "frame", "shape": picture, "dtype": "uint8", "order": "RGB"},
        "outputs": [
            {"name": "probabilities", "shape": [1, len(lesions), 256, 256], "dtype": "float32"},
            {"name": "crop", "shape": [1, 4], "dtype": "float32"},
            {"name": "retina", "shape": [1, 1], "dtype": "float32"},
        ],
        "exporter": exporter,
        "files": {
            inside: {"sha256": SUM, "bytes": 481216},
            **{f"reference/{name}": {"sha256": SUM, "bytes": 9} for name in REFERENCE},
        },
    }


def changed(values: Json, path: str, value: Any) -> Json:
    """A copy with the entry at a slashed path replaced, or taken out."""
    whole = copy.deepcopy(values)
    *way, last = (int(key) if key.isdigit() else key for key in path.split("/"))
    place: Any = whole
    for key in way:
        place = place[key]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return whole


# Slashed path -> values that are refused there; of an executorch manifest of two lesions.
REFUSED: dict[str, list[Any]] = {
    "schema": [GONE, "2", True, 1, 0, 2.5, 3, 99],
    "target": [GONE, "onnx", "", 7],
    "mobileseg": [GONE, "", 1],
    "precision": [GONE, None],
    "variant": [GONE, ["xs"]],
    "task": [""],
    "artifact": [GONE, "model.onnx", "../model.pte"],
    "graph": ["network", None],
    "answer": ["labels", 1],
    "frames": [GONE, [], {"0": [480, 640]}],
    "frames/0": [[480], [480, 640, 3], [31, 640], [480, 4097], [480.5, 640], ["480", 640], 480],
    "lesions": [GONE, [], {}, "EX"],
    "lesions/0": [None, ["MA"]],
    "lesions/0/code": [GONE, "ma", "XX", 1],
    "lesions/1/code": ["MA"],
    "lesions/0/name": [GONE, "", 3],
    "lesions/0/threshold": [GONE, "0.5", True, -0.1, 1.0001, None],  # org.json takes "0.5" for 0.5
    "lesions/1/colour": [GONE, [1, 2], [1, 2, 3, 4], [1, 2, 256], [1, 2, -1], [1, 2, 3.5], "#fff"],
    "input": [GONE, []],
    "input/name": [GONE, ""],
    "input/shape": [GONE, [1, 640, 480, 3], [1, 3, 480, 640], [480, 640, 3], [1, 480, 640, "3"]],
    "input/dtype": [GONE, "float32"],
    "input/order": [GONE, "BGR"],
    "outputs": [GONE, [], {}],
    "outputs/0": [7],
    "outputs/0/name": [GONE, "masks"],
    "outputs/0/shape": [GONE, [1, 1, 256, 256], [1, 2, 256, 224], [1, 2, 250, 250], [2, 256, 256]],
    "outputs/0/dtype": [GONE, "float16"],
    "outputs/1/name": ["retina"],
    "outputs/1/shape": [[4], [1, 2]],
    "outputs/2/shape": [[1]],
    "outputs/2/dtype": ["float64"],
    "exporter": [GONE, []],
    "exporter/executorch": [1.4, None],
    "files": [GONE, []],
    "files/model.pte": [GONE, SUM],
    "files/model.pte/sha256": [GONE, SUM[:-1], SUM.upper(), 5],
    "files/model.pte/bytes": [GONE, 0, -1, 1.5, "481216", True],
}
# Two entries are gone, and all apps name the same one: so checks have one order.
GONE_TOGETHER = [
    ("schema", "target"),
    ("target", "mobileseg"),
    ("mobileseg", "precision"),
    ("precision", "variant"),
    ("variant", "task"),
    ("task", "artifact"),
    ("artifact", "frames"),
    ("frames", "lesions"),
    ("lesions/0/code", "lesions/0/name"),
    ("lesions/0/name", "lesions/0/threshold"),
    ("lesions/0/threshold", "lesions/0/colour"),
    ("lesions/0/colour", "lesions/1/code"),
    ("lesions/1/colour", "input"),
    ("input/name", "input/shape"),
    ("input/shape", "input/dtype"),
    ("input/dtype", "input/order"),
    ("input/order", "outputs"),
    ("outputs/0/name", "outputs/0/shape"),
    ("outputs/0/shape", "outputs/0/dtype"),
    ("outputs/0/dtype", "outputs/1/name"),
    ("outputs/2/dtype", "exporter"),
    ("exporter", "files"),
    ("files/model.pte/sha256", "files/model.pte/bytes"),
]
NO_OBJECT = {
    "empty": "",
    "cut": '{"schema": 2, "target": "exec',
    "list": "[1, 2]",
    "word": "null",
    "text": '"schema"',
    "tower": "[" * 5000,
}
# What lenient readers take for JSON, org.json among them: a text and what stands in its place.
LENIENT = {
    "single-quotes": ('"precision"', "'precision'"),
    "no-quotes": ('"precision"', "precision"),
    "comment": ('"precision"', '/* of the network */ "precision"'),
    "hash-comment": ('"precision"', '# of the network\n"precision"'),
    "comma-at-the-end": ('"fp32",', '"fp32",,'),
    "semicolon": ('"fp32",', '"fp32";'),
    "arrow": ('"precision":', '"precision" =>'),
    "equals": ('"precision":', '"precision"='),
    "number-with-zero": ("480,", "0480,"),
    "number-with-plus": ("480,", "+480,"),
    "hexadecimal": ("480,", "0x1e0,"),
    "bare-word": ('"fp32"', "fp32"),
    "line-end-in-a-text": ('"fp32"', '"fp\n32"'),
    "not-a-number": ("0.3,", "NaN,"),
    "text-behind": ("{", "{}{"),
}
GOOD: dict[str, tuple[str, Callable[[], Json]]] = {
    "executorch": ("executorch", lambda: manifest("executorch")),
    "onnx": ("onnx", lambda: manifest("onnx", "EX SE")),
    "coreml": ("coreml", lambda: manifest("coreml", "MA HE EX SE")),
    "older-without-graph": (
        "executorch",
        lambda: changed(changed(manifest("executorch"), "graph", GONE), "answer", GONE),
    ),
    "whole-as-64.0": ("onnx", lambda: changed(manifest("onnx"), "frames", [[480.0, 640]])),
    "no-members": ("onnx", lambda: changed(manifest("onnx"), "members", GONE)),
    "nameless-member": ("onnx", lambda: changed(manifest("onnx"), "members", [{"name": 5}])),
    "several-frames": (
        "coreml",
        lambda: changed(manifest("coreml"), "frames", [[480, 640], [1024, 1024]]),
    ),
    "thresholds-at-the-ends": (
        "onnx",
        lambda: changed(
            changed(manifest("onnx", "EX SE"), "lesions/0/threshold", 0),
            "lesions/1/threshold",
            1,
        ),
    ),
    "no-exporter-named": ("onnx", lambda: changed(manifest("onnx"), "exporter", {})),
    "escapes": ("onnx", lambda: changed(manifest("onnx"), "lesions/0/name", 'h"\\/\t\u00fc')),
}
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
    cases = [_case(folder, name, target, dumped(make())) for name, (target, make) in GOOD.items()]
    cases += [_case(folder, f"bad-{n}", "executorch", text) for n, text in NO_OBJECT.items()]
    base = manifest("executorch", "MA HE")
    cases.append(_case(folder, "line-end-behind", "executorch", dumped(base) + "\r\n\t "))
    for name, (strict, lenient) in LENIENT.items():
        text = dumped(base).replace(strict, lenient, 1)
        cases.append(_case(folder, f"bad-lenient-{name}", "executorch", text))
    for path, values in REFUSED.items():
        for n, value in enumerate(values):
            name = f"bad-{path.replace('/', '.')}-{n}"
            cases.append(_case(folder, name, "executorch", dumped(changed(base, path, value))))
    for n, (first, then) in enumerate(GONE_TOGETHER):
        both = changed(changed(base, first, GONE), then, GONE)
        cases.append(_case(folder, f"bad-both-{n}", "executorch", dumped(both)))
    return {
        FOLDER: cases,
        "runtimes": [_runtime(exporter, runtime) for exporter, runtime in RUNTIMES],
        "artifact_sums": [_package_sum()],
    }


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

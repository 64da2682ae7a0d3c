"""What apps take and refuse of schema 3, where it differs from schema 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from converters.apps.goldens.manifest_examples import GONE, Json, changed, manifest
from converters.apps.goldens.qualities import ENDS, QUALITY, UNLIMITED
from converters.bundle.manifest_schemas import MOST_LESIONS

# Likewise of schema 3, with quality: what differs from schema 2.
REFUSED_3: dict[str, list[Any]] = {
    "schema": [2, 4],
    "head": ["labels", "masks", 1, None],
    "lesions": [GONE, [], {}],
    "lesions/0/code": [GONE, "ma", "1A", "", "MA-1", "A23456789", "É", 1],
    "lesions/1/code": ["MA"],
    "lesions/0/names": [GONE, {}, [], "microaneurysms", None, {"de": "x"}, {"en": ""}, {"en": 1}],
    "lesions/1/names/de": ["", None, 3],
    "lesions/0/calibration": [GONE, [], 1.21, "null", {}],
    "lesions/0/calibration/a": [GONE, 0, -1, 100.5, "1", True, None],
    "lesions/1/calibration/b": [GONE, -100.5, 100.5, "0", None],
    "quality": [GONE, [], "null", 0.5, {}, None],
    "quality/usable": [GONE, -0.1, 1.5, "0.5", True, None],
    "quality/values": [GONE, {}, None, "light"],
    "quality/values/0": [None, "light", []],
    "quality/values/0/name": [GONE, "", 1, None],
    "quality/values/1/name": ["light"],
    "quality/values/0/meaning": [GONE, None, 1],
    "quality/values/0/least": [GONE, "0.1", True, -2e6, 1e7, None, [0.1]],
    "quality/values/0/most": [GONE, "0.9", 0.12, 0.11, 1e7, None],
    "quality/values/0/flag_below": [GONE, None, "", "no-retina", "too-small", "dim", 7],
    "quality/values/0/flag_above": [GONE, None, "Glare"],
    "quality/values/1/flag_above": ["glare", ""],
    "outputs/3": [GONE, 7],
    "outputs/3/name": [GONE, "qualities"],
    "outputs/3/shape": [GONE, [1, 4], [1, 6], [5], [1, "5"]],
    "outputs/3/dtype": [GONE, "float16"],
}
GONE_TOGETHER_3 = [
    ("lesions/0/code", "lesions/0/names"),
    ("lesions/0/names/en", "lesions/0/threshold"),
    ("lesions/0/colour", "lesions/0/calibration"),
    ("lesions/0/calibration/a", "lesions/0/calibration/b"),
    ("lesions/1/calibration", "input"),
    ("input/order", "quality"),
    ("quality/usable", "quality/values"),
    ("quality/values/0/name", "quality/values/0/meaning"),
    ("quality/values/0/meaning", "quality/values/0/least"),
    ("quality/values/0/least", "quality/values/0/most"),
    ("quality/values/0/most", "quality/values/0/flag_below"),
    ("quality/values/0/flag_below", "quality/values/0/flag_above"),
    ("quality/values/0/flag_above", "quality/values/1/name"),
    ("quality/values/1/flag_above", "outputs"),
    ("outputs/3/name", "outputs/3/shape"),
    ("outputs/3/dtype", "exporter"),
]
# Written by Python's json and read by nobody else's: the entry is named all the same.
NO_NUMBERS = {
    "usable": ('"usable": 0.5', '"usable": NaN'),
    "least": ('"least": 0.12', '"least": -Infinity'),
    "most": ('"most": 0.93', '"most": Infinity'),
    "a": ('"a": 1.21', '"a": NaN'),
    "b": ('"b": -0.34', '"b":NaN'),
    "threshold": ('"threshold": 0.35', '"threshold": NaN'),
    "in-a-text": ('"meaning": "mean', '"meaning": "NaN and \\" Infinity'),
    "for-a-text": ('"precision": "fp32"', '"precision": NaN'),
    "unasked": ('"mobileseg"', '"more": NaN, "mobileseg"'),
    "huge": ('"usable": 0.5', '"usable": 1e999'),
}
GOOD_3: dict[str, tuple[str, Callable[[], Json]]] = {
    "3-executorch": ("executorch", lambda: manifest("executorch", "EX SE", QUALITY)),
    "3-onnx": ("onnx", lambda: manifest("onnx", "MA HE EX SE", QUALITY)),
    "3-coreml": ("coreml", lambda: manifest("coreml")),
    "3-declared-lesions": ("onnx", lambda: manifest("onnx", "NV DRUSEN EX A1234567", QUALITY)),
    "3-sixteen-lesions": (
        "onnx",
        lambda: manifest("onnx", " ".join(f"L{i}" for i in range(MOST_LESIONS))),
    ),
    "3-no-head": ("executorch", lambda: changed(manifest("executorch"), "head", GONE)),
    "3-old-word-is-nobodys": ("executorch", lambda: manifest("executorch") | {"answer": "labels"}),
    "3-only-English": (
        "onnx",
        lambda: changed(manifest("onnx"), "lesions/0/names", {"en": "hard exudates"}),
    ),
    "3-another-language": (
        "onnx",
        lambda: changed(manifest("onnx"), "lesions/0/names/fr", "exsudats durs"),
    ),
    "3-no-values": ("onnx", lambda: manifest("onnx", "EX", {"usable": 0, "values": []})),
    "3-no-limits": ("onnx", lambda: manifest("onnx", "EX", UNLIMITED)),
    "3-ends": ("onnx", lambda: manifest("onnx", "EX", ENDS)),
    "3-calibrated-without-quality": (
        "onnx",
        lambda: changed(manifest("onnx"), "lesions/0/calibration", {"a": 100, "b": -100}),
    ),
}

"""What apps take and refuse of schema 2, and of whatever is no manifest at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from converters.apps.goldens.manifest_examples import GONE, SUM, Json, changed, manifest_2

# Slashed path -> values that are refused there; of an executorch manifest of two lesions, schema 2.
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
GOOD_2: dict[str, tuple[str, Callable[[], Json]]] = {
    "executorch": ("executorch", lambda: manifest_2("executorch")),
    "onnx": ("onnx", lambda: manifest_2("onnx", "EX SE")),
    "coreml": ("coreml", lambda: manifest_2("coreml", "MA HE EX SE")),
    "older-without-graph": (
        "executorch",
        lambda: changed(changed(manifest_2("executorch"), "graph", GONE), "answer", GONE),
    ),
    "whole-as-64.0": ("onnx", lambda: changed(manifest_2("onnx"), "frames", [[480.0, 640]])),
    "no-members": ("onnx", lambda: changed(manifest_2("onnx"), "members", GONE)),
    "nameless-member": ("onnx", lambda: changed(manifest_2("onnx"), "members", [{"name": 5}])),
    "several-frames": (
        "coreml",
        lambda: changed(manifest_2("coreml"), "frames", [[480, 640], [1024, 1024]]),
    ),
    "thresholds-at-the-ends": (
        "onnx",
        lambda: changed(
            changed(manifest_2("onnx", "EX SE"), "lesions/0/threshold", 0),
            "lesions/1/threshold",
            1,
        ),
    ),
    "no-exporter-named": ("onnx", lambda: changed(manifest_2("onnx"), "exporter", {})),
    "escapes": ("onnx", lambda: changed(manifest_2("onnx"), "lesions/0/name", 'h"\\/\t\u00fc')),
}

"""Manifests of models that never were, of both schemas, and copies with one entry changed."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

from converters.bundle.manifest import REFERENCE
from converters.bundle.manifest_schemas import OLDEST, SCHEMA
from mobileseg.lesions import LESIONS

SUM = hashlib.sha256(b"").hexdigest()
Json = dict[str, Any]
GONE = object()  # in the place of a value: the entry is taken out


def manifest_2(target: str, codes: str = "EX") -> Json:
    """As `mobileseg convert` wrote it before schema 3, of a model that never was."""
    artifact, picture, exporter = {
        "executorch": ("model.pte", [1, 480, 640, 3], {"executorch": "1.4.1", "torch": "2.13.0"}),
        "onnx": ("model.onnx", [1, 480, 640, 3], {"onnx": "1.23.2", "onnxscript": "0.7.2"}),
        "coreml": ("model.mlpackage", [1, 3, 480, 640], {"coremltools": "9.0", "torch": "2.13.0"}),
    }[target]
    inside = f"{artifact}/Manifest.json" if target == "coreml" else artifact
    lesions = [
        {
            "code": code,
            "name": LESIONS[code].name if code in LESIONS else code,
            "colour": list(LESIONS[code].colour) if code in LESIONS else [10, 20, 30],
            "threshold": round(0.3 + 0.05 * (i % 10), 2),
        }
        for i, code in enumerate(codes.split())
    ]
    return {
        "schema": OLDEST,
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


def manifest(target: str, codes: str = "EX", quality: Json | None = None) -> Json:
    """As `mobileseg convert` writes it, of a model that never was."""
    values = manifest_2(target, codes)
    head = values.pop("answer")
    for lesion in values["lesions"]:
        del lesion["name"]
        code = lesion["code"]
        known = LESIONS.get(code)
        lesion["names"] = dict(known.names) if known else {"en": f"lesion {code}"}
        lesion["calibration"] = {"a": 1.21, "b": -0.34} if quality else None
    if quality:
        shape = [1, len(values["lesions"]) + len(quality["values"])]
        values["outputs"].append({"name": "quality", "shape": shape, "dtype": "float32"})
    return {**values, "schema": SCHEMA, "head": head, "quality": quality}


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

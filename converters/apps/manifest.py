"""model.json as an app reads it: the same manifest, or the same first problem, in every language.

The package's own reader (`converters.bundle.manifest`) guards a bundle before a toolkit loads it,
and says so in prose. An app has less to lose and less to say: it shows one of its translated texts,
so a problem here is a code and the entry's path. Kotlin, Swift and JavaScript do this again, held
to it by `tests/goldens/manifests`.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from converters.apps.manifest_entries import (
    At,
    Fits,
    Problem,
    are_wholes,
    is_list,
    is_name,
    is_number,
    is_object,
    is_shape,
    is_text,
    is_whole,
)
from converters.apps.manifest_quality import read_quality
from converters.bundle.manifest import PACKAGE, QUALITY_OUTPUT
from converters.bundle.manifest_schemas import (
    CODE,
    ENGLISH,
    MOST_LESIONS,
    OLDEST,
    SCHEMA,
)
from converters.targets import TARGETS
from mobileseg.files.schema import HEX
from mobileseg.lesions import LESIONS
from mobileseg.platt import LARGEST_A, LARGEST_B
from mobileseg.spec import LARGEST_FRAME_PX

LARGEST_BYTES = 1 << 40  # of an artifact
APPS = ("executorch", "onnx", "coreml")  # targets
# A text, or what JSON's writers put for a number that is none: to name the entry it becomes a text.
NO_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)')


def app_manifest(text: str, app: str) -> dict[str, Any]:
    """What an app needs to know of the model it is given.

    Args:
        text: of model.json.
        app: the target that the app runs, of `APPS`.

    Returns:
        target, precision, variant, task, mobileseg, artifact, name, frame_hw, side, lesions,
        quality, exporter, and sha256 and bytes of the artifact (None where it is a folder).

    Raises:
        Problem: not-json, schema-newer, schema, target or entry, in this order. Of a text that is
            JSON but for a bare NaN or Infinity it is the entry that it stands in.
    """
    try:
        return _read(_object(text), app)
    except Problem as problem:
        if problem.code != "not-json":
            raise
    _read(_object(NO_NUMBER.sub(_quoted, text)), app)
    raise Problem("not-json")  # it stands where a text may be, or where nobody looks


def _read(values: dict[str, Any], app: str) -> dict[str, Any]:
    _refuse_schema(values)
    newest = values["schema"] == SCHEMA
    if values.get("target") != app:
        raise Problem("target", "target")
    top = At(values)
    said = {name: top(name, is_name) for name in ("mobileseg", "precision", "variant", "task")}
    artifact = top("artifact", lambda v: v == TARGETS[app].artifact)
    top("graph", lambda v: v == "whole", optional=True)
    top("head" if newest else "answer", lambda v: v == "probabilities", optional=True)
    frame = _frame(top)
    lesions = _lesions(top, newest)
    _input(top, frame, app)
    quality = read_quality(top) if newest else None
    side = _outputs(top, len(lesions), quality)
    exporter = top("exporter", is_object)
    for key in exporter:
        At(exporter, "exporter")(key, is_text)
    return {
        "target": app,
        **said,
        "artifact": artifact,
        "name": _model_name(values, said["variant"]),
        "frame_hw": frame,
        "side": side,
        "lesions": lesions,
        "quality": quality,
        "exporter": exporter,
        **_listed(top, artifact),
    }


def runtime_problem(exporter: Mapping[str, str], runtime: str) -> Problem | None:
    """Whether an ExecuTorch file was written by another version than the app runs.

    Args:
        runtime: the app's own version; major and minor count.
    """
    found = exporter.get("executorch", "")
    same = found.split(".")[:2] == runtime.split(".")[:2]
    return None if same else Problem("runtime", "exporter.executorch")


def _object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem("not-json") from None
    if not isinstance(values, dict):
        raise Problem("not-json")
    return values


def _quoted(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else f'"{found[0]}"'


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _refuse_schema(values: dict[str, Any]) -> None:
    found = values.get("schema")
    if not is_whole(found) or found < OLDEST:
        raise Problem("schema", "schema")
    if found > SCHEMA:
        raise Problem("schema-newer", "schema")


def _frame(top: At) -> list[int]:
    frames = top("frames", is_list)
    if not frames:
        raise Problem("entry", "frames")
    at = At(frames, "frames")
    for i in range(len(frames)):
        at(i, lambda v: are_wholes(v, 32, LARGEST_FRAME_PX, 2))
    return [int(n) for n in frames[0]]


def _lesions(top: At, newest: bool) -> list[dict[str, Any]]:
    most = MOST_LESIONS if newest else len(LESIONS)
    found = top("lesions", lambda v: is_list(v) and 1 <= len(v) <= most)
    read: list[dict[str, Any]] = []
    for i in range(len(found)):
        one = At(At(found, "lesions")(i, is_object), f"lesions[{i}]")
        before = [lesion["code"] for lesion in read]
        read.append(
            {
                "code": one("code", partial(_is_new_code, before, newest)),
                "names": _names(one) if newest else {ENGLISH: one("name", is_name)},
                "threshold": one("threshold", lambda v: is_number(v, 0, 1)),
                "colour": [int(n) for n in one("colour", lambda v: are_wholes(v, 0, 255, 3))],
                "calibration": _calibration(one) if newest else None,
            }
        )
    return read


def _names(lesion: At) -> dict[str, str]:
    """By language; English is always there."""
    names = At(lesion("names", is_object), lesion.inside("names"))
    names(ENGLISH, is_name)
    return {language: names(language, is_name) for language in names.value}


def _calibration(lesion: At) -> dict[str, float] | None:
    found = lesion("calibration", lambda v: v is None or is_object(v))
    if found is None:
        return None
    constants = At(found, lesion.inside("calibration"))
    return {
        "a": constants("a", lambda v: is_number(v, 0, LARGEST_A) and v > 0),
        "b": constants("b", lambda v: is_number(v, -LARGEST_B, LARGEST_B)),
    }


def _is_new_code(before: list[str], newest: bool, value: Any) -> bool:
    if not isinstance(value, str) or value in before:
        return False
    return CODE.fullmatch(value) is not None if newest else value in LESIONS


def _input(top: At, frame: list[int], app: str) -> None:
    shape = [1, 3, *frame] if app == "coreml" else [1, *frame, 3]
    one = At(top("input", is_object), "input")
    one("name", is_name)
    one("shape", lambda v: is_shape(v, shape))
    one("dtype", lambda v: v == "uint8")
    one("order", lambda v: v == "RGB")


def _outputs(top: At, lesions: int, quality: dict[str, Any] | None) -> int:
    """Checks the three, and the fourth where there is quality; returns the network's side."""
    count = 3 if quality is None else 4
    found = top("outputs", lambda v: is_list(v) and len(v) == count)

    def maps(v: Any) -> bool:
        square = are_wholes(v, 1, LARGEST_FRAME_PX, 4) and v[2] == v[3] and v[2] % 32 == 0
        return square and v[:2] == [1, lesions]

    shapes: dict[str, Fits] = {
        "probabilities": maps,
        "crop": lambda v: is_shape(v, [1, 4]),
        "retina": lambda v: is_shape(v, [1, 1]),
    }
    if quality is not None:
        numbers = lesions + len(quality["values"])
        shapes[QUALITY_OUTPUT] = lambda v: is_shape(v, [1, numbers])
    for i, (name, fits) in enumerate(shapes.items()):
        one = At(At(found, "outputs")(i, is_object), f"outputs[{i}]")
        one("name", partial(operator.eq, name))
        one("shape", fits)
        one("dtype", lambda v: v == "float32")
    return int(found[0]["shape"][2])


def _listed(top: At, artifact: str) -> dict[str, Any]:
    """Sum and size that the artifact has to have."""
    files = At(top("files", is_object), "files")
    if artifact.endswith(PACKAGE):  # a folder has no one sum, and its platform compiles it
        return {"sha256": None, "bytes": None}
    one = At(files(artifact, is_object), files.inside(artifact))
    return {
        "sha256": one("sha256", lambda v: isinstance(v, str) and len(v) == 64 and set(v) <= HEX),
        "bytes": int(one("bytes", lambda v: is_whole(v) and 1 <= v <= LARGEST_BYTES)),
    }


def _model_name(values: dict[str, Any], variant: str) -> str:
    """Its first member's, for people; a manifest need not name its members."""
    members = values.get("members")
    first = members[0] if is_list(members) and members else None
    name = first.get("name") if is_object(first) else None
    return name if is_name(name) else variant

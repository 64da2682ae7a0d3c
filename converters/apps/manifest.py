"""model.json as an app reads it: the same manifest, or the same first problem, in every language.

The package's own reader (`converters.manifest`) guards a bundle before a toolkit loads it and
says so in prose. An app has less to lose and less to say: it shows one of its translated texts,
so a problem here is a code and the entry's path. Kotlin, Swift and JavaScript do this again, held
to it by `tests/goldens/manifests`.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeGuard

from converters.manifest import PACKAGE, SCHEMA
from converters.targets import TARGETS
from mobileseg.kinds import HEX
from mobileseg.lesions import LESIONS
from mobileseg.spec import LARGEST_FRAME_PX

Fits = Callable[[Any], bool]

LARGEST_BYTES = 1 << 40  # of an artifact
APPS = ("executorch", "onnx", "coreml")  # targets


class Problem(Exception):
    """Why an app does not run a model."""

    def __init__(self, code: str, entry: str = "") -> None:
        super().__init__(f"{code} {entry}".strip())
        self.code, self.entry = code, entry


@dataclass(frozen=True, slots=True)
class _At:
    """Names the entries below one of them."""

    value: Any
    path: str = ""

    def __call__(self, key: str | int, fits: Fits, *, optional: bool = False) -> Any:
        """The entry's value. Raises Problem if it is missing or does not fit."""
        path = self.inside(key)
        if isinstance(key, str) and key not in self.value:
            if optional:
                return None
            raise Problem("entry", path)
        value = self.value[key]
        if not fits(value):
            raise Problem("entry", path)
        return value

    def inside(self, key: str | int) -> str:
        if isinstance(key, int):
            return f"{self.path}[{key}]"
        return f"{self.path}.{key}" if self.path else key


def app_manifest(text: str, app: str) -> dict[str, Any]:
    """What an app needs to know of the model it is given.

    Args:
        text: of model.json.
        app: the target that the app runs, of `APPS`.

    Returns:
        target, precision, variant, task, mobileseg, artifact, name, frame_hw, side, lesions,
        exporter, and sha256 and bytes of the artifact (None where it is a folder).

    Raises:
        Problem: not-json, schema-newer, schema, target or entry, in this order.
    """
    values = _object(text)
    _refuse_schema(values)
    if values.get("target") != app:
        raise Problem("target", "target")
    top = _At(values)
    said = {name: top(name, _name) for name in ("mobileseg", "precision", "variant", "task")}
    artifact = top("artifact", lambda v: v == TARGETS[app].artifact)
    top("graph", lambda v: v == "whole", optional=True)
    top("answer", lambda v: v == "probabilities", optional=True)
    frame = _frame(top)
    lesions = _lesions(top)
    _input(top, frame, app)
    side = _outputs(top, len(lesions))
    exporter = top("exporter", _is_object)
    for key in exporter:
        _At(exporter, "exporter")(key, _text)
    return {
        "target": app,
        **said,
        "artifact": artifact,
        "name": _model_name(values, said["variant"]),
        "frame_hw": frame,
        "side": side,
        "lesions": lesions,
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


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _refuse_schema(values: dict[str, Any]) -> None:
    found = values.get("schema")
    if not _is_whole(found) or found < SCHEMA:
        raise Problem("schema", "schema")
    if found > SCHEMA:
        raise Problem("schema-newer", "schema")


def _frame(top: _At) -> list[int]:
    frames = top("frames", _is_list)
    if not frames:
        raise Problem("entry", "frames")
    at = _At(frames, "frames")
    for i in range(len(frames)):
        at(i, lambda v: _wholes(v, 32, LARGEST_FRAME_PX, 2))
    return [int(n) for n in frames[0]]


def _lesions(top: _At) -> list[dict[str, Any]]:
    found = top("lesions", lambda v: _is_list(v) and 1 <= len(v) <= len(LESIONS))
    read: list[dict[str, Any]] = []
    for i in range(len(found)):
        one = _At(_At(found, "lesions")(i, _is_object), f"lesions[{i}]")
        before = [lesion["code"] for lesion in read]
        read.append(
            {
                "code": one("code", partial(_is_new_code, before)),
                "name": one("name", _name),
                "threshold": one("threshold", lambda v: _is_number(v) and 0 <= v <= 1),
                "colour": [int(n) for n in one("colour", lambda v: _wholes(v, 0, 255, 3))],
            }
        )
    return read


def _is_new_code(before: list[str], value: Any) -> bool:
    return value in list(LESIONS) and value not in before


def _input(top: _At, frame: list[int], app: str) -> None:
    shape = [1, 3, *frame] if app == "coreml" else [1, *frame, 3]
    one = _At(top("input", _is_object), "input")
    one("name", _name)
    one("shape", lambda v: _is_shape(v, shape))
    one("dtype", lambda v: v == "uint8")
    one("order", lambda v: v == "RGB")


def _outputs(top: _At, lesions: int) -> int:
    """Checks the three; returns the network's side."""
    found = top("outputs", lambda v: _is_list(v) and len(v) == 3)

    def maps(v: Any) -> bool:
        square = _wholes(v, 1, LARGEST_FRAME_PX, 4) and v[2] == v[3] and v[2] % 32 == 0
        return square and v[:2] == [1, lesions]

    shapes: dict[str, Fits] = {
        "probabilities": maps,
        "crop": lambda v: _is_shape(v, [1, 4]),
        "retina": lambda v: _is_shape(v, [1, 1]),
    }
    for i, (name, fits) in enumerate(shapes.items()):
        one = _At(_At(found, "outputs")(i, _is_object), f"outputs[{i}]")
        one("name", partial(operator.eq, name))
        one("shape", fits)
        one("dtype", lambda v: v == "float32")
    return int(found[0]["shape"][2])


def _listed(top: _At, artifact: str) -> dict[str, Any]:
    """Sum and size that the artifact has to have."""
    files = _At(top("files", _is_object), "files")
    if artifact.endswith(PACKAGE):  # a folder has no one sum, and its platform compiles it
        return {"sha256": None, "bytes": None}
    one = _At(files(artifact, _is_object), files.inside(artifact))
    return {
        "sha256": one("sha256", lambda v: isinstance(v, str) and len(v) == 64 and set(v) <= HEX),
        "bytes": int(one("bytes", lambda v: _is_whole(v) and 1 <= v <= LARGEST_BYTES)),
    }


def _model_name(values: dict[str, Any], variant: str) -> str:
    """Its first member's, for people; a manifest need not name its members."""
    members = values.get("members")
    first = members[0] if _is_list(members) and members else None
    name = first.get("name") if _is_object(first) else None
    return name if _name(name) else variant


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float)


def _is_whole(value: Any) -> TypeGuard[float]:
    """64.0 is whole: JavaScript cannot tell it from 64."""
    return _is_number(value) and math.isfinite(value) and value == int(value)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value != ""


def _wholes(value: Any, least: int, most: int, count: int) -> bool:
    return (
        _is_list(value)
        and len(value) == count
        and all(_is_whole(n) and least <= n <= most for n in value)
    )


def _is_shape(value: Any, shape: list[int]) -> bool:
    return _is_list(value) and all(map(_is_whole, value)) and value == shape

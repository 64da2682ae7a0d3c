"""model.json of a bundle: what is written there, and what is believed of it when it is read.

No sum protects it, unless it is signed: a person may have edited it, or made it up. So whatever is
read back has its kind and its limits here, before anybody acts on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from converters.bundle.checksums import EVIDENCE, MOST_BYTES, Sum
from converters.bundle.manifest_schemas import (
    READ_BACK,
    RENAMED,
    SCHEMA,
    as_schema_3,
    refuse_nameless,
)
from converters.coreml.output_heads import outputs
from converters.deployable import INPUT, NETWORK_INPUT
from converters.options import Order
from converters.targets import CHOICES, TARGETS, Converter, Target
from mobileseg.errors import BadInput
from mobileseg.evaluation.quality_spec import quality_manifest
from mobileseg.files.atomic import sha256
from mobileseg.files.schema import Unfit, one_of
from mobileseg.files.untrusted import parse_json, shown
from mobileseg.lesions import LESIONS
from mobileseg.run_config import Member, RunConfig
from mobileseg.runs import WEIGHTS, Run
from mobileseg.version import __version__

MANIFEST = "model.json"
SIGNATURE = "model.json.sig"
UNLISTED = (MANIFEST, SIGNATURE, EVIDENCE)
PACKAGE = ".mlpackage"  # an artifact of this kind is a folder
LARGEST_BYTES = 4 << 20  # MOST_FILES entries of 300 bytes are 1.2 MB; members and frames a few kB
QUALITY_OUTPUT = "quality"
REFERENCE = ("config.json", WEIGHTS)  # of the run; without them nothing can be compared


def parse_manifest(content: bytes, where: Path) -> dict[str, Any]:
    """What a manifest says, once all of it that is read back can be believed to be a manifest's.

    Args:
        where: the file, for errors.

    Returns:
        It as schema 3 says it, whichever schema it has.

    Raises:
        BadInput: no strict JSON, another schema, or an entry that is missing, of another kind, or
            at odds with another; the line names it.
    """
    found = parse_json(content, where)
    schema = _schema(found, where)
    try:
        READ_BACK[schema](found, "")
        if schema == SCHEMA:
            refuse_nameless(found["lesions"])
        manifest = found if schema == SCHEMA else as_schema_3(found)
        _refuse_choices(manifest, {} if schema == SCHEMA else RENAMED)
        _refuse_repeated([entry["code"] for entry in manifest["lesions"]], "lesion")
        _refuse_repeated([f"{h}x{w}" for h, w in manifest["frames"]], "frame")
        _refuse_outputs(manifest)
        _refuse_files(manifest["files"], TARGETS[manifest["target"]].artifact)
    except Unfit as error:
        raise BadInput(
            f"{where}: entry missing or of another kind ({error}); convert the run again"
        ) from None
    assert isinstance(manifest, dict)
    return manifest


def listed_sums(manifest: dict[str, Any]) -> dict[str, Sum]:
    """Every shipped file's name, size and sum."""
    return {name: Sum(one["sha256"], one["bytes"]) for name, one in manifest["files"].items()}


def order_of(manifest: dict[str, Any]) -> Order:
    """What was asked of the conversion."""
    choices = {name: manifest[name] for name in CHOICES if name in manifest}
    return Order.from_json(choices, manifest["frames"])


def _schema(manifest: Any, where: Path) -> int:
    found = manifest.get("schema") if isinstance(manifest, dict) else "no object"
    if type(found) is int and found > SCHEMA:
        raise BadInput(
            f"{where}: schema {found}, made by a newer mobileseg; this one, {__version__}, knows "
            f"schema {SCHEMA}: update mobileseg"
        )
    if type(found) is not int or found not in READ_BACK:
        raise BadInput(
            f"{where}: found schema {shown(found)}; expected {SCHEMA}: convert the run again"
        )
    return found


def _refuse_choices(manifest: dict[str, Any], renamed: Mapping[str, str]) -> None:
    """Raise Unfit for a choice that the target does not have.

    Args:
        renamed: the file's own word -> the choice that it is.
    """
    target = TARGETS[manifest["target"]]
    usual = {field.name: str(field.default) for field in fields(Order)}
    own = {choice: word for word, choice in renamed.items()}
    for name in CHOICES:
        if name in manifest:
            allowed = target.choices.get(name, (usual[name],))
            one_of(allowed)(manifest[name], own.get(name, name))
    if len(manifest["frames"]) > 1 and not target.several_frames:
        raise Unfit(f"frames: found {len(manifest['frames'])}, expected one for {target.name}")
    if manifest.get("artifact", target.artifact) != target.artifact:
        raise Unfit(f"artifact: found {manifest['artifact']}, expected {target.artifact}")


def _refuse_outputs(manifest: dict[str, Any]) -> None:
    """Raise Unfit unless there is an output of quality exactly where its values are described."""
    described = manifest["quality"]
    shapes = {out["name"]: out["shape"] for out in manifest.get("outputs", ())}
    if described is None:
        if QUALITY_OUTPUT in shapes:
            raise Unfit(f"quality: found null, expected what output {QUALITY_OUTPUT} holds")
        return
    expected = [1, len(manifest["lesions"]) + len(described["values"])]
    if shapes.get(QUALITY_OUTPUT) != expected:
        found = shown(shapes.get(QUALITY_OUTPUT, "none"))
        raise Unfit(f"outputs: found {QUALITY_OUTPUT} {found}, expected one of shape {expected}")


def _refuse_repeated(words: list[str], what: str) -> None:
    """Raise Unfit for a word that stands there twice."""
    word, times = Counter(words).most_common(1)[0]
    if times > 1:
        raise Unfit(f"{what} {word}: found {times} times, expected once")


def _refuse_files(files: dict[str, Any], artifact: str) -> None:
    """Raise Unfit for files that no disk or no bundle can hold together."""
    # A Mac's and a PC's disk take these for one file.
    _refuse_repeated([name.lower() for name in files] or [""], "files, whatever their case:")
    if never := [name for name in files if name.split("/")[0].lower() in UNLISTED]:
        raise Unfit(f"files.{never[0]}: found a sum, expected none for it")
    if (size := sum(one["bytes"] for one in files.values())) > MOST_BYTES:
        raise Unfit(f"files: found {size} bytes together, expected at most {MOST_BYTES}")
    if not any(_belongs(name, artifact) for name in files):
        raise Unfit(f"files: found no {artifact}")
    if missing := [name for name in REFERENCE if f"reference/{name}" not in files]:
        raise Unfit(f"files: found no reference/{missing[0]}")


def _belongs(name: str, artifact: str) -> bool:
    """Whether a file is the artifact, or in it where the artifact is a folder."""
    return name.startswith(f"{artifact}/") if artifact.endswith(PACKAGE) else name == artifact


def described(run: Run, target: Target, order: Order, converter: Converter) -> dict[str, Any]:
    """Everything that a manifest says but the files."""
    config = run.config
    return {
        "schema": SCHEMA,
        "mobileseg": __version__,
        "target": target.name,
        **order.to_json(),
        "artifact": target.artifact,
        "variant": config.variant,
        "task": config.task,
        "members": [_member(member, run) for member in config.members],
        "lesions": [
            {
                "code": code,
                "names": dict(LESIONS[code].names),
                "colour": list(LESIONS[code].colour),
                "threshold": config.thresholds[code],
                "calibration": _calibration(config, code),
            }
            for code in config.lesions
        ],
        "quality": quality_manifest(config) if order.whole else None,
        "frames": [list(frame) for frame in order.frames],
        "preprocess": config.preprocess.with_frame(order.frame_hw).to_json(),
        "input": _input(run, order, converter),
        "outputs": _outputs(run, order),
        "retina_threshold": config.preprocess.retina_threshold,
        "exporter": converter.versions(),
    }


def _calibration(config: RunConfig, code: str) -> dict[str, float] | None:
    """A lesion's constants, of a run that was calibrated."""
    constants = config.calibration.get(code)
    return None if constants is None else constants.to_json()


def _input(run: Run, order: Order, converter: Converter) -> dict[str, Any]:
    """What the file takes; its shape is that of the first frame."""
    if not order.whole:
        side = run.config.preprocess.side_px
        shape = [1, 3, side, side]
        described = {"name": NETWORK_INPUT, "shape": shape, "dtype": "float32", "kind": "tensor"}
    elif converter.LAYOUT.channels_last:
        shape = [1, *order.frame_hw, 3]
        described = {"name": INPUT, "shape": shape, "dtype": "uint8", "kind": "tensor"}
    else:
        shape = [1, 3, *order.frame_hw]
        described = {"name": INPUT, "shape": shape, "dtype": "uint8", "kind": "image"}
    return described | {"order": "RGB"}


def _outputs(run: Run, order: Order) -> list[dict[str, Any]]:
    """What the file gives; a picture is one channel of 0..255."""
    described = []
    for out in outputs(run.config, order):
        kind = {"kind": out.kind} if out.kind == "image" else {}
        entry = {"name": out.name, "shape": list(out.shape), "dtype": out.dtype}
        described.append(entry | kind)
    return described


def _member(member: Member, run: Run) -> dict[str, Any]:
    """A network of the bundle; a plain run's goes by the run's own name."""
    return {
        "name": member.name or run.path.resolve().name,
        "variant": member.variant,
        "task": member.task,
        "mean": list(member.normalisation.mean),
        "sd": list(member.normalisation.sd),
        "weights_sha256": member.weights_sha256 or sha256(run.path / WEIGHTS),
    }

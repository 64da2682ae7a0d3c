"""A bundle: the folder an app developer is handed, and the check that it is whole.

model.pte | model.ptl | model.mlpackage   the artifact
model.json        what it is, its inputs and outputs, and the sum of every file
MODEL_CARD.md
goldens/          frames and expected answers
reference/        the run it was made from: what parity compares with
verify_on_mac.py  of a Core ML bundle: runs the goldens on a Mac
evidence/         what was measured on it; not part of what is hashed
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.coreml_answers import outputs
from converters.deployable import INPUT, NETWORK_INPUT
from converters.goldens import write_goldens
from converters.model_card import model_card
from converters.orders import Order
from converters.quiet import quiet
from converters.targets import CHOICES, TARGETS, Check, Converter, Target, target
from mobileseg.errors import BadInput, MobilesegError
from mobileseg.files import read_json, sha256, staged_folder, write_json, write_text
from mobileseg.lesions import LESIONS
from mobileseg.quantization.stored import RECORD, TUNED
from mobileseg.runs import WEIGHTS, Member, Run, open_run
from mobileseg.version import __version__

SCHEMA = 2
MANIFEST = "model.json"
REFERENCE = ("config.json", WEIGHTS, "run.json")
OF_INT8 = (RECORD, TUNED)  # without them nobody could tell what the file should hold
UNHASHED = (MANIFEST, "evidence")
FINDERS = ".DS_Store"  # what a Mac leaves in every folder that somebody has looked at
# What is read back from a manifest, which no sum protects: a person may have edited it.
ENTRIES = {"target": str, "precision": str, "frames": list, "lesions": list, "files": dict}


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle whose sums were right."""

    path: Path
    manifest: dict[str, Any]

    @property
    def target(self) -> Target:
        return target(self.manifest["target"])

    @property
    def order(self) -> Order:
        """What was asked of the conversion."""
        return _order(self.manifest)

    @property
    def artifact(self) -> Path:
        return self.path / self.target.artifact

    @property
    def frame_hw(self) -> tuple[int, int]:
        return self.order.frame_hw

    def reference(self) -> Run:
        """The run it was made from."""
        return open_run(self.path / "reference")


def write_bundle(
    run: Run,
    into: Path,
    *,
    target: Target,
    order: Order,
    force: bool = False,
) -> list[Check]:
    """Convert a run and put everything that goes with it into a folder.

    Returns:
        What was read off the written artifact; all of it holds.

    Raises:
        BadInput: the folder exists (and no `force`, or it is no bundle), a frame is smaller than
            the network's side, the run's weights are missing or hold NaN, or a check of the
            written file failed. Nothing is left half-written.
        MissingToolkit: the target's package is not installed.
    """
    _refuse_frames(run, order)
    _refuse_unfinished(run)
    converter = target.converter()
    with staged_folder(into, force=force, mark=MANIFEST) as staged:
        with quiet():
            _export(run, target, order, staged / target.artifact)
            checks = converter.inspect(staged / target.artifact, run, order)
        _refuse_faults(checks, target)
        _copy_reference(run, order, staged / "reference")
        for name in getattr(converter, "SHIPS", ()):
            shutil.copyfile(Path(__file__).with_name(name), staged / name)
        write_goldens(staged / "goldens", run, order)
        manifest = _manifest(run, target, order, converter)
        write_text(staged / "MODEL_CARD.md", model_card(run, manifest))
        write_json(staged / MANIFEST, manifest | {"files": _sums(staged)})
    return checks


def _export(run: Run, target: Target, order: Order, path: Path) -> None:
    """Have the target write its file; what a toolkit says of itself becomes a line for a person."""
    try:
        target.converter().export(run, order, path)
    except (MobilesegError, OSError, MemoryError):
        raise
    except Exception as error:  # whatever a toolkit raises: they have no common base
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise BadInput(
            f"{run.path}: {target.name} {order.name()} could not convert it "
            f"({type(error).__name__}: {said[0][:200]}); nothing was kept: try another precision "
            "or target, MOBILESEG_DEBUG=1 shows where it came from"
        ) from error


def _refuse_frames(run: Run, order: Order) -> None:
    """A frame below the network's side both ways could only be blown up to it."""
    side = run.config.preprocess.side_px
    for height, width in order.frames if order.whole else ():
        if max(height, width) < side:
            raise BadInput(
                f"frame {height}x{width}: smaller than the network's side {side}; expected its "
                f"longer edge to have at least {side} pixels: choose a larger --frame"
            )
        if order.frames.count((height, width)) > 1:
            raise BadInput(f"frame {height}x{width}: found twice; expected each size once")


def _refuse_unfinished(run: Run) -> None:
    if set(run.config.thresholds) != set(run.config.lesions):
        raise BadInput(f"{run.path}: has no thresholds yet; train it to its first epoch at least")
    assert run.networks  # weights load, and hold no NaN, before a toolkit starts


def _refuse_faults(checks: list[Check], target: Target) -> None:
    broken = [f"{c.name}: found {c.found}" for c in checks if not c.holds]
    if broken:
        raise BadInput(f"{target.artifact}: written wrong ({'; '.join(broken)}); nothing was kept")


def _copy_reference(run: Run, order: Order, into: Path) -> None:
    into.mkdir()
    for name in (*REFERENCE, *(OF_INT8 if order.precision == "int8" else ())):
        if name not in (REFERENCE[0], WEIGHTS) and not (run.path / name).is_file():
            continue  # a record of how it came about, or weights that were not tuned
        shutil.copyfile(run.path / name, into / name)


def _manifest(run: Run, target: Target, order: Order, converter: Converter) -> dict[str, Any]:
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
                "name": LESIONS[code].name,
                "colour": list(LESIONS[code].colour),
                "threshold": config.thresholds[code],
            }
            for code in config.lesions
        ],
        "frames": [list(frame) for frame in order.frames],
        "preprocess": config.preprocess.with_frame(order.frame_hw).to_json(),
        "input": _input(run, order, converter),
        "outputs": _outputs(run, order),
        "retina_threshold": config.preprocess.retina_threshold,
        "exporter": converter.versions(),
    }


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


def _sums(folder: Path) -> dict[str, dict[str, Any]]:
    """Sum and size of every file under a folder, but the manifest and the evidence."""
    listed = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] not in UNHASHED and name.name != FINDERS:
            listed[name.as_posix()] = {"sha256": sha256(path), "bytes": path.stat().st_size}
    return listed


def is_bundle(path: Path) -> bool:
    return (path / MANIFEST).is_file()


def open_bundle(path: Path) -> Bundle:
    """Open a bundle once every file's sum is right; no loader has seen it before.

    Raises:
        BadInput: not a bundle, another schema, or a file that is missing, changed or new.
    """
    if not is_bundle(path):
        found = "no such folder" if not path.exists() else f"no {MANIFEST} in it"
        raise BadInput(f"{path}: {found}; expected a bundle as mobileseg convert writes it")
    manifest = read_json(path / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise BadInput(f"{path / MANIFEST}: another schema than {SCHEMA}; convert the run again")
    _refuse_incomplete(manifest, path / MANIFEST)
    expected, found_sums = manifest["files"], _sums(path)
    for name in sorted({*expected, *found_sums}):
        if name not in found_sums:
            raise BadInput(f"{path / name}: missing; {MANIFEST} lists it: convert the run again")
        if name not in expected:
            raise BadInput(f"{path / name}: {MANIFEST} lists no such file; remove it")
        if expected[name] != found_sums[name]:
            raise BadInput(
                f"{path / name}: found sha256 {found_sums[name]['sha256'][:12]}…; expected "
                f"{str(expected[name]['sha256'])[:12]}…: changed after the conversion, "
                "convert the run again"
            )
    return Bundle(path, manifest)


def _refuse_incomplete(manifest: dict[str, Any], where: Path) -> None:
    """Raise BadInput for an entry that is missing or of another kind, or an unlisted artifact."""
    for name, kind in ENTRIES.items():
        if not isinstance(manifest.get(name), kind):
            raise BadInput(f"{where}: no entry {name!r} of kind {kind.__name__}; convert again")
    try:
        _order(manifest)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{where}: unknown choice ({error}); convert again") from None
    for entry in manifest["lesions"]:
        if not isinstance(entry, dict) or not {"code", "threshold"} <= set(entry):
            raise BadInput(f"{where}: found lesion {entry!r}; expected a code and a threshold")
    if manifest["target"] not in TARGETS:
        raise BadInput(
            f"{where}: found target {manifest['target']!r}; expected one of {', '.join(TARGETS)}"
        )
    artifact = TARGETS[manifest["target"]].artifact
    if not any(name.split("/")[0] == artifact for name in manifest["files"]):
        raise BadInput(f"{where}: lists no {artifact}; convert the run again")


def _order(manifest: dict[str, Any]) -> Order:
    choices = {name: manifest[name] for name in CHOICES if name in manifest}
    return Order.from_json(choices, manifest["frames"])


def artifact_sha256(bundle: Bundle) -> str:
    """One sum for an artifact; a package folder's is taken over its files' names and sums."""
    name = bundle.target.artifact
    files = {k: v["sha256"] for k, v in bundle.manifest["files"].items()}
    if name in files:
        return str(files[name])
    inside = "".join(f"{k} {v}\n" for k, v in sorted(files.items()) if k.startswith(name + "/"))
    return hashlib.sha256(inside.encode()).hexdigest()

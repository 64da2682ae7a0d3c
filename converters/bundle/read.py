"""A bundle: the folder an app developer is handed, and the check that it is whole.

model.pte | model.ptl | model.mlpackage   the artifact
model.json        what it is, its inputs and outputs, and the sum of every file
MODEL_CARD.md
goldens/          frames and expected answers
reference/        the run it was made from: what parity compares with
verify_on_mac.py  of a Core ML bundle: runs the goldens on a Mac
model.json.sig    if it is signed: whose manifest it is (converters.bundle.signing)
evidence/         what was measured on it; not part of what is hashed or signed

Whoever opens one has had every file's sum checked before a loader touches a byte; what that does
and does not protect is said in `converters.bundle.checksums`.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from converters.bundle.checksums import refuse_changed, sum_of_artifact, sums
from converters.bundle.goldens import write_goldens
from converters.bundle.manifest import (
    LARGEST_BYTES,
    MANIFEST,
    REFERENCE,
    SIGNATURE,
    UNLISTED,
    described,
    listed_sums,
    order_of,
    parse_manifest,
)
from converters.bundle.model_card import model_card
from converters.bundle.signing import SigningKey, refuse_unsigned
from converters.options import Order
from converters.quiet import quiet
from converters.targets import Check, Target, target
from mobileseg.errors import BadInput, MobilesegError
from mobileseg.files.atomic import staged_folder, write_json, write_text
from mobileseg.files.untrusted import read_plain
from mobileseg.models.weights import refuse_pickle
from mobileseg.protocols import PROTOCOLS
from mobileseg.quantization.quantized_run import RECORD, TUNED, in_precision
from mobileseg.runs import Run, open_run

RECORDS = ("run.json",)  # how the run came about, if it was kept
OF_INT8 = (RECORD, TUNED)  # without them nobody could tell what the file should hold


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
        return order_of(self.manifest)

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
    sign: SigningKey | None = None,
) -> list[Check]:
    """Convert a run and put everything that goes with it into a folder.

    Args:
        force: replace a bundle that is there.
        sign: leave a signature by this key.

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
    run = in_precision(run, order.precision)
    converter = target.converter()
    with staged_folder(into, force=force, mark=MANIFEST) as staged:
        with quiet():
            _export(run, target, order, staged / target.artifact)
            checks = converter.inspect(staged / target.artifact, run, order)
        _refuse_faults(checks, target)
        _copy_reference(run, order, staged / "reference")
        for name in getattr(converter, "SHIPS", ()):
            beside = resources(target.module.rpartition(".")[0])
            write_text(staged / name, (beside / name).read_text(encoding="utf-8"))
        write_goldens(staged / "goldens", run, order)
        manifest = described(run, target, order, converter)
        write_text(staged / "MODEL_CARD.md", model_card(run, manifest))
        files = {name: one.to_json() for name, one in sums(staged, UNLISTED).items()}
        write_json(staged / MANIFEST, manifest | {"files": files})
        if sign:
            write_json(staged / SIGNATURE, sign.sign((staged / MANIFEST).read_bytes()))
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
    if "protocol" not in run.config.training:
        raise BadInput(
            f"{run.path / 'config.json'}: its training names no protocol; expected one of "
            f"{', '.join(PROTOCOLS)}, which the model card tells"
        )
    assert run.networks  # weights load, and hold no NaN, before a toolkit starts


def _refuse_faults(checks: list[Check], target: Target) -> None:
    broken = [f"{c.name}: found {c.found}" for c in checks if not c.holds]
    if broken:
        raise BadInput(f"{target.artifact}: written wrong ({'; '.join(broken)}); nothing was kept")


def _copy_reference(run: Run, order: Order, into: Path) -> None:
    into.mkdir()
    for name in (*REFERENCE, *RECORDS, *(OF_INT8 if order.precision == "int8" else ())):
        if name not in REFERENCE and not (run.path / name).is_file():
            continue  # a record of how it came about, or weights that were not tuned
        shutil.copyfile(run.path / name, into / name)
    if order.precision == "int8":  # whose calibration is its own
        write_json(into / "config.json", run.config.to_json())


def is_bundle(path: Path) -> bool:
    """Whether it means to be one: what lies there under the manifest's name, opening says."""
    return os.path.lexists(path / MANIFEST)


def open_bundle(path: Path, verify_key: Path | None = None) -> Bundle:
    """Open a bundle once every file's sum is right; no loader has seen it before.

    Args:
        verify_key: a public key in PEM; the bundle has to be signed by its owner. Without one a
            signature is not looked at: whose it is, only a key that one has already can say.

    Raises:
        BadInput: not a bundle, another schema, a file that is missing, changed, new, or no plain
            file, or a manifest that is at odds with its files; with a key, not signed by it.
        MissingToolkit: a key, and cryptography is not installed.
    """
    where = path / MANIFEST
    if not is_bundle(path):
        raise BadInput(
            f"{path}: {_no_bundle(path)}; expected a bundle as mobileseg convert writes it"
        )
    try:
        content = read_plain(where, LARGEST_BYTES, links=False)
    except OSError as error:
        raise BadInput(
            f"{where}: cannot be read ({error.strerror}); convert the run again"
        ) from None
    if verify_key:
        refuse_unsigned(content, where, path / SIGNATURE, verify_key)
    manifest = parse_manifest(content, where)
    refuse_changed(path, listed_sums(manifest), UNLISTED)
    bundle = Bundle(path, manifest)
    found = tuple(entry["code"] for entry in manifest["lesions"])
    if found != (expected := bundle.reference().config.lesions):
        raise BadInput(
            f"{where}: found lesions {','.join(found)}; expected {','.join(expected)}, those of "
            "its reference: convert the run again"
        )
    return bundle


def _no_bundle(path: Path) -> str:
    """What is there instead. Raises BadInput for a pickled checkpoint."""
    if not path.exists():
        return "no such folder"
    if path.is_file():
        refuse_pickle(path)
        return "a file"
    return f"no {MANIFEST} in it"


def artifact_sha256(bundle: Bundle) -> str:
    """One sum for an artifact, as evidence names it."""
    return sum_of_artifact(listed_sums(bundle.manifest), bundle.target.artifact)

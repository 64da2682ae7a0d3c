"""Run a bundle's golden pictures through Core ML, on a Mac, and write down what came out.

    pip install coremltools numpy pillow
    python verify_on_mac.py

It lies in a Core ML bundle and needs nothing else of mobileseg; Python 3.9 is enough. The file it
writes, beside the bundle, goes back to where the bundle was made:

    mobileseg parity BUNDLE --import FILE

Exit 0 if everything was run and written, 1 if Core ML failed somewhere (the file says where), 2 if
the bundle is not whole. Whether the figures are good enough is judged by mobileseg.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = "mobileseg-macos-1"
UNITS = ("ALL", "CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE")
FINDERS = ".DS_Store"
ARTIFACT = "model.mlpackage"
NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")  # of a file in the bundle


class NotWhole(Exception):
    """The bundle is not as it was made."""


def checked_manifest(bundle: Path) -> dict[str, Any]:
    """model.json, once the artifact and the goldens have the sums that it lists."""
    manifest = _manifest(bundle)
    folders = (ARTIFACT, "goldens")
    listed = {k: v for k, v in manifest["files"].items() if k.split("/")[0] in folders}
    found = {name for folder in folders for name in _plain_files(bundle, folder)}
    for name in sorted({*listed, *found}):
        path = bundle / name
        if name not in listed or name not in found or not _is_same(path, listed[name]):
            raise NotWhole(f"{path}: changed, missing or new; copy the bundle again")
    return manifest


def _manifest(bundle: Path) -> dict[str, Any]:
    """model.json, whose paths lead nowhere out of the bundle."""
    path = bundle / "model.json"
    if path.is_symlink() or not path.is_file():
        raise NotWhole(f"{path}: missing, or no plain file; copy the bundle again")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        files = {name: (one["sha256"], one["bytes"]) for name, one in manifest["files"].items()}
        artifact = manifest["artifact"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotWhole(
            f"{path}: no manifest ({type(error).__name__}); copy the bundle again"
        ) from None
    if artifact != ARTIFACT:
        raise NotWhole(f"{path}: found artifact {artifact!r}; expected {ARTIFACT}")
    for name in files:
        if not NAME.fullmatch(name) or ".." in name.split("/"):
            raise NotWhole(f"{path}: found path {name!r}; expected one inside the bundle")
    return manifest


def _plain_files(bundle: Path, folder: str) -> list[str]:
    """Every file below a folder; a link is none, wherever it leads."""
    waiting, names = [bundle / folder], []
    while waiting:
        path = waiting.pop()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise NotWhole(f"{path}: missing, a link, or no plain file; copy the bundle again")
        if path.is_dir():
            waiting += path.iterdir()
        elif path.name != FINDERS:
            names.append(path.relative_to(bundle).as_posix())
    return names


def _is_same(path: Path, listed: dict[str, Any]) -> bool:
    """Whether a file has its size, looked at first, and its sum."""
    if path.stat().st_size != listed["bytes"]:
        return False
    return bool(hashlib.sha256(path.read_bytes()).hexdigest() == listed["sha256"])


def artifact_sha256(manifest: dict[str, Any]) -> str:
    """One sum for the package folder, taken over its files' names and sums."""
    inside = manifest["artifact"] + "/"
    lines = [f"{k} {v['sha256']}\n" for k, v in sorted(manifest["files"].items())]
    return hashlib.sha256("".join(x for x in lines if x.startswith(inside)).encode()).hexdigest()


def golden_input(manifest: dict[str, Any], golden: Path, expected: dict[str, Any]) -> Any:
    """What the model takes of a golden: a picture, or the array after CLAHE."""
    if manifest["input"]["kind"] != "image":
        raw = np.frombuffer((golden / "enhanced.f32").read_bytes(), "<f4")
        return raw.reshape(manifest["input"]["shape"])
    from PIL import Image

    raw = np.frombuffer((golden / "frame.rgb").read_bytes(), np.uint8)
    return Image.fromarray(raw.reshape(expected["frame"]["shape"]))


def expected_labels(probabilities: Any, thresholds: Any) -> Any:
    """(C, side, side) -> (side, side): 0, or 1 + the channel furthest above its threshold."""
    lesion = probabilities >= thresholds
    rank = probabilities * (np.float32(1) / thresholds) * lesion
    return np.where(lesion.any(axis=0), rank.argmax(axis=0) + 1, 0)


def compared(manifest: dict[str, Any], golden: Path, answer: dict[str, Any]) -> dict[str, Any]:
    """Every figure of one golden; a figure that is no number is null, and `finite` says so."""
    expected = json.loads((golden / "expected.json").read_text(encoding="utf-8"))
    shape = expected["probabilities"]["shape"]
    wanted = np.frombuffer((golden / "probabilities.f32").read_bytes(), "<f4").reshape(shape)
    limits = [lesion["threshold"] for lesion in manifest["lesions"]]
    thresholds = np.array(limits, np.float32).reshape(-1, 1, 1)
    kind = manifest.get("head", "probabilities")
    figures: dict[str, Any] = {"finite": all(np.isfinite(v).all() for v in answer.values())}
    if kind == "labels":
        off = np.asarray(answer["labels"]) != expected_labels(wanted, thresholds)
    elif kind == "masks":
        masks = [np.asarray(answer[f"mask_{lesion['code']}"]) for lesion in manifest["lesions"]]
        # Neither 0 nor 255 is wrong on either side.
        found = np.stack([mask.reshape(shape[1:]) for mask in masks])
        off = found != np.where(wanted >= thresholds, 255, 0)
    else:
        found = np.asarray(answer["probabilities"], np.float32).reshape(shape)
        off = (found >= thresholds) != (wanted >= thresholds)
        apart = np.abs(found - wanted)
        figures |= {"max": _number(apart.max()), "mean": _number(apart.mean())}
    figures |= {"flipped": int(off.sum()), "pixels": int(off.size)}
    if manifest["graph"] == "whole":
        crop = np.asarray(answer["crop"], np.float32).reshape(4)
        retina = float(np.asarray(answer["retina"]).reshape(()))
        figures |= {
            "crop": [_number(v) for v in crop],
            "crop_off": _number(np.abs(crop - np.array(expected["crop"], np.float32)).max()),
            "retina": _number(retina),
            "retina_off": _number(abs(retina - expected["retina"])),
        }
    if "quality" in expected:
        quality = np.asarray(answer["quality"], np.float32).reshape(-1)
        wanted_quality = np.array(expected["quality"], np.float32)
        figures["quality_off"] = _number(np.abs(quality - wanted_quality).max())
    return figures


def _number(value: Any) -> float | None:
    """For JSON, which knows no NaN."""
    return float(value) if np.isfinite(value) else None


def run_unit(manifest: dict[str, Any], bundle: Path, predict: Callable[..., Any]) -> dict[str, Any]:
    """Every golden's figures by its name."""
    by_name = {}
    for golden in sorted(p for p in (bundle / "goldens").iterdir() if p.is_dir()):
        expected = json.loads((golden / "expected.json").read_text(encoding="utf-8"))
        picture = golden_input(manifest, golden, expected)
        given = predict({manifest["input"]["name"]: picture})
        answer = {name: np.asarray(value, np.float64) for name, value in given.items()}
        by_name[golden.name] = compared(manifest, golden, answer)
    return by_name


def measure(bundle: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """The whole evidence, on every compute unit that this coremltools offers."""
    manifest = checked_manifest(bundle)
    import coremltools as ct

    units: dict[str, Any] = {}
    failed: dict[str, str] = {}
    not_offered = [name for name in UNITS if not hasattr(ct.ComputeUnit, name)]
    for name in UNITS:
        if name in not_offered:
            continue
        say(f"{name} ...")
        try:
            unit = getattr(ct.ComputeUnit, name)
            model = ct.models.MLModel(str(bundle / manifest["artifact"]), compute_units=unit)
            units[name] = run_unit(manifest, bundle, model.predict)
        except Exception as error:  # Core ML's own; written down, and the other units still run
            failed[name] = " ".join(f"{type(error).__name__}: {error}".split())[:500]
            say(f"{name} failed: {failed[name]}")
    return {
        "schema": SCHEMA,
        "artifact_sha256": artifact_sha256(manifest),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),  # noqa: UP017 (3.9)
        "machine": _machine(),
        "macos": platform.mac_ver()[0] or platform.platform(),
        "python": platform.python_version(),
        "coremltools": str(ct.__version__),
        "units": units,
        "failed": failed,
        "not_offered": not_offered,
    }


def _machine() -> str:
    """The chip's own name, where the system tells it."""
    try:
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
        return f"{done.stdout.strip()}, {platform.machine()}"
    except (OSError, subprocess.SubprocessError):
        return platform.machine()


def main() -> int:
    bundle = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Run a Core ML bundle's goldens on this Mac.")
    beside = bundle.parent / f"{bundle.name}-macos.json"
    parser.add_argument("-o", "--output", type=Path, default=beside, help="default: %(default)s")
    output = parser.parse_args().output
    try:
        evidence = measure(bundle, lambda text: print(text, file=sys.stderr))
    except NotWhole as error:
        print(f"verify_on_mac.py: {error}", file=sys.stderr)
        return 2
    text = json.dumps(evidence, indent=2, allow_nan=False) + "\n"
    output.write_text(text, encoding="utf-8")
    print(f"{output}: {len(evidence['units'])} compute units run; import it with")
    print(f"mobileseg parity BUNDLE --import {output.name}")
    return 1 if evidence["failed"] or not evidence["units"] else 0


if __name__ == "__main__":
    sys.exit(main())

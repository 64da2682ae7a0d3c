"""Whole bundles of the network that ships, a Mac's result on one, and damage with its own sums."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from converters.bundle.evidence import write_evidence
from converters.bundle.read import artifact_sha256, open_bundle, write_bundle
from converters.coreml.verify_on_mac import SCHEMA
from converters.quiet import quiet
from converters.targets import target
from fuzz.of_bytes import any_bytes
from fuzz.runs import write_run
from fuzz.spot import Spot, replace_file
from mobileseg.files.atomic import read_json, sha256, write_json
from mobileseg.spec import PreprocessSpec

MANIFEST = "model.json"
FRAME_HW = (256, 256)  # below, ExecuTorch stores more constants than its own check allows
SPEC = PreprocessSpec(128, FRAME_HW)
RUNS = ".runs"  # beside specimens: what they were converted from


def _convert(root: Path, name: str, seed: int) -> None:
    """A bundle of a target, called after it and the seed of its weights."""
    row = target(name)
    run = write_run(root / RUNS / str(seed), seed, SPEC)
    with quiet():
        write_bundle(run, root / f"{name}-{seed}", target=row, order=row.order([FRAME_HW]))


def torchscript(root: Path) -> None:
    """Two bundles."""
    for seed in range(2):
        _convert(root, "torchscript", seed)


def executorch(root: Path) -> None:
    _convert(root, "executorch", 0)


def onnx(root: Path) -> None:
    _convert(root, "onnx", 0)


def coreml(root: Path) -> None:
    """One bundle, and what was measured on it, here and on a Mac."""
    _convert(root, "coreml", 0)
    measured(root / "coreml-0")


def measured(folder: Path) -> None:
    """Put evidence beside a Core ML bundle."""
    write_evidence(open_bundle(folder), "parity", {"verdict": "agrees", "pictures": []})
    write_json(folder / "evidence" / "macos.json", _mac(folder))


def _mac(folder: Path) -> dict[str, Any]:
    bundle = open_bundle(folder)
    figures = {"finite": True, "max": 1e-6, "mean": 1e-8, "crop_off": 0.0, "retina_off": 0.0}
    names = sorted(p.name for p in (folder / "goldens").iterdir() if p.is_dir())
    by_golden = {name: figures | {"flipped": 0, "pixels": 4096} for name in names}
    said = {"date": "2026-01-01", "machine": "m", "macos": "15.0", "python": "3.12"}
    return {
        "schema": SCHEMA,
        "artifact_sha256": artifact_sha256(bundle),
        **said,
        "coremltools": "9.0",
        "failed": {"CPU_AND_NE": "no"},
        "units": {"CPU_ONLY": by_golden},
    }


def summed_up(folder: Path) -> None:
    """Write into a manifest the sums and sizes that its files have now."""
    manifest = read_json(folder / MANIFEST)
    for name in manifest["files"]:
        path = folder / name
        manifest["files"][name] |= {"sha256": sha256(path), "bytes": path.stat().st_size}
    replace_file(folder / MANIFEST, b"")
    write_json(folder / MANIFEST, manifest)


def with_its_sum(rng: Random, spot: Spot) -> None:
    """Damage to the artifact that the manifest agrees with: what a forger hands out."""
    replace_file(spot.file, any_bytes(rng, spot.file.read_bytes(), spot.other))
    summed_up(spot.folder)

"""Every sort of file that is opened, as a row: how it is made, damaged and asked about.

A new sort of file is a new row: a function that writes whole specimens, the patterns of the files
that are damaged, and a function that opens one as far as a verb would go.
"""

from __future__ import annotations

from pathlib import Path

from fuzz import asked, bundles, pictures, runs
from fuzz.kind import Kind
from fuzz.of_bytes import CHANGE as BYTES
from fuzz.of_folders import any_folder
from fuzz.of_states import STATE
from fuzz.of_text import TABLE, WORDS
from fuzz.of_trees import JSON, SAFETENSORS
from mobileseg.data.phantom.generate import write_phantoms

SUFFIXES = (".jpg", ".png", ".tif", ".bmp", ".webp", ".gif", ".eps", ".pcd", ".txt", "")


def _idrid(root: Path) -> None:
    for seed in range(2):
        write_phantoms(root / f"phantoms-{seed}", 4, 64, seed)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("photos", pictures.photos, ("*",), (BYTES,), asked.photo, 5000, SUFFIXES),
        Kind("masks", pictures.masks, ("*",), (BYTES,), asked.mask, 2000, SUFFIXES),
        Kind(
            "manifests",
            bundles.torchscript,
            ("model.json",),
            (BYTES, JSON, JSON, JSON),
            asked.bundle,
            1000,
        ),
        Kind("bundles", bundles.torchscript, ("**/*",), (any_folder, BYTES), asked.bundle, 500),
        *(
            Kind(
                f"artifacts-{name}",
                make,
                (victim,),
                (bundles.with_its_sum,),
                asked.artifact,
                100,
                may_die=name != "coreml",  # its reader is ours
                needs=package,
            )
            for name, make, victim, package in (
                ("torchscript", bundles.torchscript, "model.ptl", ""),
                ("executorch", bundles.executorch, "model.pte", "executorch"),
                ("onnx", bundles.onnx, "model.onnx", "onnxruntime"),
                ("coreml", bundles.coreml, "model.mlpackage/**/*", "coremltools"),
            )
        ),
        Kind(
            "evidence",
            bundles.coreml,
            ("evidence/macos.json", "evidence/parity.json"),
            (BYTES, JSON, JSON),
            asked.evidence,
            400,
            needs="coremltools",
        ),
        Kind("gates", runs.gates, ("*.toml",), (BYTES, WORDS, WORDS), asked.gate, 400),
        Kind(
            "plans",
            runs.plans,
            ("*.toml",),
            (BYTES, WORDS, WORDS),
            asked.plan,
            1000,
        ),
        Kind(
            "runs",
            runs.runs,
            ("config.json", "quantized.json"),
            (BYTES, JSON, JSON, JSON, any_folder),
            asked.run,
            400,
        ),
        Kind("weights", runs.runs, ("*.safetensors",), (BYTES, SAFETENSORS), asked.run, 200),
        Kind(
            "checkpoints",
            runs.stopped,
            ("last.pt", "last.pt", "config.json", "run.json"),
            (BYTES, STATE, STATE, JSON),
            asked.checkpoint,
            150,
        ),
        Kind(
            "studies",
            runs.studies,
            ("study.json", "states/*.json"),
            (BYTES, JSON, JSON),
            asked.study,
            400,
        ),
        Kind(
            "reports",
            runs.studies,
            ("study.json", "runs/*/*.json", "runs/*/*.csv", "states/*.json"),
            (BYTES, JSON, JSON, TABLE, any_folder),
            asked.study_report,
            400,
        ),
        Kind("idrid", _idrid, ("**/*",), (any_folder,), asked.idrid, 400, listed=True),
    )
}
WHOLE = sum(kind.share for kind in KINDS.values())

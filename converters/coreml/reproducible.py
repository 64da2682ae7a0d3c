"""Make a saved `.mlpackage` depend on nothing but its model.

coremltools puts the date and random identifiers in, and writes maps in whatever order they come.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

DATED = "com.github.apple.coremltools.conversion_date"


def make_reproducible(package: Path) -> None:
    """Rewrite the program and the manifest of a package in place."""
    from coremltools.proto import Model_pb2

    program = package / "Data" / "com.apple.CoreML" / "model.mlmodel"
    spec = Model_pb2.Model()
    spec.ParseFromString(program.read_bytes())
    spec.description.metadata.userDefined.pop(DATED, None)
    program.write_bytes(spec.SerializeToString(deterministic=True))
    manifest = package / "Manifest.json"
    renamed = _named_by_path(json.loads(manifest.read_text()))
    manifest.write_text(json.dumps(renamed, indent=4, sort_keys=True) + "\n")


def _named_by_path(manifest: dict[str, Any]) -> dict[str, Any]:
    """Identifiers derived from what they stand for, not drawn at random."""
    entries = manifest["itemInfoEntries"]
    name = {
        old: str(uuid.uuid5(uuid.NAMESPACE_URL, e["path"])).upper() for old, e in entries.items()
    }
    root = manifest["rootModelIdentifier"]
    return {
        **manifest,
        "itemInfoEntries": {name[old]: entry for old, entry in entries.items()},
        "rootModelIdentifier": name[root],
    }

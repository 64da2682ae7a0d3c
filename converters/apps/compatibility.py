"""Whether a bundle is one that a demo app runs, asked before anything is copied or served.

The app asks the same when it starts (`converters.apps.manifest`); a person is told here, where
there is still a command to type.
"""

from __future__ import annotations

import json
from pathlib import Path

from converters.apps.manifest import app_manifest
from converters.apps.manifest_entries import Problem
from converters.bundle.manifest import MANIFEST
from converters.bundle.read import Bundle, open_bundle
from mobileseg.errors import BadInput
from mobileseg.files.untrusted import shown

# Entries that a person chose; what else an app refuses, only another conversion can mend.
REMEDIES = {
    "graph": "expected whole, with the preprocessing inside: mobileseg convert --graph whole",
    "head": "expected probabilities: mobileseg convert --head probabilities",
}
USUAL = "expected what mobileseg convert writes: convert the run again"


def open_for(target: str, path: Path, verify_key: Path | None = None) -> Bundle:
    """Open a bundle for the demo app of a target.

    Raises:
        BadInput: not a whole bundle, another target's, or one that the app would refuse.
        MissingToolkit: a key, and cryptography is not installed.
    """
    bundle = open_bundle(path, verify_key)
    if bundle.target.name != target:
        raise BadInput(
            f"{path}: found target {bundle.target.name}; expected {target}: "
            f"mobileseg convert --target {target}"
        )
    refuse_unfit(bundle)
    return bundle


def refuse_unfit(bundle: Bundle) -> None:
    """Raise BadInput for a bundle that the demo app of its own target would refuse."""
    manifest = bundle.manifest
    try:
        app_manifest(json.dumps(manifest), bundle.target.name)
    except Problem as problem:
        entry = problem.entry
        found = f"found {entry} {shown(manifest[entry])}" if entry in manifest else f"entry {entry}"
        raise BadInput(
            f"{bundle.path / MANIFEST}: {found}, which the demo app refuses; "
            f"{REMEDIES.get(entry, USUAL)}"
        ) from None

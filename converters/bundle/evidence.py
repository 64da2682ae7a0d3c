"""What was measured on a bundle, kept beside it and tied to its artifact by its sum."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from converters.bundle.checksums import EVIDENCE
from converters.bundle.read import Bundle, artifact_sha256
from mobileseg.errors import BadInput
from mobileseg.files.atomic import write_json
from mobileseg.files.schema import OBJECT, SHA256, Unfit, entries
from mobileseg.files.untrusted import read_json, shown

WRITTEN = entries({"artifact_sha256": SHA256, "measured": OBJECT})


def record() -> dict[str, Any]:
    """What every published figure names: date, machine, command."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "system": platform.system(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def write_evidence(bundle: Bundle, name: str, measured: dict[str, Any]) -> None:
    """Write `evidence/<name>.json`, replacing what an earlier measurement left.

    Raises:
        OSError: the bundle is not writable.
    """
    write_json(
        bundle.path / EVIDENCE / f"{name}.json",
        {"artifact_sha256": artifact_sha256(bundle), **record(), "measured": measured},
    )


def read_evidence(bundle: Bundle, name: str) -> dict[str, Any] | None:
    """Read `evidence/<name>.json`; None: nothing was measured yet.

    Nothing hashes or signs it, so it says no more than who wrote it can be trusted for.

    Raises:
        BadInput: it was measured on another artifact, or is a link, too large, or no evidence.
    """
    path = bundle.path / EVIDENCE / f"{name}.json"
    if not path.exists() and not path.is_symlink():
        return None
    values = read_json(path, links=False)
    try:
        WRITTEN(values, "")
    except Unfit as error:
        raise BadInput(f"{path}: no evidence ({error}); remove it and measure again") from None
    refuse_other_artifact(bundle, values["artifact_sha256"], path, "remove it and measure again")
    assert isinstance(values, dict)
    return values


def refuse_other_artifact(bundle: Bundle, measured_on: object, path: Path, remedy: str) -> None:
    """Raise BadInput unless a sum is that of the bundle's artifact.

    Args:
        path: the file that names the sum.
        remedy: what to do, for the error.
    """
    own = artifact_sha256(bundle)
    if measured_on != own:
        found = measured_on[:12] + "…" if isinstance(measured_on, str) else shown(measured_on)
        raise BadInput(
            f"{path}: measured on sha256 {found}; expected {own[:12]}…, the artifact of "
            f"{bundle.path}: {remedy}"
        )

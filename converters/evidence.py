"""What was measured on a bundle, kept beside it and tied to its artifact by its sum."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from converters.bundle import Bundle, artifact_sha256
from mobileseg.files import write_json


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
        bundle.path / "evidence" / f"{name}.json",
        {"artifact_sha256": artifact_sha256(bundle), **record(), "measured": measured},
    )

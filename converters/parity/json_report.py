"""An outcome as plain values: for `--json`, `parity.json` and a bundle's evidence."""

from __future__ import annotations

from dataclasses import asdict, fields, is_dataclass
from typing import Any

from converters.parity.metrics import (
    faults,
    in_words,
    judged,
    largest,
    made_by,
    untested,
    verdict,
)
from converters.parity.result import Parity
from converters.parity.tolerances import BUILT_IN, Gate


def as_json(result: Parity, gate: Gate = BUILT_IN) -> dict[str, Any]:
    """Everything that was measured; NaN is the caller's to replace."""
    kept = (f.name for f in fields(result) if f.name not in ("worst", "pictures", "hard"))
    values = {name: _plain(getattr(result, name)) for name in kept}
    values |= {
        "pictures": [asdict(p) for p in result.pictures],
        "hard": [asdict(p) for p in result.hard],
    }
    if result.pictures:
        ends = [p.end_to_end for p in result.pictures]
        values |= {
            "stages": result.stages,
            "cropped": result.cropped,
            "labelled": result.labelled,
            "max_same_tensor": largest([p.same_tensor for p in result.pictures], "max"),
            "max_end_to_end": largest(ends, "max"),
            "mean_end_to_end": sum(a.mean for a in ends) / len(ends),
            "flipped_share": result.flipped_share(ends),
            "level_flip_share": result.share("level_flips", "level_pixels"),
            "worst": result.worst.name if result.worst else None,
        }
    return values | {
        "verdict": verdict(result, gate).value,
        "in_words": in_words(result, gate),
        "made_by": made_by(result, gate),
        "faults": [str(fault) for fault in faults(result, gate)],
        "untested": untested(result, gate),
        "gate": gate.source or "the built-in table",
        "figures": [
            {
                "key": j.figure.key,
                "stage": j.figure.stage,
                "text": j.figure.text,
                "found": j.found,
                "at_most": j.limit.most,
                "why": j.limit.why,
                "holds": j.holds,
            }
            for j in judged(result, gate)
        ],
    }


def _plain(value: Any) -> Any:
    """Dataclasses at any depth as dictionaries."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value

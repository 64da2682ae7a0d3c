"""What model.json says of a run's quality: the values behind it, with meaning, limits and flags."""

from __future__ import annotations

from typing import Any

from mobileseg.evaluation.picture_flags import QualitySpec, QualityValue
from mobileseg.quality.values import VALUES
from mobileseg.run_config import RunConfig


def quality_spec(config: RunConfig) -> QualitySpec | None:
    """How a run's quality output is read; None where it has none.

    A flag stands exactly where its limit is.
    """
    if config.quality is None:
        return None
    rows = []
    for name, value in VALUES.items():
        limits = config.quality.limits[name]
        rows.append(
            QualityValue(
                name,
                value.meaning,
                limits.least,
                limits.most,
                None if limits.least is None else value.flag_below,
                None if limits.most is None else value.flag_above,
            )
        )
    return QualitySpec(config.quality.usable, tuple(rows))


def quality_manifest(config: RunConfig) -> dict[str, Any] | None:
    """The manifest's `quality`; None: null."""
    spec = quality_spec(config)
    return None if spec is None else spec.to_json()

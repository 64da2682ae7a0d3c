"""What model.json says of quality: the values behind it, each with meaning, limits and flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileseg.quality.values import VALUES

if TYPE_CHECKING:
    from mobileseg.quality.model import QualityModel


def values_json(model: QualityModel) -> list[dict[str, Any]]:
    """A row per value, in the order of the file's output.

    A flag stands exactly where its limit is.
    """
    rows = []
    for name, value in VALUES.items():
        limits = model.limits[name]
        rows.append(
            {
                "name": name,
                "meaning": value.meaning,
                **limits.to_json(),
                "flag_below": None if limits.least is None else value.flag_below,
                "flag_above": None if limits.most is None else value.flag_above,
            }
        )
    return rows

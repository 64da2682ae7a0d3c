"""`quality` of model.json as an app reads it: the first problem of it, in every language."""

from __future__ import annotations

from functools import partial
from typing import Any

from converters.apps.manifest_entries import At, is_list, is_name, is_number, is_object, is_text
from mobileseg.evaluation.picture_flags import BY_VALUES, LARGEST_LIMIT, MOST_VALUES


def read_quality(top: At) -> dict[str, Any] | None:
    """What is said of the quality output; None: there is none.

    Raises:
        Problem: an entry is missing or does not fit, in the order of `QualityValue`'s fields.
    """
    found = top("quality", lambda v: v is None or is_object(v))
    if found is None:
        return None
    quality = At(found, "quality")
    usable = quality("usable", lambda v: is_number(v, 0, 1))
    rows = quality("values", lambda v: is_list(v) and len(v) <= MOST_VALUES)
    at = At(rows, quality.inside("values"))
    values: list[dict[str, Any]] = []
    for i in range(len(rows)):
        before = [value["name"] for value in values]
        values.append(_value(At(at(i, is_object), at.inside(i)), before))
    return {"usable": usable, "values": values}


def _value(one: At, before: list[str]) -> dict[str, Any]:
    """One number behind the quality."""
    name = one("name", lambda v: is_name(v) and v not in before)
    meaning = one("meaning", is_text)
    least = one("least", _is_limit)
    most = one("most", lambda v: _is_limit(v) and (None in (v, least) or v > least))
    return {
        "name": name,
        "meaning": meaning,
        "least": least,
        "most": most,
        "flag_below": one("flag_below", partial(_is_flag, least)),
        "flag_above": one("flag_above", partial(_is_flag, most)),
    }


def _is_limit(value: Any) -> bool:
    return value is None or is_number(value, -LARGEST_LIMIT, LARGEST_LIMIT)


def _is_flag(limit: float | None, value: Any) -> bool:
    """A flag exactly where its limit is."""
    return value is None if limit is None else isinstance(value, str) and value in BY_VALUES

"""The operations, a file per family.

Their arithmetic is in float32 or in whole numbers; the evaluator rounds each result to the type
that the program declares.
"""

from __future__ import annotations

from converters.coreml.mil.op_spec import Row
from converters.coreml.mil.ops import (
    compare,
    constexpr,
    conv,
    elementwise,
    linear,
    pool,
    reduce,
    resize,
    select,
    shape,
)

_FAMILIES = (
    *(elementwise, compare, reduce, linear, shape, select),
    *(conv, pool, resize, constexpr),
)


def _by_release() -> dict[str, dict[int, Row]]:
    found: dict[str, dict[int, Row]] = {}
    for family in _FAMILIES:
        for name, rows in family.OPERATIONS.items():
            found[name] = {row.since: row for row in (rows if isinstance(rows, tuple) else (rows,))}
    return found


OPERATIONS = _by_release()


def operation(name: str, system: int) -> Row | None:
    """An operation as the release `system` defines it; None: unknown here."""
    releases = [r for r in OPERATIONS.get(name, {}) if r <= system]
    return OPERATIONS[name][max(releases)] if releases else None

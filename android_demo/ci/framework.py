#!/usr/bin/env python3
"""Check framework.txt against Android's declarations, and write Java that the app compiles against.

    python3 framework.py framework.txt DECLARATIONS.d.ts --min-sdk 26 -o DIR

Exit 1 where a line of the table is not so in Android: no such class or member, static or not,
other parameters, another value, or newer than the app's oldest phone. What Android says may be
null is written as such, so that Kotlin asks for a check where a phone would need one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from declarations import (
    CONSTRUCTOR,
    Declared,
    Member,
    inherited,
    is_kind_of,
    read_declarations,
)
from framework_java import written
from framework_match import is_literal, twin
from framework_table import Row, Table

PARCEL = "android.os.Parcelable"


def problems(table: Table, android: dict[str, Declared], min_sdk: int) -> list[str]:
    """What is not so in Android, a line each."""
    found = []
    for name, listed in table.classes.items():
        if name not in android:
            found.append(f"framework.txt:{listed.line}: Android has no class {name}")
            continue
        for parent in filter(None, [listed.extends, *listed.interfaces]):
            if not (is_kind_of(android, name, parent) or _is_parcel(android, name, parent)):
                found.append(f"framework.txt:{listed.line}: {name} is no {parent} in Android")
        for row in listed.rows:
            if problem := _problem(row, list(inherited(android, name)), min_sdk):
                found.append(f"framework.txt:{row.line}: {name}.{row}: {problem}")
    return found


def _is_parcel(android: dict[str, Declared], name: str, parent: str) -> bool:
    """Some declarations leave the interface out; every Parcelable has to have a CREATOR."""
    return parent == PARCEL and any(m.name == "CREATOR" for m in android[name].members)


def _problem(row: Row, members: list[Member], min_sdk: int) -> str:
    named = [m for m in members if m.name == row.name]
    if row.name == CONSTRUCTOR and not named and row.parameters == ():
        return ""  # the one that every class has
    if not named:
        return "Android has no such member"
    if not any(m.static == ("static" in row.modifiers) for m in named):
        return "static in one of the two only"
    match = twin(row, named)
    if match is None:
        shapes = "; ".join(", ".join(m.parameters or ()) for m in named)
        return f"other parameters or another kind in Android: ({shapes})"
    if row.value and is_literal(match.result) and match.result != row.value:
        return f"found {row.value}; Android has {match.result}"
    if (match.since > min_sdk) != (row.since is not None):
        return f"since {match.since} in Android, minSdk is {min_sdk}: guard it and write 'since'"
    if row.since is not None and row.since != match.since:
        return f"found since {row.since}; Android has it since {match.since}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("declarations", type=Path)
    parser.add_argument("--min-sdk", type=int, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    table = Table(arguments.table.read_text(encoding="utf-8"))
    android = read_declarations(arguments.declarations)
    found = problems(table, android, arguments.min_sdk)
    if found:
        sys.exit("\n".join(found))
    written(table, android, arguments.output)
    members = sum(len(listed.rows) for listed in table.classes.values())
    print(f"framework: {len(table.classes)} classes, {members} members are as Android has them")


if __name__ == "__main__":
    main()

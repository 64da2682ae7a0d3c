"""Android's public classes as npm's @nativescript/types-android declares them.

That package is made from the real android.jar by a machine: names, static or not, parameters with
their types (whole and broken numbers are one type there), which may be null, values of constants,
and the version of Android that a member came with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MODULE = re.compile(r"(?:declare|export) module (\w+) \{")
CLASS = re.compile(
    r"export (?:abstract )?class (\w+)(?:<.*?>)?"
    r"(?: extends ([\w.]+)(?:<.*?>)?)?(?: implements (.+?))? \{$"
)
MEMBER = re.compile(r"public (static )?(\w+)(?:\((.*)\)(?:: (.+))?|: (.+));$")
SINCE = re.compile(r"@since (\d+)")
NULL = " | null"
CONSTRUCTOR = "constructor"


@dataclass(frozen=True, slots=True)
class Member:
    """A method, a constructor or a field."""

    name: str
    static: bool
    parameters: tuple[str, ...] | None  # None: a field
    result: str  # a constant's literal value where it has one
    since: int


@dataclass(slots=True)
class Declared:
    """A class or interface."""

    parents: list[str]
    since: int
    members: list[Member] = field(default_factory=list)


def read_declarations(path: Path) -> dict[str, Declared]:
    """Qualified name -> class, nested ones with a dot."""
    classes: dict[str, Declared] = {}
    scope: list[tuple[str, Declared | None]] = []  # a brace each: a name, and a class where it is
    since = 0
    for line in _lines(path):
        if found := SINCE.search(line):
            since = int(found[1])
        elif opened := MODULE.match(line):
            scope.append((opened[1], None))
        elif opened := CLASS.match(line):
            name = ".".join([part for part, _ in scope if part] + [opened[1]])
            declared = classes.setdefault(name, Declared(_parents(opened[2], opened[3]), since))
            scope.append((opened[1], declared))
            since = 0
        elif line.endswith("{"):
            scope.append(("", None))
        elif line.startswith("}"):
            scope.pop()
            since = 0
        elif (member := MEMBER.match(line)) and scope and scope[-1][1] is not None:
            scope[-1][1].members.append(_member(member, since))
            since = 0
    return classes


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield re.sub(r" /\* .*?\*/", "", line.strip())


def _parents(extends: str | None, implements: str | None) -> list[str]:
    interfaces = [re.sub("<.*", "", name) for name in split(implements or "")]
    return [*([extends] if extends else []), *interfaces]


def _member(match: re.Match[str], since: int) -> Member:
    static, name, parameters, result, kind = match.groups()
    if parameters is None:
        return Member(name, bool(static), None, kind, since)
    types = tuple(one.partition(": ")[2] for one in split(parameters))
    return Member(name, bool(static), types, result or "", since)


def split(text: str) -> list[str]:
    """At commas, but not at those between angle brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "<") - (character == ">")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def inherited(classes: dict[str, Declared], name: str) -> Iterator[Member]:
    """Members of a class and of what it extends and implements, its own first."""
    waiting, seen = [name], set()
    while waiting:
        current = waiting.pop(0)
        if current in seen or current not in classes:
            continue
        seen.add(current)
        yield from classes[current].members
        waiting += classes[current].parents


def is_kind_of(classes: dict[str, Declared], name: str, ancestor: str) -> bool:
    """Whether a class extends or implements another, at any distance."""
    if name == ancestor:
        return True
    parents = classes[name].parents if name in classes else []
    return any(is_kind_of(classes, parent, ancestor) for parent in parents)

"""framework.txt as data: the classes and members of Android that the app uses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from declarations import CONSTRUCTOR, split

HEAD = re.compile(
    r"(abstract class|class|interface|enum) ([\w.]+)(?: extends ([\w.]+))?(?: implements (.+))?$"
)
MEMBER = re.compile(
    r"((?:(?:protected|abstract|static|final) )*)(<[^(]+?> )?(?:([\w.<>?\[\]]+) )?"
    r"(\w+)(?:\((.*)\))?(?: throws (\w+))?(?: = (.+))?$"
)
LANG = {"Object", "String", "CharSequence", "Runnable", "Class", "RuntimeException"}


@dataclass(frozen=True, slots=True)
class Row:
    """A member as framework.txt has it, types by their full names."""

    line: int
    modifiers: tuple[str, ...]
    generics: str
    kind: str  # of a field, or what a method gives
    name: str  # CONSTRUCTOR for one
    parameters: tuple[str, ...] | None
    throws: str
    value: str
    since: int | None  # as the table says it; None: no newer than minSdk

    def __str__(self) -> str:
        return self.name + ("" if self.parameters is None else f"({', '.join(self.parameters)})")


@dataclass(slots=True)
class Listed:
    """A class as framework.txt has it."""

    line: int
    kind: str
    extends: str
    interfaces: list[str]
    rows: list[Row] = field(default_factory=list)


class Table:
    """framework.txt."""

    def __init__(self, text: str) -> None:
        self.imports = dict(_named(name) for name in re.findall(r"^import (\S+)$", text, re.M))
        self.imports |= {name: f"java.lang.{name}" for name in LANG}
        heads = [m for m in map(HEAD.match, text.splitlines()) if m]
        self.imports |= {_short(m[2]): m[2] for m in heads}
        self.classes: dict[str, Listed] = {}
        current, since = None, None
        for number, line in enumerate(text.splitlines(), 1):
            if head := HEAD.match(line):
                interfaces = [self._full(name) for name in split(head[4] or "")]
                extends = self._full(head[3]) if head[3] else ""
                current = self.classes[head[2]] = Listed(number, head[1], extends, interfaces)
            elif newer := re.match(r"    since (\d+)$", line):
                since = int(newer[1])
            elif line.startswith("    ") and current is not None:
                current.rows.append(self._row(number, line.strip(), since))
                since = None

    def _row(self, number: int, line: str, since: int | None) -> Row:
        found = MEMBER.match(line)
        if not found:
            raise SystemExit(f"framework.txt:{number}: found {line!r}; expected a member")
        modifiers, generics, kind, name, parameters, throws, value = found.groups()
        return Row(
            number,
            tuple(modifiers.split()),
            re.sub(r"\b([A-Z]\w+)\b", lambda m: self._full(m[1]), generics or ""),
            self._full(kind) if kind else "",
            CONSTRUCTOR if name == "new" and not kind else name,
            None if parameters is None else tuple(map(self._full, split(parameters))),
            self._full(throws) if throws else "",
            value or "",
            since,
        )

    def _full(self, name: str) -> str:
        bare = re.match(r"[\w.]+", name)[0]  # type: ignore[index]
        return self.imports.get(bare, bare) + name[len(bare) :]


def _named(name: str) -> tuple[str, str]:
    return _short(name), name


def _short(name: str) -> str:
    """Without its package: from the first part that begins with a capital."""
    return re.sub(r"^(?:[a-z]\w*\.)+(?=[A-Z])", "", name)

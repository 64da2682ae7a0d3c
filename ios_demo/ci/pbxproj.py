"""The form of Xcode's project file: objects that name one another, written always the same way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PLAIN = re.compile(r"[A-Za-z0-9_./]+")  # what stands without quotes
ID_DIGITS = 24
ON_ONE_LINE = ("PBXBuildFile", "PBXFileReference")  # as Xcode writes them
VERSION = 60  # Xcode 15: the first with packages beside the project


@dataclass(frozen=True, slots=True)
class Ref:
    """Another object, by its id; the name is for people."""

    id: str
    name: str


Value = str | int | Ref | Sequence["Value"] | Mapping[str, "Value"]


@dataclass(slots=True)
class Project:
    """Objects by kind, and their text."""

    objects: dict[str, dict[str, tuple[str, Mapping[str, Value]]]] = field(default_factory=dict)

    def add(self, kind: str, key: str, name: str, /, **entries: Value) -> Ref:
        """A new object.

        Args:
            key: what makes it this one; its id is made of it, so that the file changes only
                where the project does.
        """
        digest = hashlib.sha256(f"{kind} {key}".encode()).hexdigest()
        ref = Ref(digest[:ID_DIGITS].upper(), name)
        self.objects.setdefault(kind, {})[ref.id] = (name, {"isa": kind, **entries})
        return ref

    def text(self, root: Ref) -> str:
        lines = ["// !$*UTF8*$!", "{", "\tarchiveVersion = 1;", "\tclasses = {", "\t};"]
        lines += [f"\tobjectVersion = {VERSION};", "\tobjects = {", ""]
        for kind, objects in sorted(self.objects.items()):
            lines.append(f"/* Begin {kind} section */")
            for id_, (name, entries) in sorted(objects.items()):
                shown = _of(entries, 2, flat=kind in ON_ONE_LINE)
                lines.append(f"\t\t{_of(Ref(id_, name), 2)} = {shown};")
            lines += [f"/* End {kind} section */", ""]
        return "\n".join([*lines, "\t};", f"\trootObject = {_of(root, 1)};", "}", ""])


def _of(value: Value, depth: int, *, flat: bool = False) -> str:
    if isinstance(value, Ref):
        return f"{value.id} /* {value.name} */"
    if isinstance(value, str | int):
        text = str(value)
        if PLAIN.fullmatch(text):
            return text
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, Mapping):
        entries = [f"{_of(k, 0)} = {_of(v, depth + 1, flat=flat)};" for k, v in value.items()]
        return _within("{", entries, "}", depth, flat=flat)
    elements = [f"{_of(v, depth + 1, flat=flat)}," for v in value]
    return _within("(", elements, ")", depth, flat=flat)


def _within(start: str, lines: list[str], end: str, depth: int, *, flat: bool) -> str:
    if flat:
        return start + "".join(f"{line} " for line in lines) + end
    inside = "".join("\t" * (depth + 1) + f"{line}\n" for line in lines)
    return f"{start}\n{inside}" + "\t" * depth + end

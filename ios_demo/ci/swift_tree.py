"""Swift files as trees: what tree-sitter can say of them where there is no compiler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tree_sitter
import tree_sitter_swift
from tree_sitter import Node

DEMO = Path(__file__).parents[1]
LANGUAGE = tree_sitter.Language(tree_sitter_swift.language())


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a compiler would refuse."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed file."""

    path: Path
    root: Node

    def fault(self, node: Node, what: str) -> Fault:
        return Fault(self.path, node.start_point.row + 1, what)


def text(node: Node | None) -> str:
    return node.text.decode() if node is not None and node.text is not None else ""


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def swift_files() -> list[Path]:
    """Every Swift file of the core, the app and their tests that is not a build's."""
    found = sorted(DEMO.glob("Retina*/**/*.swift"))
    return [path for path in found if not {".build", "DerivedData"} & {*path.parts}]


def parsed(path: Path, code: bytes | None = None) -> Source:
    """Args: code: other than what the file holds, to try a change."""
    tree = tree_sitter.Parser(LANGUAGE).parse(path.read_bytes() if code is None else code)
    return Source(path, tree.root_node)


def syntax_faults(source: Source) -> list[Fault]:
    faults = []
    for node in walk(source.root):
        if node.is_missing:
            faults.append(source.fault(node, f"syntax: {node.type} is missing"))
        elif node.is_error:
            faults.append(source.fault(node, f"syntax: {text(node).splitlines()[0][:60]!r}"))
    return faults

"""Finds in the demo's Swift some of what a compiler would refuse. It is none: it knows only the
types that are written down.

    python ios_demo/ci/swift_lint.py

- syntax, by tree-sitter's grammar;
- a call of ours whose argument labels fit no declaration that the file can see;
- a call without the `try` or `await` that its declaration asks for, or where neither may stand;
- a member that a type of ours does not have, where the source says what is of that type;
- a switch over an enum of ours that leaves a case out;
- a type, or a member, that nobody declares: we do not, and `apple_names.json` does not say that
  Apple does; and a type of Apple's whose framework the file does not import.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from swift_effects import effect_faults, switch_faults, unmarked
from swift_kinds import kind_faults
from swift_names import FUNCTIONS, TYPES, Names, Signature, declared
from swift_tree import Fault, Source, parsed, swift_files, syntax_faults, text, walk
from tree_sitter import Node

APPLE = Path(__file__).with_name("apple_names.json")
ALWAYS_THERE = "Swift"
OWN = ("self", "Self", "super", "init")


@dataclass(frozen=True, slots=True)
class Apple:
    """Names of Apple's that the demo uses."""

    types: dict[str, set[str]]  # type -> frameworks whose import brings it
    members: set[str]
    methods: set[str]  # called as some of ours are; whose a call is cannot be told from its name


@cache
def apple() -> Apple:
    said = json.loads(APPLE.read_text(encoding="utf-8"))
    types: dict[str, set[str]] = {}
    for module, names in said["types"].items():
        brought_by = {module, *said["brought_by"].get(module, [])}
        for name in names:
            types.setdefault(name, set()).update(brought_by)
    return Apple(types, set(said["members"]), set(said["methods"]))


def faults(sources: Iterable[Source]) -> list[Fault]:
    """Everything that is wrong, in the order of files and lines."""
    read = list(sources)
    names = declared(read)
    found = []
    for source in read:
        found += syntax_faults(source)
        found += _call_faults(source, names)
        found += _type_faults(source, names)
        found += _member_faults(source, names)
        found += kind_faults(source, names)
        found += effect_faults(source)
        found += switch_faults(source, names)
    return sorted(set(found), key=lambda fault: (fault.path, fault.line, fault.what))


def _call_faults(source: Source, names: Names) -> Iterator[Fault]:
    for call in walk(source.root):
        if call.type != "call_expression" or _is_subscript(call):
            continue
        name, qualifier = _callee(call.children[0])
        if qualifier is None and name in _parameters_around(call):
            continue  # a closure that was handed in
        signatures = names.signatures(name, source.module)
        known = name in apple().methods or name in apple().types
        if name in names.calls and not signatures and not known:
            yield source.fault(call, f"{name} is declared elsewhere, and not for this file")
        signatures = _meant(call, signatures, name, qualifier, names)
        if not signatures:
            continue
        labels, trailing = _arguments(call)
        fits = [one for one in signatures if one.takes(labels, trailing)]
        if not fits:
            yield source.fault(call, _misfit(name, labels, signatures))
        for what in unmarked(call, fits):
            yield source.fault(call, f"{name}: {what}")


def _meant(
    call: Node, signatures: list[Signature], name: str, qualifier: str | None, names: Names
) -> list[Signature]:
    """Those of the declarations with a call's name that it can mean."""
    if qualifier is None:  # a member hides what is global
        around = set(_types_around(call))
        inner = [one for one in signatures if one.owner and one.owner in around]
        return inner or [one for one in signatures if not one.owner] or signatures
    if qualifier in names.types:
        return [one for one in signatures if one.owner in ("", qualifier)]
    return [] if name in apple().methods else signatures


def _misfit(name: str, labels: list[str], signatures: list[Signature]) -> str:
    found = "(" + "".join(f"{label}:" for label in labels) + ")"
    expected = " or ".join(sorted({str(one) for one in signatures}))
    return f"{name} called with {found}; declared with {expected}"


def _callee(node: Node) -> tuple[str, str | None]:
    """Name, and what stands before its dot; None: nothing, "": what is not just a name."""
    if node.type.endswith(("tive_expression", "infix_expression")) and node.named_children:
        return _callee(node.named_children[-1])  # `a * f(b)`: to the grammar a call of `a * f`
    if node.type == "simple_identifier":
        return text(node), None
    if node.type == "prefix_expression" and text(node)[:1] == "!":  # likewise `!a.f(b)`
        return _callee(node.named_children[-1])
    if node.type == "prefix_expression":  # .case(…)
        return text(node.named_children[-1]), ""
    if node.type == "navigation_expression":
        target, suffix = node.named_children[0], node.named_children[-1]
        qualifier = text(target) if target.type == "simple_identifier" else ""
        if text(target) == "RetinaCore":
            return text(suffix.named_children[-1]), ""
        return text(suffix.named_children[-1]), qualifier
    return "", ""


def _arguments(call: Node) -> tuple[list[str], int]:
    """Labels in order, and the number of closures after the brackets."""
    labels, trailing = [], 0
    for suffix in call.children[1:]:
        for child in suffix.children:
            if child.type == "lambda_literal":
                trailing += 1
            for argument in child.named_children if child.type == "value_arguments" else ():
                label = argument.child_by_field_name("name")
                labels.append(text(label) if label is not None else "_")
    return labels, trailing


def _is_subscript(call: Node) -> bool:
    return text(call.children[-1]).startswith("[")


def _parameters_around(node: Node) -> set[str]:
    around = node.parent
    while around is not None and around.type not in FUNCTIONS:
        around = around.parent
    if around is None:
        return set()
    found = [child for child in around.named_children if child.type == "parameter"]
    names = [n for child in found for n in child.named_children if n.type == "simple_identifier"]
    return {text(name) for name in names}


def _types_around(node: Node) -> Iterator[str]:
    around = node.parent
    while around is not None:
        if around.type in TYPES:
            yield text(around.child_by_field_name("name"))
        around = around.parent


def _type_faults(source: Source, names: Names) -> Iterator[Fault]:
    generic = {text(n.named_children[0]) for n in walk(source.root) if n.type == "type_parameter"}
    for node in walk(source.root):
        name = text(node)
        if not _is_type(node) or name in generic or name in OWN:
            continue
        if names.sees(name, source.module) or name in ({source.module} | source.imports):
            continue
        modules = apple().types.get(name)
        if modules is None:
            yield source.fault(node, f"nobody declares the type {name}")
        elif not modules & {*source.imports, ALWAYS_THERE}:
            yield source.fault(node, f"{name} needs import {' or '.join(sorted(modules))}")


def _is_type(node: Node) -> bool:
    """In a declaration, or where an expression starts with a capital."""
    if node.type == "type_identifier":
        parents = [node.parent, node.parent.parent if node.parent else None]
        if any(parent is not None and parent.type == "attribute" for parent in parents):
            return text(node)[:1].isupper()  # @State; @main is the language's own
        return parents[0] is None or parents[0].type not in (*TYPES, "type_parameter")
    starts = node.parent is not None and node.parent.type in (
        "call_expression",
        "navigation_expression",
    )
    return node.type == "simple_identifier" and starts and text(node)[:1].isupper()


def _member_faults(source: Source, names: Names) -> Iterator[Fault]:
    known = names.all | apple().members | apple().methods | set(OWN) | names.types.keys()
    for node in walk(source.root):
        if node.type == "navigation_expression":
            target, member = (
                node.named_children[0],
                text(node.named_children[-1].named_children[-1]),
            )
            owner = text(target)
            if owner in names.types and len(names.types[owner]) == 1:
                of_owner = names.members.get(owner, set()) | {"self", "init", "allCases"}
                if member not in of_owner and member not in apple().types:
                    yield source.fault(node, f"{owner} has no member {member}")
        elif node.type == "prefix_expression" and text(node)[:1] == ".":
            member = text(node.named_children[-1])
        else:
            continue
        if member not in known and member not in apple().types and not member.isdigit():
            yield source.fault(node, f"nobody declares the member {member}")


def main() -> int:
    files = swift_files()
    found = faults(parsed(path) for path in files)
    for fault in found:
        print(fault)
    print(f"{len(files)} Swift files: {len(found)} faults. No compiler has seen them.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

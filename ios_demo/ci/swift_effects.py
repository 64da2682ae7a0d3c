"""Whether `try`, `await` and `switch` stand as a compiler asks: a part of `swift_lint.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from swift_names import EFFECTS, FUNCTIONS, Names, Signature, effects_of
from swift_tree import Fault, Source, text, walk
from tree_sitter import Node

# What an expression is a part of, and beyond which no `try` before it counts.
STATEMENTS = ("statements", "class_body", "switch_entry", "function_body", "lambda_literal")
# Where it is not a declaration that says whether errors may leave, or waiting is allowed.
INFERRED = ("lambda_literal", "source_file")
ASSERTIONS = "XCTAssert"  # they take an expression as a closure


def unmarked(call: Node, fits: Iterable[Signature]) -> Iterator[str]:
    """Words that every declaration which a call can mean asks for, and that do not stand there.

    `try` and `await` mark all that is right of them, up to the end of the statement.
    """
    signatures = list(fits)
    wanted = frozenset.intersection(*(one.effects for one in signatures)) if signatures else ()
    statement = call
    while statement.parent is not None and statement.parent.type not in STATEMENTS:
        statement = statement.parent
    said = text(statement).encode()[: call.start_byte - statement.start_byte].decode()
    # The grammar takes `try a.b()` for `(try a).b()`: then it stands inside the call.
    said += re.split(r"[({]", text(call))[0]
    for effect in sorted(wanted):
        if not re.search(rf"\b{EFFECTS[effect]}\b", said):
            yield f"{effect}, called without {EFFECTS[effect]}"


def effect_faults(source: Source) -> Iterator[Fault]:
    """`try` or `await` where no error may leave, or nothing may wait."""
    for node in walk(source.root):
        if node.type == "try_operator" and text(node) == "try":
            effect = "throws"
        elif node.type == "await_expression":
            effect = "async"
        elif node.type == "throw_keyword":
            effect = "throws"
        else:
            continue
        around = _around(node, effect)
        if around is not None and effect not in effects_of(around):
            yield source.fault(node, f"{text(node)[:20]!r} in what is not declared {effect}")


def _around(node: Node, effect: str) -> Node | None:
    """The declaration that must allow it; None: a closure's type says, or a catch takes all."""
    child, around = node, node.parent
    while around is not None:
        if around.type in INFERRED or _is_assertion(around):
            return None
        if effect == "throws" and around.type == "do_statement" and child.type == "statements":
            blocks = [block for block in around.children if block.type == "catch_block"]
            if any(block.child_by_field_name("error") is None for block in blocks):
                return None
        if around.type in (*FUNCTIONS, "computed_property", "subscript_declaration"):
            return around
        child, around = around, around.parent
    return None


def _is_assertion(node: Node) -> bool:
    return node.type == "call_expression" and text(node).startswith(ASSERTIONS)


def switch_faults(source: Source, names: Names) -> Iterator[Fault]:
    """A switch over an enum of ours without `default` must have every case."""
    for node in walk(source.root):
        if node.type != "switch_statement":
            continue
        entries = [child for child in node.named_children if child.type == "switch_entry"]
        if any(text(entry).startswith(("default", "@unknown default")) for entry in entries):
            continue
        said = {
            match[1]
            for entry in entries
            for pattern in entry.named_children
            if pattern.type == "switch_pattern" and (match := re.match(r"\.(\w+)", text(pattern)))
        }
        enums = [cases for cases in names.cases.values() if said and said <= cases]
        if enums and all(said < cases for cases in enums):
            missing = sorted(min(enums, key=len) - said)
            yield source.fault(node, f"switch without {', '.join(missing)}")
        elif not enums:
            yield source.fault(node, f"no enum has all of {', '.join(sorted(said))}")

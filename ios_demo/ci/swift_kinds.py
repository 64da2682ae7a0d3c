"""Members looked up in the types that the source itself writes down: a part of `swift_lint.py`.

The demo's Swift annotates its constants and variables, so that most of what stands before a dot has
a known type. Where it has none, or one of Apple's, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from swift_names import FUNCTIONS, TYPES, Names, kind_of
from swift_tree import Fault, Source, text, walk
from tree_sitter import Node

# Protocols that bring no member but these; whoever conforms to another may have any.
BROUGHT = {
    "CaseIterable": {"allCases"},
    "CodingKey": {"stringValue"},
    "Decodable": set(),
    "Encodable": set(),
    "Equatable": set(),
    "Error": {"localizedDescription"},
    "Identifiable": {"id"},
    "LocalizedError": {"localizedDescription"},
    "ObservableObject": {"objectWillChange"},
    "Sendable": set(),
    "String": {"rawValue"},
}
ALWAYS = {"self", "init"}
SCOPES = (*FUNCTIONS, "computed_property", "lambda_literal", "subscript_declaration")


def kind_faults(source: Source, names: Names) -> Iterator[Fault]:
    for node in walk(source.root):
        if node.type != "navigation_expression":
            continue
        member = text(node.named_children[-1].named_children[-1])
        kind = _kind(node.named_children[0], names)
        if len(names.types.get(kind, {})) != 1 or not names.sees(kind, source.module):
            continue
        if names.inherits.get(kind, set()) - BROUGHT.keys():
            continue
        has = names.members.get(kind, set()) | ALWAYS
        for protocol in names.inherits.get(kind, set()):
            has |= BROUGHT[protocol]
        if member not in has:
            yield source.fault(node, f"{kind} has no member {member}")


def _kind(node: Node, names: Names) -> str:
    """The type of an expression, "" where it is not written down."""
    if node.type == "simple_identifier":
        return _of_name(node, text(node), names)
    if node.type == "self_expression":
        return _owner(node)
    if node.type == "navigation_expression":
        return _member_kind(node, names, called=False)
    if node.type in ("try_expression", "await_expression", "tuple_expression"):
        return _kind(node.named_children[-1], names) if len(node.named_children) < 3 else ""
    if node.type == "call_expression":
        return _call_kind(node, names)
    return ""


def _call_kind(node: Node, names: Names) -> str:
    callee = node.children[0]
    if text(node.children[-1]).startswith("["):
        kind = _kind(callee, names)
        return kind[1:-1] if kind.startswith("[") and ":" not in kind else ""
    if callee.type == "navigation_expression":
        return _member_kind(callee, names, called=True)
    name = text(callee)
    if name in names.types:
        return name
    own = names.kinds.get(_owner(node), {}).get(f"{name}()")
    alone = len(names.calls.get(name, [])) == 1
    return (own or names.kinds.get("", {}).get(f"{name}()", "")) if alone else ""


def _member_kind(node: Node, names: Names, *, called: bool) -> str:
    owner = _kind(node.named_children[0], names) or text(node.named_children[0])
    member = text(node.named_children[-1].named_children[-1])
    if called and len(names.calls.get(member, [])) != 1:
        return ""  # overloaded: which is meant hangs on the labels
    if len(names.types.get(owner, {})) != 1:
        return ""
    return names.kinds.get(owner, {}).get(f"{member}()" if called else member, "")


def _of_name(node: Node, name: str, names: Names) -> str:
    """What the nearest declaration of a name says: a local one, a parameter, a member."""
    around = node.parent
    while around is not None:
        if around.type in SCOPES:
            found = {kind for said, kind in _declared(around) if said == name}
            if found:
                return found.pop() if len(found) == 1 else ""
        if around.type in TYPES:
            return names.kinds.get(text(around.child_by_field_name("name")), {}).get(name, "")
        around = around.parent
    return ""


def _declared(scope: Node) -> Iterator[tuple[str, str]]:
    """Names and types of a scope's parameters, constants, variables and bindings."""
    for node in _inside(scope):
        if node.type in ("parameter", "lambda_parameter"):
            own = [text(c) for c in node.named_children if c.type == "simple_identifier"]
            kind = text(node.named_children[-1])
            yield own[-1], kind.removesuffix("?") if len(node.named_children) > 1 else ""
        elif node.type == "property_declaration":
            yield text(node.child_by_field_name("name")), kind_of(node)
        elif node.type in ("if_statement", "guard_statement", "while_statement"):
            yield from _bound(node)
        elif node.type in ("for_statement", "catch_block", "switch_entry"):
            patterns = walk(node.named_children[0])
            yield from ((text(one), "") for one in patterns if one.type == "simple_identifier")


def _bound(statement: Node) -> Iterator[tuple[str, str]]:
    """`if let name: Type = …`; without a type, the name is known and its type is not."""
    for place, child in enumerate(statement.children):
        if statement.field_name_for_child(place) == "bound_identifier":
            after = statement.children[place + 1]
            said = after.type == "type_annotation"
            kind = text(after.named_children[-1]) if said else ""
            yield text(child), kind.removesuffix("?")
        elif child.type == "pattern":
            yield from ((text(n), "") for n in walk(child) if n.type == "simple_identifier")


def _inside(scope: Node) -> Iterator[Node]:
    """Everything below a scope that is not in a scope of its own."""
    for child in scope.children:
        yield child
        if child.type not in SCOPES:
            yield from _inside(child)


def _owner(node: Node) -> str:
    around = node.parent
    while around is not None and around.type not in TYPES:
        around = around.parent
    return text(around.child_by_field_name("name")) if around is not None else ""

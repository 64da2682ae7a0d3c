"""What the demo's Swift declares: types, members, and the argument labels that calls must use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from swift_tree import Source, text, walk
from tree_sitter import Node

EFFECTS = {"throws": "try", "async": "await"}  # what a caller has to write
FUNCTIONS = ("function_declaration", "init_declaration")
TYPES = ("class_declaration", "protocol_declaration")


@dataclass(frozen=True, slots=True)
class Parameter:
    label: str  # "_": none
    optional: bool = False
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """How something may be called."""

    module: str
    public: bool
    parameters: tuple[Parameter, ...]
    owner: str = ""  # the type that it is a member of; an initialiser has none
    effects: frozenset[str] = frozenset()  # of EFFECTS

    def takes(self, labels: Sequence[str], trailing: int) -> bool:
        """Whether a call with these labels, and so many closures after it, fits."""
        left, closures = list(labels), trailing
        for parameter in self.parameters:
            if left and left[0] == parameter.label:
                left.pop(0)
                while parameter.variadic and left and left[0] == "_":
                    left.pop(0)
            elif parameter.optional or parameter.variadic:
                continue
            elif not left and closures:
                closures -= 1
            else:
                return False
        return not left and not closures

    def __str__(self) -> str:
        return "(" + "".join(f"{parameter.label}:" for parameter in self.parameters) + ")"


@dataclass(slots=True)
class Names:
    """All that is declared, by name."""

    types: dict[str, dict[str, bool]] = field(default_factory=dict)  # name -> module -> public
    members: dict[str, set[str]] = field(default_factory=dict)  # type -> its members
    kinds: dict[str, dict[str, str]] = field(default_factory=dict)  # type -> member -> its type
    inherits: dict[str, set[str]] = field(default_factory=dict)  # type -> what it conforms to
    cases: dict[str, set[str]] = field(default_factory=dict)  # enum -> its cases
    calls: dict[str, list[Signature]] = field(default_factory=dict)  # function or type
    all: set[str] = field(default_factory=set)  # members, parameters, labels: whatever is named

    def sees(self, name: str, module: str) -> bool:
        """Whether a file of `module` can use a type."""
        found = self.types.get(name, {})
        return bool(found.keys() & _open_to(module)) or any(found.values())

    def signatures(self, name: str, module: str) -> list[Signature]:
        seen = _open_to(module)
        return [one for one in self.calls.get(name, []) if one.public or one.module in seen]


def _open_to(module: str) -> set[str]:
    """Modules whose own names a file sees; the app's tests import it as testable."""
    return {module, "RetinaDemo"} if module == "RetinaDemoTests" else {module}


def declared(sources: Iterable[Source]) -> Names:
    names = Names()
    for source in sources:
        _type_body(names, source, source.root, owner="")
        names.all.update(_named(source.root))
    return names


def _type_body(names: Names, source: Source, body: Node, owner: str) -> None:
    for node in body.named_children:
        if node.type in TYPES:
            _type(names, source, node, owner)
        elif node.type in FUNCTIONS:
            name = owner if node.type == "init_declaration" else _name(node)
            signature = Signature(
                source.module,
                _is(node, "public"),
                _parameters(node),
                "" if node.type == "init_declaration" else owner,
                effects_of(node),
            )
            names.calls.setdefault(name, []).append(signature)
            names.kinds.setdefault(owner, {})[f"{_name(node)}()"] = result_kind(node)
            names.members.setdefault(owner, set()).add(_name(node) or "init")
        elif node.type == "property_declaration":
            names.members.setdefault(owner, set()).add(_name(node))
            names.kinds.setdefault(owner, {})[_name(node)] = kind_of(node)
        elif node.type == "enum_entry":
            _cases(names, source, node, owner)
        elif node.type.startswith(("#", "directive")) or node.type == "source_file":
            _type_body(names, source, node, owner)


def _type(names: Names, source: Source, node: Node, owner: str) -> None:
    name = _name(node)
    kind = node.children[1 if node.children[0].type == "modifiers" else 0].type
    kind = next((c.type for c in node.children if c.type in ("struct", "enum", "class")), kind)
    body = node.child_by_field_name("body")
    if body is None:
        return
    if not any(child.type == "extension" for child in node.children):
        names.types.setdefault(name, {})[source.module] = _is(node, "public")
        names.members.setdefault(owner, set()).add(name)
        has_init = any(child.type == "init_declaration" for child in body.named_children)
        if kind == "struct" and not has_init:
            _add(names, source, name, _memberwise(body), public=False)
        elif kind == "class" and not has_init:
            _add(names, source, name, (), public=False)
    inherited = {text(c) for c in node.named_children if c.type == "inheritance_specifier"}
    names.inherits.setdefault(name, set()).update(inherited)
    if "CaseIterable" in inherited:
        names.members.setdefault(name, set()).add("allCases")
    _type_body(names, source, body, name)


def kind_of(node: Node) -> str:
    """The type that a declaration is annotated with: "Int", "[Lesion]"; "" where none is said."""
    return _plain_kind(" ".join(text(kind) for kind in _annotation(node)))


def result_kind(function: Node) -> str:
    """What a function returns; an initialiser its own type, which its owner knows."""
    arrow = [place for place, child in enumerate(function.children) if child.type == "->"]
    return _plain_kind(text(function.children[arrow[0] + 1])) if arrow else ""


def _plain_kind(kind: str) -> str:
    """Optional or not, `inout` or not: its members are the same ones."""
    return kind.removeprefix("inout ").removesuffix("?")


def effects_of(function: Node) -> frozenset[str]:
    return frozenset(child.type for child in function.children) & frozenset(EFFECTS)


def _cases(names: Names, source: Source, entry: Node, owner: str) -> None:
    """A case with values is called like a function."""
    case = _name(entry)
    names.members.setdefault(owner, set()).add(case)
    names.cases.setdefault(owner, set()).add(case)
    contents = entry.child_by_field_name("data_contents")
    if contents is not None:
        parameters, label = [], "_"
        for child in contents.named_children:
            if child.type == "simple_identifier":
                label = text(child)
            else:
                parameters.append(Parameter(label))
                label = "_"
        public = source.module == "RetinaCore"
        _add(names, source, case, tuple(parameters), public=public, owner=owner)


def _add(
    names: Names,
    source: Source,
    name: str,
    parameters: tuple[Parameter, ...],
    *,
    public: bool,
    owner: str = "",
) -> None:
    signature = Signature(source.module, public, parameters, owner)
    names.calls.setdefault(name, []).append(signature)


def _parameters(node: Node) -> tuple[Parameter, ...]:
    found: list[Parameter] = []
    for place, child in enumerate(node.children):
        if child.type == "parameter":
            label = child.child_by_field_name("external_name") or child.named_children[0]
            dots = any(c.type == "..." for c in node.children[place : place + 2])
            found.append(Parameter(text(label), variadic=dots or text(child).endswith("...")))
        elif node.field_name_for_child(place) == "default_value":
            found[-1] = Parameter(found[-1].label, optional=True)
    return tuple(found)


def _memberwise(body: Node) -> tuple[Parameter, ...]:
    """What Swift makes of a struct's stored properties."""
    found = []
    for node in body.named_children:
        if node.type != "property_declaration" or _is(node, "static"):
            continue
        if node.child_by_field_name("computed_value") is not None:
            continue
        has_value = node.child_by_field_name("value") is not None
        attributes = {text(child) for child in walk(node) if child.type == "attribute"}
        is_let = any(text(child) == "let" for child in walk(node.named_children[0])) or any(
            child.type == "value_binding_pattern" and text(child) == "let"
            for child in node.named_children
        )
        if (is_let and has_value) or any(a.startswith("@Environment") for a in attributes):
            continue
        starts_nil = not is_let and any(c.type == "optional_type" for c in _annotation(node))
        found.append(Parameter(_name(node), optional=has_value or starts_nil))
    return tuple(found)


def _annotation(node: Node) -> list[Node]:
    found = [child for child in node.named_children if child.type == "type_annotation"]
    return [child for one in found for child in one.named_children]


def _is(node: Node, modifier: str) -> bool:
    modifiers = next((child for child in node.children if child.type == "modifiers"), None)
    return modifiers is not None and any(text(child) == modifier for child in modifiers.children)


def _name(node: Node) -> str:
    return text(node.child_by_field_name("name"))


def _named(root: Node) -> Iterator[str]:
    """Whatever stands where something gets its name."""
    places = ("pattern", "parameter", "enum_entry", "function_declaration", "class_declaration")
    labels = ("enum_type_parameters", "lambda_parameter", "tuple_type_item")
    for node in walk(root):
        if node.type in (*places, *labels):
            yield from (text(c) for c in node.named_children if c.type == "simple_identifier")

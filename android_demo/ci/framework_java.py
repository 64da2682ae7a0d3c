"""Java for framework.txt: declarations to compile against; nothing here is ever run."""

from __future__ import annotations

from pathlib import Path

from declarations import CONSTRUCTOR, NULL, Declared, Member, inherited
from framework_match import twin
from framework_table import Listed, Row, Table

# A constructor for subclasses to call, whatever others there are; nothing else has its parameter.
ONLY = "written.Only"
NULLABLE = "@org.jetbrains.annotations.Nullable "


def written(table: Table, android: dict[str, Declared], folder: Path) -> None:
    """Java for every class of the table, the nested inside their owners."""
    texts = {ONLY: "public class Only {}\n"}
    for name in table.classes:
        if name.rpartition(".")[0] not in table.classes:
            texts[name] = _java(name, table, android, 0)
    for name, text in texts.items():
        path = folder / f"{name.replace('.', '/')}.java"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"package {name.rpartition('.')[0]};\n\n{text}")


def _java(name: str, table: Table, android: dict[str, Declared], depth: int) -> str:
    listed = table.classes[name]
    pad = "    " * depth
    if "java.lang.annotation.Annotation" in android[name].parents:
        head = f"{pad}public @interface {_last(name)} {{\n{pad}    String[] value();\n"
        return f"{head}{pad}}}\n"
    members = list(inherited(android, name))
    lines = [_head(name, listed, pad, nested=depth > 0)]
    if listed.kind == "enum":
        values = ", ".join(row.name for row in listed.rows if row.parameters is None)
        lines.append(f"{pad}    {values};\n")
    else:
        lines += [f"{pad}    {_member(row, name, table, members)}\n" for row in listed.rows]
    if listed.kind.endswith("class"):
        call = _super(listed, table)
        lines.append(f"{pad}    protected {_last(name)}({ONLY} only) {{ {call}}}\n")
    inner = [n for n in table.classes if n.rpartition(".")[0] == name]
    lines += [_java(n, table, android, depth + 1) for n in inner]
    return "".join(lines) + f"{pad}}}\n"


def _head(name: str, listed: Listed, pad: str, nested: bool) -> str:
    static = "static " if nested else ""
    extends = f" extends {listed.extends}" if listed.extends else ""
    word = "extends" if listed.kind == "interface" else "implements"
    interfaces = f" {word} {', '.join(listed.interfaces)}" if listed.interfaces else ""
    if listed.kind == "interface" and extends:
        interfaces = ""
    return f"{pad}public {static}{listed.kind} {_last(name)}{extends}{interfaces} {{\n"


def _member(row: Row, owner: str, table: Table, members: list[Member]) -> str:
    """Methods are native: they need no body, and nothing here is ever run."""
    listed, declared = table.classes[owner], twin(row, members)
    nullable = NULLABLE if declared and declared.result.endswith(NULL) else ""
    access = "" if "protected" in row.modifiers else "public "
    throws = f" throws {row.throws}" if row.throws else ""
    modifiers = " ".join(row.modifiers) + (" " if row.modifiers else "")
    if row.parameters is None:
        return _field(row)
    theirs = declared.parameters if declared and declared.parameters else ("",) * 99
    parameters = ", ".join(
        f"{NULLABLE if null.endswith(NULL) else ''}{kind} p{i}"
        for i, (kind, null) in enumerate(zip(row.parameters, theirs, strict=False))
    )
    if row.name == CONSTRUCTOR:
        return f"public {_last(owner)}({parameters}){throws} {{ {_super(listed, table)}}}"
    plain = listed.kind == "interface" or "abstract" in row.modifiers
    native = "" if plain else "native "
    signature = f"{row.generics}{row.kind} {row.name}({parameters})"
    return f"{nullable}{access}{modifiers}{native}{signature}{throws};"


def _field(row: Row) -> str:
    if row.value:
        return f"public static final {row.kind} {row.name} = {row.value};"
    static = "static " if "static" in row.modifiers else ""
    return f"public {static}{row.kind} {row.name};"


def _super(listed: Listed, table: Table) -> str:
    return f"super(({ONLY}) null); " if listed.extends in table.classes else ""


def _last(name: str) -> str:
    return name.rpartition(".")[2]

"""The iOS demo's Swift, as far as it can be checked where there is no Swift compiler.

Syntax, constants and texts against the goldens. Types are `test_ios_types.py`'s matter.
"""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tree_sitter", reason="not run: no tree-sitter (the dev extra brings it)")
pytest.importorskip("tree_sitter_swift", reason="not run: no tree-sitter-swift (dev extra)")

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "ios_demo"
GOLDENS = REPOSITORY / "tests" / "goldens"
CORE = DEMO / "RetinaCore" / "Sources" / "RetinaCore"
sys.path.insert(0, str(DEMO / "ci"))
tree: Any = import_module("swift_tree")

FILES: list[Path] = tree.swift_files()
INDEX: dict[str, Any] = json.loads((GOLDENS / "index.json").read_text(encoding="utf-8"))
TEXTS: dict[str, dict[str, str]] = json.loads((GOLDENS / "texts.json").read_text(encoding="utf-8"))
# Of ExecuTorch, which is Android's.
NOT_FOR_IOS = {"runtimes"}


def named(path: Path) -> str:
    return path.relative_to(DEMO).as_posix()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_swift_file_has_no_fault_of_syntax(path: Path) -> None:
    assert [str(fault) for fault in tree.syntax_faults(tree.parsed(path))] == []


def test_a_bracket_too_few_is_found_with_its_file_and_line() -> None:
    path = CORE / "Statistics.swift"
    code = path.read_text(encoding="utf-8")
    there = "let sorted: [Double] = values.sorted()"
    assert there in code, f"{path.name} has changed: plant the fault elsewhere"
    line = code[: code.index(there)].count("\n") + 1
    found = tree.syntax_faults(tree.parsed(path, code.replace(there, there[:-1]).encode()))
    assert any(abs(fault.line - line) <= 2 for fault in found)
    assert str(found[0]).startswith(f"{path}:") and "syntax: " in str(found[0])


def test_all_of_the_apps_files_are_looked_at() -> None:
    folders = {path.relative_to(DEMO).parts[0] for path in FILES}
    assert len(FILES) > 40 and folders == {"RetinaCore", "RetinaDemo", "RetinaDemoTests"}


def constants() -> dict[str, Any]:
    """Values of `static let NAME: TYPE = LITERAL`, as Swift's tree has them."""
    found: dict[str, Any] = {}
    for node in tree.walk(tree.parsed(CORE / "Constants.swift").root):
        if node.type == "property_declaration":
            literal = tree.text(node.child_by_field_name("value")).replace("_", "")
            found[tree.text(node.child_by_field_name("name"))] = json.loads(literal)
        elif node.type == "enum_entry":
            raw = tree.text(node.child_by_field_name("raw_value"))
            found[tree.text(node.child_by_field_name("name"))] = json.loads(raw)
    return found


def test_constants_are_the_packages() -> None:
    expected = INDEX["constants"]
    assert constants() == {
        "lesionCodes": [lesion["code"] for lesion in expected["lesions"]],
        "opacity": expected["opacity"],
        "schema": expected["schema"],
        "oldestSchema": expected["oldest_schema"],
        "mostMegapixels": expected["most_megapixels"],
        "mostFileBytes": expected["most_file_bytes"],
    }


def test_flags_are_the_packages_in_their_order() -> None:
    code = (CORE / "Quality.swift").read_text(encoding="utf-8")
    flags = re.findall(r'^    case \w+ = "(\S+)"$', code, re.MULTILINE)
    assert flags == [*INDEX["constants"]["flags"], "poor"]


def test_every_kind_of_golden_is_read_by_a_swift_test() -> None:
    tests = [path for path in FILES if "Tests" in named(path)]
    read = "\n".join(path.read_text(encoding="utf-8") for path in tests)
    kinds = {*INDEX, "texts"} - {"format"} - NOT_FOR_IOS
    # The table of texts is compared with the catalogue here; Swift asks for each of its texts.
    missing = [kind for kind in kinds - {"texts"} if not re.search(rf"\b{kind}\b", read)]
    assert missing == []
    assert "TextKey.allCases" in read


def test_tolerances_of_the_model_are_the_packages() -> None:
    from converters.parity.tolerances import TOLERANCES

    code = (DEMO / "RetinaDemoTests" / "ModelGoldensTests.swift").read_text(encoding="utf-8")
    table = code.split("tolerances: [String: Float] = [")[1].split("]")[0]
    found = {name: float(limit) for name, limit in re.findall(r'"(\w+)": ([\d.e-]+)', table)}
    # int8 is no precision of Core ML.
    expected = {name: row["apple"].most for name, row in TOLERANCES.items() if name != "int8"}
    assert found == expected


def text_calls() -> list[tuple[str, str, int]]:
    """Every call of `text(.key, place…)`: file, key's case, number of places."""
    calls = []
    for path in FILES:
        for node in tree.walk(tree.parsed(path).root):
            if node.type != "call_expression" or not tree.text(node.children[0]).endswith("text"):
                continue
            arguments = [n for n in tree.walk(node.children[-1]) if n.type == "value_argument"]
            own = [n for n in arguments if n.parent == arguments[0].parent] if arguments else []
            if own and (key := re.fullmatch(r"\.(\w+)", tree.text(own[0]))):
                calls.append((named(path), key[1], len(own) - 1))
    return calls


def test_every_text_is_used_with_as_many_places_as_it_has() -> None:
    code = (DEMO / "RetinaDemo" / "App" / "TextKey.swift").read_text(encoding="utf-8")
    keys = dict(re.findall(r'case (\w+) = "(\w+)"', code))
    assert set(keys.values()) <= set(TEXTS)
    calls = [call for call in text_calls() if call[1] in keys]
    assert len(calls) > 40
    wrong = []
    for file, case, places in calls:
        for language, text in TEXTS[keys[case]].items():
            if places != len(set(re.findall(r"\{\d\}", text))):
                wrong.append(f"{file}: {case} has {places} places; {language}: {text}")
    assert wrong == []
    elsewhere = "\n".join(
        path.read_text(encoding="utf-8") for path in FILES if path.name != "TextKey.swift"
    )
    assert [case for case in keys if not re.search(rf"\.{case}\b", elsewhere)] == []


def test_the_app_asks_no_network_and_fixes_no_type_size() -> None:
    app = [path for path in FILES if named(path).startswith(("RetinaDemo/", "RetinaCore/Sources"))]
    forbidden = re.compile(r"URLSession|NWConnection|WKWebView|https?://|\.system\(size")
    found = {named(path): forbidden.findall(path.read_text(encoding="utf-8")) for path in app}
    assert {name: words for name, words in found.items() if words} == {}


def test_files_and_functions_stay_short() -> None:
    long = {named(p): n for p in FILES if (n := len(p.read_text("utf-8").splitlines())) > 300}
    assert long == {}
    for path in FILES:
        for node in tree.walk(tree.parsed(path).root):
            if node.type in ("function_declaration", "init_declaration"):
                lines = node.end_point.row - node.start_point.row + 1
                assert lines <= 40, f"{named(path)}:{node.start_point.row + 1}: {lines} lines"

"""The iOS demo's Swift, as far as it can be checked where there is no Swift compiler.

Syntax, names and argument labels (`ios_demo/ci/swift_lint.py`), constants and texts against the
goldens. That the checks can fail is shown by planting faults. Nothing here infers a type.
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
lint: Any = import_module("swift_lint")
tree: Any = import_module("swift_tree")

FILES: list[Path] = tree.swift_files()
INDEX: dict[str, Any] = json.loads((GOLDENS / "index.json").read_text(encoding="utf-8"))
TEXTS: dict[str, dict[str, str]] = json.loads((GOLDENS / "texts.json").read_text(encoding="utf-8"))
# Of ExecuTorch, which is Android's.
NOT_FOR_IOS = {"runtimes"}

# Name -> file, what stands there, what is planted, and what must be said of it.
PLANTED = {
    "a bracket too few": (
        "RetinaCore/Sources/RetinaCore/Statistics.swift",
        "let sorted: [Double] = values.sorted()",
        "let sorted: [Double] = values.sorted(",
        "syntax",
    ),
    "a wrong label": (
        "RetinaDemo/Engine/Analysis.swift",
        "thresholded(slice, at: lesion.threshold)",
        "thresholded(slice, threshold: lesion.threshold)",
        "thresholded called with (_:threshold:); declared with (_:at:)",
    ),
    "an argument too few": (
        "RetinaDemo/Engine/Answer.swift",
        "height: Int(square[3].rounded()))",
        ")",
        "Crop called with (left:top:width:); declared with (left:top:width:height:)",
    ),
    "an initialiser that only the package sees": (
        "RetinaDemo/Engine/Analysis.swift",
        "crop = answer.crop",
        'crop = answer.crop; _ = ManifestEntry(path: "", value: nil)',
        "ManifestEntry is declared elsewhere, and not for this file",
    ),
    "a misspelt type": (
        "RetinaDemo/Photo/Photo.swift",
        "let content: PixelSize",
        "let content: PixlSize",
        "nobody declares the type PixlSize",
    ),
    "a misspelt member": (
        "RetinaDemo/Views/LesionList.swift",
        "found.lesion.colour",
        "found.lesion.color",
        "nobody declares the member color",
    ),
    "a text that is none": (
        "RetinaDemo/Views/OpacitySlider.swift",
        "Texts.text(.opacityValue",
        "Texts.text(.opacityInPercent",
        "nobody declares the member opacityInPercent",
    ),
    "a constant that is none": (
        "RetinaDemo/Photo/PhotoReader.swift",
        "Constants.mostMegapixels * million",
        "Constants.mostPixels * million",
        "Constants has no member mostPixels",
    ),
    "a member that another type has": (
        "RetinaDemo/Engine/Analysis.swift",
        "frame: photo.frame, content: photo.content, crop",
        "frame: photo.frame, content: photo.frame.content, crop",
        "Picture has no member content",
    ),
    "a call that throws, not marked": (
        "RetinaDemo/Engine/ModelRunner.swift",
        "let buffer: CVPixelBuffer = try pixelBuffer(of: frame)",
        "let buffer: CVPixelBuffer = pixelBuffer(of: frame)",
        "pixelBuffer: throws, called without try",
    ),
    "a call that waits, not marked": (
        "RetinaDemo/Bench/Benchmark.swift",
        "_ = try await runner.answer(to: frame)",
        "_ = try runner.answer(to: frame)",
        "answer: async, called without await",
    ),
    "an error that may not leave": (
        "RetinaDemo/Photo/PhotoStore.swift",
        "static func keep(_ data: Data) throws {",
        "static func keep(_ data: Data) {",
        "'try' in what is not declared throws",
    ),
    "a case left out": (
        "RetinaDemo/Engine/ComputeUnits.swift",
        "        case .cpuOnly: return .cpuOnly\n",
        "",
        "switch without cpuOnly",
    ),
    "a framework that is not imported": (
        "RetinaDemo/App/AppModel.swift",
        "import Combine\n",
        "",
        "ObservableObject needs import Combine or SwiftUI",
    ),
}


def named(path: Path) -> str:
    return path.relative_to(DEMO).as_posix()


def test_no_swift_file_has_a_fault() -> None:
    assert len(FILES) > 40
    assert [str(fault) for fault in lint.faults(tree.parsed(path) for path in FILES)] == []


@pytest.fixture(scope="module")
def planted_faults() -> list[Any]:
    """What is said of all the planted faults, which stand in the files at the same time."""
    sources = []
    for path in FILES:
        code = path.read_text(encoding="utf-8")
        for file, there, planted, _ in PLANTED.values():
            if named(path) == file:
                assert code.count(there) == 1, f"{file} has changed: plant {planted!r} elsewhere"
                code = code.replace(there, planted)
        sources.append(tree.parsed(path, code.encode()))
    found: list[Any] = lint.faults(sources)
    return found


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_with_its_file_and_line(
    name: str, planted_faults: list[Any]
) -> None:
    file, there, _, said = PLANTED[name]
    here = [fault for fault in planted_faults if named(fault.path) == file and said in fault.what]
    assert here, [str(fault) for fault in planted_faults]
    code = (DEMO / file).read_text(encoding="utf-8")
    line = code[: code.index(there)].count("\n") + 1
    # A missing import shows where its first name stands, a missing case where the switch begins.
    assert name.startswith(("a framework", "a case")) or abs(here[0].line - line) <= 2


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
        "mostMegapixels": expected["most_megapixels"],
        "mostFileBytes": expected["most_file_bytes"],
        "noRetina": expected["no_retina"],
        "tooSmall": expected["too_small"],
    }


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

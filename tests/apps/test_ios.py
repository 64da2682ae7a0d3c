"""The iOS demo's project: Xcode's files, resources, texts, and the scripts that Xcode runs.

No Xcode can be had here. What it would read is read with other parsers, and what is written by
scripts is written again and compared. The Swift itself is `test_ios_swift.py`'s.
"""

from __future__ import annotations

import json
import plistlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

yaml: Any = pytest.importorskip("yaml", reason="not run: no PyYAML (the dev extra brings it)")

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "ios_demo"
APP = DEMO / "RetinaDemo"
RESOURCES = APP / "Resources"
PROJECT = DEMO / "RetinaDemo.xcodeproj" / "project.pbxproj"
SCHEME = DEMO / "RetinaDemo.xcodeproj" / "xcshareddata" / "xcschemes" / "RetinaDemo.xcscheme"
MADE_BY_BUNDLE_APPS = ("Model", "ModelGoldens")
sys.path.insert(0, str(DEMO / "ci"))
TEXTS: dict[str, dict[str, str]] = json.loads(
    (REPOSITORY / "tests" / "goldens" / "texts.json").read_text(encoding="utf-8")
)


def written() -> Iterator[tuple[Path, str]]:
    """What the demo's own scripts write, and where."""
    for script in ("make_project", "make_strings"):
        yield from import_module(script).files().items()


@pytest.mark.parametrize(
    ("path", "text"), list(written()), ids=lambda value: getattr(value, "name", "")
)
def test_what_a_script_wrote_it_writes_again(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, f"{path}: run the script of it in ios_demo/ci"


def test_the_icon_is_the_one_that_its_script_draws() -> None:
    from PIL import Image

    icon = import_module("make_icon")
    with Image.open(icon.ICON) as found:
        assert found.mode == "RGB"  # Apple takes no icon with opacity
        assert found.tobytes() == icon.drawn().tobytes()


# The project, as another parser than Xcode's has it.


def project_text() -> str:
    return PROJECT.read_text(encoding="utf-8")


def project_files() -> dict[str, Path]:
    """Every file of the project by its id, its groups' folders walked."""
    text = project_text()
    groups = re.findall(
        r"(\w{24}) /\* [^*]+ \*/ = \{\n\t\t\tisa = PBXGroup;(.*?)\n\t\t\};", text, re.DOTALL
    )
    parent = {
        child: (group, body)
        for group, body in groups
        for child in re.findall(r"\t(\w{24}) /\*", body)
    }
    paths = dict(groups)
    files = re.findall(r"(\w{24}) /\* .*isa = PBXFileReference;.* path = \"?([^;\"]+)", text)
    found = {}
    for id_, name in files:
        place, at = Path(name), id_
        while at in parent:
            at = parent[at][0]
            folder = re.search(r"\tpath = \"?([^;\"]+)", paths[at])
            place = Path(folder[1]) / place if folder else place
        found[id_] = DEMO / place
    return found


def of_the_project(pattern: str) -> set[Path]:
    found = {*APP.rglob(pattern), *(DEMO / "RetinaDemoTests").rglob(pattern)}
    return {path for path in found if not {*MADE_BY_BUNDLE_APPS} & {*path.parts}}


def test_every_file_of_the_project_is_there_and_every_swift_file_is_in_it() -> None:
    files = {path for path in project_files().values() if path.suffix not in (".app", ".xctest")}
    assert len(files) > 30
    assert [str(path) for path in files if not path.exists()] == []
    assert of_the_project("*.swift") <= files
    assert of_the_project("*.xcstrings") | of_the_project("*.xcprivacy") <= files
    built = set(re.findall(r"fileRef = (\w{24})", project_text()))
    compiled = {project_files()[id_] for id_ in built}
    assert files - compiled == {RESOURCES / "Info.plist"}  # a setting names it


def test_no_object_of_the_project_names_one_that_is_not_there() -> None:
    text = project_text()
    defined = set(re.findall(r"^\t\t(\w{24}) /\* .* \*/ = \{", text, re.MULTILINE))
    named = set(re.findall(r"\b([0-9A-F]{24})\b", text))
    assert named == defined and len(defined) > 100
    scheme = ElementTree.parse(SCHEME)
    blueprints = {e.attrib["BlueprintIdentifier"] for e in scheme.iter("BuildableReference")}
    targets = set(re.findall(r"(\w{24}) /\* \w+ \*/ = \{\n\t\t\tisa = PBXNativeTarget;", text))
    assert blueprints == targets


def test_the_project_has_what_project_yml_says() -> None:
    said = yaml.safe_load((DEMO / "project.yml").read_text(encoding="utf-8"))
    text = project_text()
    assert set(re.findall(r"isa = PBXNativeTarget;.*?\tname = (\w+);", text, re.DOTALL)) == set(
        said["targets"]
    )
    settings = [
        said["settings"]["base"],
        *said["settings"]["configs"].values(),
        *(target["settings"]["base"] for target in said["targets"].values()),
    ]
    for name, value in (entry for part in settings for entry in part.items()):
        quoted = re.escape(str(value))
        assert re.search(rf'\t{name} = "?{quoted}"?;', text), f"{name} = {value}"
    for package in said["packages"].values():
        assert (DEMO / package["path"] / "Package.swift").is_file()
        assert f"relativePath = {package['path']};" in text
    version = said["settings"]["base"]["MARKETING_VERSION"]
    assert f'"{version}"' in (REPOSITORY / "mobileseg" / "version.py").read_text(encoding="utf-8")


def test_another_parser_reads_the_project(tool: Callable[[str], str]) -> None:
    if not (DEMO / "ci" / "node_modules" / "xcode").is_dir():
        pytest.skip("not run: no npm package xcode (make apps installs it)")
    done = subprocess.run(
        [tool("node"), "read_project.mjs", PROJECT],
        cwd=DEMO / "ci",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["dangling"] == []
    assert sorted(found["sources"]) == sorted(path.name for path in of_the_project("*.swift"))
    phases = {target["name"]: target["phases"] for target in found["targets"]}
    assert phases["RetinaDemo"] == ["Sources", "Frameworks", "Resources", "Add the model"]
    assert phases["RetinaDemoTests"][-1] == "Add the goldens"
    assert [target["packages"] for target in found["targets"]] == [["RetinaCore"], []]


# Resources


def test_the_property_lists_say_what_the_app_asks_and_sends() -> None:
    info = plistlib.loads((RESOURCES / "Info.plist").read_bytes())
    assert info["NSCameraUsageDescription"] == TEXTS["camera_use"]["en"]
    assert info["CFBundleDisplayName"] == TEXTS["app_name"]["en"]
    assert "NSAppTransportSecurity" not in info  # it asks no network, so there is nothing to allow
    privacy = plistlib.loads((RESOURCES / "PrivacyInfo.xcprivacy").read_bytes())
    assert privacy["NSPrivacyTracking"] is False
    assert privacy["NSPrivacyCollectedDataTypes"] == []
    assert privacy["NSPrivacyTrackingDomains"] == []
    assert list(DEMO.rglob("*.entitlements")) == []


def catalogue(name: str) -> dict[str, dict[str, str]]:
    """A catalogue's texts in the table's own form."""
    read = json.loads((RESOURCES / f"{name}.xcstrings").read_text(encoding="utf-8"))
    assert (read["sourceLanguage"], read["version"]) == ("en", "1.0")
    found: dict[str, dict[str, str]] = {}
    for key, entry in read["strings"].items():
        for language, unit in entry["localizations"].items():
            assert unit["stringUnit"]["state"] == "translated"
            value = unit["stringUnit"]["value"]
            if "$@" in value:  # read as String(format:) would
                value = re.sub(r"%(\d)\$@", lambda place: f"{{{int(place[1]) - 1}}}", value)
                value = value.replace("%%", "%")
            found.setdefault(key, {})[language] = value
    return found


def test_the_texts_are_the_tables() -> None:
    keys = import_module("make_strings").app_keys()
    assert len(keys) > 50
    assert catalogue("Localizable") == {key: TEXTS[key] for key in keys}
    assert catalogue("InfoPlist") == {
        "CFBundleDisplayName": TEXTS["app_name"],
        "NSCameraUsageDescription": TEXTS["camera_use"],
    }


def test_the_benchmarks_entries_are_those_that_the_import_takes() -> None:
    from converters.apps.phone_bench import FORMAT, KIND, SCHEMA

    file = DEMO / "RetinaCore" / "Sources" / "RetinaCore" / "PhoneBench.swift"
    code = file.read_text(encoding="utf-8")
    keys = code.split("enum CodingKeys")[1].split("}")[0]
    names = {raw or case for case, raw in re.findall(r'case (\w+)(?: = "(\w+)")?', keys)}
    assert names == set(FORMAT)
    encoded = set(re.findall(r"forKey: \.(\w+)\)", code))
    assert encoded == set(re.findall(r"case (\w+)", keys))
    assert f'kind: String = "{KIND}"' in code and f"schema: Int = {SCHEMA}\n" in code


# What Xcode runs, and who runs Xcode

XCRUN = """#!/bin/sh
test "$1 $2" = "coremlcompiler compile" && mkdir -p "$4/$(basename "$3" .mlpackage).mlmodelc"
"""


def run_script(name: str, root: Path) -> str:
    """One of ci/*.sh as Xcode would run it, with a stand-in for xcrun."""
    tools = root / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "xcrun").write_text(XCRUN, encoding="utf-8")
    (tools / "xcrun").chmod(0o755)
    places = {
        "SRCROOT": str(root / "ios_demo"),
        "TARGET_BUILD_DIR": str(root / "build"),
        "UNLOCALIZED_RESOURCES_FOLDER_PATH": "RetinaDemo.app",
        "PATH": f"{tools}:/usr/bin:/bin",
    }
    script = DEMO / "ci" / name
    done = subprocess.run(["bash", script], env=places, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_build_adds_the_model_and_a_build_without_one_takes_it_away(tmp_path: Path) -> None:
    model = tmp_path / "ios_demo" / "RetinaDemo" / "Model"
    app = tmp_path / "build" / "RetinaDemo.app"
    app.mkdir(parents=True)
    assert "no model" in run_script("add_model.sh", tmp_path)
    assert list(app.iterdir()) == []
    (model / "model.mlpackage").mkdir(parents=True)
    (model / "model.json").write_text("{}", encoding="utf-8")
    run_script("add_model.sh", tmp_path)
    assert sorted(path.name for path in app.iterdir()) == ["model.json", "model.mlmodelc"]
    shutil.rmtree(model)
    run_script("add_model.sh", tmp_path)
    assert list(app.iterdir()) == []


def test_a_build_adds_the_goldens_to_the_tests(tmp_path: Path) -> None:
    (tmp_path / "tests" / "goldens").mkdir(parents=True)
    (tmp_path / "tests" / "goldens" / "index.json").write_text("{}", encoding="utf-8")
    golden = tmp_path / "ios_demo" / "RetinaDemoTests" / "ModelGoldens" / "black"
    golden.mkdir(parents=True)
    run_script("add_goldens.sh", tmp_path)
    tests = tmp_path / "build" / "RetinaDemo.app"
    assert (tests / "goldens" / "index.json").is_file()
    assert (tests / "ModelGoldens" / "black").is_dir()


def test_the_workflow_for_a_mac_is_one_and_names_what_is_there() -> None:
    file = DEMO / "ci" / "macos.yml"
    checker = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent))
    if checker is None:
        pytest.skip("not run: no check-jsonschema (the dev extra brings it)")
    schema = ("--builtin-schema", "vendor.github-workflows")
    done = subprocess.run([checker, *schema, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = file.read_text(encoding="utf-8")
    for path in re.findall(r"-project (\S+)|--package-path (\S+)", text):
        assert (REPOSITORY / "".join(path)).is_dir(), path
    assert set(re.findall(r"-scheme (\w+)", text)) == {SCHEME.stem}

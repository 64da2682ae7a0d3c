"""The whole iOS app through a real Swift compiler, on Linux: `ios_demo/ci/typecheck.sh`.

What the demo uses of Apple's frameworks is declared in `ios_demo/ci/apple`, since Apple's own
cannot be had. What is wrong with the app is found; what is wrong with those declarations is not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "ios_demo"
TYPECHECK = DEMO / "ci" / "typecheck.sh"
APPLE = DEMO / "ci" / "apple"
CHECKED = ("RetinaDemo", "RetinaDemoTests")
NOT_RUN = 3
OK = ["as of xcode_16, Swift 5: ok", "as of xcode_15, Swift 5: ok", "as of xcode_16, Swift 6: ok"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to plant, without moving lines, and what must be said of it."""

    file: str
    there: str
    planted: str
    said: str
    at: str = ""  # where the message stands; "": where the fault does
    passes: int = 0  # so many of OK are printed all the same

    def plant(self, tree: Path) -> str:
        """Returns how the message has to begin."""
        path = tree / self.file
        code = path.read_text(encoding="utf-8")
        for text in (self.there, self.at or self.there):
            assert code.count(text) == 1, f"{self.file} has changed: {text!r} is not there once"
        path.write_text(code.replace(self.there, self.planted), encoding="utf-8")
        line = code[: code.index(self.at or self.there)].count("\n") + 1
        return f"ios_demo/{self.file}:{line}:"


# Types, calls and effects: all told by one compilation.
PLANTED = {
    "a misspelt modifier": Fault(
        "RetinaDemo/Views/PicturePanel.swift",
        ".multilineTextAlignment(.center)",
        ".multilineTextAlign(.center)",
        "value of type 'Text' has no member 'multilineTextAlign'",
    ),
    "a wrong argument label": Fault(
        "RetinaDemo/Photo/PhotoReader.swift",
        "context.setFillColor(red: 0,",
        "context.setFillColor(r: 0,",
        "incorrect argument label in call (have 'r:green:blue:alpha:'",
    ),
    "an argument of another type": Fault(
        "RetinaDemo/Photo/CGImageOfPicture.swift",
        "CGDataProvider(data: Data(picture.rgb) as CFData)",
        "CGDataProvider(data: Data(picture.rgb))",
        "cannot convert value of type 'Data' to expected argument type 'CFData'",
    ),
    "a wait that is not marked": Fault(
        "RetinaDemo/Engine/BundledModel.swift",
        "try await MLModel.compileModel(at: url)",
        "try MLModel.compileModel(at: url)",
        "expression is 'async' but is not marked with 'await'",
    ),
    "an error that is not marked": Fault(
        "RetinaDemo/Engine/ModelRunner.swift",
        "= try MLDictionaryFeatureProvider(",
        "= MLDictionaryFeatureProvider(",
        "call can throw but is not marked with 'try'",
    ),
    "what may be nil, taken as there": Fault(
        "RetinaDemo/Engine/Answer.swift",
        "output.featureValue(for: name)?.multiArrayValue",
        "output.featureValue(for: name).multiArrayValue",
        "value of optional type 'MLFeatureValue?' must be unwrapped",
    ),
    "a case of Apple's that is none": Fault(
        "RetinaDemo/Engine/ComputeUnits.swift",
        "case .cpuAndGPU: return .cpuAndGPU",
        "case .cpuAndGPU: return .cpuAndNPU",
        "type 'MLComputeUnits' has no member 'cpuAndNPU'",
    ),
    "a case left out": Fault(
        "RetinaDemo/App/Texts.swift",
        "case .tooSmall: return text(.flagTooSmall)",
        "",
        "switch must be exhaustive",
        at="switch flag {",
    ),
    "no answer to a case that Apple may add": Fault(
        "RetinaDemo/Bench/Device.swift",
        '@unknown default: return "unknown"',
        "",
        "'ProcessInfo.ThermalState' may have additional unknown values",
        at="switch thermalState {",
    ),
    "a value where a binding belongs": Fault(
        "RetinaDemo/Views/ModelPanel.swift",
        "UnitsPicker(units: $units)",
        "UnitsPicker(units: units)",
        "cannot convert value 'units' of type 'ComputeUnits' to expected type 'Binding",
    ),
    "a delegate's method that is never called": Fault(
        "RetinaDemo/Photo/CameraPicker.swift",
        "func imagePickerControllerDidCancel(",
        "func imagePickerDidCancel(",
        "does not conform to protocol 'UIImagePickerControllerDelegate'",
        at="final class Coordinator",
    ),
    "a framework that is not imported": Fault(
        "RetinaDemo/Views/PhotoButtons.swift",
        "import PhotosUI",
        "",
        "cannot find type 'PhotosPickerItem' in scope",
        at="@Binding var picked: PhotosPickerItem?",
    ),
}
# Told only where nothing of the above is wrong.
PLANTED_ALONE = {
    "a way out that answers nothing": Fault(
        "RetinaDemo/Photo/PhotoStore.swift",
        "return try? Data(contentsOf: url)\n    }",
        "_ = try? Data(contentsOf: url)\n    }",
        "missing return in static method expected to return 'Data?'",
        at="}\n}\n",
    ),
    "a fault in the tests": Fault(
        "RetinaDemoTests/ModelGoldensTests.swift",
        "accuracy: 1e-6, name)",
        "tolerance: 1e-6, name)",
        "incorrect argument labels in call (have '_:_:tolerance:_:'",
    ),
    "what is the main actor's, in a view of Xcode 15's": Fault(
        "RetinaDemo/Views/LesionList.swift",
        "Texts.text(.count)",
        "ThisDevice.appVersion",
        "main actor-isolated static property 'appVersion' can not be referenced",
        passes=1,
    ),
    "what is the main actor's, in Swift 6": Fault(
        "RetinaDemo/Bench/Device.swift",
        "@MainActor\nenum ThisDevice",
        "\nenum ThisDevice",
        "main actor-isolated class property 'current' can not be referenced",
        at="name: model, system:",
        passes=2,
    ),
}


def typecheck(*folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [TYPECHECK, *folder],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == NOT_RUN and not environment:
        pytest.skip(done.stderr.strip())
    return done


def tree_at(place: Path) -> Path:
    for folder in CHECKED:
        shutil.copytree(DEMO / folder, place / folder)
    return place


def test_the_app_and_its_tests_compile() -> None:
    done = typecheck()
    assert (done.returncode, done.stdout.splitlines()) == (0, OK), done.stdout
    version = re.search(r'SWIFT_VERSION: "(\d)', (DEMO / "project.yml").read_text(encoding="utf-8"))
    assert version and f"as of xcode_16, Swift {version[1]}: ok" in done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], str]:
    """How the message of each planted fault has to begin, and what was said of all of them."""
    tree = tree_at(tmp_path_factory.mktemp("planted"))
    begins = {name: fault.plant(tree) for name, fault in PLANTED.items()}
    done = typecheck(tree)
    assert done.returncode == 1
    return begins, done.stdout


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_with_its_file_and_line(
    name: str, told: tuple[dict[str, str], str]
) -> None:
    begins, said = told
    assert is_told(PLANTED[name], begins[name], said), said


@pytest.mark.parametrize("name", PLANTED_ALONE)
def test_a_fault_alone_is_found_with_its_file_and_line(name: str, tmp_path: Path) -> None:
    fault = PLANTED_ALONE[name]
    begin = fault.plant(tree_at(tmp_path))
    done = typecheck(tmp_path)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line in OK] == OK[: fault.passes]
    assert is_told(fault, begin, done.stdout), done.stdout


def is_told(fault: Fault, begin: str, said: str) -> bool:
    lines = [line for line in said.splitlines() if line.startswith(begin)]
    return any(": error: " in line and fault.said in line for line in lines)


def test_every_framework_that_the_app_imports_is_declared() -> None:
    """One that is not would be an error; one that is no longer imported may go."""
    imported = {
        name
        for folder in CHECKED
        for path in (DEMO / folder).rglob("*.swift")
        for name in re.findall(r"^[\w@ ]*import (\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    linux_has = {"Foundation", "XCTest", "RetinaCore", "RetinaDemo"}
    declared = {path.stem for path in APPLE.iterdir()}
    brought_by_others = {"CoreTransferable", "FoundationOnApple"}
    assert declared - brought_by_others == imported - linux_has


def test_it_says_so_where_there_is_no_compiler(tmp_path: Path) -> None:
    if shutil.which("swiftc"):
        pytest.skip("not run: a swiftc is on the PATH")
    done = typecheck(MOBILESEG_SWIFT_ROOT=str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (NOT_RUN, "")
    assert done.stderr.startswith("not run: no Swift")

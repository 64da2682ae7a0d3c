"""The Android demo on plain Linux: compiled, tested, its faults caught, and run with the real .pte.

What the scripts in android_demo/ci do and say; a tool that is missing makes a test "not run".
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import mobileseg
from converters.apps.phone_bench import read_phone_bench
from converters.bundle.read import open_bundle
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.evaluation.overlay import overlay
from mobileseg.evaluation.postprocess import Prediction, judge

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "android_demo"
CI = DEMO / "ci"
FULL = "MOBILESEG_APPS_FULL" in os.environ  # make apps-full
NOT_RUN = 3
FEWEST_TESTS = 250  # JUnit's; a pattern that finds no test would leave a check that cannot fail
PHOTOS = {  # none fits the 512x640 frame of `app_bundles` as it is
    "larger": lambda: make_phantom(6, 701, aspect=1.25).picture,
    "smaller": lambda: make_phantom(5, 300, aspect=1.3).picture,
    "few-pixels": lambda: make_phantom(5, 100).picture,
    "dark": lambda: np.zeros((333, 77, 3), np.uint8),
}


@cache
def photo_of(name: str) -> NDArray[np.uint8]:
    """Made when a test asks for it: collecting tests must not wait for phantoms."""
    return PHOTOS[name]()


def script(name: str, *arguments: object, **environment: str) -> str:
    """What a script of android_demo/ci prints. It has to end well, or say why it was not run."""
    done = subprocess.run(
        ["bash", str(CI / name), *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode == NOT_RUN:
        pytest.skip(done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0, f"{name}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What check.sh compiled, and what it said."""
    build = tmp_path_factory.mktemp("android") / "build"
    return build, script("check.sh", build)


def test_resources_core_and_app_compile_and_junit_passes(checked: tuple[Path, str]) -> None:
    build, said = checked
    passed = re.search(r"^OK \((\d+) tests\)$", said, re.MULTILINE)
    assert passed, said
    assert int(passed[1]) >= FEWEST_TESTS
    assert "classes, " in said  # framework.txt against Android's own declarations
    assert (build / "app/org/mobileseg/demo/MainActivity.class").is_file()
    assert (build / "app/org/mobileseg/demo/ModelGoldensTest.class").is_file()


def test_planted_faults_are_caught_each_by_its_own_check(checked: tuple[Path, str]) -> None:
    said = script("planted.sh", "--build", checked[0], *(["--full"] if FULL else []))
    counts = re.search(r"^(\d+) of (\d+) planted faults were caught$", said, re.MULTILINE)
    assert counts, said
    assert counts[1] == counts[2]
    for check in ("resources", "framework", "compiler", "tests", "files"):
        assert f"caught by {check}: " in said


def test_a_missing_tool_is_not_run_and_neither_passed_nor_failed(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", str(CI / "check.sh"), str(tmp_path / "build")],
        env={**os.environ, "FRAMEWORK_RES": str(tmp_path / "none.apk")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == NOT_RUN
    assert done.stdout.startswith("not run: no ")


# The app's own Kotlin, with the file that a phone would load.


@pytest.fixture(scope="module")
def answered(
    checked: tuple[Path, str], app_bundles: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder for each photo, with what the app made of it."""
    folder = tmp_path_factory.mktemp("answers")
    named: list[object] = []
    for name in PHOTOS:
        photo = photo_of(name)
        path = folder / f"{name}.rgb"
        path.write_bytes(photo.tobytes())
        named += [path, f"{photo.shape[0]}x{photo.shape[1]}"]
    script("end_to_end.sh", app_bundles / "executorch", folder, *named, BUILD=str(checked[0]))
    return folder


@pytest.fixture(scope="module")
def predictor(app_bundles: Path) -> Any:
    return mobileseg.load(app_bundles / "executorch")


@pytest.fixture(params=PHOTOS)
def seen(request: pytest.FixtureRequest, answered: Path, predictor: Any) -> tuple[Path, Prediction]:
    """The app's folder of a photo, and Python's own prediction."""
    return answered / request.param, predictor.predict(photo_of(request.param))


def from_apps_probabilities(folder: Path, prediction: Prediction, predictor: Any) -> Prediction:
    """Python's findings from what the model answered to the app."""
    said = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    probabilities = np.fromfile(folder / "probabilities.f32", "<f4")
    return judge(
        prediction.frame,
        prediction.content_hw,
        probabilities.reshape(prediction.probabilities.shape),
        said["crop"],
        said["retina"],
        predictor.thresholds,
        said.get("quality"),
        predictor.quality,
    )


def picture(path: Path, hw: tuple[int, int]) -> NDArray[np.uint8]:
    return np.fromfile(path, np.uint8).reshape(*hw, 3)


def test_from_the_same_probabilities_every_byte_is_pythons(
    seen: tuple[Path, Prediction], predictor: Any
) -> None:
    folder, prediction = seen
    same = from_apps_probabilities(folder, prediction, predictor)
    assert (folder / "frame.rgb").read_bytes() == prediction.frame.tobytes()
    assert (folder / "overlay.rgb").read_bytes() == overlay(same).tobytes()
    said = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    assert said["flags"] == list(same.flags)
    assert said["usable"] == (same.quality is None or same.quality.usable)
    assert said["lesions"] == {
        code: {"count": found.count, "pixels": found.pixels, "area": found.area}
        for code, found in same.lesions.items()
    }


def test_end_to_end_only_pixels_at_the_threshold_may_differ(
    seen: tuple[Path, Prediction],
    predictor: Any,
    app_bundles: Path,
    written_most: Callable[[Path], float],
) -> None:
    folder, prediction = seen
    apps = from_apps_probabilities(folder, prediction, predictor)
    tolerance = written_most(app_bundles / "executorch")
    assert apps.crop == prediction.crop
    assert np.abs(apps.probabilities - prediction.probabilities).max() <= tolerance
    for c, (code, threshold) in enumerate(predictor.thresholds.items()):
        differ = apps.masks[code] != prediction.masks[code]
        assert (np.abs(prediction.probabilities[c] - threshold)[differ] <= tolerance).all()
    if all((apps.masks[c] == prediction.masks[c]).all() for c in apps.masks):
        assert (folder / "overlay.rgb").read_bytes() == overlay(prediction).tobytes()


def test_the_photos_show_what_the_comparison_needs(answered: Path) -> None:
    """Lesions to colour, no retina, and too small: equal pictures without any would say little."""
    found = {
        name: json.loads((answered / name / "findings.json").read_text(encoding="utf-8"))
        for name in PHOTOS
    }
    assert found["larger"]["lesions"]["EX"]["pixels"] > 0
    assert found["larger"]["flags"] == []
    assert "too-small" in found["few-pixels"]["flags"]
    assert found["dark"]["flags"] == ["no-retina"]
    size = found["larger"]["content_hw"]
    drawn = picture(answered / "larger" / "overlay.rgb", size)
    plain = picture(answered / "larger" / "frame.rgb", (512, 640))[: size[0], : size[1]]
    assert (drawn != plain).any()


def test_the_benchmarks_record_is_what_bench_imports(answered: Path, app_bundles: Path) -> None:
    read = read_phone_bench(open_bundle(app_bundles / "executorch"), answered / "bench.json")
    assert read.measured["app"] == "android"
    assert read.measured["target"] == "executorch"
    assert len(read.measured["rounds_ms"]) >= 10


def test_an_artifact_of_another_executorch_is_refused(
    checked: tuple[Path, str], app_bundles: Path, tmp_path: Path
) -> None:
    manifest = json.loads((app_bundles / "executorch" / "model.json").read_text(encoding="utf-8"))
    manifest["exporter"]["executorch"] = "9.8.7"
    (tmp_path / "model.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"runtime at 'exporter\.executorch' \(found: 9\.8\.7"):
        script("end_to_end.sh", tmp_path, tmp_path, "none.rgb", "1x1", BUILD=str(checked[0]))


# Files that say the same twice.


def test_the_apps_texts_are_written_again_the_same() -> None:
    spec = spec_from_file_location("android_strings", CI / "strings.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    for path, text in module.files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run android_demo/ci/strings.py"


def versions() -> dict[str, str]:
    path = DEMO / "gradle" / "libs.versions.toml"
    return dict(tomllib.loads(path.read_text(encoding="utf-8"))["versions"])


def test_the_runtime_is_the_exporters() -> None:
    pins = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
    pinned = re.search(r"^executorch==(\S+)$", pins, re.MULTILINE)
    assert pinned
    assert versions()["executorch"].split(".")[:2] == pinned[1].split(".")[:2]


def test_both_places_name_one_gradle() -> None:
    named = re.search(r'gradleVersion = "(\S+)"', (DEMO / "build.gradle.kts").read_text("utf-8"))
    wrapper = DEMO / "gradle" / "wrapper" / "gradle-wrapper.properties"
    assert named
    assert f"/gradle-{named[1]}-bin.zip" in wrapper.read_text("utf-8")


def test_npm_packages_are_pinned_and_the_lock_names_no_address() -> None:
    asked = json.loads((CI / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    lock = (CI / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(lock)["packages"]
    assert "resolved" not in lock
    assert all(packages[f"node_modules/{name}"]["version"] == v for name, v in asked.items())
    assert asked["kotlin-compiler"] == versions()["kotlin"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())


def test_no_foreign_binary_is_kept_in_the_demo() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "android_demo"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not run: no git checkout")
    files = listed.stdout.split()
    assert files
    texts = {"", ".kt", ".kts", ".xml", ".toml", ".properties", ".md", ".json", ".java", ".py"}
    odd = [f for f in files if Path(f).suffix not in {*texts, ".sh", ".txt", ".yml"}]
    assert odd == []

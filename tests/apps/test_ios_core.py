"""RetinaCore, compiled by Swift and tried on the goldens and on a converted bundle.

`ios_demo/ci/swift.sh` finds the compiler: the system's, or Debian 13's in a root of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[2]
SWIFT = REPOSITORY / "ios_demo" / "ci" / "swift.sh"
CORE = Path("ios_demo", "RetinaCore")
TESTS = REPOSITORY / CORE / "Tests" / "RetinaCoreTests"
FULL = "MOBILESEG_APPS_FULL" in os.environ
NOT_RUN = 3

# File, what stands there, what is planted, and the XCTest that must fail.
PLANTED = [
    ("Overlay.swift", "* opacity + 127", "* opacity + 126", "testOverlaysArePythonsByteForByte"),
    (
        "Findings.swift",
        "max(0, column - 1)...min(side - 1, column + 1)",
        "column...column",
        "testFindingsAndFlagsArePythons",
    ),
    (
        "Orientation.swift",
        "6: Orientation(transposed: true, rowsFlipped: true",
        "6: Orientation(transposed: true, rowsFlipped: false",
        "testPhotoToFrameIsPythonsByteForByte",
    ),
    (
        "ManifestReader.swift",
        'try input["dtype"].text("uint8")',
        "",
        "testManifestsAreReadOrRefusedAsPythonDoes",
    ),
    ("ArtifactSum.swift", "\\(name) \\(files", "\\(files", "testArtifactSumsArePythons"),
    ("Quality.swift", "lesions.min()", "lesions.max()", "testQualityAndSentencesArePythons"),
]
# Each of these would show in a test that already fails by one of those above.
PLANTED_ALONE = [
    ("Mask.swift", "probability >= limit", "probability > limit", "testThresholdsCompareInFloat32"),
    ("Findings.swift", "10_000 + 0.5", "10_000", "testFindingsAndFlagsArePythons"),
    ("Findings.swift", "[Flag.tooSmall]", "[]", "testFindingsAndFlagsArePythons"),
    ("FrameFitter.swift", "+ area) /", "+ area - 1) /", "testPhotoToFrameIsPythonsByteForByte"),
    ("FittedSize.swift", "+ photo.width) / (2", ") / (2", "testPhotoToFrameIsPythonsByteForByte"),
    (
        "Quality.swift",
        "!(value >= Float(limit))",
        "value < Float(limit)",
        "testQualityAndSentencesArePythons",
    ),
    (
        "Manifest.swift",
        "quotingNoNumbers(in: json)",
        "json",
        "testManifestsAreReadOrRefusedAsPythonDoes",
    ),
    ("Overlay.swift", "inside >= 0", "inside > 0", "testOverlaysArePythonsByteForByte"),
]


def run_tests(tree: Path) -> str:
    """What `swift test` says in a tree that has RetinaCore and the goldens at their places."""
    done = subprocess.run(
        [
            *(SWIFT, "swift", "test", "-c", "release", "-Xswiftc", "-enable-testing"),
            *("--package-path", CORE, "--scratch-path", f"/tmp/{tree.name}"),
        ],
        env={**os.environ, "SWIFT_TREE": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == NOT_RUN:
        pytest.skip(done.stderr.strip())
    return done.stdout + done.stderr


def tree_at(place: Path) -> Path:
    shutil.copytree(REPOSITORY / CORE, place / CORE, ignore=shutil.ignore_patterns(".build"))
    shutil.copytree(REPOSITORY / "tests" / "goldens", place / "tests" / "goldens")
    return place


def plant(tree: Path, file: str, there: str, planted: str) -> None:
    path = tree / CORE / "Sources" / "RetinaCore" / file
    source = path.read_text(encoding="utf-8")
    assert there in source, f"{file} has changed: plant the fault elsewhere"
    path.write_text(source.replace(there, planted), encoding="utf-8")


def failed(said: str) -> set[str]:
    return set(re.findall(r"Test Case '\w+\.(\w+)' failed", said))


def passed(said: str) -> set[str]:
    return set(re.findall(r"Test Case '\w+\.(\w+)' passed", said))


def lay_bundle(path: Path, into: Path) -> None:
    """The bundle's manifest and retina golden, and what the package makes of them."""
    from converters.bundle.read import artifact_sha256, open_bundle
    from mobileseg.evaluation.overlay import OPACITY, overlay
    from mobileseg.evaluation.postprocess import judge

    bundle = open_bundle(path)
    golden = path / "goldens" / "retina"
    answer = json.loads((golden / "expected.json").read_text(encoding="utf-8"))
    frame = np.fromfile(golden / "frame.rgb", np.uint8).reshape(answer["frame"]["shape"])
    maps = np.fromfile(golden / "probabilities.f32", "<f4")
    found = judge(
        frame,
        bundle.frame_hw,
        maps.reshape(answer["probabilities"]["shape"]),
        answer["crop"],
        answer["retina"],
        {lesion["code"]: lesion["threshold"] for lesion in bundle.manifest["lesions"]},
    )
    counts = [one.count for one in found.lesions.values()]
    assert any(counts)  # there is something to draw
    made = {
        "artifact_sha256": artifact_sha256(bundle),
        "crop": list(found.crop),
        "retina": answer["retina"],
        "opacity": OPACITY,
        "counts": counts,
    }
    into.mkdir()
    (into / "made.json").write_text(json.dumps(made))
    (into / "overlay.rgb").write_bytes(overlay(found).tobytes())
    shutil.copyfile(path / "model.json", into / "model.json")
    for name in ("frame.rgb", "probabilities.f32"):
        shutil.copyfile(golden / name, into / name)


def test_the_core_does_as_the_package_does(app_bundles: Path, tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    lay_bundle(app_bundles / "coreml", tree / "tests" / "bundle")
    said = run_tests(tree)
    written = {
        name
        for path in TESTS.glob("*.swift")
        for name in re.findall(r"func (test\w+)\(", path.read_text(encoding="utf-8"))
    }
    assert len(written) >= 14
    assert passed(said) == written, said[-3000:]
    assert "warning:" not in said


def test_planted_faults_are_found(tmp_path: Path) -> None:
    """Each by a test of its own, so that one compilation serves for all."""
    tree = tree_at(tmp_path)
    for file, there, planted, _ in PLANTED:
        plant(tree, file, there, planted)
    said = run_tests(tree)
    assert failed(said) == {test for *_, test in PLANTED}, said[-3000:]
    assert "testConstantsArePythons" in passed(said)


@pytest.mark.skipif(not FULL, reason="not run: a compilation each; make apps-full does")
@pytest.mark.parametrize("fault", PLANTED + PLANTED_ALONE, ids=lambda fault: str(fault[:2]))
def test_a_fault_alone_is_found(fault: tuple[str, str, str, str], tmp_path: Path) -> None:
    file, there, planted, test = fault
    tree = tree_at(tmp_path)
    plant(tree, file, there, planted)
    assert test in failed(run_tests(tree))

"""What the three demos have in common: pins, no addresses, places that git ignores."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from converters.apps.demos import DEMOS

REPOSITORY = Path(__file__).parents[2]
SHELLCHECK = Path(sys.executable).with_name("shellcheck")
LOCKS = ("web_demo", "android_demo/ci", "ios_demo/ci")


def listed(*patterns: str) -> list[Path]:
    """Files that git tracks, or would."""
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return [REPOSITORY / name for name in found.stdout.splitlines()]


@pytest.mark.parametrize("folder", LOCKS)
def test_npm_packages_are_pinned_and_locked_without_addresses(folder):
    asked = json.loads((REPOSITORY / folder / "package.json").read_text())
    versions = {**asked.get("dependencies", {}), **asked.get("devDependencies", {})}
    assert versions and all(re.fullmatch(r"\d+\.\d+\.\d+", v) for v in versions.values())
    lock = (REPOSITORY / folder / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    locked = json.loads(lock)["packages"]
    for name, version in versions.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")


def test_the_android_runtime_has_the_minor_version_of_the_exporter():
    file = REPOSITORY / "android_demo" / "gradle" / "libs.versions.toml"
    app = tomllib.loads(file.read_text())["versions"]["executorch"]
    (exporter,) = re.findall(
        r"^executorch==(.+)$", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE
    )
    assert app.split(".")[:2] == exporter.split(".")[:2]


@pytest.mark.parametrize("target", DEMOS)
def test_git_ignores_what_a_bundle_puts_into_a_demo(target):
    demo = DEMOS[target]
    places = filter(None, [demo.model, demo.model_goldens, demo.shared_goldens, demo.samples])
    for place in places:
        file = f"{demo.folder}/{place}/any.file"
        done = subprocess.run(["git", "check-ignore", "-q", file], cwd=REPOSITORY, check=False)
        assert done.returncode == 0, file


def test_demos_hold_no_picture_and_no_binary_but_the_icons():
    """What npm and a conversion bring stays outside; icons are drawn by our own script."""
    for path in listed(*(demo.folder for demo in DEMOS.values())):
        if path.suffix == ".png":
            assert path.parent.name in ("icons", "AppIcon.appiconset"), path
        else:
            assert b"\0" not in path.read_bytes(), path


def test_scripts_pass_shellcheck():
    scripts = [REPOSITORY / ".ci" / "run", REPOSITORY / ".ci" / "app-tools", *listed("*.sh")]
    follow = ["--external-sources", "--source-path=SCRIPTDIR"]
    command = [SHELLCHECK, *follow, *scripts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")

"""docs/licences.md names everything that is installed, built in or served."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PAGE = (REPOSITORY / "docs" / "licences.md").read_text(encoding="utf-8")
NPM = ("web_demo", "android_demo/ci", "ios_demo/ci")


def python_packages() -> set[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    asked = [*project["dependencies"], *(one for extra in extras for one in extra)]
    return {re.split(r"[<>=\[ ]", one)[0] for one in asked}


def npm_packages() -> set[str]:
    listed = [json.loads((REPOSITORY / f / "package.json").read_text()) for f in NPM]
    kinds = ("dependencies", "devDependencies")
    return {name for one in listed for kind in kinds for name in one.get(kind, {})}


def gradle_libraries() -> set[str]:
    file = REPOSITORY / "android_demo" / "gradle" / "libs.versions.toml"
    return {one["module"] for one in tomllib.loads(file.read_text())["libraries"].values()}


@pytest.mark.parametrize("packages", [python_packages, npm_packages, gradle_libraries])
def test_every_package_is_named_with_its_licence(packages):
    found = packages()
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    named = set(
        re.findall(r"[\w@./:-]+", " ".join(row.split("|")[1] + row.split("|")[2] for row in rows))
    )
    assert len(found) > 2
    assert found - named == set()


def test_the_page_names_the_very_runtime_that_is_served():
    pinned = json.loads((REPOSITORY / "web_demo" / "package.json").read_text())
    assert f"onnxruntime-web {pinned['dependencies']['onnxruntime-web']}:" in PAGE

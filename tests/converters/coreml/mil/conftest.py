"""Packages to run and to damage."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

CopyPackage = Callable[[str], Path]


@pytest.fixture
def copied(coreml_packages, tmp_path) -> CopyPackage:
    """A copy of a package of `coreml_packages`, to be changed."""

    def copy(name: str) -> Path:
        return shutil.copytree(coreml_packages[name].path, tmp_path / f"{name}.mlpackage")

    return copy

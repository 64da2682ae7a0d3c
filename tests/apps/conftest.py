"""What the demo apps' tests share: bundles to put into them, tools that may be missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FRAME = "512x640"  # small, and neither square nor the default: nothing may rely on either
TOOLKITS = {"executorch": "executorch", "onnx": "onnxruntime", "coreml": "coremltools"}


@pytest.fixture(scope="session")
def app_bundles(mobileseg: Any, made_once: Callable[..., Path]) -> Path:
    """Bundles of the network that ships, a folder for each target. Copy before changing one."""
    for toolkit in TOOLKITS.values():
        pytest.importorskip(toolkit, reason=f"not run: {toolkit} is not installed")

    def fill(folder: Path) -> None:
        for name in TOOLKITS:
            done = mobileseg("convert", "--target", name, "--frame", FRAME, "-o", name, cwd=folder)
            assert done.returncode == 0, done.stderr

    return made_once("app-bundles", fill)


@pytest.fixture(scope="session")
def written_most() -> Callable[[Path], float]:
    """How far another runtime's probabilities may be from a float32 bundle's own."""

    def most(bundle: Path) -> float:
        from converters.bundle.read import open_bundle
        from converters.parity.compare import described
        from converters.parity.metrics import calibrated_most
        from converters.parity.tolerances import TOLERANCES

        blank = described(open_bundle(bundle), "")
        limit = TOLERANCES["fp32"]["written"].most
        return calibrated_most(limit, blank.calibration_factor, blank.calibration_step)

    return most


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """The path of a command; the test is not run where it is missing."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if not found:
            pytest.skip(f"not run: no {name} (make apps installs it)")
        return found

    return find

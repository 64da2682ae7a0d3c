"""What tests share: real pictures where they are, phantoms, one demo from an installed wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).parent.parent
# Small pictures: a second thread costs more in waiting than it saves in work.
torch.set_num_threads(1)

Mobileseg = Callable[..., subprocess.CompletedProcess[str]]


def _data_root() -> Path:
    named = os.environ.get("MOBILESEG_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def _real(name: str) -> Path:
    folder = _data_root() / name
    if not folder.is_dir():
        pytest.skip(f"not run: no data ({name}; MOBILESEG_DATA names its folder)")
    return folder


@pytest.fixture(scope="session")
def idrid512() -> Path:
    """81 real pictures of 512 px with true EX masks."""
    return _real("idrid512")


@pytest.fixture(scope="session")
def idrid_fullres() -> Path:
    """20 real pictures as a camera writes them, with true EX masks."""
    return _real("idrid-fullres")


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small set of phantoms in IDRiD's layout: 256 px, 9 pictures, 6 of them for training."""
    from mobileseg.data.phantom import write_phantoms

    folder = tmp_path_factory.mktemp("data") / "phantoms"
    write_phantoms(folder, count=9, side_px=256, seed=7)
    return folder


@pytest.fixture(scope="session")
def mobileseg(tmp_path_factory: pytest.TempPathFactory) -> Mobileseg:
    """The command of the built wheel, installed beside nothing of this repository.

    Call it with arguments, and `cwd` for the folder to be in; returns the completed process.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", str(site), str(wheel)], check=True)

    def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", str(site / "bin" / "mobileseg"), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def demo(mobileseg: Mobileseg, tmp_path_factory: pytest.TempPathFactory, phantoms: Path) -> Path:
    """The demo's folder: one XS trained for a few epochs at 128 px, and its three bundles.

    The weights are real, not good. Everything that needs a run or a bundle shares this one.
    """
    folder = tmp_path_factory.mktemp("demo")
    arguments = ("--data", phantoms, "--side", "128", "--epochs", "8", "-o", "out")
    done = mobileseg("demo", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr + done.stdout
    (folder / "out" / "stdout.txt").write_text(done.stdout)
    return folder / "out"


@pytest.fixture(scope="session")
def trained_run(demo: Path) -> Path:
    """The demo's run folder."""
    return demo / "run"


@pytest.fixture(scope="session")
def bundles(demo: Path) -> Path:
    """The demo's bundles, a folder each, named after their targets. Copy before changing one."""
    return demo / "bundles"

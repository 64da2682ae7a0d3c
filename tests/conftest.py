"""What tests share: real pictures where they are, phantoms, one demo from an installed wheel."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import torch

REPOSITORY = Path(__file__).parent.parent
# Small pictures: a second thread costs more in waiting than it saves in work.
torch.set_num_threads(1)

if TYPE_CHECKING:
    from mobileseg.runs import Run

MakeRun = Callable[..., "Run"]
MadeOnce = Callable[[str, Callable[[Path], object]], Path]
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
def idrid() -> Path:
    """IDRiD's segmentation set as it unpacks: 81 pictures, true masks of all four lesions."""
    return _real("idrid")


@pytest.fixture(scope="session")
def idrid512() -> Path:
    """81 real pictures of 512 px with true EX masks."""
    return _real("idrid512")


@pytest.fixture(scope="session")
def idrid_fullres() -> Path:
    """20 real pictures as a camera writes them, with true EX masks."""
    return _real("idrid-fullres")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """A folder that whichever of the test processes needs it first makes, for them all.

    Call it with a name and what fills the folder. What fails is made again by the next process.
    """
    own = tmp_path_factory.getbasetemp()
    base = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, whole = base / f"shared-{name}", base / f"shared-{name}.whole"
        with (base / f"shared-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                whole.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def phantoms(made_once: MadeOnce) -> Path:
    """A small set of phantoms in IDRiD's layout: 256 px, 9 pictures, 6 of them for training."""
    from mobileseg.data.phantom.generate import write_phantoms

    def fill(folder: Path) -> None:
        write_phantoms(folder / "phantoms", count=9, side_px=256, seed=7)

    return made_once("data", fill) / "phantoms"


@pytest.fixture(scope="session")
def installed(made_once: MadeOnce) -> Path:
    """The folder of the built wheel, installed beside nothing of this repository."""

    def fill(folder: Path) -> None:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
        (wheel,) = folder.glob("*.whl")
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
        subprocess.run([*install, "--target", str(folder / "site"), str(wheel)], check=True)

    return made_once("wheel", fill) / "site"


@pytest.fixture(scope="session")
def mobileseg(installed: Path) -> Mobileseg:
    """The installed command.

    Call it with arguments, `cwd` for the folder to be in, and `without` for a package that shall
    not be installed; returns the completed process.
    """

    def run(
        *arguments: str | Path, cwd: Path, without: str = ""
    ) -> subprocess.CompletedProcess[str]:
        places = [str(installed)]
        if without:
            missing = installed.parent / f"without-{without}"
            missing.mkdir(exist_ok=True)
            (missing / f"{without}.py").write_text("raise ImportError('not installed')\n")
            places.insert(0, str(missing))
        return subprocess.run(
            [sys.executable, "-P", str(installed / "bin" / "mobileseg"), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def demo(mobileseg: Mobileseg, made_once: MadeOnce, phantoms: Path) -> Path:
    """The demo's folder: one XS trained for a few epochs at 128 px, and its four bundles.

    The weights are real, not good. Everything that needs a run or a bundle shares this one.
    """

    def fill(folder: Path) -> None:
        arguments = ("--data", phantoms, "--side", "128", "--epochs", "8", "-o", "out")
        done = mobileseg("demo", *arguments, cwd=folder)
        assert done.returncode == 0, done.stderr + done.stdout
        (folder / "out" / "stdout.txt").write_text(done.stdout)

    return made_once("demo", fill) / "out"


@pytest.fixture(scope="session")
def trained_run(demo: Path) -> Path:
    """The demo's run folder."""
    return demo / "run"


@pytest.fixture(scope="session")
def bundles(demo: Path) -> Path:
    """The demo's bundles, a folder each, named after their targets. Copy before changing one."""
    return demo / "bundles"


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    """Write a run folder of U²-Net-XS at 64 px with random weights whose answers span 0..1.

    Call it with the folder, `seed` for the weights, and what its config.json shall say; `score`
    is what its record says of its validation.
    """
    from mobileseg.files.atomic import write_json
    from mobileseg.lesions import task_lesions
    from mobileseg.models.build import build
    from mobileseg.models.weights import save_weights
    from mobileseg.run_config import RunConfig
    from mobileseg.runs import open_run
    from mobileseg.spec import Normalisation, PreprocessSpec
    from mobileseg.training.config import TrainConfig

    @torch.no_grad()
    def lively(seed: int, classes: int) -> torch.nn.Module:
        torch.manual_seed(seed)
        network = build("xs", classes)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None  # the statistics become those of the one batch that follows
        noise = torch.nn.functional.interpolate(torch.randn(4, 3, 16, 16), scale_factor=4)
        network.train()(noise)
        network.eval()
        logits = network(noise)[0]
        network.outconv.weight *= 1.5 / logits.std()
        network.outconv.bias.fill_(0)
        network.outconv.bias -= network(noise)[0].median()
        return network

    def make(folder: Path, *, seed: int = 0, score: float | None = None, **given: Any) -> Run:
        task = given.pop("task", "EX")
        normalisation = Normalisation(
            given.pop("mean", (0.4, 0.25, 0.1)), given.pop("sd", (0.2, 0.12, 0.08))
        )
        choices = {"seed": seed, **given.pop("training", {})}
        defaults: dict[str, Any] = {
            "variant": "xs",
            "preprocess": PreprocessSpec(64, (128, 160)),
            "thresholds": dict.fromkeys(task_lesions(task), 0.5),
            "pictures": {"train": ["phantom_01", "phantom_02"], "validation": ["phantom_03"]},
        }
        config = RunConfig(
            task=task,
            normalisation=normalisation,
            training=TrainConfig(**choices).to_json(),
            **(defaults | given),
        )
        write_json(folder / "config.json", config.to_json())
        save_weights(lively(seed, len(config.lesions)), folder / "best.safetensors")
        if score is not None:
            write_json(folder / "run.json", {"best_validation_aupr": score, "data": "d"})
        return open_run(folder)

    return make


@pytest.fixture(scope="session")
def before_make() -> ModuleType:
    """The program that made what lies in training/before, and the small network that it takes."""
    made = REPOSITORY / "tests" / "training" / "before" / "make.py"
    spec = importlib.util.spec_from_file_location("before_make", made)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def narrow(before_make: ModuleType, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a U²-Net of two stages and 500 weights: steps of it take milliseconds."""
    from mobileseg.models.variants import VARIANTS

    monkeypatch.setitem(VARIANTS, before_make.NARROW.name, before_make.NARROW)
    name: str = before_make.NARROW.name
    return name


@pytest.fixture(scope="session")
def onnx_bundle(made_once: MadeOnce, make_run: MakeRun) -> Path:
    """XS of random weights for the browser, frame 128x160. Copy before changing one."""
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package, reason=f"not run: {package} is not installed")
    from converters.bundle.read import write_bundle
    from converters.targets import target

    def fill(folder: Path) -> None:
        row = target("onnx")
        order = row.order([(128, 160)])
        write_bundle(make_run(folder / "run"), folder / "bundle", target=row, order=order)

    return made_once("onnx-of-apps", fill) / "bundle"

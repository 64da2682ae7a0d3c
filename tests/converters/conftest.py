"""A run that answers to everything: its probabilities span 0..1, so that every fault shows.

The demo's network has hardly learnt; its answers lie within a few hundredths of each other, and a
fault in a frame would hide in that. This one's weights are random, its batch norms have seen
phantoms, and its logits are stretched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from converters.bundle.read import write_bundle
from converters.options import Order
from converters.parity.cases import Case, phantom_cases
from converters.quiet import quiet
from converters.targets import target
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.files.atomic import write_json
from mobileseg.models.build import build
from mobileseg.models.variants import VARIANTS, Stage, U2NetPlan, Variant
from mobileseg.models.weights import save_weights
from mobileseg.preprocess.reference import preprocess
from mobileseg.run_config import RunConfig
from mobileseg.runs import Run, open_run
from mobileseg.spec import Normalisation, PreprocessSpec, photo_to_frame
from mobileseg.training.config import TrainConfig

SIDE = 64
FRAME_HW = (128, 160)
NORMAL = Normalisation((0.4, 0.25, 0.1), (0.2, 0.12, 0.08))
WriteRun = Callable[..., Run]


@pytest.fixture(scope="session")
def phantom_frame() -> NDArray[np.uint8]:
    """(128, 160, 3): a retina in a frame, some way off its middle."""
    return photo_to_frame(make_phantom(3, 120, aspect=1.2).picture, FRAME_HW)


@pytest.fixture(scope="session")
def write_run() -> WriteRun:
    """Write a run folder around a network (xs, EX, 64 px, if not said), and open it."""

    def write(
        folder: Path,
        network: torch.nn.Module,
        variant: str = "xs",
        thresholds: dict[str, float] | None = None,
    ) -> Run:
        thresholds = thresholds or {"EX": 0.5}
        config = RunConfig(
            variant=variant,
            task=",".join(thresholds),
            preprocess=PreprocessSpec(SIDE, FRAME_HW),
            normalisation=NORMAL,
            thresholds=thresholds,
            training=TrainConfig().to_json(),
            pictures={"train": ["a"], "validation": ["b"]},
        )
        folder.mkdir(parents=True)
        write_json(folder / "config.json", config.to_json())
        save_weights(network, folder / "best.safetensors")
        return open_run(folder)

    return write


@torch.no_grad()
def lively(network: torch.nn.Module, frame: NDArray[np.uint8]) -> torch.nn.Module:
    """Give a network of random weights the statistics of a frame, and answers from 0 to 1."""
    spec = PreprocessSpec(SIDE, FRAME_HW)
    views = [frame, frame[::-1].copy(), frame[:, ::-1].copy()]
    seen = torch.stack([torch.from_numpy(preprocess(v, spec).normalised(NORMAL)) for v in views])
    network.train()
    for _ in range(20):  # momentum 0.1: after 20 the statistics are the pictures' own
        network(seen)
    network.eval()
    logits = network(seen)[0]
    network.outconv.weight *= 3 / logits.std()
    network.outconv.bias.fill_(0)
    network.outconv.bias -= network(seen)[0].median()
    return network


@pytest.fixture(scope="session")
def made_lively() -> Callable[..., torch.nn.Module]:
    """`lively`, for a file of tests with networks of its own."""
    return lively


@pytest.fixture(scope="session")
def tiny_run(
    tmp_path_factory: pytest.TempPathFactory, write_run: WriteRun, phantom_frame: NDArray[np.uint8]
) -> Run:
    """XS with lively weights. Shared: write a changed copy, leave this one as it is."""
    torch.manual_seed(11)
    network = lively(build("xs", 1), phantom_frame)
    return write_run(tmp_path_factory.mktemp("tiny") / "tiny", network)


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run as a TorchScript bundle: a second to make. Copy before changing it."""
    folder = tmp_path_factory.mktemp("tiny") / "bundle"
    write_bundle(
        tiny_run,
        folder,
        target=target("torchscript"),
        order=target("torchscript").order([FRAME_HW]),
    )
    return folder


@pytest.fixture(scope="session")
def cases() -> list[Case]:
    """The pictures that parity takes without data, made once."""
    return list(phantom_cases().read)


# Core ML packages take seconds to convert: four orders that between them ask for everything.
FRAMES = ((128, 160), (96, 200), (256, 128))
COREML = {
    "usual": {},
    "masks": {"precision": "fp16", "ios": "17", "head": "masks"},
    "labels": {"precision": "pal6w", "head": "labels"},
    "network": {"precision": "int8w", "ios": "18", "graph": "network"},
}
# All but the usual one are of a U²-Net with two stages, which converts in a sixth of the time.
FEW_STAGES = Variant(
    "few-stages",
    "U²-Net of two stages",
    U2NetPlan(
        (Stage(3, 4, 16), Stage(3, 4, 16, dilated=True)),
        (Stage(3, 4, 16),),
    ),
    0,
    "For tests.",
    "Made up.",
)
TWO_LESIONS = {"EX": 0.4, "SE": 0.6}


@dataclass(frozen=True, slots=True)
class Package:
    """A converted package with what it was made from."""

    path: Path
    run: Run
    order: Order


@pytest.fixture(scope="module")
def few_stages() -> Iterator[Variant]:
    """The small variant under its name, for as long as a file of tests opens runs of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VARIANTS, FEW_STAGES.name, FEW_STAGES)
        yield FEW_STAGES


@pytest.fixture(scope="session")
def coreml_packages(
    tiny_run: Run,
    write_run: WriteRun,
    phantom_frame: NDArray[np.uint8],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Package]:
    """One package for each order in `COREML`; copy before changing one."""
    pytest.importorskip("coremltools", reason="not run: coremltools is not installed")
    from converters.coreml import converter as coreml_program

    folder = tmp_path_factory.mktemp("coreml")
    packages = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VARIANTS, FEW_STAGES.name, FEW_STAGES)
        torch.manual_seed(5)
        one, two = (lively(build(FEW_STAGES.name, n), phantom_frame) for n in (1, 2))
        runs = {
            "usual": tiny_run,
            "masks": write_run(folder / "one", one, FEW_STAGES.name),
            "labels": write_run(folder / "two", two, FEW_STAGES.name, TWO_LESIONS),
        }
        runs["network"] = runs["masks"]
        for name, asked in COREML.items():
            order = target("coreml").order(FRAMES if name == "masks" else [FRAME_HW], **asked)
            packages[name] = Package(folder / f"{name}.mlpackage", runs[name], order)
            with quiet():
                coreml_program.export(runs[name], order, packages[name].path)
    return packages


@pytest.fixture(scope="module")
def small_run(
    few_stages: Variant,
    write_run: WriteRun,
    phantom_frame: NDArray[np.uint8],
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """A run of the small variant, which lowers in seconds; an int8 form is put beside it."""
    from mobileseg.quantization.calibration import calibrate
    from mobileseg.quantization.quantized_run import Quantized, folded_networks, save_quantized

    torch.manual_seed(5)
    network = lively(build(few_stages.name, 1), phantom_frame)
    run = write_run(tmp_path_factory.mktemp("small") / "small", network, few_stages.name)
    spec = PreprocessSpec(SIDE, FRAME_HW)
    views = [np.roll(phantom_frame, 5 * i, axis=1) for i in range(8)]
    seen = [torch.from_numpy(preprocess(v, spec).normalised(NORMAL)[None]) for v in views]
    networks = folded_networks(run)
    ranges = tuple(calibrate(n, seen, SIDE) for n in networks)
    save_quantized(Quantized("ptq", ("outconv",), ranges, networks, ("a",)), run, run.path)
    return run

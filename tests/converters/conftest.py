"""A run that answers to everything: its probabilities span 0..1, so that every fault shows.

The demo's network has hardly learnt; its answers lie within a few hundredths of each other, and a
fault in a frame would hide in that. This one's weights are random, its batch norms have seen
phantoms, and its logits are stretched.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from converters.bundle import write_bundle
from converters.parity import Case
from converters.parity_cases import phantom_cases
from converters.targets import target
from mobileseg.data.phantom import make_phantom
from mobileseg.files import write_json
from mobileseg.models.build import build
from mobileseg.models.weights import save_weights
from mobileseg.preprocess.reference import preprocess
from mobileseg.runs import Run, RunConfig, open_run
from mobileseg.spec import Normalisation, PreprocessSpec, photo_to_frame
from mobileseg.training.config import TrainConfig

SIDE = 64
FRAME_HW = (128, 160)
WriteRun = Callable[[Path, torch.nn.Module], Run]


@pytest.fixture(scope="session")
def phantom_frame() -> NDArray[np.uint8]:
    """(128, 160, 3): a retina in a frame, some way off its middle."""
    return photo_to_frame(make_phantom(3, 120, aspect=1.2).picture, FRAME_HW)


@pytest.fixture(scope="session")
def write_run() -> WriteRun:
    """Write a run folder around a network (xs, EX, 64 px), and open it."""

    def write(folder: Path, network: torch.nn.Module) -> Run:
        config = RunConfig(
            variant="xs",
            task="EX",
            preprocess=PreprocessSpec(SIDE, FRAME_HW),
            normalisation=Normalisation((0.4, 0.25, 0.1), (0.2, 0.12, 0.08)),
            thresholds={"EX": 0.5},
            training=TrainConfig().to_json(),
            pictures={"train": ["a"], "validation": ["b"]},
        )
        folder.mkdir(parents=True)
        write_json(folder / "config.json", config.to_json())
        save_weights(network, folder / "best.safetensors")
        return open_run(folder)

    return write


@pytest.fixture(scope="session")
def tiny_run(
    tmp_path_factory: pytest.TempPathFactory, write_run: WriteRun, phantom_frame: NDArray[np.uint8]
) -> Run:
    """XS with lively weights. Shared: write a changed copy, leave this one as it is."""
    torch.manual_seed(11)
    network = build("xs", 1)
    spec = PreprocessSpec(SIDE, FRAME_HW)
    normal = Normalisation((0.4, 0.25, 0.1), (0.2, 0.12, 0.08))
    views = [phantom_frame, phantom_frame[::-1].copy(), phantom_frame[:, ::-1].copy()]
    seen = torch.stack([torch.from_numpy(preprocess(v, spec).normalised(normal)) for v in views])
    with torch.no_grad():
        network.train()
        for _ in range(20):  # momentum 0.1: after 20 the statistics are the pictures' own
            network(seen)
        network.eval()
        logits = network(seen)[0]
        network.outconv.weight *= 3 / logits.std()
        network.outconv.bias.fill_(0)
        network.outconv.bias -= network(seen)[0].median()
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

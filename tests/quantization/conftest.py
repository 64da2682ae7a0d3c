"""The trained network that ships, at a quarter of its side, calibrated on phantoms.

A random network would not do: its answers stand on edges that no rounding leaves alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mobileseg.data.phantom.generate import make_phantom
from mobileseg.models.weights import fold_batch_norm
from mobileseg.preprocess.reference import preprocess
from mobileseg.runs import Run, open_run
from mobileseg.spec import PreprocessSpec, photo_to_frame

SIDE = 64


@pytest.fixture(scope="session")
def run(make_run, tmp_path_factory) -> Run:
    """A run folder of one's own; its weights are random."""
    return make_run(tmp_path_factory.mktemp("quantized") / "run", seed=4)


@pytest.fixture(scope="session")
def network() -> torch.nn.Module:
    return fold_batch_norm(open_run(Path("xs-ex")).network)


@pytest.fixture(scope="session")
def pictures() -> list[torch.Tensor]:
    normal = open_run(Path("xs-ex")).config.normalisation
    spec = PreprocessSpec(SIDE, (96, 96))
    frames = [photo_to_frame(make_phantom(5, 96, index=i).picture, (96, 96)) for i in range(9)]
    return [torch.from_numpy(preprocess(f, spec).normalised(normal)[None]) for f in frames]

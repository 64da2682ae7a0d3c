"""A network with lively answers, calibrated on noise that is smooth as a retina is."""

from __future__ import annotations

import pytest
import torch

from mobileseg.models.weights import fold_batch_norm
from mobileseg.runs import Run

SIDE = 64


@pytest.fixture(scope="session")
def run(make_run, tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("quantized") / "run", seed=4)


@pytest.fixture(scope="session")
def network(run) -> torch.nn.Module:
    return fold_batch_norm(run.network)


@pytest.fixture(scope="session")
def pictures() -> list[torch.Tensor]:
    torch.manual_seed(8)
    noise = torch.randn(9, 3, 16, 16)
    smooth = torch.nn.functional.interpolate(noise, scale_factor=4, mode="bilinear")
    return list(smooth.split(1))

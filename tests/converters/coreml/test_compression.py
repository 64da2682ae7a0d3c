"""Compressed weights on a network of three convolutions: each kind, for each system."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from converters.coreml.checks import operations
from converters.coreml.compression import (
    COMPRESSIONS,
    FEWEST,
    check_weights,
    compressible,
    compressing,
    saved_weights,
    with_saved_weights,
)
from converters.deployable import NetworkAlone
from converters.quiet import quiet
from converters.targets import target
from mobileseg.models.ensemble import Ensemble, MemberNetwork
from mobileseg.spec import Normalisation

ct = pytest.importorskip("coremltools", reason="not run: coremltools is not installed")

NORMAL = Normalisation((0.4, 0.25, 0.1), (0.2, 0.12, 0.08))


class Small(nn.Module):
    """One weight of many values, one of few, one too small to be compressed."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 2, 1)
        self.outconv = nn.Conv2d(2, 1, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.outconv(torch.relu(self.second(torch.relu(self.first(x)))))]


@pytest.fixture(scope="module")
def small() -> Ensemble:
    torch.manual_seed(2)
    return Ensemble([MemberNetwork(Small(), NORMAL, "EX")]).eval()


def convert(ensemble: Ensemble, precision: str, ios: str) -> Any:
    graph = NetworkAlone(ensemble, 32)
    with quiet(), torch.no_grad():
        return ct.convert(
            torch.jit.trace(graph, graph.example(), check_trace=False),
            inputs=[ct.TensorType("enhanced", (1, 3, 32, 32))],
            minimum_deployment_target=getattr(ct.target, f"iOS{ios}"),
            compute_precision=ct.precision.FLOAT32,
            pass_pipeline=compressing(ct, precision),
            skip_model_load=True,
        )


@pytest.mark.parametrize("ios", target("coreml").choices["ios"])
@pytest.mark.parametrize("precision", COMPRESSIONS)
def test_every_weight_of_some_size_is_compressed_and_comes_back(precision, ios, small, tmp_path):
    package = tmp_path / "small.mlpackage"
    model = convert(small, precision, ios)
    model.save(str(package))
    kinds = [op.type for op in operations(model.get_spec())]
    # The last one's two values stand in the program text.
    assert [k for k in kinds if k.startswith("constexpr_")] == 2 * [
        COMPRESSIONS[precision].unpacked_by[ios]
    ]
    assert compressible(small) == 2 and FEWEST > 2
    saved = saved_weights(ct, package)
    wanted = small.members[0].network
    assert set(saved) == {
        f"ensemble_members_0_network_{n}_weight" for n in ("first", "second", "outconv")
    }
    first = saved["ensemble_members_0_network_first_weight"]
    exact = wanted.first.weight.detach().numpy()
    if precision == "int8w":
        # Half a step of 127 to each side, of its own output channel's largest value.
        step = np.abs(exact).max(axis=(1, 2, 3), keepdims=True) / 127
        assert (np.abs(first - exact) <= step / 2 * 1.001).all()
    else:
        bits = int(precision[3])
        assert len(np.unique(first)) <= 2**bits
    check = check_weights(small, precision, saved)
    assert check.holds, check
    unpacked = with_saved_weights(small, saved)
    assert torch.equal(
        unpacked.members[0].network.first.weight, torch.from_numpy(first)
    ) and torch.equal(unpacked.members[0].network.outconv.weight, wanted.outconv.weight)


def test_without_a_compression_the_weights_come_back_as_they_were(small, tmp_path):
    package = tmp_path / "small.mlpackage"
    convert(small, "fp32", "16").save(str(package))
    saved = saved_weights(ct, package)
    network = small.members[0].network
    for name in ("first", "second", "outconv"):
        exact = getattr(network, name).weight.detach().numpy()
        assert np.array_equal(saved[f"ensemble_members_0_network_{name}_weight"], exact)


def test_the_choices_of_the_target_are_those_of_the_table():
    assert set(COMPRESSIONS) < set(target("coreml").choices["precision"])
    for compression in COMPRESSIONS.values():
        assert set(compression.unpacked_by) == set(target("coreml").choices["ios"])

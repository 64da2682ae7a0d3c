"""Half precision as it is simulated: weights and every value of 11 bits, sums of 24."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.models.build import build
from mobileseg.models.ensemble import Ensemble, MemberNetwork
from mobileseg.quantization.fp16_simulation import RoundedToHalf, rounded_to_half, to_half
from mobileseg.spec import Normalisation

NORMAL = Normalisation((0.4, 0.25, 0.1), (0.2, 0.12, 0.08))


def test_values_are_rounded_to_the_nearest_of_eleven_bits():
    x = torch.tensor([1 + 2**-11, 1 + 3 * 2**-11, 2049.0, 1e-9, 1e6, 0.1])
    with np.errstate(over="ignore"):  # a million is infinity there
        expected = torch.from_numpy(x.numpy().astype(np.float16).astype(np.float32))
    assert torch.equal(to_half(x), expected)
    whole = torch.tensor([2049])
    assert to_half(whole) is whole


class Sum(nn.Module):
    """Two operations whose values show: a product that half precision rounds, then a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(1 + 2**-12))

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x * self.factor + 2048.0]


@torch.no_grad()
def test_the_weight_the_input_and_every_result_are_rounded():
    rounded = RoundedToHalf(Sum())
    assert float(rounded.network.factor) == 1  # 2**-12 is beneath 11 bits
    (found,) = rounded(torch.tensor([1.0, 1 + 2**-11, 3.0]))
    # 2049 and 2051 are no half-precision numbers: the nearest even ones are.
    assert found.tolist() == [2048.0, 2048.0, 2052.0]


@torch.no_grad()
def test_a_network_differs_a_little_and_its_normalisation_stays():
    torch.manual_seed(3)
    ensemble = Ensemble([MemberNetwork(build("xs", 1), NORMAL, "EX")]).eval()
    half = rounded_to_half(ensemble)
    x = torch.rand(1, 3, 64, 64) * 255
    off = (half(x) - ensemble(x)).abs().max()
    assert 1e-6 < off < 0.02
    assert torch.equal(half.members[0].normalise(x), ensemble.members[0].normalise(x))
    kept = ensemble.members[0].network.outconv.weight
    assert not torch.equal(kept, to_half(kept))  # a copy was rounded

"""Several networks as one: a mean of probabilities, each member with its own mean and SD."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mobileseg.errors import BadInput
from mobileseg.models.ensemble import Ensemble, MemberNetwork, Normalise
from mobileseg.spec import Normalisation

LOW = Normalisation((0.1, 0.2, 0.05), (0.1, 0.2, 0.05))
HIGH = Normalisation((0.6, 0.5, 0.4), (0.3, 0.1, 0.2))
MIDDLE = Normalisation((0.3, 0.4, 0.2), (0.2, 0.15, 0.1))


class Small(nn.Module):
    """Two zero-padded convolutions; answers as the networks do, in a list."""

    def __init__(self, classes: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, classes, 3, padding=1)
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [self.layers(x)]


def member(task: str, seed: int, normalisation: Normalisation) -> MemberNetwork:
    return MemberNetwork(Small(task.count(",") + 1, seed), normalisation, task).eval()


def alone(one: MemberNetwork, enhanced: torch.Tensor) -> torch.Tensor:
    """What a member answers, from its parts."""
    mean, sd = one.normalise.mean, one.normalise.sd
    return torch.sigmoid(one.network((enhanced - mean) / sd)[0])


@pytest.fixture
def enhanced() -> torch.Tensor:
    """(2, 3, 8, 8): two pictures after CLAHE, 0..255."""
    return 255 * torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_one_member_answers_as_it_does_alone_to_the_bit(enhanced):
    one = member("EX", 0, LOW)
    assert torch.equal(Ensemble([one])(enhanced), alone(one, enhanced))


@torch.no_grad()
def test_members_of_one_task_are_averaged_after_their_sigmoids(enhanced):
    members = [member("EX", i, n) for i, n in enumerate((LOW, HIGH, MIDDLE))]
    expected = torch.stack([alone(m, enhanced) for m in members]).mean(dim=0)
    found = Ensemble(members)(enhanced)
    assert found.shape == (2, 1, 8, 8)
    assert (found - expected).abs().max() < 1e-6
    # The comparison can fail: a mean of logits is something else.
    logits = [m.network(m.normalise(enhanced))[0] for m in members]
    assert (found - torch.sigmoid(torch.stack(logits).mean(dim=0))).abs().max() > 1e-3


@torch.no_grad()
def test_border_pixels_see_each_members_own_zero(enhanced):
    """Padding is 0 after normalisation: folded into a shared one, only the border would show it."""
    members = [member("EX", 0, LOW), member("EX", 1, HIGH)]
    found = Ensemble(members)(enhanced)
    expected = (alone(members[0], enhanced) + alone(members[1], enhanced)) / 2

    def folded(one: MemberNetwork) -> torch.Tensor:
        """The same with mean and SD inside the first convolution."""
        first, *rest = one.network.layers
        mean, sd = one.normalise.mean, one.normalise.sd
        inside = nn.Conv2d(3, 5, 3, padding=1)
        inside.weight.copy_(first.weight / sd)
        inside.bias.copy_(first.bias - (first.weight * (mean / sd)).sum(dim=(1, 2, 3)))
        return torch.sigmoid(nn.Sequential(inside, *rest)(enhanced))

    wrong = (folded(members[0]) + folded(members[1])) / 2
    border = torch.ones(8, 8, dtype=torch.bool)
    border[2:-2, 2:-2] = False
    assert (found - expected)[..., border].abs().max() < 1e-6
    assert (found - wrong)[..., ~border].abs().max() < 1e-4
    assert (found - wrong)[..., border].abs().max() > 1e-2


@torch.no_grad()
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_tasks_stand_side_by_side_in_the_order_of_lesions_whatever_the_members_order(
    order, enhanced
):
    members = [
        member("MA,HE", 0, LOW),
        member("EX", 1, HIGH),
        member("SE", 2, MIDDLE),
        member("EX", 3, LOW),
    ]
    found = Ensemble([members[i] for i in order])(enhanced)
    both = alone(members[0], enhanced)
    exudates = (alone(members[1], enhanced) + alone(members[3], enhanced)) / 2
    expected = torch.cat([both, exudates, alone(members[2], enhanced)], dim=1)
    assert found.shape == (2, 4, 8, 8)
    assert (found - expected).abs().max() < 1e-6


def test_tasks_that_overlap_are_refused():
    with pytest.raises(BadInput, match=r"EX is in task EX and in task EX,SE; expected equal tasks"):
        Ensemble([member("EX", 0, LOW), member("EX,SE", 1, LOW)])


@torch.no_grad()
def test_a_mean_of_certain_answers_is_no_more_than_one():
    """float32's rounding must not lift a probability over 1, however many members there are."""
    for count in range(2, 12):
        members = [member("EX", 0, LOW) for _ in range(count)]
        for one in members:
            one.network.layers[2].bias += 1e3
        assert Ensemble(members)(torch.zeros(1, 3, 8, 8)).max() == 1


def test_normalisation_is_in_grey_levels():
    levels = torch.full((1, 3, 1, 1), 51.0)  # a fifth of 255
    found = Normalise(Normalisation((0.1, 0.2, 0.3), (0.1, 0.5, 0.2)))(levels)
    assert found.flatten().tolist() == pytest.approx([1, 0, -0.5], abs=1e-6)

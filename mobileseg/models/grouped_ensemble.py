"""An ensemble whose members answer at once: one network, its convolutions in groups.

Every convolution of three members is one with three groups, every map holds the first member's
channels, then the second's, then the third's. The paper proposes it and runs them one after the
other (section 5). Two things are easily wrong, and tests hold both:

* Joining two maps must keep a member's channels together (`Joining`), or groups mix members.
* Each member pads what *it* normalised with zeros, so that its own mean stands at the border.
  Normalising cannot move into the first convolution: members differ there.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from mobileseg.models.blocks import Joining, apart
from mobileseg.models.ensemble import Ensemble, MemberNetwork, Normalise, mean

CONVOLUTIONS = nn.Conv2d, nn.ConvTranspose2d


class GroupedMembers(MemberNetwork):
    """Members of one task and one structure, as one network.

    Args:
        members: two or more that `alike` lets through.

    Shape: (N, 3, S, S) float32, 0..255 -> (N, C, S, S): the mean of their probabilities.
    """

    def __init__(self, members: Sequence[MemberNetwork]) -> None:
        nn.Module.__init__(self)
        self.task = members[0].task
        self.members = len(members)
        self.normalise = _side_by_side([member.normalise for member in members])
        self.network = fused([member.network for member in members])

    def forward(self, enhanced: Tensor) -> Tensor:
        return self._mean(super().forward(torch.cat([enhanced] * self.members, dim=1)))

    def supervised(self, enhanced: Tensor) -> list[Tensor]:
        """The same, and the mean of every side at its own size."""
        maps = super().supervised(torch.cat([enhanced] * self.members, dim=1))
        return [self._mean(probabilities) for probabilities in maps]

    def _mean(self, probabilities: Tensor) -> Tensor:
        return mean(apart(probabilities, self.members))


def _side_by_side(parts: Sequence[Normalise]) -> Normalise:
    """(N, 3·members, S, S): each member's own mean and SD on its three channels."""
    whole = copy.deepcopy(parts[0])
    whole.mean = torch.cat([part.mean for part in parts], dim=1)
    whole.sd = torch.cat([part.sd for part in parts], dim=1)
    return whole


@torch.no_grad()
def fused(networks: Sequence[nn.Module]) -> nn.Module:
    """One network that does what several of one structure do, each on channels of its own.

    Args:
        networks: alike but for their numbers; they are left as they were.

    Returns:
        (N, 3·members, H, W) -> maps (N, members·C, H, W), member after member.
    """
    whole = copy.deepcopy(networks[0]).eval()
    for path, module in whole.named_modules():
        twins = [network.get_submodule(path) for network in networks]
        if isinstance(module, Joining):
            module.members = len(networks)
        elif isinstance(module, (*CONVOLUTIONS, nn.BatchNorm2d)):
            _stack(module, twins)
    return whole


def _stack(module: Any, twins: Sequence[nn.Module]) -> None:
    """Lay the numbers of one module's twins one after the other; a convolution's become groups."""
    numbers = {**module._parameters, **module._buffers}
    for name, own in numbers.items():
        if own is None or not own.ndim:  # no bias; batch norm's counter
            continue
        stacked = torch.cat([getattr(twin, name).detach() for twin in twins])
        setattr(module, name, nn.Parameter(stacked) if name in module._parameters else stacked)
    if isinstance(module, CONVOLUTIONS):
        module.in_channels *= len(twins)
        module.out_channels *= len(twins)
        module.groups *= len(twins)
    else:
        module.num_features *= len(twins)


def alike(networks: Sequence[nn.Module]) -> bool:
    """Whether networks differ in their numbers only."""
    first, *others = (_structure(network) for network in networks)
    return all(other == first for other in others)


def _structure(network: nn.Module) -> list[tuple[str, str, list[tuple[int, ...]]]]:
    return [
        (path, repr(module), [tuple(p.shape) for p in module.parameters(recurse=False)])
        for path, module in network.named_modules()
        if not list(module.children())
    ]


def grouped(ensemble: Ensemble) -> Ensemble:
    """The same ensemble, with the members of a task answering at once where they are alike.

    Args:
        ensemble: any; it is left as it was. Members that differ in structure, and tasks of one
            member, stay as they are.

    Returns:
        The same probabilities: within 1e-10 in float64, 1e-5 in float32.
    """
    members: list[MemberNetwork] = []
    for places in ensemble.tasks.values():
        same = [cast(MemberNetwork, ensemble.members[i]) for i in places]
        together = len(same) > 1 and alike([m.network for m in same])
        members += [GroupedMembers(same)] if together else [copy.deepcopy(m) for m in same]
    return Ensemble(members).eval()

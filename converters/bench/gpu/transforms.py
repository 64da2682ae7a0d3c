"""What a form does to networks before they run: fold, shorten, join, and put in another type.

Every function gives a copy; the ensemble that it takes is the reference of the others.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from mobileseg.models.ensemble import Ensemble, MemberNetwork, mean
from mobileseg.models.grouped_ensemble import grouped
from mobileseg.models.reparameterize import TAPS, lean
from mobileseg.models.weights import fold_batch_norm


class InType(nn.Module):
    """A network in another type, between float32 and float32."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network = network.to(dtype)
        self.dtype = dtype

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, S, S) normalised -> the answer's logits alone, (N, C, S, S) float32."""
        return [self.network(x.to(self.dtype))[0].float()]


class SideBySide(nn.Module):
    """Members of one task, each on a CUDA stream of its own: small kernels of all share the card.

    Shape: as `Ensemble`'s.
    """

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, enhanced: Tensor) -> Tensor:
        if enhanced.device.type != "cuda":
            return mean([member(enhanced) for member in self.members])
        here = torch.cuda.current_stream()
        stream_of: Any = torch.cuda.Stream  # untyped in PyTorch
        streams = [here, *(stream_of() for _ in self.members[1:])]
        answers = []
        for member, stream in zip(self.members, streams, strict=True):
            stream.wait_stream(here)  # fork: the picture is there; on `here` itself a no-op
            with torch.cuda.stream(stream):
                answers.append(member(enhanced))
        for stream in streams[1:]:
            here.wait_stream(stream)  # join
        return mean(answers)


# name -> what is done to each network.
NETWORKS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "as trained": copy.deepcopy,
    "folded": fold_batch_norm,
    "lean": lean,
    "lean taps": partial(lean, sides=TAPS),
}

# name -> how members become one module; each has its networks in `members`.
TOGETHER: dict[str, Callable[[Ensemble], nn.Module]] = {
    "serial": lambda ensemble: ensemble,
    "streams": lambda ensemble: SideBySide(ensemble.members),
    "grouped": grouped,
}


def shaped(ensemble: Ensemble, network: str, together: str, dtype: torch.dtype) -> nn.Module:
    """The module of a form: (N, 3, S, S) after CLAHE, 0..255 -> (N, C, S, S) probabilities.

    Args:
        network, together: names of the tables above.
        dtype: of the networks; what stands before and after them stays float32.
    """
    members = cast(Iterable[MemberNetwork], ensemble.members)
    whole: Any = TOGETHER[together](Ensemble([_changed(member, network) for member in members]))
    if dtype != torch.float32:
        for member in whole.members:
            member.network = InType(member.network, dtype)
    module: nn.Module = whole.to(next(ensemble.parameters()).device).eval()
    return module


def _changed(member: MemberNetwork, network: str) -> MemberNetwork:
    # A copy with another network in its place: the weights are not copied a second time.
    return copy.deepcopy(member, {id(member.network): NETWORKS[network](member.network)})

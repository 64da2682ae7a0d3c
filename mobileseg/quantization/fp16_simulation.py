"""Half precision as a phone computes it, on a processor that would take seconds a picture for it.

Weights are rounded to 11 bits once and every operation's result again, the sums inside an operation
are float32: what XNNPACK and Core ML do with fp16 where the hardware adds in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from mobileseg.models.ensemble import Ensemble
from mobileseg.models.weights import fold_batch_norm


def to_half(x: Tensor) -> Tensor:
    """The nearest half-precision values, still float32; what is not float32 stays as it is."""
    return x.half().float() if x.dtype == torch.float32 else x


class _Rounding(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Rounds what every operation gives."""

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return tree_map_only(Tensor, to_half, func(*args, **(kwargs or {})))


class RoundedToHalf(nn.Module):
    """A network in half precision between float32 on both sides: logits first, as it gives them.

    Args:
        network: rounded in place.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(to_half(parameter))

    def forward(self, x: Tensor) -> list[Tensor]:
        with _Rounding():  # type: ignore[no-untyped-call]
            return [self.network(to_half(x))[0]]


def rounded_to_half(ensemble: Ensemble) -> Ensemble:
    """A copy whose networks, batch norm folded, are in half precision; normalisation is not."""
    copy = cast(Ensemble, fold_batch_norm(ensemble))
    for member in copy.members:
        member.network = RoundedToHalf(cast(nn.Module, member.network))
    return copy.eval()

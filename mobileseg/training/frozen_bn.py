"""The last epochs with batch norm held at the numbers that the phone will use.

A step normalises each map by the mean and variance of its own few pictures, a phone by averages
that were gathered on the way. With two pictures a step the two differ so much that what is trained
is not what ships. So the averages are taken anew, over all training pictures and with weights that
stand still, and the network is trained on as it will be used. Three U²-Net-XS at 128 px had 0.741
AUPR on test pictures without, 0.789 with it (benchmarks/results/settling-cpu.json).

Source: Wu & Johnson 2021, arXiv:2105.07576, sections 3 and 4 (statistics taken anew, and frozen).
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim.swa_utils import update_bn


class Settler:
    """Knows from which epoch on a network's batch norms stand still.

    Args:
        network: that is trained.
        settled: how many epochs at the end.
        epochs: of the whole training.
    """

    def __init__(self, network: nn.Module, settled: int, epochs: int) -> None:
        self.network = network
        self.norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        self.first = epochs - settled  # the first settled epoch, from 0

    def begin(self, epoch: int, pictures: Iterable[Tensor]) -> None:
        """Make the network ready for an epoch, from 0.

        Args:
            pictures: every training picture once, normalised, several at a time; looked at in
                the first settled epoch alone.
        """
        if epoch < self.first:
            return
        if epoch == self.first:
            take_statistics(self.network, pictures)
        for norm in self.norms:
            norm.eval()


def take_statistics(network: nn.Module, pictures: Iterable[Tensor]) -> None:
    """Make batch norm's averages those of these pictures and of the weights as they stand.

    Args:
        pictures: normalised, several at a time; every group counts as much.
    """
    update_bn(pictures, network)

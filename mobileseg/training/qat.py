"""Fine-tuning a trained network with its rounding switched on.

Batch norm is folded before: what is trained are the very weights that the file will hold. The
ranges of the values between layers stay as they were calibrated; the weights' own scales follow
them once an epoch. Everything else is the run's own training: its loss at every depth, its
augmentation, its training pictures.

Source: Jacob et al. 2018, arXiv:1712.05877, section 3, with the straight-through gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.data.augmentation.geometry import augment, matrices
from mobileseg.errors import BadInput, Diverged
from mobileseg.quantization.calibration import Ranges
from mobileseg.quantization.fake_quant import FakeQuantized
from mobileseg.run_config import Member
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.losses import deep_supervision


@dataclass(frozen=True, slots=True)
class FineTuning:
    """Choices of a fine-tuning.

    Raises:
        BadInput: a number is out of its range.
    """

    epochs: int = 10
    lr: float = 1e-4  # a tenth of what a training begins with: the network is to stay itself
    batch: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not 0 < self.lr < 1:
            raise BadInput(
                f"{self.epochs} epochs of batch {self.batch} at lr {self.lr:g}: expected at least "
                "1, at least 1, and a rate above 0 and below 1"
            )


def fine_tune(
    network: nn.Module,
    member: Member,
    ranges: Ranges,
    layers_float: tuple[str, ...],
    train: PictureSet,
    side_px: int,
    loss_of: TrainConfig,
    choices: FineTuning,
    tick: Callable[[float], None] = lambda loss: None,
) -> dict[str, Tensor]:
    """Train the fake-quantized network.

    Args:
        network: with batch norm folded; it is left as it is.
        member: whose normalisation it is.
        train: the run's training pictures, on the CPU.
        loss_of: the run's training: its loss and its augmentation.
        tick: called after each epoch with its mean loss.

    Returns:
        The network's weights by name.

    Raises:
        Diverged: the loss is not a number.
    """
    fake = FakeQuantized(network, ranges, side_px, layers_float, sides=True)
    optimiser = torch.optim.Adam(fake.graph.parameters(), lr=choices.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=choices.epochs)
    loss, supervised = deep_supervision(loss_of), fake.network()
    mean, sd = (
        255 * torch.tensor(values).reshape(1, 3, 1, 1)
        for values in (member.normalisation.mean, member.normalisation.sd)
    )
    for epoch in range(choices.epochs):
        order = np.random.default_rng([choices.seed, epoch]).permutation(len(train))
        losses = []
        for start in range(0, len(order), choices.batch):
            chosen = [int(i) for i in order[start : start + choices.batch]]
            moves = matrices(choices.seed, epoch, chosen, loss_of.augment)
            pictures, masks = augment(*train.batch(chosen), moves)
            value = loss(supervised((pictures - mean) / sd), masks)
            if not math.isfinite(float(value)):
                names = ", ".join(train.names[i] for i in chosen)
                raise Diverged(
                    f"the loss is {float(value)} in epoch {epoch + 1} of the fine-tuning "
                    f"(pictures {names}); lower --qat-lr"
                )
            optimiser.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(float(value) * len(chosen))
        schedule.step()
        fake.weights_follow()
        tick(sum(losses) / len(order))
    return fake.weights()

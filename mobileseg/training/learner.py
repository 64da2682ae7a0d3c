"""What changes in a training: the network, its optimiser and rate, the average of its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from mobileseg.errors import BadInput
from mobileseg.models.build import Network, build
from mobileseg.run_config import RunConfig
from mobileseg.training.checkpoint import LAST, TrainState, refuse_other_optimiser
from mobileseg.training.config import TrainConfig
from mobileseg.training.distributed import Team
from mobileseg.training.ema import Ema
from mobileseg.training.prior import begin_at_prior
from mobileseg.training.pruning import Pruner
from mobileseg.training.schedule import Schedule

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Learner:
    """Takes one step after another.

    Args:
        config: whose variant and lesions the network has.
        choices: how it is trained.
        masks: of the training pictures, (N, C, S, S) uint8 on the device that it trains on.
        per_epoch: steps an epoch.
        team: the processes that share it.
        fresh: nothing is gone on with.
        start: weights to begin with instead of fresh ones, by name.
    """

    def __init__(
        self,
        config: RunConfig,
        choices: TrainConfig,
        masks: Tensor,
        device: torch.device,
        per_epoch: int,
        team: Team,
        *,
        fresh: bool,
        start: Mapping[str, Tensor] | None,
    ) -> None:
        self.choices, self.device, self.team = choices, device, team
        torch.manual_seed(choices.seed)
        layout = torch.channels_last if choices.channels_last else torch.contiguous_format
        self.network: Network = build(config.variant, len(config.lesions)).to(device)
        self.network.to(memory_format=layout)  # type: ignore[call-overload]
        if start is not None:
            self.network.load_state_dict(start)
        elif choices.prior and fresh:
            begin_at_prior(self.network, masks, choices.supervision, choices.target_scaling)
        self.optimiser: torch.optim.Optimizer = torch.optim.Adam(
            self.network.parameters(), lr=choices.lr, weight_decay=choices.weight_decay
        )
        self.scheduler = Schedule(self.optimiser, choices, per_epoch)
        self.scaler = torch.amp.GradScaler(device.type, enabled=choices.precision == "fp16")
        self.ema = Ema(self.network, choices.ema) if choices.ema else None
        self.pruner = Pruner(self.network, choices.prune, choices.epochs) if choices.prune else None

    def go_on_from(self, state: TrainState, folder: Path, of: str) -> None:
        """Take over what `note` gave.

        Args:
            of: the run's network in words, for the error.

        Raises:
            BadInput: it is not of this training.
        """
        path = folder / LAST
        refuse_other_optimiser(state, self.optimiser, self.scheduler, self.scaler, path)
        try:
            self.network.load_state_dict(state.network)
            self.optimiser.load_state_dict(state.optimiser)
            self.scheduler.load_state_dict(state.scheduler)
            self.scaler.load_state_dict(state.scaler)
            if self.ema:
                self.ema.load_state_dict(state.average)
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError):
            raise BadInput(
                f"{path}: not the state of a {of}; expected the file that this run wrote"
            ) from None

    def prepare(self) -> None:
        """Be ready for steps, once everything has been loaded."""
        self.supervised, self.optimiser = self.team.prepare(self.network, self.optimiser)
        if self.choices.compile:
            self.supervised = torch.compile(self.supervised)

    def begin(self, epoch: int) -> None:
        """Be ready for an epoch, from 0."""
        self.network.train()
        if self.pruner:
            self.pruner.begin(epoch)

    def step(
        self, loss_of: Callable[..., Tensor], pictures: Tensor, *targets: Tensor | None
    ) -> Tensor:
        """One step down the loss of a batch; the loss, a number on the device."""
        loss = loss_of(self.maps(pictures), *targets)
        self.optimiser.zero_grad(set_to_none=True)
        self.team.backward(self.scaler.scale(loss))
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self.pruner:
            self.pruner.hold()
        if self.ema:
            self.ema.update(self.network)
        return loss.detach()

    def maps(self, pictures: Tensor) -> list[Tensor]:
        """The maps to supervise, in the parameters' own precision."""
        if self.choices.channels_last:
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        half = AUTOCAST.get(self.choices.precision)
        with torch.autocast(self.device.type, dtype=half, enabled=half is not None):
            return [m.to(pictures.dtype) for m in self.supervised(pictures)]

    def note(self, state: TrainState) -> None:
        """Write down where it stands."""
        state.network = copied(self.network)
        state.optimiser = self.optimiser.state_dict()
        state.scheduler = self.scheduler.state_dict()
        state.scaler = self.scaler.state_dict()
        state.average = self.ema.state_dict() if self.ema else {}


def copied(network: Network) -> dict[str, Tensor]:
    """A network's tensors by name, on the CPU and of their own."""
    return {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}

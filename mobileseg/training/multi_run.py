"""Runs of one variant trained together on one device, each as if it were alone.

Ten runs of a small network leave a GPU idle nine tenths of the time: its maps are too small to
fill it. `stacked` makes one wide network of them: every parameter gets a leading axis of runs,
`torch.vmap` turns the convolutions into grouped ones, and a step of all is a step's worth of
kernel launches. Batch norm, loss and Adam see each run's own numbers only, so each comes out as
if trained alone, up to the order of float sums. `turns` takes the runs one after the other, epoch
by epoch, which is what a CPU does best (measured: see benchmarks/results).

A run whose loss is no longer a number is left as it was last committed; the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mobileseg.errors import BadInput, Diverged, UnknownName
from mobileseg.models.build import Network
from mobileseg.training.config import TrainConfig
from mobileseg.training.stacked_adam import StackedAdam
from mobileseg.training.steps import Step
from mobileseg.training.trainer import Trainer

FORMS = ("stacked", "turns")
Report = Callable[[Trainer, dict[str, float]], None]
# What each run has of its own; in all else the runs of a group are alike.
OWN = (
    "seed",
    "split_seed",
    "fold",
    "lr",
    "schedule",
    "plateau_factor",
    "plateau_patience",
    "epochs",
    "minutes",
    "warmup",
    "validate_every",
    "start",
    "augment",
)

# What a run does by itself, and no step of several can do for all.
ALONE = {
    "prune": "prune chooses zeros in each run",
    "settle": "settle stops each run's batch norms",
    "distil_blend": "blends are each run's own",
    "compile": "torch.compile takes a network without the axis of runs",
    "channels_last": "a stacked step lays its maps out by runs",
}


def not_stacked(choices: TrainConfig) -> str | None:
    """Why runs of these choices cannot share a step; None: they can."""
    named = next((why for name, why in ALONE.items() if getattr(choices, name)), None)
    if named or choices.precision == "fp32":
        return named
    return f"a stacked step computes in fp32, not in {choices.precision}"


def fastest_form(device: torch.device) -> str:
    """Stacked where launching kernels is what costs, turns where arithmetic is."""
    return "stacked" if device.type == "cuda" else "turns"


def train_together(
    trainers: Sequence[Trainer],
    report: Report = lambda trainer, row: None,
    *,
    form: str | None = None,
) -> dict[Path, Diverged]:
    """Train every run to its last epoch, committing each as if it were alone.

    Args:
        trainers: of one variant, task, size and batch; at any epoch each.
        report: called with a trainer and its row after each of its epochs.
        form: a name of FORMS; by default what is fastest on the device, of what the runs allow.

    Returns:
        Run folder -> why it was left behind, for runs whose loss became no number.

    Raises:
        UnknownName: no such form.
        BadInput: the runs are not alike enough.
    """
    why_not = _unlike(trainers)
    if form is None:
        form = "turns" if why_not else fastest_form(trainers[0].device)
    if form not in FORMS:
        raise UnknownName("form of training together", form, FORMS)
    if form == "stacked" and why_not:
        raise BadInput(why_not)
    lost: dict[Path, Diverged] = {}
    going = _unfinished(trainers, lost)
    while going:
        begun = time.monotonic()
        epoch = stacked_epoch if form == "stacked" else epoch_in_turns
        for trainer, outcome in zip(going, epoch(going), strict=True):
            try:
                if isinstance(outcome, Diverged):
                    raise outcome
                # Each is told its share of the time, so that the shares add up.
                share = (time.monotonic() - begun) / len(going)
                report(trainer, trainer.end_epoch(outcome, time.monotonic() - share))
            except Diverged as error:
                lost[trainer.folder] = error
            begun = time.monotonic() if form == "turns" else begun
        going = _unfinished(going, lost)
    return lost


def _unfinished(trainers: Sequence[Trainer], lost: dict[Path, Diverged]) -> list[Trainer]:
    return [t for t in trainers if t.folder not in lost and t.state.epoch < t.choices.epochs]


def _unlike(trainers: Sequence[Trainer]) -> str | None:
    """Why no single stacked step fits these runs; None: one does."""
    first = trainers[0]
    for trainer in trainers[1:]:
        if _shape(trainer) != _shape(first):
            return (
                f"{trainer.folder}: differs from {first.folder} in more than seed, split and "
                "learning rate (variant, task, size, batch or loss); train them apart"
            )
    reason = not_stacked(first.choices)
    return f"{first.folder}: {reason}; train the runs apart" if reason else None


def _shape(trainer: Trainer) -> tuple[object, ...]:
    """What runs of a stack have in common."""
    choices, config = trainer.choices, trainer.config
    common = {f.name: getattr(choices, f.name) for f in fields(choices) if f.name not in OWN}
    return (common, config.variant, config.task, config.preprocess, len(trainer.train))


Outcome = float | Diverged  # an epoch's mean training loss, or why there is none


def epoch_in_turns(trainers: Sequence[Trainer]) -> list[Outcome]:
    """One epoch of each, one after the other."""
    return [_mean_loss(t, lambda t=t: t.train_epoch(t.state.epoch)) for t in trainers]  # type: ignore[misc]


def _mean_loss(trainer: Trainer, find: Callable[[], float]) -> Outcome:
    try:
        return find()
    except Diverged as error:
        return error


def stacked_epoch(trainers: Sequence[Trainer]) -> list[Outcome]:
    """One epoch of all, in common steps; the trainers' networks and optimisers move along."""
    stack = Stack(trainers)
    plans = [t.steps(t.state.epoch) for t in trainers]
    losses = []  # each (runs,)
    for number, steps in enumerate(zip(*plans, strict=True)):
        for trainer in trainers:
            trainer.scheduler.begin_step(trainer.state.epoch, number)
        losses.append(stack.step(steps))
    per_run = torch.stack(losses, dim=1)
    outcomes = [
        _mean_loss(t, lambda t=t, run=run, plan=plan: t.mean_loss(run, plan))  # type: ignore[misc]
        for t, run, plan in zip(trainers, per_run, plans, strict=True)
    ]
    stack.hand_back([not isinstance(o, Diverged) for o in outcomes])
    return outcomes


class _Supervised(nn.Module):
    """The network as `functional_call` wants it: its forward is what training scores."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.network.supervised(x)


class Stack:
    """The trainers' parameters, statistics and Adam's moments, each with an axis of runs."""

    def __init__(self, trainers: Sequence[Trainer]) -> None:
        self.trainers = trainers
        for trainer in trainers:
            trainer.network.train()
        first = trainers[0]
        # A module without numbers of its own: whose does not matter.
        self.module = _Supervised(first.network)
        self.names = [f"network.{name}" for name, _ in first.network.named_parameters()]
        self.shapes = [p.shape for p in first.network.parameters()]
        self.buffers = {
            f"network.{name}": torch.stack(
                [dict(t.network.named_buffers())[name] for t in trainers]
            )
            for name, _ in first.network.named_buffers()
        }
        self.adam = StackedAdam([t.optimiser for t in trainers])
        emas = [t.ema for t in trainers if t.ema]
        self.averages = _flat([e.network for e in emas]) if emas else None  # runs P
        self.mean = torch.stack([t.feed.mean for t in trainers])  # runs 1 3 1 1
        self.sd = torch.stack([t.feed.sd for t in trainers])

    def step(self, steps: Sequence[Step]) -> Tensor:
        """One step of every run.

        Args:
            steps: each run's; of as many pictures of one size.

        Returns:
            (runs,) the losses.
        """
        pictures, targets = self._batch(steps)
        flat = self.adam.parameters.requires_grad_()
        losses = torch.vmap(self._loss)(self._named(flat), self.buffers, pictures, targets)
        (gradient,) = torch.autograd.grad(losses.sum(), flat)
        self.adam.step(gradient)
        if self.averages is not None:
            shares = [1 - t.ema.next_decay() for t in self.trainers if t.ema]
            column = torch.tensor(shares, dtype=flat.dtype, device=flat.device).reshape(-1, 1)
            self.averages.lerp_(flat.detach(), column)
        return losses.detach()

    def _named(self, flat: Tensor) -> dict[str, Tensor]:
        # One split: its gradient is one concatenation, not a sum of as many as there are layers.
        parts = torch.split(flat, [s.numel() for s in self.shapes], dim=1)
        return {
            name: part.reshape(-1, *shape)
            for name, part, shape in zip(self.names, parts, self.shapes, strict=True)
        }

    def _loss(
        self,
        parameters: dict[str, Tensor],
        buffers: dict[str, Tensor],
        x: Tensor,
        targets: Sequence[Tensor],
    ) -> Tensor:
        first = self.trainers[0]
        maps = functional_call(self.module, (parameters, buffers), (x,))
        return first.training_loss([m.to(x.dtype) for m in maps], *targets)

    def _batch(self, steps: Sequence[Step]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(runs, n, 3, s, s) moved and normalised, (runs, n, C, s, s) each."""
        drawn = [t.feed.moved(step) for t, step in zip(self.trainers, steps, strict=True)]
        pictures, masks = (torch.cat(parts) for parts in zip(*drawn, strict=True))
        runs = len(self.trainers)
        # One teacher for all: `_unlike` has seen to it.
        targets = self.trainers[0].feed.targets(pictures, masks)
        pictures = pictures.reshape(runs, -1, *pictures.shape[1:])
        normalised = ((pictures - self.mean) / self.sd).to(self.adam.parameters.dtype)
        return normalised, tuple(t.reshape(runs, -1, *t.shape[1:]) for t in targets)

    def hand_back(self, whole: Sequence[bool]) -> None:
        """Give each run that is whole its own numbers back; the others keep their old ones."""
        named = self._named(self.adam.parameters.detach())
        averages = None if self.averages is None else self._named(self.averages)
        for run, (trainer, keep) in enumerate(zip(self.trainers, whole, strict=True)):
            if keep:
                trainer.network.load_state_dict(_of_run({**named, **self.buffers}, run))
                self.adam.hand_back(run, trainer.optimiser)
                if averages is not None and trainer.ema:
                    trainer.ema.network.load_state_dict(_of_run({**averages, **self.buffers}, run))


def _flat(networks: Sequence[Network]) -> Tensor:
    """(networks, P): all parameters of each in a row."""
    return torch.stack(
        [torch.cat([p.detach().reshape(-1) for p in n.parameters()]) for n in networks]
    )


def _of_run(stacked: dict[str, Tensor], run: int) -> dict[str, Tensor]:
    """One network's own tensors under its own names."""
    return {name.removeprefix("network."): tensor[run] for name, tensor in stacked.items()}

"""One training on several devices: Lightning Fabric starts the processes and averages gradients.

Each process takes its part of every batch. Batch norm and Dice therefore see less of a batch than
one process would, and the weights are others. That they are as good is not shown yet: the only
comparison (benchmarks/results/same-quality-cpu.json) is too short, and two processes came last.
One process leads: it validates, writes and reports.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mobileseg.errors import BadInput, Diverged, MissingToolkit, MobilesegError
from mobileseg.models.build import Network
from mobileseg.training.allocator import keep_large_blocks
from mobileseg.training.checkpoint import TrainState
from mobileseg.training.distributed import Supervised
from mobileseg.training.session import finish, refuse_taken, resume, set_up
from mobileseg.training.trainer import Report


class FabricTeam:
    """A process's view of the others."""

    def __init__(self, fabric: Any) -> None:
        self.fabric = fabric
        self.leads = bool(fabric.is_global_zero)

    def prepare(
        self, network: Network, optimiser: torch.optim.Optimizer
    ) -> tuple[Supervised, torch.optim.Optimizer]:
        """The network with its gradients averaged over all processes."""
        shared, stepping = self.fabric.setup(network, optimiser)
        shared.mark_forward_method("supervised")
        self.network = shared
        return shared.supervised, stepping

    def share(self, chosen: Sequence[int]) -> Sequence[int]:
        """Every n-th picture; a batch too small for all is topped up with its first picture."""
        return chosen[self.fabric.global_rank :: self.fabric.world_size] or chosen[:1]

    def backward(self, loss: Tensor) -> None:
        self.fabric.backward(loss, model=self.network)

    def mean(self, values: Tensor) -> Tensor:
        """NaN anywhere is NaN for everybody: all stop at the same batch."""
        reduced: Tensor = self.fabric.all_reduce(values, reduce_op="mean")
        return reduced

    def lead(self, value: float) -> float:
        return float(self.fabric.broadcast(value, src=0))


def train_on_devices(
    folder: Path,
    data: Path,
    *,
    new: dict[str, Any] | None,
    device: torch.device,
    devices: int,
    report: Report | None = None,
) -> TrainState:
    """Train a run in `devices` processes, one a device.

    Args:
        new: what `session.set_up` takes beside folder, data and device; None: go on with a run.
        device: the kind of device; of a GPU kind the machine has at least `devices`.
        report: called in the leading process; a function of a module, so that it can be sent.

    Raises:
        MissingToolkit: lightning is not installed.
        MobilesegError: as training alone would.
    """
    try:
        from lightning.fabric import Fabric
    except ImportError:
        raise MissingToolkit.install("lightning", "multigpu") from None
    if new:
        refuse_taken(folder)  # here, before processes are started
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fabric = Fabric(accelerator=device.type, devices=devices, strategy="ddp_spawn")
        job = partial(_process, folder=folder, data=data, new=new, report=report)
        outcome: Any = fabric.launch(job)
    if isinstance(outcome, MobilesegError):
        raise outcome
    assert isinstance(outcome, TrainState)
    return outcome


def _process(
    fabric: Any, folder: Path, data: Path, new: dict[str, Any] | None, report: Report | None
) -> TrainState | MobilesegError:
    """What each process does; the leader's return value is what the caller gets."""
    if fabric.device.type == "cpu":
        keep_large_blocks()
        torch.set_num_threads(max(1, torch.get_num_threads() // fabric.world_size))
    team = FabricTeam(fabric)
    # The leader sets a new run up, or says why it cannot; only then do the others look at it.
    found = _set_up(folder, data, new, fabric.device) if team.leads and new else None
    fault: MobilesegError | None = fabric.broadcast(found, src=0)
    if fault is not None:
        return fault
    try:
        trainer = resume(folder, data, device=fabric.device, team=team)
        trainer.run(report or (lambda row: None))
    except MobilesegError as error:  # raised alike in every process: none waits for another
        return _portable(error)
    if team.leads:
        finish(folder, trainer)
    state = trainer.state
    return TrainState(epoch=state.epoch, best_epoch=state.best_epoch, best_score=state.best_score)


def _set_up(
    folder: Path, data: Path, new: dict[str, Any], device: torch.device
) -> MobilesegError | None:
    try:
        set_up(folder, data, device=device, **new)
    except MobilesegError as error:
        return _portable(error)
    return None


def _portable(error: MobilesegError) -> MobilesegError:
    """The same message and exit code in a class that travels between processes."""
    return (Diverged if isinstance(error, Diverged) else BadInput)(str(error))

"""A run's int8 form: ranges from its own training pictures, and weights that stand rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from converters.run_pictures import Pictures, tensor
from mobileseg.models.ensemble import Normalise
from mobileseg.quantization.calibration import Ranges, calibrate
from mobileseg.quantization.layers import heads
from mobileseg.quantization.quantized_run import Quantized, folded_networks, tuned
from mobileseg.runs import Run
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.qat import FineTuning, fine_tune
from mobileseg.training.session import chosen

Say = Callable[[str], None]


def calibrated(run: Run, pictures: Pictures, tick: Callable[[], None] = lambda: None) -> Quantized:
    """Everything int8 but the layers that make logits, ranges from the training pictures.

    Raises:
        BadInput: fewer than 8 training pictures, or they are not in the folder.
    """
    networks = folded_networks(run)
    return Quantized(
        method="ptq",
        layers_float=tuple(dict.fromkeys(h for network in networks for h in heads(network))),
        ranges=_ranges(run, networks, pictures, tick),
        networks=networks,
        calibration=tuple(p.name for p in pictures.train),
    )


def fine_tuned(
    run: Run, before: Quantized, pictures: Pictures, choices: FineTuning, say: Say
) -> Quantized:
    """The same after training with the rounding switched on; ranges are taken anew.

    The loss is the one that the run was trained by; an ensemble's members take the paper's.

    Raises:
        Diverged: the loss is not a number.
    """
    side = run.config.preprocess.side_px
    loss_of = TrainConfig() if run.config.ensemble else chosen(run.path, run.config)
    train = PictureSet.of(pictures.train, torch.device("cpu"))
    members = zip(run.config.members, before.networks, before.ranges, strict=True)
    weights = [
        fine_tune(
            network,
            member,
            ranges,
            before.layers_float,
            train,
            side,
            loss_of,
            choices,
            partial(_tell, say, member.name),
        )
        for member, network, ranges in members
    ]
    tuned(before.networks, weights)
    return replace(before, method="qat", ranges=_ranges(run, before.networks, pictures))


def _ranges(
    run: Run,
    networks: Sequence[nn.Module],
    pictures: Pictures,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Ranges, ...]:
    """Of every value of every member, over the training pictures."""
    found = []
    for member, network in zip(run.config.members, networks, strict=True):
        normalise = Normalise(member.normalisation)
        inputs = (normalise(tensor(p)) for p in pictures.train)
        found.append(calibrate(network, inputs, run.config.preprocess.side_px, tick))
    return tuple(found)


def _tell(say: Say, name: str, loss: float) -> None:
    say(f"{name or 'fine-tuning'}: loss {loss:.4f}")

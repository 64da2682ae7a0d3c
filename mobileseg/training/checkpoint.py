"""What is written during training, and in which order, so that a kill at any moment loses nothing.

`last.pt` is the one commit point: it holds the state after an epoch, the best weights and every
row of the metrics. The other files only repeat parts of it for people and tools; on resume they
are written anew from it, once it was seen to be a state of this very run.

It is read with `weights_only=True`: a pickle that asks for more than tensors and plain values is
refused before it gets them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mobileseg.errors import BadInput
from mobileseg.files.atomic import leftovers, staged_file, write_json, write_text
from mobileseg.files.schema import (
    NAME,
    OBJECT,
    Unfit,
    either,
    entries,
    kind,
    many,
    mapping,
    number,
    one_of,
    whole,
)
from mobileseg.files.untrusted import opened_plain, said, shown
from mobileseg.lesions import LESIONS
from mobileseg.models.build import build
from mobileseg.models.weights import refuse_misfit, write_tensors
from mobileseg.run_config import RunConfig

LAST = "last.pt"
WRITTEN = (LAST, "config.json", "best.safetensors", "metrics.csv", "run.json")
REFUSED = "Weights only load failed"  # how PyTorch begins
ARCHIVE = b"PK"  # how torch.save's files have begun since 1.6; older kinds are no state of ours
ERROR_CELLS = 32  # a side, of the map of errors: sides are multiples of 32
ANY_NUMBER = kind("a number", lambda value: type(value) in (int, float))  # NaN: no such lesion
WROTE = "expected the file that this run wrote"
MOST_EPOCHS = 10_000_000
MOST_STEPS = 2**53
STATE = entries(
    {},
    {
        "epoch": whole(0, MOST_EPOCHS),
        "network": OBJECT,
        "optimiser": OBJECT,
        "scheduler": OBJECT,
        "scaler": OBJECT,
        "best_epoch": whole(0, MOST_EPOCHS),
        "best_score": ANY_NUMBER,
        "best_network": OBJECT,
        "thresholds": mapping(one_of(LESIONS), number(0, 1)),
        "rows": many(mapping(NAME, ANY_NUMBER), 0, MOST_EPOCHS),
        "seconds": number(0, 1e10),
        # Of a training that keeps averaged weights, or that draws pieces where it was wrong.
        "average": either(entries({}), entries({"steps": whole(0, MOST_STEPS), "weights": OBJECT})),
        "errors": kind("a tensor", lambda value: isinstance(value, Tensor)),
    },
)
LATER = ("average", "errors")  # entries that a state without them does not write


@dataclass
class TrainState:
    """Where a training stands after `epoch` whole epochs."""

    epoch: int = 0
    network: dict[str, Tensor] = field(default_factory=dict)
    optimiser: dict[str, Any] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)  # of fp16's gradients
    best_epoch: int = 0
    best_score: float = -1.0
    best_network: dict[str, Tensor] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0  # spent training, interruptions not counted
    average: dict[str, Any] = field(default_factory=dict)  # see `mobileseg.training.ema`
    errors: Tensor | None = None  # see `mobileseg.training.validation.error_map`

    def to_file(self) -> dict[str, Any]:
        """What is written: as it always was, where there is nothing new to tell."""
        values = vars(self)
        empty = (self.average == {}, self.errors is None)
        untold = {name for name, without in zip(LATER, empty, strict=True) if without}
        return {name: value for name, value in values.items() if name not in untold}


def commit(
    folder: Path, state: TrainState, config: RunConfig, *, best_changed: bool = True
) -> None:
    """Write the state, then everything that follows from it.

    Args:
        best_changed: the best weights are others than at the last commit; if not, they are left.

    Raises:
        BadInput: it cannot be written (disk full, no permission).
    """
    # In memory first: on a full disk torch.save names neither the file nor the reason.
    whole = io.BytesIO()
    torch.save(state.to_file(), whole)
    try:
        with staged_file(folder / LAST) as staged:
            staged.write_bytes(whole.getbuffer())
        _repeat(folder, state, config, weights=best_changed)
    except OSError as error:
        raise BadInput(
            f"{folder}: cannot be written ({error.strerror}); the last whole epoch is kept: "
            "make room there, and --resume goes on"
        ) from None


def restore(folder: Path, config: RunConfig, *, repair: bool = True) -> TrainState:
    """Read the last committed state and cut the other files back to it.

    A run that was stopped in its first epoch has none yet: it starts again.

    Args:
        repair: False only looks; one process of several repairs.

    Raises:
        BadInput: the file is damaged, or another run's; the other files are left as they are.
    """
    if repair:
        for half in [half for name in WRITTEN for half in leftovers(folder / name)]:
            half.unlink()  # what a kill left half written
    path = folder / LAST
    if not path.is_file():
        return TrainState()
    state = _read(path)
    _refuse_other_run(state, config, path)
    if repair:
        _repeat(folder, state, config, weights=True)
    return state


def _read(path: Path) -> TrainState:
    """What the file says, of the kinds that a state has."""
    try:
        with opened_plain(path) as file:
            if file.read(len(ARCHIVE)) != ARCHIVE:
                raise Unfit("no archive as torch.save writes it")
        values = torch.load(path, map_location="cpu", weights_only=True)
        STATE(values, "")
        if unknown := set(values) - {row.name for row in fields(TrainState)}:
            raise Unfit(f"unknown entry {shown(min(unknown, key=str))}")
    except Exception as error:  # foreign bytes trip an unpickler in more ways than can be listed
        # PyTorch goes on to say how to load it all the same, which nobody should.
        reason = "it asks for more than tensors" if REFUSED in str(error) else said(error)
        raise BadInput(f"{path}: cannot be read as a training's state ({reason})") from None
    return TrainState(**values)


def _refuse_other_run(state: TrainState, config: RunConfig, path: Path) -> None:
    """Raise BadInput for a state that the run's network cannot have been in."""
    with torch.device("meta"):
        expected = build(config.variant, len(config.lesions)).state_dict()
    where = f"{path}: not the state of a {config.variant} for {config.task}"
    refuse_misfit(state.network, expected, where, WROTE)
    if len(state.rows) != state.epoch:
        raise BadInput(f"{where}: {len(state.rows)} rows for {state.epoch} epochs; {WROTE}")
    if any(list(row) != list(state.rows[0]) for row in state.rows):
        raise BadInput(f"{where}: rows differ in their columns; {WROTE}")
    _refuse_other_extras(state, config, where)
    if not state.best_network:
        return  # no epoch yet had a score
    refuse_misfit(state.best_network, expected, where, WROTE)
    if set(state.thresholds) != set(config.lesions):
        raise BadInput(f"{where}: thresholds of {','.join(state.thresholds) or 'none'}; {WROTE}")


def _refuse_other_extras(state: TrainState, config: RunConfig, where: str) -> None:
    """Raise BadInput where averaged weights or a map of errors are missing, or not asked for."""
    averaged = bool(config.training.get("ema"))
    if state.epoch and averaged != bool(state.average):
        raise BadInput(f"{where}: {'no' if averaged else 'an'} average of its weights; {WROTE}")
    if state.average:
        with torch.device("meta"):
            network = build(config.variant, len(config.lesions))
        expected = dict(network.named_parameters())
        refuse_misfit(state.average["weights"], expected, f"{where}: average", WROTE)
    if state.errors is not None:
        size = (len(config.pictures["train"]), ERROR_CELLS, ERROR_CELLS)
        like = state.errors.dtype == torch.float32 and tuple(state.errors.shape) == size
        if not like or not bool(((state.errors >= 0) & state.errors.isfinite()).all()):
            raise BadInput(f"{where}: errors: expected {size} numbers, 0 or more; {WROTE}")


def refuse_other_optimiser(
    state: TrainState, optimiser: torch.optim.Optimizer, scheduler: Any, scaler: Any, path: Path
) -> None:
    """Raise BadInput for a state that training could not go on with.

    Loading an optimiser's or a scheduler's state takes whatever it is given, and a wrong kind in
    it fails in the middle of a step.

    Args:
        optimiser: an Adam that is to take it, as are the others.
        path: the state's file, for the error.
    """
    moments = {
        place: {"step": torch.tensor(0.0)} | dict.fromkeys(("exp_avg", "exp_avg_sq"), parameter)
        for place, parameter in enumerate(optimiser.param_groups[0]["params"])
    }
    own = {**optimiser.state_dict(), "state": moments}
    refuse_unlike(state.optimiser, own, f"{path}: optimiser")
    refuse_unlike(state.scheduler, scheduler.state_dict(), f"{path}: scheduler")
    refuse_unlike(state.scaler, scaler.state_dict(), f"{path}: scaler")


def refuse_unlike(found: Any, own: Any, where: str) -> None:
    """Raise BadInput unless a state has the make of another: the same tensors, the same kinds.

    Args:
        found: dicts and lists of tensors and plain values, as read. A plain value may be missing,
            as where an older PyTorch had none.
        own: such a state of the object that is to take it.
        where: the file and the entry, for the error.
    """
    if isinstance(own, Mapping):
        if not isinstance(found, Mapping) or not set(found) <= set(own):
            raise _unlike(found, own, where)
        for name, like in own.items():
            if name in found or isinstance(like, Tensor):
                refuse_unlike(found.get(name), like, f"{where}.{name}")
    elif isinstance(own, list | tuple):
        if not isinstance(found, list | tuple) or len(found) != len(own):
            raise _unlike(found, own, where)
        for place, like in enumerate(own):
            refuse_unlike(found[place], like, f"{where}[{place}]")
    elif isinstance(own, Tensor):
        if not isinstance(found, Tensor) or (found.shape, found.dtype) != (own.shape, own.dtype):
            raise _unlike(found, own, where)
    elif _make(found) is not _make(own):
        raise _unlike(found, own, where)


def _make(value: Any) -> type:
    """A plain value's kind: whole numbers and others are the same to whoever computes."""
    return float if type(value) is int else type(value)


def _unlike(found: Any, own: Any, where: str) -> BadInput:
    return BadInput(f"{where}: found {_said(found)}, as against {_said(own)}; {WROTE}")


def _said(value: Any) -> str:
    return f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else shown(value)


def _at(thresholds: dict[str, float], config: RunConfig) -> RunConfig:
    """A run's choices with these thresholds; if others, calibration and quality have gone."""
    before = config.uncalibrated()
    if before.thresholds == thresholds:
        return config
    return replace(before, thresholds=thresholds, quality=None)


def _repeat(folder: Path, state: TrainState, config: RunConfig, *, weights: bool) -> None:
    if not state.rows:
        return
    if state.best_network:
        # Thresholds before weights: a run that can be opened has both.
        write_json(folder / "config.json", _at(state.thresholds, config).to_json())
        if weights:
            write_tensors(state.best_network, folder / "best.safetensors")
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(state.rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(state.rows)
    write_text(folder / "metrics.csv", table.getvalue())

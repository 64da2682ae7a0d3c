"""What is written during training, and in which order, so that a kill at any moment loses nothing.

`last.pt` is the one commit point: it holds the state after an epoch, the best weights and every
row of the metrics. The other files only repeat parts of it for people and tools; on resume they
are written anew from it.
"""

from __future__ import annotations

import csv
import io
import pickle
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mobileseg.errors import BadInput
from mobileseg.files import leftovers, staged_file, write_json, write_text
from mobileseg.models.weights import write_tensors
from mobileseg.runs import RunConfig

LAST = "last.pt"
# An unpickler stumbles over foreign bytes in as many ways as it has instructions.
DAMAGED = (
    *(RuntimeError, OSError, EOFError, pickle.UnpicklingError),
    *(TypeError, ValueError, LookupError, AttributeError),
)
WRITTEN = (LAST, "config.json", "best.safetensors", "metrics.csv", "run.json")


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
    torch.save(vars(state), whole)
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
        BadInput: the file is damaged.
    """
    if repair:
        for half in [half for name in WRITTEN for half in leftovers(folder / name)]:
            half.unlink()  # what a kill left half written
    path = folder / LAST
    if not path.is_file():
        return TrainState()
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        state = TrainState(**values)
    except DAMAGED as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise BadInput(f"{path}: cannot be read as a training's state ({reason})") from None
    if repair:
        _repeat(folder, state, config, weights=True)
    return state


def _repeat(folder: Path, state: TrainState, config: RunConfig, *, weights: bool) -> None:
    if not state.best_network:
        return
    # Thresholds before weights: a run that can be opened has both.
    write_json(folder / "config.json", replace(config, thresholds=state.thresholds).to_json())
    if weights:
        write_tensors(state.best_network, folder / "best.safetensors")
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(state.rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(state.rows)
    write_text(folder / "metrics.csv", table.getvalue())

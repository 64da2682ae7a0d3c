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
from safetensors.torch import save_file
from torch import Tensor

from mobileseg.errors import BadInput
from mobileseg.files import staged_file, write_json, write_text
from mobileseg.runs import RunConfig

LAST = "last.pt"


@dataclass
class TrainState:
    """Where a training stands after `epoch` whole epochs."""

    epoch: int = 0
    network: dict[str, Tensor] = field(default_factory=dict)
    optimiser: dict[str, Any] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    best_epoch: int = 0
    best_score: float = -1.0
    best_network: dict[str, Tensor] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0  # spent training, interruptions not counted


def commit(folder: Path, state: TrainState, config: RunConfig) -> None:
    """Write the state, then everything that follows from it."""
    with staged_file(folder / LAST) as staged:
        torch.save(vars(state), staged)
    _repeat(folder, state, config)


def restore(folder: Path, config: RunConfig) -> TrainState:
    """Read the last committed state and cut the other files back to it.

    A run that was stopped in its first epoch has none yet: it starts again.

    Raises:
        BadInput: the file is damaged.
    """
    path = folder / LAST
    if not path.is_file():
        return TrainState()
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        state = TrainState(**values)
    except (RuntimeError, OSError, EOFError, TypeError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{path}: cannot be read as a training's state ({reason})") from None
    _repeat(folder, state, config)
    return state


def _repeat(folder: Path, state: TrainState, config: RunConfig) -> None:
    if not state.best_network:
        return
    weights = {k: v.contiguous().cpu() for k, v in state.best_network.items()}
    with staged_file(folder / "best.safetensors") as staged:
        save_file(weights, staged)
    write_json(folder / "config.json", replace(config, thresholds=state.thresholds).to_json())
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(state.rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(state.rows)
    write_text(folder / "metrics.csv", table.getvalue())

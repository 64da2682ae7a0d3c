"""The runs that a training leans on: a teacher to learn from, and a run whose weights it starts at.

Each is a run folder that may be moved, so a run's config.json keeps a name and the sum of the
weights, and whoever goes on with the run names the folders again, as with the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from mobileseg.errors import BadInput
from mobileseg.lesions import task_lesions
from mobileseg.protocols import protocol
from mobileseg.runs import Run, weights_sha256
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import KnownRun, TrainConfig
from mobileseg.training.distillation import Teacher


@dataclass(frozen=True, slots=True)
class Others:
    """Opened runs; None: the training does without."""

    teacher: Run | None = None  # plain or an ensemble
    start: Run | None = None  # plain

    def __iter__(self) -> Iterator[tuple[str, Run | None]]:
        """Field of `TrainConfig`, which is the command line's option too, and its run."""
        return iter((("teacher", self.teacher), ("start", self.start)))


NO_OTHERS = Others()


def known(run: Run | None) -> KnownRun | None:
    """A run as others name it.

    Raises:
        BadInput: it has no weights.
    """
    return KnownRun(run.path.resolve().name, weights_sha256(run)) if run else None


def refuse_unfit(
    others: Others,
    *,
    variant: str,
    task: str,
    preprocess: PreprocessSpec,
    choices: TrainConfig,
    validation: Sequence[str],
) -> None:
    """Raise BadInput, in one line, for a run that this training cannot or must not lean on."""
    for name, run in others:
        if run is None:
            continue
        where, config = f"--{name} {run.path}", run.config
        if config.lesions != task_lesions(task):
            raise BadInput(
                f"{where}: found lesions {','.join(config.lesions)}, expected those of task {task}"
            )
        if config.preprocess != preprocess:
            raise BadInput(
                f"{where}: found {_first_difference(config.preprocess, preprocess)}; both are "
                "shown the same picture: expected the same side, frame and crop"
            )
        _refuse_leak(where, run, choices, validation)
    start = others.start
    if start is None:
        return
    if start.config.ensemble:
        raise BadInput(
            f"--start {start.path}: found {len(start.config.ensemble)} members; expected one "
            "network to start at: name a run as mobileseg train writes it"
        )
    if start.config.variant != variant:
        raise BadInput(
            f"--start {start.path}: found variant {start.config.variant}, expected {variant}"
        )


def _first_difference(found: PreprocessSpec, expected: PreprocessSpec) -> str:
    theirs, ours = asdict(found), asdict(expected)
    name = next(name for name in ours if theirs[name] != ours[name])
    return f"{name} {theirs[name]} there and {ours[name]} here"


def _refuse_leak(where: str, run: Run, choices: TrainConfig, validation: Sequence[str]) -> None:
    """What was learned from a picture must not come to a run that keeps it aside."""
    theirs = str(run.config.training.get("protocol"))
    if theirs != choices.protocol:
        raise BadInput(
            f"{where}: was trained by protocol {theirs}, this run goes by {choices.protocol}; "
            "expected the same"
        )
    if protocol(choices.protocol).split == "run":
        return  # each run has its own validation pictures, which the others have seen
    seen = sorted(set(run.config.pictures["train"]) & set(validation))
    if seen:
        raise BadInput(
            f"{where}: was trained on {len(seen)} of this run's {len(validation)} validation "
            f"pictures ({seen[0]}…): they would validate nothing; expected the same split "
            "(--split-seed, --validation-share)"
        )


def refuse_changed(folder: Path, choices: TrainConfig, others: Others, *, begun: bool) -> None:
    """Raise BadInput if a run that is gone on with is given other runs than it began with.

    Args:
        begun: a whole epoch is kept, so that the weights it started at are not needed any more.
    """
    for name, run in others:
        kept: KnownRun | None = getattr(choices, name)
        if run is None:
            if kept is not None and not (name == "start" and begun):
                raise BadInput(
                    f"{folder}: was begun with --{name} {kept.name}; name that run again"
                )
        elif kept is None:
            raise BadInput(
                f"{folder}: was begun without --{name}; leave it out, or train another run"
            )
        elif kept.weights_sha256 != weights_sha256(run):
            raise BadInput(
                f"{folder}: was begun with --{name} {kept.name}, {run.path} has other weights; "
                "name that run, or train another"
            )


def leaning(
    others: Others, choices: TrainConfig, device: torch.device, *, begun: bool = False
) -> dict[str, Any]:
    """The runs as a `Trainer` takes them, by its arguments' names.

    Args:
        begun: a whole epoch is kept: no weights to start at.
    """
    layout = torch.channels_last if choices.channels_last else torch.contiguous_format
    start = None if begun else others.start
    return {
        "teacher": Teacher(others.teacher, device, layout) if others.teacher else None,
        "start": start.network.state_dict() if start else None,
    }

"""From a data folder to a trainer, for a new run or for one to go on with."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from mobileseg.data.dataset import Pictures, Tick, read_pictures
from mobileseg.data.prepared import Prepared
from mobileseg.data.splits import split_validation
from mobileseg.errors import BadInput, MobilesegError
from mobileseg.files.atomic import leftovers, write_json
from mobileseg.files.untrusted import read_json, shown
from mobileseg.lesions import task_lesions
from mobileseg.models.variants import variant as variant_named
from mobileseg.protocols import protocol
from mobileseg.run_config import PARTS, RunConfig
from mobileseg.runs import open_run
from mobileseg.spec import PreprocessSpec
from mobileseg.training.budget import budgeted
from mobileseg.training.checkpoint import LAST, restore
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet, retina_statistics
from mobileseg.training.distributed import Team
from mobileseg.training.pruning import zero_share
from mobileseg.training.source_runs import (
    NO_OTHERS,
    Others,
    known,
    leaning,
    refuse_changed,
    refuse_unfit,
)
from mobileseg.training.trainer import Trainer

RECORDED_VERSIONS = ("mobileseg", "torch", "numpy", "opencv-python-headless", "pillow")


def pick_device(name: str = "auto") -> torch.device:
    """ "auto" is the GPU if there is one.

    Raises:
        BadInput: a GPU is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput("--device cuda: PyTorch finds no GPU; use --device cpu")
    return torch.device(name)


def set_up(
    folder: Path,
    data: Path,
    *,
    variant: str,
    task: str,
    preprocess: PreprocessSpec,
    choices: TrainConfig,
    device: torch.device,
    tick: Tick = lambda: None,
    pictures: Pictures | None = None,
    others: Others = NO_OTHERS,
) -> Pictures:
    """Make a new run's folder: read every picture, split, take mean and SD, write what was chosen.

    Args:
        pictures: `data`'s, if they have been read already for this task and preprocessing.
        others: the teacher, and the run to start at, whose mean and SD are taken over.

    Returns:
        The pictures.

    Raises:
        BadInput: the run exists, the data cannot be used (every bad file named), or one of the
            others does not fit.
        UnknownName: no such variant or task.
    """
    refuse_taken(folder)
    variant_named(variant)
    lesions = task_lesions(task)
    choices = replace(choices, teacher=known(others.teacher), start=known(others.start))
    rules = protocol(choices.protocol)
    if rules.split == "run":
        choices = replace(choices, split_seed=choices.seed)
    pictures = pictures or read_pictures(data, lesions, preprocess, choices.mask_rule, device, tick)
    names = [s.name for s in pictures.samples]
    train, validation = split_validation(names, *choices.division)
    refuse_unfit(
        others,
        variant=variant,
        task=task,
        preprocess=preprocess,
        choices=choices,
        validation=validation,
    )
    named, held = (_named(pictures.train, names, data) for names in (train, validation))
    _refuse_unlabelled(data, named, lesions)
    _refuse_lone_picture(len(train), choices.batch, preprocess.side_px)
    measured = named if rules.statistics == "train" else pictures.test
    # Weights are of use on what they were trained on: pictures normalised just so.
    normalisation = (
        others.start.config.normalisation
        if others.start
        else retina_statistics(measured, preprocess.retina_threshold)
    )
    config = RunConfig(
        variant=variant,
        task=task,
        preprocess=preprocess,
        normalisation=normalisation,
        thresholds={},
        training=choices.to_json(),
        pictures={"train": train, "validation": validation},
    )
    record = _record(pictures, choices, device)
    if choices.minutes:
        parts, lean = (named, held), leaning(others, choices, device)
        config, record["measured"] = budgeted(folder, config, choices, *parts, device, **lean)
    write_json(folder / "run.json", record)
    write_json(folder / "config.json", config.to_json())
    return pictures


def begin(
    folder: Path, data: Path, *, device: torch.device, others: Others = NO_OTHERS, **new: Any
) -> Trainer:
    """A new run's trainer; arguments and errors are those of `set_up`."""
    pictures = set_up(folder, data, device=device, others=others, **new)
    return resume(folder, data, device=device, pictures=pictures, others=others)


def resume(
    folder: Path,
    data: Path,
    *,
    device: torch.device,
    tick: Tick = lambda: None,
    pictures: Pictures | None = None,
    team: Team | None = None,
    others: Others = NO_OTHERS,
) -> Trainer:
    """Set a run up to go on after its last committed epoch.

    Raises:
        BadInput: not a run, a damaged one, or other data or other runs than it began with.
    """
    config = open_run(folder).config
    choices = chosen(folder, config)
    refuse_changed(folder, choices, others, begun=(folder / LAST).is_file())
    begun = _recorded(folder)["data_sha256"]
    pictures = pictures or read_pictures(
        data, config.lesions, config.preprocess, choices.mask_rule, device, tick
    )
    if pictures.fingerprint != begun:
        raise BadInput(
            f"{data}: not the data that {folder} began with (other files or contents); "
            "name that data, or another output"
        )
    return _trainer(folder, config, choices, pictures, device, team, others)


def finish(folder: Path, trainer: Trainer) -> None:
    """Complete run.json once the last epoch is committed."""
    state = trainer.state
    write_json(
        folder / "run.json",
        {
            **_recorded(folder),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "wall_s": round(state.seconds, 1),
            "epochs": state.epoch,
            "best_epoch": state.best_epoch,
            "best_validation_aupr": state.best_score,
            **({"zero_share": zero_share(state.best_network)} if trainer.pruner else {}),
        },
    )


def _trainer(
    folder: Path,
    config: RunConfig,
    choices: TrainConfig,
    pictures: Pictures,
    device: torch.device,
    team: Team | None,
    others: Others,
) -> Trainer:
    where = folder / "config.json"
    named = (_named(pictures.train, config.pictures[part], where) for part in PARTS)
    train, validation = (PictureSet.of(prepared, device) for prepared in named)
    on_test = protocol(choices.protocol).thresholds == "test"
    test = PictureSet.of(pictures.test, device) if on_test else None
    # One process mends what a kill left; the others only look.
    state = restore(folder, config, repair=team is None or team.leads)
    lean = leaning(others, choices, device, begun=state.epoch > 0)
    return Trainer(folder, config, choices, train, validation, state, test=test, team=team, **lean)


def _named(prepared: Sequence[Prepared], names: Sequence[str], where: Path) -> list[Prepared]:
    """Pictures by their names; BadInput, naming `where`, for one that is not there, or for none."""
    by_name = {p.name: p for p in prepared}
    if not names or not by_name.keys() >= set(names):
        odd = next((shown(name) for name in names if name not in by_name), "none")
        raise BadInput(f"{where}: found picture {odd}; expected names of the data's pictures")
    return [by_name[name] for name in names]


def _refuse_unlabelled(data: Path, train: list[Prepared], lesions: tuple[str, ...]) -> None:
    for channel, code in enumerate(lesions):
        if not any(p.masks[channel].any() for p in train):
            raise BadInput(
                f"{data}: no training picture has any {code} at this resolution; "
                "expected some to learn from (--mask-rule any keeps the smallest)"
            )


def _refuse_lone_picture(pictures: int, batch: int, side_px: int) -> None:
    """At 32 px the deepest maps are one pixel: a picture alone has no spread to normalise by."""
    if side_px == 32 and (batch == 1 or pictures % batch == 1):
        raise BadInput(
            f"side 32: {pictures} training pictures, {batch} a step, leave one alone, and its maps "
            "are too small to normalise: choose another --batch or a larger --side"
        )


def refuse_taken(folder: Path) -> None:
    """Raise BadInput if there are files, but for what a kill leaves before config.json."""
    record = folder / "run.json"
    worthless = {record, *leftovers(record), *leftovers(folder / "config.json")}
    if folder.exists() and not (folder.is_dir() and set(folder.iterdir()) <= worthless):
        raise BadInput(
            f"{folder}: exists already; choose another place, or go on with a run: --resume"
        )


def chosen(folder: Path, config: RunConfig) -> TrainConfig:
    """A run's choices, as its config.json has them.

    Raises:
        BadInput: the entry is not what a training writes.
    """
    try:
        return TrainConfig.from_json(config.training)
    except (KeyError, TypeError, ValueError, MobilesegError) as error:
        raise BadInput(
            f"{folder / 'config.json'}: its training entry cannot be used ({error}); "
            "expected what mobileseg train wrote"
        ) from None


def _recorded(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    values = read_json(path)
    if not isinstance(values, dict) or "data_sha256" not in values:
        raise BadInput(f"{path}: no data_sha256 in it; expected what mobileseg train wrote")
    return values


def _record(pictures: Pictures, choices: TrainConfig, device: torch.device) -> dict[str, Any]:
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: _version(name) for name in RECORDED_VERSIONS},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "gpu": gpu,
        "threads": torch.get_num_threads(),
        "git_revision": _git_revision(Path(__file__)),
        "seed": choices.seed,
        "data": pictures.data.name,
        "data_sha256": pictures.fingerprint,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git_revision(code: Path) -> str | None:
    """Of the checkout that holds this file; None for an installed package, or without git."""
    # The file itself is asked for too: an environment often lies inside somebody else's checkout.
    asked = ["git", "-C", str(code.parent), "rev-parse", "HEAD", f"HEAD:./{code.name}"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.split()[0] if done.returncode == 0 else None

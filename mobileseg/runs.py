"""A run folder: one training, and everything needed to use, repeat or continue it.

    config.json        everything that was chosen, mean/SD, thresholds, names of its pictures
    metrics.csv        a row per epoch
    best.safetensors   the weights with the best validation score
    last.pt            what resuming needs; the one commit point (mobileseg.training.checkpoint)
    run.json           versions, machine, time, fingerprint of the data

This file reads the part that everyone needs: configuration and weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from torch import nn

from mobileseg.errors import BadInput, MobilesegError
from mobileseg.files import read_json
from mobileseg.lesions import task_lesions
from mobileseg.models.build import build
from mobileseg.models.weights import load_weights
from mobileseg.spec import Normalisation, PreprocessSpec

SCHEMA = 1
PARTS = ("train", "validation")
PRETRAINED = "xs-ex"  # the run that ships: U²-Net-XS, hard exudates


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What `config.json` holds."""

    variant: str
    task: str
    preprocess: PreprocessSpec
    normalisation: Normalisation
    thresholds: dict[str, float]  # lesion code -> probability from which a pixel is lesion
    training: dict[str, Any]  # every choice of the training, open questions of the paper included
    pictures: dict[str, list[str]]  # "train", "validation": names

    @property
    def lesions(self) -> tuple[str, ...]:
        """Codes in channel order."""
        return task_lesions(self.task)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "variant": self.variant,
            "task": self.task,
            "preprocess": self.preprocess.to_json(),
            "normalisation": {
                "mean": list(self.normalisation.mean),
                "sd": list(self.normalisation.sd),
            },
            "thresholds": self.thresholds,
            "training": self.training,
            "pictures": self.pictures,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any], where: Path) -> Self:
        """Raises BadInput for another schema or a missing entry, naming `where`."""
        if not isinstance(values, dict) or values.get("schema") != SCHEMA:
            found = values.get("schema") if isinstance(values, dict) else "no object"
            raise BadInput(f"{where}: found schema {found}; expected {SCHEMA}: not of this version")
        try:
            normalisation = values["normalisation"]
            return cls(
                variant=values["variant"],
                task=values["task"],
                preprocess=PreprocessSpec.from_json(values["preprocess"]),
                normalisation=Normalisation(
                    tuple(normalisation["mean"]), tuple(normalisation["sd"])
                ),
                thresholds={code: float(p) for code, p in values["thresholds"].items()},
                # Asked for by name: everybody who follows a mask needs it.
                training={**values["training"], "mask_rule": values["training"]["mask_rule"]},
                pictures={part: list(values["pictures"][part]) for part in PARTS},
            )
        except MobilesegError as error:  # a value that its own class refuses
            raise BadInput(f"{where}: {error}") from None
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BadInput(
                f"{where}: entry missing or of another kind ({error}); expected a run's config"
            ) from None


@dataclass(frozen=True)
class Run:
    """An opened run."""

    path: Path
    config: RunConfig

    @cached_property
    def network(self) -> nn.Module:
        """Its best weights, in evaluation mode, float32.

        Raises:
            BadInput: no weights yet, other shapes, or NaN among them.
        """
        network = build(self.config.variant, len(self.config.lesions))
        load_weights(network, self.path / "best.safetensors")
        return network.eval()


def is_run(path: Path) -> bool:
    return (path / "config.json").is_file()


def open_run(path: Path) -> Run:
    """Open a run folder.

    Raises:
        BadInput: not a run, or a damaged one.
    """
    if not is_run(path):
        found = "no such folder" if not path.exists() else "no config.json in it"
        raise BadInput(f"{path}: {found}; expected a run folder as mobileseg train writes it")
    where = path / "config.json"
    return Run(path, RunConfig.from_json(read_json(where), where))


def pretrained_run() -> Path:
    """The trained run that ships inside the package."""
    return Path(str(files("mobileseg") / "pretrained" / PRETRAINED))

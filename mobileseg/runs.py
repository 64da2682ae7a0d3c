"""A run folder: one training, and everything needed to use, repeat or continue it.

    config.json        everything that was chosen, mean/SD, thresholds, names of its pictures
    metrics.csv        a row per epoch
    best.safetensors   the weights with the best validation score
    last.pt            what resuming needs; the one commit point (mobileseg.training.checkpoint)
    run.json           versions, machine, time, fingerprint of the data

An ensemble or combination (mobileseg.ensembling.combine) is a run folder too, without metrics
and state: its config.json lists members, and its weights are all of theirs, each tensor under
`members.<place>.`. Whoever takes a run takes it like any other.

This file reads the part that everyone needs: configuration and weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Self, cast

from torch import nn

from mobileseg.data.config import MASK_RULES
from mobileseg.errors import BadInput, MobilesegError
from mobileseg.files.schema import NAME, SHA256, entries, many, mapping, number, one_of, whole
from mobileseg.files.untrusted import read_json, shown
from mobileseg.lesions import LESIONS, by_task, in_order, task_lesions
from mobileseg.models.build import build
from mobileseg.models.ensemble import Ensemble, MemberNetwork
from mobileseg.models.variants import variant
from mobileseg.models.weights import load_weights, refuse_pickle, save_weights
from mobileseg.platt import Calibration, calibration_json, read_calibration
from mobileseg.protocols import PROTOCOLS
from mobileseg.quality.model import KIND as QUALITY
from mobileseg.quality.model import QualityModel
from mobileseg.spec import FINDERS, LARGEST_FRAME_PX, LARGEST_SIDE_PX, Normalisation, PreprocessSpec

SCHEMA = 1
PARTS = ("train", "validation")
PRETRAINED = "xs-ex"  # taken where no run is named: U²-Net-XS, hard exudates
WEIGHTS = "best.safetensors"

# What config.json may say. A person may have edited it, or have been handed it by somebody.
PREPROCESS = entries(
    {
        "side_px": whole(1, LARGEST_SIDE_PX),
        "frame_hw": many(whole(1, LARGEST_FRAME_PX), 2, 2),
    },
    {
        "crop": NAME,
        "clahe_clip": number(0, 1e6),  # a limit of every pixel in one bin is far below
        "clahe_tiles": whole(1, LARGEST_SIDE_PX),
        "retina_threshold": whole(0, 255),  # grey levels
        "finder": whole(FINDERS[0], FINDERS[-1]),
    },
)
NORMALISATION = {
    "mean": many(number(0, 1), 3, 3),
    "sd": many(number(1e-6, 1), 3, 3),  # a smaller one is 0 in float32 sums, and divides by it
}
PICTURES = mapping(NAME, many(NAME, 0, 1_000_000))
TRAINING = entries({}, {"mask_rule": one_of(MASK_RULES), "protocol": one_of(PROTOCOLS)})
ALL = {"variant": NAME, "task": NAME, "training": TRAINING, "pictures": PICTURES}
MEMBER = entries(ALL | {"name": NAME, "weights_sha256": SHA256} | NORMALISATION)
OWN = {"normalisation": entries(NORMALISATION)}
TOGETHER = {"members": many(MEMBER, 0, 64)}  # 4 lesions, 16 networks each
CONFIG = {
    **ALL,
    "preprocess": PREPROCESS,
    "thresholds": mapping(one_of(LESIONS), number(0, 1)),
}
OPTIONAL = {"quality": QUALITY}


@dataclass(frozen=True, slots=True)
class Member:
    """One trained network: the only one of a plain run, one of several in an ensemble."""

    variant: str
    task: str
    normalisation: Normalisation
    name: str = ""  # of the run folder it came from; empty: the run itself
    weights_sha256: str = ""  # of that folder's weights
    training: dict[str, Any] = field(default_factory=dict)  # where members differ, its own choices
    pictures: dict[str, list[str]] = field(default_factory=dict)  # likewise

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "variant": self.variant,
            "task": self.task,
            **_normalisation_json(self.normalisation),
            "weights_sha256": self.weights_sha256,
            "training": self.training,
            "pictures": self.pictures,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return cls(
            variant=values["variant"],
            task=values["task"],
            normalisation=_normalisation(values),
            name=values["name"],
            weights_sha256=values["weights_sha256"],
            training=dict(values["training"]),
            pictures={part: list(names) for part, names in values["pictures"].items()},
        )


def _normalisation_json(normalisation: Normalisation) -> dict[str, list[float]]:
    return {"mean": list(normalisation.mean), "sd": list(normalisation.sd)}


def _normalisation(values: dict[str, Any]) -> Normalisation:
    return Normalisation(tuple(values["mean"]), tuple(values["sd"]))


# Typed as if always there, because who trains has one; an ensemble's members have one each, and
# whoever reads the ensemble's own fails at once.
EACH_ITS_OWN = cast(Normalisation, None)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What `config.json` holds."""

    variant: str  # of an ensemble: its members', joined by commas
    task: str  # of a combination: see `mobileseg.lesions.task_name`
    preprocess: PreprocessSpec
    normalisation: Normalisation
    thresholds: dict[str, float]  # lesion code -> probability from which a pixel is lesion
    training: dict[str, Any]  # every choice of the training, open questions of the paper included
    pictures: dict[str, list[str]]  # "train", "validation": names
    ensemble: tuple[Member, ...] = ()  # empty: a plain run
    calibration: dict[str, Calibration] = field(default_factory=dict)  # every lesion's; {}: none
    uncalibrated_thresholds: dict[str, float] = field(default_factory=dict)  # with it: before it
    quality: QualityModel | None = None  # None: what a picture is worth is not said

    @property
    def lesions(self) -> tuple[str, ...]:
        """Codes in channel order."""
        if self.ensemble:
            return in_order(code for m in self.ensemble for code in task_lesions(m.task))
        return task_lesions(self.task)

    @property
    def members(self) -> tuple[Member, ...]:
        """The networks that answer; a plain run is its own only member."""
        return self.ensemble or (Member(self.variant, self.task, self.normalisation),)

    @property
    def constants(self) -> tuple[Calibration, ...]:
        """The calibration in channel order; empty: none."""
        return tuple(self.calibration[code] for code in self.lesions) if self.calibration else ()

    def uncalibrated(self) -> Self:
        """The same before it was calibrated; without a calibration it is the same."""
        thresholds = self.uncalibrated_thresholds or {
            code: self.calibration[code].uncalibrated_threshold(p) if self.calibration else p
            for code, p in self.thresholds.items()
        }
        return replace(self, thresholds=thresholds, calibration={}, uncalibrated_thresholds={})

    def calibrated(self, calibration: dict[str, Calibration]) -> Self:
        """Calibrated anew, whatever it was; thresholds go along, so that masks stay."""
        before = self.uncalibrated().thresholds
        return replace(
            self,
            thresholds={code: calibration[code].threshold(p) for code, p in before.items()},
            calibration=calibration,
            uncalibrated_thresholds=before,
        )

    def to_json(self) -> dict[str, Any]:
        own = (
            {"members": [member.to_json() for member in self.ensemble]}
            if self.ensemble
            else {"normalisation": _normalisation_json(self.normalisation)}
        )
        return {
            "schema": SCHEMA,
            "variant": self.variant,
            "task": self.task,
            "preprocess": self.preprocess.to_json(),
            **own,
            "thresholds": self.thresholds,
            **calibration_json(self.calibration, self.uncalibrated_thresholds),
            "training": self.training,
            "pictures": self.pictures,
            **({"quality": self.quality.to_json()} if self.quality else {}),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any], where: Path) -> Self:
        """Raises BadInput for another schema or a missing entry, naming `where`."""
        if not isinstance(values, dict) or values.get("schema") != SCHEMA:
            found = shown(values.get("schema")) if isinstance(values, dict) else "no object"
            raise BadInput(f"{where}: found schema {found}; expected {SCHEMA}: not of this version")
        try:
            own = TOGETHER if "members" in values else OWN
            entries(CONFIG | own, OPTIONAL)(values, "")
            members = _members(values["members"]) if "members" in values else ()
            config = cls(
                variant=values["variant"],
                task=values["task"],
                preprocess=PreprocessSpec.from_json(values["preprocess"]),
                normalisation=EACH_ITS_OWN if members else _normalisation(values["normalisation"]),
                thresholds={code: float(p) for code, p in values["thresholds"].items()},
                # Asked for by name: everybody who follows a mask needs it.
                training={**values["training"], "mask_rule": values["training"]["mask_rule"]},
                pictures={part: list(values["pictures"][part]) for part in PARTS},
                ensemble=members,
                quality=_quality(values["quality"]) if "quality" in values else None,
            )
            _refuse_quality(config)
            for member in config.members:  # refused here, where the file has a name
                task_lesions(member.task)
                variant(member.variant)
            constants, before = read_calibration(values, config.lesions)
            return replace(config, calibration=constants, uncalibrated_thresholds=before)
        except MobilesegError as error:  # a value that its own class refuses
            raise BadInput(f"{where}: {error}") from None
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BadInput(
                f"{where}: entry missing or of another kind ({error}); expected a run's config"
            ) from None


def _quality(values: dict[str, Any]) -> QualityModel:
    try:
        return QualityModel.from_json(values)
    except BadInput as error:
        raise BadInput(f"quality.{error}") from None


def _refuse_quality(config: RunConfig) -> None:
    """Raise BadInput for a quality that the run's own graph could not give."""
    if not config.quality:
        return
    if missing := [code for code in config.lesions if code not in config.quality.lesions]:
        raise BadInput(f"quality.lesions: found no {missing[0]}, expected every lesion of the run")
    if config.preprocess.finder < 2:
        raise BadInput(
            f"quality: found retina finder {config.preprocess.finder}, expected 2: it is measured "
            "on the disc"
        )


def _members(values: list[dict[str, Any]]) -> tuple[Member, ...]:
    members = tuple(Member.from_json(v) for v in values)
    if not members:
        raise BadInput("found no members; expected at least one")
    by_task([member.task for member in members])  # raises where tasks overlap
    return members


@dataclass(frozen=True)
class Run:
    """An opened run."""

    path: Path
    config: RunConfig

    @cached_property
    def networks(self) -> tuple[nn.Module, ...]:
        """Every member's best weights, in evaluation mode, float32; in the order of the members.

        Raises:
            BadInput: no weights yet, other shapes, or NaN among them.
        """
        networks = tuple(build(m.variant, len(task_lesions(m.task))) for m in self.config.members)
        named = _side_by_side(networks) if self.config.ensemble else networks[0]
        load_weights(named, self.path / WEIGHTS)
        return tuple(network.eval() for network in networks)

    def uncalibrated(self) -> Run:
        """The same networks, as they answered before they were calibrated."""
        return Run(self.path, self.config.uncalibrated()) if self.config.calibration else self

    @property
    def network(self) -> nn.Module:
        """A plain run's one network.

        Raises:
            BadInput: as for `networks`; or this is an ensemble.
        """
        if self.config.ensemble:
            raise BadInput(
                f"{self.path}: found {len(self.config.ensemble)} members; expected one network: "
                "name a run as mobileseg train writes it"
            )
        return self.networks[0]

    @property
    def ensemble(self) -> Ensemble:
        """From the picture after CLAHE to probabilities; a plain run is the case of one member.

        Raises:
            BadInput: as for `networks`.
        """
        pairs = zip(self.config.members, self.networks, strict=True)
        return Ensemble([MemberNetwork(net, m.normalisation, m.task) for m, net in pairs]).eval()


def _side_by_side(networks: Sequence[nn.Module]) -> nn.Module:
    """Several networks under the names that an ensemble's weights have."""
    return nn.ModuleDict({"members": nn.ModuleList(networks)})


def save_members(networks: Sequence[nn.Module], path: Path) -> None:
    """Write an ensemble's weights: every member's, each tensor under `members.<place>.`."""
    save_weights(_side_by_side(networks), path)


def is_run(path: Path) -> bool:
    return (path / "config.json").is_file()


def open_run(path: Path) -> Run:
    """Open a run folder, or one that ships with the package by its name alone.

    Raises:
        BadInput: not a run, a damaged one, or a pickled checkpoint.
    """
    if not path.exists():
        path = shipped_runs().get(str(path), path)
    if not is_run(path):
        found = _no_run(path)
        raise BadInput(
            f"{path}: {found}; expected a run folder as mobileseg train writes it, "
            f"or a name of the runs that ship: {', '.join(shipped_runs())}"
        )
    where = path / "config.json"
    return Run(path, RunConfig.from_json(read_json(where), where))


def _no_run(path: Path) -> str:
    """What is there instead of a run. Raises BadInput for a pickled checkpoint."""
    if not path.exists():
        return "no such folder"
    if path.is_file():
        refuse_pickle(path)
        return "a file"
    return "no config.json in it"


def shipped_runs() -> dict[str, Path]:
    """The trained runs that ship inside the package, by name."""
    folder = Path(str(files("mobileseg") / "pretrained"))
    return {path.name: path for path in sorted(folder.iterdir()) if is_run(path)}


def pretrained_run() -> Path:
    """The shipped run that is taken where none is named."""
    return shipped_runs()[PRETRAINED]

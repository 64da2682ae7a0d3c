"""What a run's config.json says: the network, everything that was chosen, thresholds, pictures.

A person may have edited it, or have been handed it by somebody: what does not fit is refused by
name. Old files keep their meaning: what a stored configuration does not name is off.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

from mobileseg.data.config import MASK_RULES
from mobileseg.errors import BadInput, MobilesegError
from mobileseg.files.schema import NAME, SHA256, entries, many, mapping, number, one_of, whole
from mobileseg.files.untrusted import shown
from mobileseg.lesions import LESIONS, by_task, in_order, task_lesions
from mobileseg.models.variants import variant
from mobileseg.platt import Calibration, calibration_json, read_calibration
from mobileseg.protocols import PROTOCOLS
from mobileseg.quality.model import KIND as QUALITY
from mobileseg.quality.model import QualityModel
from mobileseg.spec import FINDERS, LARGEST_FRAME_PX, LARGEST_SIDE_PX, Normalisation, PreprocessSpec

SCHEMA = 1
PARTS = ("train", "validation")

# What config.json may say.
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

"""Everything that a training chooses, the paper's open questions included, with a default each.

It is written to the run's config.json as it is, so two runs can be compared line by line. The
command line makes an option of every field, and a study's TOML takes the same names.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from mobileseg.data.choices import MASK_RULES, AugmentRanges
from mobileseg.errors import BadInput, UnknownName
from mobileseg.lesions import task_lesions
from mobileseg.protocols import PROTOCOLS, VALIDATION_SHARE

LARGEST_SEED = 10**18  # fits 64 bits, which is all that torch takes
RUNS = ("teacher", "start")  # fields that name another run
TEACHING = ("distil_weight", "distil_loss", "distil_blend")  # fields about the teacher alone
SWITCHES = ("prune", "settle")  # fields whose 0 means that the training does without
# Lesions of a task -> the paper's epochs and patience (section 5); three are treated as four.
PAPER_LENGTH = {1: (400, 15), 2: (600, 30), 3: (800, 50), 4: (800, 50)}


@dataclass(frozen=True, slots=True)
class KnownRun:
    """Another run that this one leans on: known again by its weights, wherever its folder is."""

    name: str
    weights_sha256: str


def _choice(default: Any, about: str, among: tuple[str, ...] = ()) -> Any:
    """A field with what the command line says about it."""
    return field(default=default, metadata={"about": about, "among": among})


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Choices of one training. What stands in the paper (section 5) is its default here.

    Raises:
        UnknownName: a choice is none of those that its field names.
        BadInput: a number is out of its range.
    """

    epochs: int = _choice(400, "The paper's: 400, 600 or 800 for one, two or four lesions.")
    batch: int = _choice(4, "Pictures a step (open in the paper).")
    lr: float = _choice(5e-4, "Adam's learning rate.")
    weight_decay: float = _choice(1e-4, "L2, inside Adam.")
    schedule: str = _choice(
        "plateau",
        "Learning rate: plateau (the paper's) or cosine (for budgets too short for plateaus).",
        ("plateau", "cosine"),
    )
    plateau_factor: float = _choice(0.75, "What a plateau multiplies the learning rate by.")
    plateau_patience: int = _choice(
        15, "Epochs without progress; the paper's: 15, 30 or 50 for one, two or four lesions."
    )
    plateau_watch: str = _choice(
        "validation loss",
        "What a plateau is seen in (open in the paper).",
        ("validation loss", "training loss"),
    )
    alpha: float = _choice(0.75, "Share of focal cross-entropy; the rest is Dice.")
    gamma: float = _choice(1.0, "Focusing exponent of the cross-entropy.")
    dice_smooth: float = _choice(1.0, "Added above and below in Dice (open in the paper).")
    dice_pool_batch: bool = _choice(True, "One Dice over the batch, or one a picture (open).")
    class_weight_power: float = _choice(
        0.5, "w_k falls with the lesion's volume to this power; one lesion has none (open)."
    )
    supervision: str = _choice(
        "shrink",
        "Deep supervision: shrink targets to each side (the paper) or enlarge sides (Qin et al.).",
        ("shrink", "enlarge"),
    )
    target_scaling: str = _choice(
        "max", "How targets shrink to the sides: by area or max (open).", ("area", "max")
    )
    mask_rule: str = _choice(
        "half", "A pixel is lesion where half of it is, or any (open).", MASK_RULES
    )
    keep: str = _choice(
        "validation AUPR", "Which epoch's weights are kept (open).", ("validation AUPR", "last")
    )
    protocol: str = _choice(
        "clean", "clean, or paper: leaks of the test set and all.", tuple(PROTOCOLS)
    )
    validation_share: float = _choice(VALIDATION_SHARE, "Of the training pictures.")
    seed: int = _choice(0, "Weights, order, augmentation.")
    split_seed: int = _choice(0, "Which pictures validate; one for all runs of a study.")
    commit_every: int = _choice(1, "Epochs between two states on disk.")
    precision: str = _choice(
        "fp32", "Arithmetic of the network: fp32, or autocast.", ("fp32", "bf16", "fp16")
    )
    channels_last: bool = _choice(False, "Maps in memory pixel by pixel: faster on many devices.")
    compile: bool = _choice(False, "torch.compile; needs a C++ compiler.")
    devices: int = _choice(1, "Processes that share each batch (extra: multigpu).")
    distil_weight: float = _choice(0.5, "With --teacher: its share of the loss; masks: the rest.")
    distil_loss: str = _choice(
        "cross-entropy",
        "With --teacher, its probabilities by: cross-entropy (Hinton et al.), the masks' loss, or "
        "semimetric: cross-entropy and a Dice for probabilities, at each of the teacher's sides.",
        ("cross-entropy", "masks", "semimetric"),
    )
    distil_blend: float = _choice(
        0.0, "With --teacher: share of steps with blends of two pictures, the teacher's alone."
    )
    prune: float = _choice(
        0.0, "Share of the convolutions' weights to set to 0, smallest first, for good."
    )
    settle: int = _choice(
        0, "Last epochs with batch norm's statistics taken anew and held, as the phone has them."
    )
    teacher: KnownRun | None = None
    start: KnownRun | None = None
    augment: AugmentRanges = field(default_factory=AugmentRanges)

    def __post_init__(self) -> None:
        for row in fields(self):
            among = row.metadata.get("among")
            if among and getattr(self, row.name) not in among:
                raise UnknownName(row.name.replace("_", " "), getattr(self, row.name), among)
        for what, names, lowest in (
            ("1 or more", ("epochs", "batch", "commit_every", "devices"), 1),
            ("0 or more", ("seed", "split_seed", "plateau_patience", "weight_decay"), 0),
            ("0 or more", ("gamma", "class_weight_power"), 0),
        ):
            for name in names:
                if not lowest <= getattr(self, name) < math.inf:
                    raise BadInput(f"{_words(name)} {getattr(self, name)}: expected {what}")
        for name in ("seed", "split_seed"):
            if getattr(self, name) >= LARGEST_SEED:
                raise BadInput(f"{_words(name)} {getattr(self, name)}: expected below 10**18")
        for name in ("lr", "dice_smooth"):  # no smoothing: 0/0 where two masks are empty
            if not 0 < getattr(self, name) < math.inf:
                raise BadInput(f"{_words(name)} {getattr(self, name)}: expected a number above 0")
        for name in (
            "alpha",
            "plateau_factor",
            "validation_share",
            "distil_weight",
            "distil_blend",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise BadInput(f"{_words(name)} {getattr(self, name)}: expected 0 to 1")

        if not 0 <= self.prune < 1:
            raise BadInput(f"prune {self.prune}: expected 0 or more, below 1")
        if not 0 <= self.settle <= self.epochs:
            raise BadInput(f"settle {self.settle}: expected 0 to the {self.epochs} epochs")
        for name in ("teacher", "start", "prune", "settle"):
            if self.devices > 1 and getattr(self, name):
                raise BadInput(f"devices {self.devices}: not tried with {name}; expected 1")
        if self.devices > 1 and self.batch < 2 * self.devices:
            # Measured: 1 picture each, 0.08 validation AUPR where one process reaches 0.37.
            raise BadInput(
                f"batch {self.batch}, devices {self.devices}: one picture a process is too few for "
                f"batch norm; expected a batch of {2 * self.devices} or more"
            )

    @classmethod
    def for_task(cls, task: str, **given: Any) -> Self:
        """The paper's length for a task of that many lesions, and what is given.

        Raises:
            UnknownName: no such task.
        """
        epochs, patience = PAPER_LENGTH[len(task_lesions(task))]
        return cls(**{"epochs": epochs, "plateau_patience": patience} | given)

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        values["augment"]["scale"] = list(values["augment"]["scale"])
        # What a training does without is not told, so that it reads as one that had no such choice.
        without = [name for name in (*SWITCHES, *RUNS) if not values[name]]
        if self.teacher is None:
            default = type(self)()
            without += [name for name in TEACHING if values[name] == getattr(default, name)]
        return {name: value for name, value in values.items() if name not in without}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `to_json` gave; a field that an older version did not have keeps its default."""
        augment = AugmentRanges(**{**values["augment"], "scale": tuple(values["augment"]["scale"])})
        runs = {name: KnownRun(**values[name]) for name in RUNS if values.get(name)}
        return cls(**{**values, "augment": augment, **runs})


def _words(name: str) -> str:
    return name.replace("_", " ")

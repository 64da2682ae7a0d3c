"""Everything that a training chooses, the paper's open questions included, with a default each.

It is written to the run's config.json as it is, so two runs can be compared line by line. The
command line makes an option of every field, and a study's TOML takes the same names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from mobileseg.data.config import MASK_RULES, AugmentRanges
from mobileseg.errors import BadInput, UnknownName
from mobileseg.lesions import task_lesions
from mobileseg.protocols import PROTOCOLS, VALIDATION_SHARE

LARGEST_SEED = 10**18  # fits 64 bits, which is all that torch takes
RUNS = ("teacher", "start")  # fields that name another run
TEACHING = ("distil_weight", "distil_loss", "distil_blend")  # fields about the teacher alone
PIECES = ("piece_lesion_share", "piece_lesion", "piece_hard_share", "whole_share")  # likewise
# Fields whose default means that the training does without. A stored configuration that does not
# name one is of a training that did: whatever a recipe asks for today, these defaults stay.
SWITCHES = (
    *("prune", "settle", "pieces", "photometric", "prior", "ema", "precise_bn"),
    *("validate_every", "warmup", "epoch_share", "minutes", "fold"),
)
# How often a lesion is drawn: as its pixels in the training set to this power.
PIECE_LESIONS = {"uniform": 0.0, "area": 1.0, "rarity": -0.5}
# Lesions of a task -> the paper's epochs and patience (section 5); three are treated as four.
PAPER_LENGTH = {1: (400, 15), 2: (600, 30), 3: (800, 50), 4: (800, 50)}


# What processes that share a batch have not been tried with.
UNSHARED = (
    *("teacher", "start", "prune", "settle", "pieces", "photometric", "ema", "precise_bn"),
    "minutes",
)
# What is expected of a number, whether one is so, and the fields that have to be.
LIMITS: tuple[tuple[str, Callable[[float], bool], tuple[str, ...]], ...] = (
    (
        "1 or more",
        lambda v: 1 <= v < math.inf,
        ("epochs", "batch", "commit_every", "devices", "validate_every"),
    ),
    (
        "0 or more",
        lambda v: 0 <= v < math.inf,
        (
            *("seed", "split_seed", "fold", "plateau_patience", "weight_decay", "gamma"),
            *("class_weight_power", "minutes", "pieces"),
        ),
    ),
    ("below 10**18", lambda v: v < LARGEST_SEED, ("seed", "split_seed")),
    # No smoothing: 0/0 where two masks are empty.
    ("a number above 0", lambda v: 0 < v < math.inf, ("lr", "dice_smooth")),
    ("above 0, up to 1", lambda v: 0 < v <= 1, ("epoch_share",)),
    (
        "0 to 1",
        lambda v: 0 <= v <= 1,
        (
            *("alpha", "plateau_factor", "validation_share", "distil_weight", "distil_blend"),
            *("piece_lesion_share", "piece_hard_share", "whole_share", "photometric"),
        ),
    ),
    ("0 or more, below 1", lambda v: 0 <= v < 1, ("prune", "ema", "warmup")),
)


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
        "Learning rate: plateau (the paper's), or a cosine, lowered each epoch or each step (for "
        "budgets too short for plateaus).",
        ("plateau", "cosine", "cosine-step"),
    )
    warmup: float = _choice(0.0, "Share of all steps over which the learning rate rises.")
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
    fold: int = _choice(0, "Which of the split seed's divisions, for cross-validation.")
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
    pieces: int = _choice(
        0, "Train on pieces of so many pixels, --batch a step; 0, or the side: whole pictures."
    )
    piece_lesion_share: float = _choice(0.75, "Share of the pieces with a lesion near the middle.")
    piece_lesion: str = _choice(
        "uniform",
        "Which lesion that is: each as often, by area (a pixel of any), or the rarer the oftener.",
        tuple(PIECE_LESIONS),
    )
    piece_hard_share: float = _choice(
        0.0, "Share of the pieces drawn where the network was wrong at the last validation."
    )
    whole_share: float = _choice(
        0.0, "With --pieces: share of the steps with whole pictures, as many pixels of them."
    )
    photometric: float = _choice(
        0.0, "How far light, colour, focus and noise of a picture are changed before CLAHE, 0..1."
    )
    prior: bool = _choice(
        False,
        "Outputs begin at the lesions' share of the pixels, not at a half (Lin et al.), and the "
        "fused one as the sides' mean.",
    )
    ema: float = _choice(
        0.0, "Validate and keep averaged weights; the share of the average that a step leaves."
    )
    precise_bn: bool = _choice(
        False, "Batch norm's statistics of what is validated and kept, anew from whole pictures."
    )
    validate_every: int = _choice(1, "Epochs between two validations; the last is validated.")
    epoch_share: float = _choice(
        1.0, "Of the training pictures' pixels, so many an epoch: less than all of large sets."
    )
    minutes: float = _choice(
        0.0, "Train as many epochs as fit into so many minutes here; 0: --epochs."
    )
    teacher: KnownRun | None = None
    start: KnownRun | None = None
    augment: AugmentRanges = field(default_factory=AugmentRanges)

    def __post_init__(self) -> None:
        for row in fields(self):
            among = row.metadata.get("among")
            if among and getattr(self, row.name) not in among:
                raise UnknownName(row.name.replace("_", " "), getattr(self, row.name), among)
        for expected, fits, names in LIMITS:
            for name in names:
                if not fits(getattr(self, name)):
                    raise BadInput(f"{_words(name)} {getattr(self, name)}: expected {expected}")
        if not 0 <= self.settle <= self.epochs:
            raise BadInput(f"settle {self.settle}: expected 0 to the {self.epochs} epochs")
        if self.pieces % 32 or self.pieces == 32:  # as sides are; 32 leaves maps of one pixel
            raise BadInput(f"pieces {self.pieces}: expected 0, or a multiple of 32 from 64 on")
        if self.piece_lesion_share + self.piece_hard_share > 1:
            raise BadInput(
                f"piece lesion share {self.piece_lesion_share}, piece hard share "
                f"{self.piece_hard_share}: expected no more than 1 together"
            )
        self._refuse_at_odds()

    def _refuse_at_odds(self) -> None:
        """Raise BadInput for choices that do not go together."""
        if self.prune and self.ema:
            raise BadInput("prune, ema: averages of weights that were set to 0 are none; leave one")
        watched = self.schedule == "plateau" and self.plateau_watch == "validation loss"
        if self.validate_every > 1 and watched:
            raise BadInput(
                f"validate every {self.validate_every}: a plateau is seen in every epoch's "
                "validation loss; expected another schedule, or --plateau-watch 'training loss'"
            )
        for name in UNSHARED:
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

    @property
    def division(self) -> tuple[int, float, int]:
        """How the training pictures are divided: seed, share that validates, fold."""
        return self.split_seed, self.validation_share, self.fold

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        values["augment"]["scale"] = list(values["augment"]["scale"])
        # What a training does without is not told, so that it reads as one that had no such choice.
        default = type(self)()
        silent = [*SWITCHES, *([] if self.teacher else TEACHING), *([] if self.pieces else PIECES)]
        without = [name for name in silent if values[name] == getattr(default, name)]
        without += [name for name in RUNS if not values[name]]
        return {name: value for name, value in values.items() if name not in without}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `to_json` gave; a field that an older version did not have keeps its default."""
        augment = AugmentRanges(**{**values["augment"], "scale": tuple(values["augment"]["scale"])})
        runs = {name: KnownRun(**values[name]) for name in RUNS if values.get(name)}
        return cls(**{**values, "augment": augment, **runs})


def _words(name: str) -> str:
    return name.replace("_", " ")

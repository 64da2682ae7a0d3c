"""Everything that a training chooses, the paper's open questions included, with a default each.

It is written to the run's config.json as it is, so two runs can be compared line by line.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from mobileseg.data.augment import AugmentRanges
from mobileseg.data.prepared import MASK_RULES
from mobileseg.data.splits import VALIDATION_SHARE
from mobileseg.errors import BadInput, UnknownName

SCHEDULES = ("plateau", "cosine")
TARGET_SCALINGS = ("area", "max")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Choices of one training. What stands in the paper (section 5) is its default here."""

    epochs: int = 400
    batch: int = 4  # open in the paper
    lr: float = 5e-4
    weight_decay: float = 1e-4  # L2, inside Adam
    schedule: str = "plateau"  # the paper's; "cosine" for budgets too short for plateaus
    plateau_factor: float = 0.75
    plateau_patience: int = 15  # epochs; watches the validation loss (open in the paper)
    alpha: float = 0.75
    gamma: float = 1.0
    dice_smooth: float = 1.0  # open in the paper
    dice_pool_batch: bool = True  # open in the paper
    target_scaling: str = "area"  # how targets shrink to the sides (open in the paper)
    mask_rule: str = "half"  # how masks shrink to the network's side (open in the paper)
    keep: str = "validation AUPR"  # which epoch's weights are kept (open in the paper)
    protocol: str = "clean"  # train statistics, one split per study, validation thresholds
    validation_share: float = VALIDATION_SHARE
    seed: int = 0
    split_seed: int = 0
    augment: AugmentRanges = field(default_factory=AugmentRanges)

    def __post_init__(self) -> None:
        for name, choices in (
            ("schedule", SCHEDULES),
            ("target_scaling", TARGET_SCALINGS),
            ("mask_rule", MASK_RULES),
        ):
            if getattr(self, name) not in choices:
                raise UnknownName(name.replace("_", " "), getattr(self, name), choices)
        if self.epochs < 1 or self.batch < 1:
            raise BadInput(f"epochs {self.epochs}, batch {self.batch}: expected 1 or more of each")
        if not 0 < self.lr < math.inf:
            raise BadInput(f"learning rate {self.lr}: expected a number above 0")
        if self.seed < 0 or self.split_seed < 0:
            raise BadInput(
                f"seed {self.seed}, split seed {self.split_seed}: expected 0 or more of each"
            )

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        values["augment"]["scale"] = list(values["augment"]["scale"])
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        augment = AugmentRanges(**{**values["augment"], "scale": tuple(values["augment"]["scale"])})
        return cls(**{**values, "augment": augment})

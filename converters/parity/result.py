"""All that pictures showed of one bundle, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from converters.parity.difference import Apart, Maps
from converters.parity.task_metrics import TaskScore
from converters.targets import Check


class Verdict(Enum):
    """Three-valued: what was not run is never counted as agreement."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class PictureParity:
    """What one picture showed."""

    name: str
    cropped: bool  # the crop is not the whole picture
    labelled: bool
    in_range: bool  # every number of the file's answer is finite and in 0..1
    mask_pixels: int  # of all lesions
    level_pixels: int
    level_flips: int  # grey levels that the graph's preprocessing has otherwise, before CLAHE
    moved: int  # and after it
    moved_levels: float
    box_equal: bool  # crop and share of retina
    steps: Mapping[str, Apart]  # stage -> against the stage before
    same_tensor: Apart  # the file against the eager graph in float32
    end_to_end: Apart  # the file against the reference
    # Stage -> the largest difference of any number of `quality` from the stage before; NaN where
    # one has it and the other has not. Empty: the run has none.
    quality: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Worst:
    """The picture whose answer is furthest from the reference's, to be looked at."""

    name: str
    picture: NDArray[np.uint8]  # (side, side, 3), before CLAHE
    expected: Maps
    found: Maps


@dataclass(frozen=True, slots=True)
class Parity:
    """One bundle's file, or one against another."""

    bundle: str
    target: str
    precision: str
    made: str  # what was ordered, in a word; see Order.name
    head: str  # of Order: what the file says of a pixel
    data: str
    evaluation: str  # "": its own runtime ran it; else what did
    blind_to: str  # what that cannot see
    against: str  # "": the reference; else the older bundle
    calibration_factor: float = 1.0  # the most that it multiplies a difference of logits by
    calibration_step: float = 0.0  # the most that it makes of a float32 step (mobileseg.platt)
    checks: list[Check] = field(default_factory=list)
    pictures: list[PictureParity] = field(default_factory=list)
    hard: list[PictureParity] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # pictures that the file cannot compute
    task: dict[str, dict[str, TaskScore]] = field(default_factory=dict)  # lesion -> stage -> score
    worst: Worst | None = None
    not_run: str | None = None

    @property
    def first(self) -> str:
        """What all stages are held to."""
        return next(iter(next(iter(self.task.values()))), "") if self.task else "the first"

    @property
    def stages(self) -> list[str]:
        """Those that were walked through, in their order, after the first."""
        return list(self.pictures[0].steps) if self.pictures else []

    @property
    def cropped(self) -> int:
        return sum(p.cropped for p in self.pictures)

    @property
    def labelled(self) -> int:
        return sum(p.labelled for p in self.pictures)

    def step(self, stage: str) -> list[Apart]:
        """Each picture's, against the stage before."""
        return [p.steps[stage] for p in self.pictures]

    def share(self, name: str, of: str) -> float:
        """A count over all pictures, as a share of another."""
        counted, whole = (sum(getattr(p, n) for p in self.pictures) for n in (name, of))
        return float(counted / whole)

    def flipped_share(self, steps: list[Apart]) -> float:
        """Of all mask pixels."""
        return sum(a.pixels for a in steps) / sum(p.mask_pixels for p in self.pictures)

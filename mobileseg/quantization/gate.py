"""The limit that a quantized network must keep, in the measure that the task is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from mobileseg.errors import BadInput


class Drop(Protocol):
    """What a gate looks at; `mobileseg.evaluation.accuracy_drop.Against` has it."""

    @property
    def lesion(self) -> str: ...
    @property
    def lesions(self) -> int: ...
    @property
    def aupr_drop(self) -> float: ...
    @property
    def recall_drop(self) -> float: ...


class Decision(Enum):
    """Three-valued: what the pictures cannot decide is not called kept."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True)
class Gate:
    """Largest drop of AUPR and of lesion recall, for every lesion of the task, against fp32."""

    max_aupr_drop: float = 0.005
    max_recall_drop: float = 0.01

    def __post_init__(self) -> None:
        for name in ("max_aupr_drop", "max_recall_drop"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise BadInput(f"{name} {value}: expected a share from 0 to below 1")

    def decide(self, drops: Sequence[Drop]) -> tuple[Decision, list[str]]:
        """Judge every lesion; the worst counts.

        Returns:
            The decision, and in words what broke the gate or keeps it from being decided.
        """
        broken, open_ = [], []
        for d in drops:
            if not d.aupr_drop <= self.max_aupr_drop:  # so that NaN is broken
                broken.append(
                    f"{d.lesion}: AUPR drops by {d.aupr_drop:.4f}, at most {self.max_aupr_drop:g}"
                )
            if not d.lesions or 1 / d.lesions > self.max_recall_drop:
                step = f"{1 / d.lesions:.4f}" if d.lesions else "undefined"
                open_.append(
                    f"{d.lesion}: {d.lesions} lesion(s), the smallest step of recall is {step}; "
                    f"a drop of {self.max_recall_drop:g} is undecidable on these pictures"
                )
            elif not d.recall_drop <= self.max_recall_drop:
                broken.append(
                    f"{d.lesion}: lesion recall drops by {d.recall_drop:.4f}, "
                    f"at most {self.max_recall_drop:g}"
                )
        if broken:
            return Decision.BROKEN, broken + open_
        return (Decision.UNDECIDABLE if open_ else Decision.KEPT), open_

    def share_used(self, drops: Sequence[Drop]) -> float:
        """How much of the gate the worst lesion uses: 1 is its edge, 0 no drop at all."""
        used = [0.0]
        for d in drops:
            used.append(_share(d.aupr_drop, self.max_aupr_drop))
            if d.lesions:
                used.append(_share(d.recall_drop, self.max_recall_drop))
        return max(used)


def _share(drop: float, limit: float) -> float:
    return drop / limit if limit else float("inf") * (drop > 0)


def signed(drop: float) -> str:
    """A drop for people: four digits, and never "-0.0000"."""
    return f"{round(drop, 4) + 0.0:+.4f}"

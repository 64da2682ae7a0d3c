"""What is asked of a conversion, apart from the run: a frame size and a choice of each kind.

Which choices a target has, and which value is its default, is data in `targets.TARGETS`. A bundle's
manifest keeps the order, so that the file can be judged, and made again, as it was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

NOT_OFFERED = ""  # the value of a choice that a target does not have


@dataclass(frozen=True, slots=True)
class Order:
    """One conversion. Every field but `frames` is a choice; see `targets.Target.choices`."""

    frames: tuple[tuple[int, int], ...]  # (H, W) in pixels; the first is the default
    precision: str = "fp32"
    graph: str = "whole"  # from frame to probabilities; "network": from the picture after CLAHE
    backend: str = NOT_OFFERED  # ExecuTorch: what runs the network
    ios: str = NOT_OFFERED  # Core ML: the oldest system that opens the file
    member_execution: str = "serial"  # of an ensemble, one by one; "grouped": at once, by groups
    head: str = "probabilities"  # Core ML: or "labels", which Xcode previews, or "masks"

    @property
    def frame_hw(self) -> tuple[int, int]:
        """The frame that is tried first, and the only one of most targets."""
        return self.frames[0]

    @property
    def whole(self) -> bool:
        """Whether the preprocessing is inside."""
        return self.graph == "whole"

    def name(self) -> str:
        """Short, for a table's head or a folder: the precision, and what is not the default."""
        ios = self.ios and f"ios{self.ios}"
        parts = [self.backend, ios, self.head, self.graph, self.member_execution]
        usual = {NOT_OFFERED, "xnnpack", "ios16", "probabilities", "whole", "serial"}
        return "-".join([self.precision, *(p for p in parts if p not in usual)])

    def to_json(self) -> dict[str, str]:
        """The choices that this target has; the frames stand elsewhere in a manifest."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "frames"}
        return {name: value for name, value in values.items() if value != NOT_OFFERED}

    @classmethod
    def from_json(cls, values: dict[str, Any], frames: list[list[int]]) -> Self:
        """Raises KeyError, TypeError or ValueError for what no order has."""
        known = {f.name for f in fields(cls)} - {"frames"}
        if not set(values) <= known:
            raise KeyError(", ".join(set(values) - known))
        sizes = tuple((int(height), int(width)) for height, width in frames)
        return cls(sizes, **{name: str(value) for name, value in values.items()})

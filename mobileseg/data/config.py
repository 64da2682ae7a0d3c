"""What a training may choose about its pictures. Light: the command line imports it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mobileseg.errors import BadInput

MASK_RULES = ("half", "any")  # when a pixel at the network's resolution is lesion: see crop_mask


def _range(default: Any, about: str) -> Any:
    """A field with what the command line says about it."""
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True)
class AugmentRanges:
    """How far a picture may be moved (the paper names the kinds, not the ranges).

    Raises:
        BadInput: a range is empty, or a share outside 0..1.
    """

    # A retina has no upright that lesions know of.
    rotate_deg: float = _range(180.0, "Augmentation: turned by up to so many degrees.")
    # Lesions in a cropped frame are up to 1.2 times smaller than in a picture cut by hand.
    scale: tuple[float, float] = _range((0.7, 1.3), "Augmentation: enlarged by a factor, from, to.")
    translate: float = _range(0.1, "Augmentation: moved by up to this share of the side.")
    shear_deg: float = _range(8.0, "Augmentation: sheared by up to so many degrees.")
    flip: float = _range(0.5, "Augmentation: probability of a flip, per axis.")

    def __post_init__(self) -> None:
        low, high = self.scale
        if not 0 < low <= high < 100:
            raise BadInput(f"scale {low} {high}: expected two factors above 0, the smaller first")
        for name, most in (("rotate_deg", 180), ("translate", 1), ("shear_deg", 80), ("flip", 1)):
            if not 0 <= getattr(self, name) <= most:
                raise BadInput(f"{name} {getattr(self, name)}: expected 0 to {most}")

"""Pictures spoiled by known amounts: each fault by several grades, some pairs, cuts by the frame.

What a picture's quality is fitted on (`quality_fit`). A fault acts on the levels before CLAHE
(mobileseg.data.augmentation.photometry), so the retina's box and disc stay the clean picture's; a
cut acts on the frame, and its box is found anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.augmentation.photometry import apply_grades
from mobileseg.data.prepared import Framed
from mobileseg.preprocess.reference import (
    Crop,
    Preprocessed,
    clahe_scaled,
    crop_mask,
    find_crop,
    preprocess,
)
from mobileseg.run_config import RunConfig
from mobileseg.spec import PreprocessSpec

# Within `photometry.FAULTS`' ranges and somewhat beyond; of noise not: a network that a noisy
# picture makes paint everything finds everything, and that recall is worth nothing.
GRADES: dict[str, tuple[float, ...]] = {
    "vignetting": (0.4, 0.8),
    "defocus": (0.003, 0.006, 0.012),
    "motion blur": (0.006, 0.0125, 0.025),
    "glare": (0.2, 0.4, 0.8),
    "exposure": (-4.0, -3.0, -2.0, -1.0, 0.8, 1.6),
    "white balance": (-1.0, -0.5, 0.5, 1.0),
    "noise": (0.01, 0.03),
    "gamma": (0.65, 1.5, 2.0),
    "saturation": (0.0, 0.5, 1.5),
    "jpeg": (20.0, 40.0),
}
PAIRS: tuple[dict[str, float], ...] = (
    {"defocus": 0.006, "noise": 0.02},
    {"exposure": -2.0, "noise": 0.02},
    {"exposure": -2.0, "defocus": 0.006},
    {"exposure": 0.8, "glare": 0.4},
    {"motion blur": 0.0125, "jpeg": 30.0},
    {"vignetting": 0.6, "white balance": 0.7},
)
SPOILS: tuple[dict[str, float], ...] = (
    *({fault: grade} for fault, grades in GRADES.items() for grade in grades),
    *PAIRS,
)


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of the box the frame leaves out, as shares of its side."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    def kept(self, crop: Crop, frame_hw: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of a frame that stay."""
        height, width = frame_hw
        return (
            self._kept(crop.top, crop.height, self.top, self.bottom, height),
            self._kept(crop.left, crop.width, self.left, self.right, width),
        )

    @staticmethod
    def _kept(start: int, length: int, before: float, after: float, pixels: int) -> slice:
        first = max(0, start + round(before * length)) if before else 0
        last = min(pixels, start + length - round(after * length)) if after else pixels
        return slice(first, max(first + 1, last))


CUTS = (
    Cut(left=0.15),
    Cut(right=0.35),
    Cut(top=0.3),
    Cut(left=0.25, top=0.25),
    Cut(left=0.15, right=0.15),
    Cut(left=0.2, top=0.2, right=0.2, bottom=0.2),
)


@dataclass(frozen=True, slots=True)
class Spoiled:
    """One picture, with one amount of one fault or two."""

    name: str  # of what was done; "": nothing
    picture: Preprocessed
    truth: dict[str, NDArray[np.bool_]]  # lesion code -> (side, side): what is there to find


def spoiled(
    framed: Framed,
    config: RunConfig,
    seed: Sequence[int],
    spoils: Sequence[Mapping[str, float]] = SPOILS,
    cuts: Sequence[Cut] = CUTS,
) -> Iterator[Spoiled]:
    """The clean picture first, then every spoiled one.

    Args:
        framed: with the masks that the picture has.
        config: of the run that will be asked.
        seed: of what a grade leaves open; one picture's own.
    """
    spec, rule = config.preprocess, config.training["mask_rule"]
    clean = preprocess(framed.frame, spec)
    truth = _truth(framed, clean.crop, spec, rule)
    yield Spoiled("", clean, truth)
    for place, grades in enumerate(spoils):
        rng = np.random.default_rng([*seed, 1 + place])
        levels = apply_grades(clean.levels, grades, rng)
        yield Spoiled(_said(grades), with_levels(clean, levels, spec), truth)
    for cut in cuts:
        less = _cut(framed, cut, find_crop(framed.frame, spec))
        picture = preprocess(less.frame, spec)
        yield Spoiled(str(cut), picture, _truth(less, picture.crop, spec, rule))


def with_levels(
    clean: Preprocessed, levels: NDArray[np.uint8], spec: PreprocessSpec
) -> Preprocessed:
    """A picture of the same retina, taken otherwise; what a fault left outside becomes black."""
    assert clean.disc is not None
    levels = levels * clean.disc[..., None]
    enhanced = clahe_scaled(levels, spec.clahe_clip, spec.clahe_tiles)
    return replace(clean, levels=levels, enhanced=enhanced)


def _said(grades: Mapping[str, float]) -> str:
    return ", ".join(f"{fault} {grade:g}" for fault, grade in grades.items())


def _truth(
    framed: Framed, crop: Crop, spec: PreprocessSpec, rule: str
) -> dict[str, NDArray[np.bool_]]:
    return {
        code: crop_mask(coverage, crop, spec.side_px, rule)
        for code, coverage in framed.coverages.items()
    }


def _cut(framed: Framed, cut: Cut, crop: Crop) -> Framed:
    """What is kept, at the top left, and black around it."""
    frame_hw = (framed.frame.shape[0], framed.frame.shape[1])
    rows, columns = cut.kept(crop, frame_hw)

    def moved(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        less = np.zeros_like(values)
        part = values[rows, columns]
        less[: part.shape[0], : part.shape[1]] = part
        return less

    coverages = {code: moved(coverage) for code, coverage in framed.coverages.items()}
    return Framed(framed.name, moved(framed.frame), coverages)

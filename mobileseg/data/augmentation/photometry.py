"""Pictures as other cameras, and worse ones, would have taken them: which faults, how far.

    spoiled = spoil(levels, np.random.default_rng([seed, epoch, 2, 1 + picture]), strength=1.0)

`FAULTS` names each fault with its range and where the range comes from; its order is that of the
light: optics, exposure, sensor, processing, file. `spoil` draws grades and applies them;
`apply_grades` applies known ones, by the same functions in the same order. The ranges are those of
a bad handheld photo that a reader would still look at, not of one that says nothing any more.

It acts before CLAHE, where a camera has its faults, so that a network sees what CLAHE makes of
them. Masks stay as they are: nothing moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mobileseg.data.augmentation import camera_faults
from mobileseg.data.augmentation.camera_faults import Levels
from mobileseg.errors import BadInput, UnknownName

# Pictures that nothing is done to, so that a network goes on seeing the camera it is trained on.
# As many as nnU-Net leaves alone by the shares that it gives its own faults (Isensee et al. 2021,
# doi:10.1038/s41592-020-01008-z: noise 0.1, blur 0.2, brightness 0.15, contrast 0.15, resolution
# 0.25, gamma 0.1 and 0.3): 0.9 · 0.8 · 0.85² · 0.75 · 0.9 · 0.7 = 0.25.
CLEAN_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a camera.

    At strength 1 its grade lies between `low` and `high`; the neutral grade, which changes
    nothing, is one of them or lies between.
    """

    name: str
    unit: str  # of the grade
    low: float
    neutral: float
    high: float
    share: float  # of the pictures that are not clean
    source: str  # of the range
    apply: Callable[[Levels, float, np.random.Generator], Levels]

    def draw(self, rng: np.random.Generator, strength: float) -> float:
        """A grade: either side of neutral as often, and evenly on it.

        Args:
            strength: 0..1, the share of the range that is used; at 0 always neutral.
        """
        ends = [end for end in (self.low, self.high) if end != self.neutral]
        end = ends[rng.integers(len(ends))]
        return self.neutral + strength * rng.uniform() * (end - self.neutral)


# Shares: colour and light differ between any two cameras, so each of them in 30 pictures of 100;
# what takes detail as often as in nnU-Net (blur 0.2, noise 0.1, low resolution 0.25, here JPEG).
# With the clean ones 42 % lose detail; of 6,139 pictures of infants' routine screening 49 % were
# graded less than acceptable (Coyner et al. 2019, doi:10.1016/j.oret.2019.01.015).
_TABLE = (
    Fault(
        "vignetting", "share of light lost one radius from the axis", 0.0, 0.0, 0.6, 0.1,
        "cos^4 law: 0.33 at the rim of a 50 degree field (25 degrees off axis), doubled for a "
        "lens held off the pupil; Shen et al. 2020 (arXiv 2005.05594) darken by 0.26 of white",
        camera_faults.vignetting,
    ),
    Fault(
        "defocus", "radius, share of the side", 0.0, 0.0, 0.007, 0.11,
        "blur disc = pupil x dioptres (PMID 3985114): 2 mm and 6 dioptres are 12 mrad, in a 50 "
        "degree field a radius of 0.007; Shen et al. 2020: kernels of up to 7 pixels of 512, a "
        "half width of 0.007",
        camera_faults.defocus,
    ),
    Fault(
        "motion blur", "length, share of the side", 0.0, 0.0, 0.0125, 0.1,
        "the eye's own jerks while it fixates, 14 to 38 arc minutes on average (Martinez-Conde et "
        "al. 2009, Trends Neurosci. 32): 38 of a 50 degree field are 0.0127 of the side",
        camera_faults.motion_blur,
    ),
    Fault(
        "glare", "light added at the middle, share of white", 0.0, 0.0, 0.4, 0.1,
        "Shen et al. 2020: the picture's mean level on top of its own; a level of 0.3 on a retina "
        "of 0.5 is 0.4 of white's light",
        camera_faults.glare,
    ),
    Fault(
        "exposure", "stops", -1.5, 0.0, 0.8, 0.3,
        "Shen et al. 2020: levels times 0.7 to 1.2, which is -1.2 to +0.6 stops; a little more, "
        "so that with vignetting a quarter of the light is reached, which the finder serves",
        camera_faults.exposure,
    ),
    Fault(
        "white balance", "stops of red over blue", -0.7, 0.0, 0.7, 0.3,
        "Brooks et al. 2019 (arXiv 1811.11127): cameras' gains, red 1.9 to 2.4 and blue 1.5 to "
        "1.9, span log2(2.4 / 1.9 * 1.9 / 1.5) = 0.68 stops; here to either side",
        camera_faults.white_balance,
    ),
    Fault(
        "noise", "SD at white, share of white's light", 0.0, 0.0, 0.03, 0.1,
        "Brooks et al. 2019: variance of shot noise up to 0.012 of white in a raw pixel, an SD of "
        "0.11; a retina 1,800 pixels wide in a photo averages 12 of them at a side of 512",
        camera_faults.noise,
    ),
    Fault(
        "gamma", "exponent", 0.7, 1.0, 1.5, 0.3,
        "nnU-Net (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z): 0.7 to 1.5",
        camera_faults.gamma,
    ),
    Fault(
        "saturation", "factor", 0.6, 1.0, 1.4, 0.3,
        "Shen et al. 2020: 0.6 to 1.4",
        camera_faults.saturation,
    ),
    Fault(
        "jpeg", "quality", 40.0, 100.0, 100.0, 0.25,
        "Basu et al. 2003 (doi:10.1046/j.1464-5491.2003.01022.x): files 54 to 81 times smaller "
        "lose lesions and look pixelated, 12 to 20 times do not; IDRiD at 512: 64 to 81 at 40",
        camera_faults.jpeg,
    ),
)  # fmt: skip
FAULTS = {fault.name: fault for fault in _TABLE}


def spoil(levels: Levels, rng: np.random.Generator, strength: float) -> Levels:
    """A picture with the faults of a random camera.

    Args:
        levels: (S, S, 3) uint8 RGB before CLAHE, black outside the retina's disc; not changed.
        rng: the one source of chance; seed it by what decides the picture, from 1 on: a key that
            ends in 0 is the stream of the key without it, which draws another picture's geometry.
        strength: 0..1, how much of each range is used.

    Returns:
        The same shape and dtype; the very same array where no fault was drawn, as at strength 0.

    Raises:
        BadInput: a strength outside 0..1.
    """
    return apply_grades(levels, draw_grades(rng, strength), rng)


def draw_grades(rng: np.random.Generator, strength: float) -> dict[str, float]:
    """Which faults one picture has, and their grades, by name; empty for a clean one.

    Raises:
        BadInput: a strength outside 0..1.
    """
    if not 0 <= strength <= 1:
        raise BadInput(f"strength {strength}: expected 0 (no faults) to 1 (the whole ranges)")
    if strength == 0 or rng.random() < CLEAN_SHARE:
        return {}
    drawn = [fault for fault in FAULTS.values() if rng.random() < fault.share]
    return {fault.name: fault.draw(rng, strength) for fault in drawn}


def apply_grades(levels: Levels, grades: Mapping[str, float], rng: np.random.Generator) -> Levels:
    """A picture spoiled by known grades, in the order of `FAULTS` whatever theirs.

    Args:
        levels: (S, S, 3) uint8 RGB before CLAHE; not changed, and returned if there are no grades.
        grades: fault -> grade, in the fault's unit; may lie beyond the range.
        rng: for what a grade leaves open (an angle, a place, the noise).

    Raises:
        UnknownName: no such fault.
    """
    for name in grades:
        if name not in FAULTS:
            raise UnknownName("fault", name, FAULTS)
    for fault in FAULTS.values():
        if fault.name in grades:
            levels = fault.apply(levels, grades[fault.name], rng)
    return levels

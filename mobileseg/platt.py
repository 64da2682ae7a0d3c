"""Platt scaling: a probability becomes one that means what it says.

    p <- sigmoid(a · logit(p) + b), a > 0, a pair of constants for each lesion

Rising, so the order of pixels stays, and a mask stays if its threshold goes the same way. Here it
is in NumPy, float32, for the reference; `mobileseg.models.platt` has the same as PyTorch's
operations. How the constants are found: `mobileseg.evaluation.calibration`.

Source: Platt 1999, "Probabilistic outputs for support vector machines"; for networks Guo et al.
2017, arXiv:1706.04599 (theirs has a alone, of which b = 0 is the case).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobileseg.errors import BadInput
from mobileseg.files.schema import Kind, Unfit, entries, kind, number

# A probability is kept this far from 0 and 1, where a float32's logit would be infinite; both ends
# are exact in float32. Larger: surer pixels would become ties, and AUPR another (1e-3 lost on
# IDRiD's exudates at 1e-4, 1e-5 here). Smaller: float32 has steps of 2**-24 below 1, which would
# be too much of what is left.
EPSILON = 2.0**-20
STEP = 2.0**-24  # of float32 just below 1; nearer 0 some runtimes' sigmoids are no finer either
LARGEST_A, LARGEST_B = 100.0, 100.0  # far beyond any fit: a network is not that unsure of itself
POSITIVE = kind(
    f"a number above 0, at most {LARGEST_A:g}",
    lambda value: type(value) in (int, float) and 0 < value <= LARGEST_A,
)
BEFORE = "uncalibrated_thresholds"
SHARE = number(0, 1)
CONSTANTS = entries({"a": POSITIVE, "b": number(-LARGEST_B, LARGEST_B)})  # of one lesion


@dataclass(frozen=True, slots=True)
class Calibration:
    """The constants of one lesion."""

    a: float  # above 0; below 1 the network was too sure of itself
    b: float  # below 0 it saw too many lesions

    def __post_init__(self) -> None:
        if not (0 < self.a <= LARGEST_A and -LARGEST_B <= self.b <= LARGEST_B):
            raise BadInput(
                f"calibration a {self.a}, b {self.b}: expected a above 0, at most {LARGEST_A:g}, "
                f"and b in {-LARGEST_B:g}..{LARGEST_B:g}"
            )

    def of(self, probability: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated probabilities, float32, of probabilities of any shape, 0..1."""
        z = np.float32(self.a) * logit(probability) + np.float32(self.b)
        with np.errstate(over="ignore"):  # exp(-z) may be infinite: 1 / inf is the 0 it should be
            calibrated: NDArray[np.float32] = 1 / (1 + np.exp(-z))
        return calibrated

    def threshold(self, before: float) -> float:
        """What a threshold of uncalibrated probabilities becomes: it goes the pixels' own way."""
        return float(self.of(np.array([before], np.float32))[0])

    def uncalibrated_threshold(self, threshold: float) -> float:
        """The way back, as near as float32's steps allow."""
        inside = min(max(threshold, EPSILON**2), 1 - EPSILON)
        z = (math.log(inside / (1 - inside)) - self.b) / self.a
        return 1 / (1 + math.exp(-z)) if z > -700 else 0.0

    def largest_step(self) -> float:
        """The most that an answer moves where an uncalibrated one moves by one float32 `STEP`."""
        ends = np.array([EPSILON, EPSILON + STEP, 1 - EPSILON, 1 - EPSILON - STEP], np.float32)
        low, above_low, high, below_high = (float(p) for p in self.of(ends))
        return max(above_low - low, high - below_high)

    def to_json(self) -> dict[str, float]:
        return asdict(self)


Constants = dict[str, Calibration]
"""By lesion; empty: none."""


def logit(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """log(p / (1 - p)), float32, of p kept `EPSILON` from 0 and 1."""
    inside = np.clip(probability, np.float32(EPSILON), np.float32(1 - EPSILON))
    logits: NDArray[np.float32] = np.log(inside / (1 - inside))
    return logits


def calibrated(
    probabilities: NDArray[np.float32], constants: Sequence[Calibration]
) -> NDArray[np.float32]:
    """(C, …) probabilities, each channel by its own constants; none: as they are."""
    if not constants:
        return probabilities
    return np.stack([c.of(p) for c, p in zip(constants, probabilities, strict=True)])


def constants_json(constants: Mapping[str, Calibration]) -> dict[str, Any]:
    return {code: calibration.to_json() for code, calibration in constants.items()}


def read_constants(values: Mapping[str, Any], name: str, lesions: Collection[str]) -> Constants:
    """What `constants_json` gave.

    Args:
        values: of a file.
        name: of the entry; it names every lesion and no other, or is absent.

    Raises:
        Unfit: names what is missing, or of another kind.
    """
    found = _of_each(values, name, CONSTANTS, lesions)
    return {code: Calibration(float(one["a"]), float(one["b"])) for code, one in found.items()}


def calibration_json(constants: Constants, before: Mapping[str, float]) -> dict[str, Any]:
    """What a config.json says of a calibration; nothing of none.

    Args:
        before: lesion code -> the threshold of uncalibrated probabilities; may be empty.
    """
    if not constants:
        return {}
    kept = {BEFORE: dict(before)} if before else {}
    return {"calibration": constants_json(constants), **kept}


def read_calibration(
    values: Mapping[str, Any], lesions: Collection[str]
) -> tuple[Constants, dict[str, float]]:
    """What `calibration_json` gave.

    Raises:
        Unfit: as for `read_constants`; or a threshold is missing.
    """
    constants = read_constants(values, "calibration", lesions)
    if not constants:
        return {}, {}
    _of_each(values, "thresholds", SHARE, lesions)
    before = _of_each(values, BEFORE, SHARE, lesions)
    return constants, {code: float(threshold) for code, threshold in before.items()}


def _of_each(
    values: Mapping[str, Any], name: str, of: Kind, lesions: Collection[str]
) -> dict[str, Any]:
    """An entry that has one value for each lesion; {} where it is absent."""
    if name not in values:
        return {}
    entry: dict[str, Any] = values[name]
    entries(dict.fromkeys(lesions, of))(entry, name)
    if others := [code for code in entry if code not in lesions]:
        raise Unfit(f"{name}.{others[0]}: found it, expected {', '.join(lesions)} alone")
    return entry

"""How far a fast form's answer is from float32's, and how far it may be, per precision."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Apart:
    """Difference of two maps of probabilities."""

    largest: float  # at any pixel
    mean: float  # over all pixels, absolute


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The most that a form's answer may differ from float32 eager, TF32 off."""

    largest: float
    mean: float
    why: str

    def holds(self, apart: Apart) -> bool:
        return apart.largest <= self.largest and apart.mean <= self.mean


# Those of `converters.parity.tolerances` where it has the precision, so that a form that passes
# here may be published beside the files that pass there.
TOLERANCES: dict[str, Tolerance] = {
    "fp32": Tolerance(
        1e-4, 1e-5, "other kernels and order of sums, batch norm folded: parity's limit for folding"
    ),
    "tf32": Tolerance(
        0.05, 1e-3, "factors of 11 bits, as float16's, summed in float32: not measured yet"
    ),
    "fp16": Tolerance(
        0.05, 1e-3, "11 bits in every map: parity's limit; 0.007 measured on the trained xs"
    ),
    "bf16": Tolerance(
        0.2, 5e-3, "8 bits in every map: 0.06 measured on the trained xs; mean: parity's for int8"
    ),
}


def apart(answer: Tensor, reference: Tensor) -> Apart:
    """Compare probabilities (N, C, H, W) of one shape.

    Raises:
        ValueError: the shapes differ, which broadcasting would hide.
        ArithmeticError: something is NaN or infinite, and has no distance.
    """
    if answer.shape != reference.shape:
        raise ValueError(
            f"answered {tuple(answer.shape)}, the reference has {tuple(reference.shape)}"
        )
    difference = (answer.double() - reference.double()).abs()
    if not bool(difference.isfinite().all()):
        raise ArithmeticError("the answer holds NaN or infinity: out of the range of its numbers")
    return Apart(float(difference.max()), float(difference.mean()))

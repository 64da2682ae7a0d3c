"""Platt scaling fitted: constants under which a run's probabilities agree with its validation.

Maximum likelihood of two constants, over every pixel of the retina. Pixels are counted by their
logit first, so that ten million of them cost what a few thousand do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from mobileseg.data.prepared import Prepared
from mobileseg.errors import BadInput
from mobileseg.evaluation.reliability import Reliability, reliability, retina_pixels
from mobileseg.platt import EPSILON, LARGEST_A, LARGEST_B, Calibration, Constants, logit

FEWEST = 8  # pictures of a run; below, one picture's odd light would set the scale
LOGITS = 8192  # bins: 0.003 wide, and each is taken at the mean of its pixels
LEAST_A = 1e-3  # what is fitted at this border does not rise with the truth at all
Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fitted:
    """One lesion's constants, and what they do on the pictures they come from."""

    calibration: Calibration
    before: Reliability
    after: Reliability

    def to_json(self) -> dict[str, Any]:
        return {
            **self.calibration.to_json(),
            "before": self.before.to_json(),
            "after": self.after.to_json(),
        }


def fit_platt(truth: NDArray[np.bool_], probability: NDArray[np.float32]) -> Calibration:
    """The most likely constants.

    Args:
        truth: (n,) whether a pixel is lesion; some are, some are not.
        probability: (n,) uncalibrated, 0..1.

    Raises:
        BadInput: a value is no number, no pixel or every pixel is lesion, or lesions are not where
            probabilities are higher.

    Source: Platt 1999; its targets, (n + 1) / (n + 2) for n lesion pixels and 1 / (n + 2) for n
        others, keep a few pixels that are told apart perfectly from asking for an infinite a.
    """
    if not np.isfinite(probability).all():
        raise BadInput("found a probability that is no number; expected 0..1")
    hits = int(truth.sum())
    misses = len(truth) - hits
    if not hits or not misses:
        raise BadInput(f"found {hits} lesion pixels of {len(truth)}; expected some, and not all")
    x, positives, pixels = _counted(logit(probability), truth)
    high, low = (hits + 1) / (hits + 2), 1 / (misses + 2)
    wanted = positives * high + (pixels - positives) * low  # sum of the targets

    def loss(constants: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Of a lesion pixel on average: of all pixels it would be tiny, and end too soon."""
        z = constants[0] * x + constants[1]
        off = pixels * expit(z) - wanted
        value = (pixels * np.logaddexp(0, z) - wanted * z).sum()
        return float(value) / hits, np.array([(off * x).sum(), off.sum()]) / hits

    found = minimize(
        loss,
        np.array([1.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(LEAST_A, LARGEST_A), (-LARGEST_B, LARGEST_B)],
        options={"ftol": 1e-14, "gtol": 1e-9},
    )
    a, b = (float(v) for v in found.x)
    if a <= LEAST_A:
        raise BadInput("lesions are not where probabilities are higher; train the run further")
    return Calibration(a, b)


def _counted(
    logits: NDArray[np.float32], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean logit, lesion pixels and all pixels of each bin that has any."""
    most = math.log((1 - EPSILON) / EPSILON)
    place = ((logits + most) * (LOGITS / (2 * most))).astype(np.int64).clip(0, LOGITS - 1)
    pixels = np.bincount(place, minlength=LOGITS)
    positives = np.bincount(place, truth, LOGITS).astype(np.float64)
    sums = np.bincount(place, logits, LOGITS).astype(np.float64)
    some = pixels > 0
    return sums[some] / pixels[some], positives[some], pixels[some].astype(np.float64)


def fit_lesions(
    lesions: Sequence[str],
    prepared: Sequence[Prepared],
    answers: Sequence[Maps],
    retina_threshold: int,
) -> dict[str, Fitted]:
    """Every lesion's constants.

    Args:
        lesions: in channel order.
        prepared: validation pictures.
        answers: (C, side, side) uncalibrated probabilities of each.
        retina_threshold: of the run's preprocessing.

    Raises:
        BadInput: names the lesion that cannot be calibrated.
    """
    found = {}
    for channel, code in enumerate(lesions):
        truth, probability = _pixels(prepared, answers, channel, retina_threshold)
        try:
            one = fit_platt(truth, probability)
        except BadInput as error:
            raise BadInput(
                f"{code}: cannot be calibrated on {len(prepared)} validation picture(s): {error}"
            ) from None
        found[code] = Fitted(
            one, reliability(truth, probability), reliability(truth, one.of(probability))
        )
    return found


def before_and_after(
    constants: Constants,
    prepared: Sequence[Prepared],
    answers: Sequence[Maps],
    retina_threshold: int,
) -> dict[str, tuple[Reliability, Reliability]]:
    """The same constants on other pictures: each lesion without and with them.

    Args:
        constants: in channel order.
        answers: uncalibrated, as for `fit_lesions`.
    """
    found = {}
    for channel, (code, one) in enumerate(constants.items()):
        truth, probability = _pixels(prepared, answers, channel, retina_threshold)
        found[code] = reliability(truth, probability), reliability(truth, one.of(probability))
    return found


def _pixels(
    prepared: Sequence[Prepared], answers: Sequence[Maps], channel: int, threshold: int
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    masks = [p.masks for p in prepared]
    return (
        retina_pixels(prepared, masks, channel, threshold),
        retina_pixels(prepared, answers, channel, threshold),
    )

"""Where flags begin, from clean training pictures alone; and what colour those have.

A limit lies beyond the most extreme training picture, by a margin that goes with how far that is
from the median: half as far again. Other pictures of the same kind spread wider than some dozens
do, and a flag that is often wrong is soon not read. What a fault costs is said by the quality
itself, which has no such limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mobileseg.quality.model import Colour, Limits
from mobileseg.quality.values import NAMES, VALUES

MARGIN = 0.5  # of the distance from the median to the extreme
# SD that a colour's shares have at least, whatever the training pictures': two cameras differ by
# more than one does from day to day. White balances of one stop differ by 0.06 in red's share.
LEAST_SD = 0.02
# Generic, as fundus.json is: the clean pictures that it was fitted on have 0.64 and more, and those
# cut, grey and red-free 0.57; what is no fundus hardly reaches it (95 % below 0.74 of those drawn
# to be hard, half below 0.04).
LEAST_FUNDUS = 0.4


def colour_of(chromaticities: Sequence[NDArray[np.float64]]) -> Colour:
    """Mean and covariance of the pictures' mean colours."""
    shares = np.stack(list(chromaticities))
    covariance = np.cov(shares.T) + LEAST_SD**2 * np.eye(2)
    (a, b), (_, c) = np.linalg.inv(covariance)
    red, green = shares.mean(axis=0)
    return Colour((float(red), float(green)), (float(a), float(b), float(c)))


def limits_of(values: Mapping[str, Sequence[float]]) -> dict[str, Limits]:
    """Each value's limits, where it has flags.

    Args:
        values: name -> of each clean training picture.
    """
    found = {}
    for name in NAMES:
        if name == "fundus":
            found[name] = Limits(LEAST_FUNDUS)
            continue
        low, middle, high = np.percentile(values[name], (0, 50, 100))
        row = VALUES[name]
        found[name] = Limits(
            float(low - MARGIN * (middle - low)) if row.flag_below else None,
            float(high + MARGIN * (high - middle)) if row.flag_above else None,
        )
    return found

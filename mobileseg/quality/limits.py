"""Where flags begin, from clean training pictures alone; and what colour those have.

A limit lies between the most extreme training picture and the end of the value's scale, a share of
the way (`MARGINS`): other pictures of the same kind spread wider than some dozens do, other
cameras' wider still, and a flag that is often wrong is soon not read. What a fault costs is said by
the quality itself, which has no such limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mobileseg.quality.model import Colour, Limits
from mobileseg.quality.values import NAMES, VALUES

# Value -> its scale's ends, and how far towards them its limits lie. Light: 0.6 of the darkest
# picture's levels are a third of its light (sRGB), and a quarter of the levels is always below.
# Field: a seventh of the retina missing is no chance. With these 1 to 2 % of 446 grading pictures
# are flagged for any one value, and none of 27 test pictures.
SCALES = {
    "light": (0.0, 1.0),
    "clipping": (0.0, 1.0),
    "sharpness": (0.25, 1.0),
    "field": (0.0, 1.0),
    "glare": (0.0, 1.0),
}
MARGINS = {"light": 0.4, "clipping": 0.4, "sharpness": 0.4, "field": 0.15, "glare": 0.3}
MOST_COLOUR = 1.6  # of the oddest training picture's distance: no scale ends there
# SD that a colour's shares have at least, whatever the training pictures': two cameras differ by
# more than one does from day to day. White balances of one stop differ by 0.06 in red's share.
LEAST_SD = 0.02
# Generic, as fundus.json is. Of 592 clean pictures the lowest have 0.19 (of the grading set, dark,
# full of exudates: the one that is flagged wrongly), 0.46 and 0.66; grey and red-free ones have
# 0.57 and more. Of 57 pictures that are none 50 lie below.
LEAST_FUNDUS = 0.35


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
        low, high = min(values[name]), max(values[name])
        if name == "colour":
            found[name] = Limits(None, MOST_COLOUR * high)
            continue
        row, (bottom, top), margin = VALUES[name], SCALES[name], MARGINS[name]
        found[name] = Limits(
            float(low - margin * max(low - bottom, 0)) if row.flag_below else None,
            float(high + margin * max(top - high, 0)) if row.flag_above else None,
        )
    return found

"""What a run has of quality: the constants that turn a picture's values into shares and flags.

`config.json` holds them under "quality"; `mobileseg calibrate` fits them. The values themselves are
the same for every run (values.py), but for `colour`, whose distance is from this run's training
pictures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mobileseg.errors import BadInput
from mobileseg.files.schema import NAME, either, entries, kind, many, mapping, number
from mobileseg.quality.falloff import Falloff, Hinge
from mobileseg.quality.fundus import likeness
from mobileseg.quality.values import NAMES, VALUES, Measured

LARGEST = 1e6  # of any constant: what is larger is no float32 graph's business
# Quality shown below which a picture is not usable: two of three lesions would be missed. At half,
# six hazy grading pictures with plain exudates were refused.
LEAST_USABLE = 0.33
# A picture's faults, in the order of a lesion's weights: the value each is of.
FAULTS = {
    "dark": "light",
    "bright": "light",
    "clipping": "clipping",
    "blur": "sharpness",
    "field": "field",
    "glare": "glare",
    "colour": "colour",
}

_NUMBER = number(-LARGEST, LARGEST)
_HINGE = entries({"begins": _NUMBER, "full": _NUMBER})
_LIMIT = either(kind("nothing", lambda value: value is None), _NUMBER)
KIND = entries(
    {
        "colour": entries({"mean": many(number(0, 1), 2, 2), "inverse": many(_NUMBER, 3, 3)}),
        "faults": entries(dict.fromkeys(FAULTS, _HINGE)),
        "lesions": mapping(
            NAME,
            entries(
                {
                    "ideal": _NUMBER,
                    "weights": entries({fault: number(0, LARGEST) for fault in FAULTS}),
                }
            ),
        ),
        "values": entries({name: entries({"least": _LIMIT, "most": _LIMIT}) for name in NAMES}),
        "usable": number(0, 1),
    }
)
"""Of config.json's entry, for `RunConfig.from_json`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one value; what lies outside raises the value's flags."""

    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        given = [v for v in (self.least, self.most) if v is not None]
        if not all(math.isfinite(v) for v in given):
            raise BadInput(f"least {self.least}, most {self.most}: expected finite numbers")
        if self.least is not None and self.most is not None and self.least >= self.most:
            raise BadInput(f"least {self.least}: expected it below most, {self.most}")

    def to_json(self) -> dict[str, float | None]:
        return {"least": self.least, "most": self.most}


@dataclass(frozen=True, slots=True)
class Colour:
    """Where the training pictures' mean colours lie, as shares of red and of green."""

    mean: tuple[float, float]
    inverse: tuple[float, float, float]  # of their covariance: red-red, red-green, green-green

    def __post_init__(self) -> None:
        a, b, c = self.inverse
        if not all(math.isfinite(v) for v in (*self.mean, a, b, c)) or a <= 0 or a * c <= b * b:
            raise BadInput(
                f"inverse {list(self.inverse)}: expected an inverse covariance, which is positive"
            )

    def distance(self, shares: NDArray[np.float64]) -> float:
        """In standard deviations (Mahalanobis)."""
        a, b, c = self.inverse
        x, y = shares - np.array(self.mean)
        return math.sqrt(max(a * x * x + 2 * b * x * y + c * y * y, 0.0))


@dataclass(frozen=True, slots=True)
class Quality:
    """What is said of one picture."""

    lesions: NDArray[np.float32]  # (C,) 0..1, in channel order; 0 without a retina
    values: NDArray[np.float32]  # (K,) in the order of `values.NAMES`

    @property
    def output(self) -> NDArray[np.float32]:
        """(C + K,): as files give it."""
        return np.concatenate([self.lesions, self.values])


@dataclass(frozen=True, slots=True)
class QualityModel:
    """The constants of one run.

    Raises:
        BadInput: a number is not finite or out of its range, or one is missing; names it.
    """

    colour: Colour
    faults: Mapping[str, Hinge]  # of `FAULTS`: from which value on each counts
    lesions: Mapping[str, Falloff]  # code -> what each fault takes
    limits: Mapping[str, Limits]  # value -> its flags' limits
    usable: float = LEAST_USABLE

    def __post_init__(self) -> None:
        _refuse_missing("faults", self.faults, FAULTS)
        _refuse_missing("values", self.limits, NAMES)
        for code, falloff in self.lesions.items():
            _refuse_missing(f"lesions.{code}.weights", falloff.weights, FAULTS)
        for name, value in VALUES.items():
            for limit, flag in (("least", value.flag_below), ("most", value.flag_above)):
                if flag is None and getattr(self.limits[name], limit) is not None:
                    raise BadInput(f"values.{name}.{limit}: found a limit, and no flag has it")
        if not 0 <= self.usable <= 1:
            raise BadInput(f"usable: found {self.usable}, expected 0..1")

    def values(self, seen: Measured) -> dict[str, float]:
        """Every value by name; without a retina all are 0."""
        if not seen.covered:
            return dict.fromkeys(NAMES, 0.0)
        return {
            "light": seen.light,
            "clipping": seen.clipping,
            "sharpness": seen.sharpness,
            "field": seen.field,
            "glare": seen.glare,
            "colour": self.colour.distance(seen.chromaticity),
            "fundus": likeness(seen),
        }

    def judge(self, seen: Measured, lesions: Sequence[str]) -> Quality:
        """What the graph gives, by the definition.

        Args:
            lesions: codes in channel order.
        """
        values = self.values(seen)
        shares = self.shares(values)
        found = float(seen.covered > 0)
        return Quality(
            np.array([shares[code] * found for code in lesions], np.float32),
            np.array([values[name] for name in NAMES], np.float32),
        )

    def shares(self, values: Mapping[str, float]) -> dict[str, float]:
        """Lesion -> the share of its recall that such a picture still gives."""
        off = {fault: self.faults[fault].of(values[value]) for fault, value in FAULTS.items()}
        return {code: falloff.of(off) for code, falloff in self.lesions.items()}

    def to_json(self) -> dict[str, Any]:
        return {
            "colour": {"mean": list(self.colour.mean), "inverse": list(self.colour.inverse)},
            "faults": {name: hinge.to_json() for name, hinge in self.faults.items()},
            "lesions": {code: falloff.to_json() for code, falloff in self.lesions.items()},
            "values": {name: limits.to_json() for name, limits in self.limits.items()},
            "usable": self.usable,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What `to_json` gave, of the kind `KIND`; BadInput names what is out of range."""
        colour = values["colour"]
        red_red, red_green, green_green = map(float, colour["inverse"])
        red, green = map(float, colour["mean"])
        return cls(
            _named("colour", Colour, (red, green), (red_red, red_green, green_green)),
            {n: _named(f"faults.{n}", Hinge, **h) for n, h in values["faults"].items()},
            {c: _named(f"lesions.{c}", Falloff.from_json, f) for c, f in values["lesions"].items()},
            {n: _named(f"values.{n}", Limits, **v) for n, v in values["values"].items()},
            float(values["usable"]),
        )


def _named(name: str, make: Any, *args: Any, **kwargs: Any) -> Any:
    """A part of the model, whose refusal names its entry."""
    try:
        return make(*args, **kwargs)
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None


def _refuse_missing(name: str, found: Mapping[str, Any], expected: Sequence[str] | Any) -> None:
    if missing := [one for one in expected if one not in found]:
        raise BadInput(f"{name}: found no {missing[0]}, expected it")

"""From the quality that a picture's graph reports to what a person is told before any figure.

A manifest names the values behind the quality, each with its limits and the flag that it raises
beyond them. Kotlin, Swift and JavaScript judge the same way, held to it by
`tests/goldens/quality`. Everything is compared in float32, as thresholds are, and what is no
number counts as bad: a picture is never called usable because something could not be compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mobileseg.files.schema import (
    NAME,
    TEXT,
    Kind,
    Unfit,
    either,
    entries,
    kind,
    many,
    number,
    one_of,
)

LANGUAGES = ("en", "de")
NO_RETINA, NOT_FUNDUS, TOO_SMALL = "no-retina", "not-fundus", "too-small"
POOR = "poor"  # no flag: what is said of an unusable picture that raises none

# What is said of a picture, in the order in which it is said.
SENTENCES: dict[str, dict[str, str]] = {
    NO_RETINA: {"en": "No retina found.", "de": "Keine Netzhaut gefunden."},
    NOT_FUNDUS: {
        "en": "This does not look like a retina.",
        "de": "Das sieht nicht nach einer Netzhaut aus.",
    },
    "too-dark": {
        "en": "Too dark: bring the light closer and take it again.",
        "de": "Zu dunkel: Licht näher halten und noch einmal aufnehmen.",
    },
    "too-bright": {
        "en": "Too bright: dim the light and take it again.",
        "de": "Zu hell: Licht schwächer stellen und noch einmal aufnehmen.",
    },
    "blurred": {
        "en": "Blurred: hold still, focus, and take it again.",
        "de": "Unscharf: ruhig halten, scharf stellen und noch einmal aufnehmen.",
    },
    "glare": {
        "en": "Glare: change the angle of the light and take it again.",
        "de": "Spiegelung: Winkel des Lichts ändern und noch einmal aufnehmen.",
    },
    "field-cut": {
        "en": "Part of the retina is cut off: move back or re-centre, and take it again.",
        "de": (
            "Ein Teil der Netzhaut fehlt: Abstand vergrößern oder neu ausrichten und noch einmal "
            "aufnehmen."
        ),
    },
    "odd-colour": {
        "en": "Colours unlike the pictures it was trained on: check the camera's white balance.",
        "de": "Farben anders als in den Trainingsbildern: Weißabgleich der Kamera prüfen.",
    },
    TOO_SMALL: {
        "en": "Too small: the retina has fewer pixels than the network takes.",
        "de": "Zu klein: Die Netzhaut hat weniger Pixel, als das Netz nimmt.",
    },
    POOR: {
        "en": "Too poor to find lesions in: take it again.",
        "de": "Zu schlecht, um Läsionen zu finden: noch einmal aufnehmen.",
    },
}
FLAGS = tuple(code for code in SENTENCES if code != POOR)
BY_VALUES = tuple(code for code in FLAGS if code not in (NO_RETINA, TOO_SMALL))
FATAL = (NO_RETINA, NOT_FUNDUS)  # whatever the quality

LARGEST_LIMIT = 1e6  # beyond what any value can be; finite in float32
MOST_VALUES = 32
NOTHING = kind("null", lambda value: value is None)
LIMIT: Kind = either(NOTHING, number(-LARGEST_LIMIT, LARGEST_LIMIT))
FLAG: Kind = either(NOTHING, one_of(BY_VALUES))
VALUE = entries(
    {
        "name": NAME,
        "meaning": TEXT,
        "least": LIMIT,
        "most": LIMIT,
        "flag_below": FLAG,
        "flag_above": FLAG,
    }
)
QUALITY = entries({"usable": number(0, 1), "values": many(VALUE, 0, MOST_VALUES)})


@dataclass(frozen=True, slots=True)
class QualityValue:
    """One number behind the quality, and what it says of a picture beyond its limits."""

    name: str
    meaning: str  # for people: what it is, in which unit
    least: float | None = None  # below: `flag_below`
    most: float | None = None  # above: `flag_above`
    flag_below: str | None = None
    flag_above: str | None = None

    def flags(self, value: float) -> set[str]:
        """What is raised; by what is no number, everything."""
        found = np.float32(value)
        raised = set()
        if self.flag_below and self.least is not None and not found >= np.float32(self.least):
            raised.add(self.flag_below)
        if self.flag_above and self.most is not None and not found <= np.float32(self.most):
            raised.add(self.flag_above)
        return raised


@dataclass(frozen=True, slots=True)
class QualitySpec:
    """A manifest's `quality`: the values behind the lesions' quality, and the limits."""

    usable: float  # a picture whose quality is below cannot be used, 0..1
    values: tuple[QualityValue, ...]  # in the order of the graph's output

    def to_json(self) -> dict[str, Any]:
        keys = QualityValue.__dataclass_fields__
        rows = [{key: getattr(value, key) for key in keys} for value in self.values]
        return {"usable": self.usable, "values": rows}

    @classmethod
    def from_json(cls, values: Any, name: str = "quality") -> Self:
        """Raises Unfit for what is no `quality`, naming the entry; `name` is the object's own."""
        QUALITY(values, name)
        keys = QualityValue.__dataclass_fields__
        rows = [{key: row[key] for key in keys} for row in values["values"]]
        for place, row in enumerate(rows):
            _refuse_at_odds(rows[:place], row, f"{name}.values[{place}]")
        return cls(values["usable"], tuple(QualityValue(**row) for row in rows))


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """What the quality output says of one picture."""

    lesions: dict[str, float]  # lesion code -> share of its recall that is left, 0..1
    values: dict[str, float]  # name -> what is behind it
    shown: float  # the one figure: the least over the lesions
    usable: bool
    flags: tuple[str, ...]  # of FLAGS, in that order
    sentences: dict[str, tuple[str, ...]]  # language -> what is said, in the order of the flags

    @property
    def percent(self) -> int:
        """`shown` as it is written, in whole percent, halves up."""
        return math.floor(self.shown * 100 + 0.5)


def judge_quality(
    quality: Sequence[float],
    lesions: Sequence[str],
    spec: QualitySpec,
    raised: Sequence[str] = (),
) -> PictureQuality:
    """What a person is told of a picture.

    Args:
        quality: (C + K,) the graph's output: each lesion's quality, then the spec's values.
        lesions: C lesion codes, in channel order.
        spec: the K values and their limits.
        raised: flags that stand already, of `FLAGS`: no-retina, beside which the values raise
            none, and too-small.

    Raises:
        ValueError: the numbers are not as many as lesions and values.
    """
    count = len(lesions)
    if len(quality) != count + len(spec.values):
        raise ValueError(
            f"found {len(quality)} numbers of quality, expected {count} + {len(spec.values)}"
        )
    by_lesion = dict(zip(lesions, map(_share, quality[:count]), strict=True))
    values = [float(np.float32(value)) for value in quality[count:]]
    found = set(raised)
    if NO_RETINA not in found:  # without one the values speak of nothing
        found.update(*(one.flags(value) for one, value in zip(spec.values, values, strict=True)))
    flags = tuple(code for code in FLAGS if code in found)
    shown = min(by_lesion.values())
    usable = shown >= np.float32(spec.usable) and not found.intersection(FATAL)
    said = flags if usable or flags else (POOR,)
    return PictureQuality(
        lesions=by_lesion,
        values={one.name: value for one, value in zip(spec.values, values, strict=True)},
        shown=shown,
        usable=bool(usable),
        flags=flags,
        sentences={
            language: tuple(SENTENCES[code][language] for code in said) for language in LANGUAGES
        },
    )


def _share(value: float) -> float:
    """A lesion's quality within 0..1; what is no number is 0."""
    found = float(np.float32(value))
    return min(found, 1.0) if found >= 0 else 0.0


def _refuse_at_odds(before: list[dict[str, Any]], row: dict[str, Any], name: str) -> None:
    """Raise Unfit for a name that was there before, or limits and flags that do not go together."""
    if row["name"] in [other["name"] for other in before]:
        raise Unfit(f"{name}.name: found {row['name']} again, expected each once")
    if None not in (row["least"], row["most"]) and not row["least"] < row["most"]:
        raise Unfit(f"{name}.most: found {row['most']}, expected above least, {row['least']}")
    for limit, flag in (("least", "flag_below"), ("most", "flag_above")):
        if (row[limit] is None) != (row[flag] is None):
            raise Unfit(f"{name}.{flag}: found {row[flag]}, expected one exactly where {limit} is")

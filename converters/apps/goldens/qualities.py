"""Quality outputs, each with what a person is told of such a picture.

NaN, which JSON does not know, stands as null.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from converters.apps.goldens.writing import dump
from mobileseg.evaluation.picture_flags import QualitySpec, QualityValue, judge_quality

FOLDER = "quality"
Json = dict[str, Any]
NAN = math.nan


def _spec(usable: float, *values: QualityValue) -> Json:
    return QualitySpec(usable, values).to_json()


# Seven values and every flag, with limits made up for these cases.
QUALITY_OF_ALL = _spec(
    0.5,
    QualityValue("light", "mean level, 0..1", 0.12, 0.93, "too-dark", "too-bright"),
    QualityValue("clipping", "share at the top, 0..1", None, 0.2, None, "too-bright"),
    QualityValue("sharpness", "detail against noise", 1.5, None, "blurred", None),
    QualityValue("field", "share of the disc inside the frame, 0..1", 0.8, None, "field-cut", None),
    QualityValue("glare", "share of the disc, 0..1", None, 0.05, None, "glare"),
    QualityValue("colour", "distance to training", None, 3, None, "odd-colour"),
    QualityValue("fundus", "likeness, 0..1", 0.25, None, "not-fundus", None),
)
QUALITY = _spec(
    0.5,
    QualityValue("light", "mean level over the disc, 0..1", 0.12, 0.93, "too-dark", "too-bright"),
    QualityValue("sharpness", "detail against noise, no unit", 1.5, None, "blurred", None),
    QualityValue("texture", "told, and judged by nobody"),
)
UNLIMITED = _spec(1, QualityValue("texture", ""))
ENDS = _spec(0, QualityValue("light", "", -1e6, 1e6, "too-dark", "too-bright"))
GOOD = (0.5, 0.01, 4.0, 1.0, 0.0, 1.0, 0.9)  # values that raise nothing

# Name -> the spec, lesions, quality output, and flags that stand already.
CASES: dict[str, tuple[Json, str, tuple[float, ...], tuple[str, ...]]] = {
    "good": (QUALITY_OF_ALL, "MA EX", (0.9, 0.8, *GOOD), ()),
    "least-of-four": (QUALITY_OF_ALL, "MA HE EX SE", (0.9, 0.8, 0.62, 0.7, *GOOD), ()),
    "at-the-limit": (QUALITY_OF_ALL, "EX", (0.5, 0.12, 0.2, 1.5, 0.8, 0.05, 3.0, 0.25), ()),
    "dark": (QUALITY_OF_ALL, "EX", (0.7, 0.05, *GOOD[1:]), ()),
    "dark-and-unusable": (QUALITY_OF_ALL, "MA EX", (0.1, 0.7, 0.05, *GOOD[1:]), ()),
    "bright-twice": (QUALITY_OF_ALL, "EX", (0.7, 0.95, 0.3, *GOOD[2:]), ()),
    "everything": (QUALITY_OF_ALL, "EX", (0.0, 0.05, 0.3, 1.0, 0.5, 0.1, 9.0, 0.0), ()),
    "no-fundus": (QUALITY_OF_ALL, "EX", (0.9, *GOOD[:-1], 0.2), ()),
    "no-retina": (QUALITY_OF_ALL, "MA EX", (0.0, 0.0, *GOOD), ("no-retina",)),
    "no-retina-whatever-it-says": (QUALITY_OF_ALL, "EX", (0.9, *GOOD), ("no-retina",)),
    "no-retina-and-all-zero": (QUALITY_OF_ALL, "EX", (0.0, *[0.0] * len(GOOD)), ("no-retina",)),
    "too-small": (QUALITY_OF_ALL, "EX", (0.9, *GOOD), ("too-small",)),
    "small-blurred-and-dark": (
        QUALITY_OF_ALL,
        "EX",
        (0.9, 0.05, 0.01, 1.0, *GOOD[3:]),
        ("too-small",),
    ),
    "poor-without-a-flag": (QUALITY_OF_ALL, "EX", (0.49, *GOOD), ()),
    "lesion-no-number": (QUALITY_OF_ALL, "MA EX", (0.9, NAN, *GOOD), ()),
    "light-no-number": (QUALITY_OF_ALL, "EX", (0.9, NAN, *GOOD[1:]), ()),
    "fundus-no-number": (QUALITY_OF_ALL, "EX", (0.9, *GOOD[:-1], NAN), ()),
    "beyond-0-and-1": (QUALITY_OF_ALL, "MA EX", (1.5, -0.25, *GOOD), ()),
    "all-above-1": (QUALITY_OF_ALL, "MA EX", (1.5, 1.25, *GOOD), ()),
    "next-to-usable": (QUALITY, "EX", (float(np.nextafter(np.float32(0.5), 0)), 0.5, 2, 0), ()),
    # Of 0.1 the float32 is above the double: compared as doubles it would be another answer.
    "float32-usable": (_spec(0.1), "EX", (0.1,), ()),
    "float32-limit": (
        _spec(0.5, QualityValue("light", "", None, 0.1, None, "too-bright")),
        "EX",
        (0.9, 0.1),
        (),
    ),
    "no-values": (_spec(0.25), "NV DRUSEN", (0.5, 0.75), ()),
    "no-limits": (UNLIMITED, "EX", (1.0, NAN), ()),
    "usable-0": (ENDS, "EX", (0.0, 0.0), ()),
    "usable-0-no-number": (ENDS, "EX", (NAN, 0.0), ()),
}


def write(folder: Path) -> Json:
    """Write the cases; returns what the index says of them."""
    for name, case in CASES.items():
        dump(folder / FOLDER / f"{name}.json", _case(*case))
    return {FOLDER: list(CASES)}


def _case(spec: Json, codes: str, quality: tuple[float, ...], raised: tuple[str, ...]) -> Json:
    lesions = codes.split()
    found = judge_quality(quality, lesions, QualitySpec.from_json(spec), raised)
    return {
        "quality": spec,
        "lesions": lesions,
        "output": [_or_null(float(np.float32(value))) for value in quality],
        "raised": list(raised),
        "expected": {
            "lesions": found.lesions,
            "values": {name: _or_null(value) for name, value in found.values.items()},
            "shown": found.shown,
            "percent": found.percent,
            "usable": found.usable,
            "flags": list(found.flags),
            "sentences": {language: list(said) for language, said in found.sentences.items()},
        },
    }


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else value

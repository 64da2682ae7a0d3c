"""What the entries of model.json may be, schema by schema, and how an older one reads as today's.

Schema 3 brought lesions that a data file may declare (any code, names by language), calibration,
quality, and two entries under the field's own words: `head` was `answer`, `member_execution` was
`ensembling`. Whoever reads a manifest inside the package sees schema 3 alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from converters.bundle.checksums import MOST_BYTES, MOST_FILES, NAMES, is_name
from converters.targets import TARGETS
from mobileseg.evaluation.picture_flags import NOTHING, QualitySpec
from mobileseg.files.schema import (
    NAME,
    SHA256,
    TEXT,
    Kind,
    Unfit,
    either,
    entries,
    kind,
    many,
    mapping,
    number,
    one_of,
    whole,
)
from mobileseg.lesions import LESIONS
from mobileseg.platt import CONSTANTS
from mobileseg.run_config import NORMALISATION, PREPROCESS
from mobileseg.spec import LARGEST_FRAME_PX

SCHEMA = 3
OLDEST = 2  # that is still read
MOST_LESIONS = 16
CODE = re.compile(r"[A-Z][A-Z0-9]{0,7}")
RENAMED = {"answer": "head", "ensembling": "member_execution"}  # of schema 2
ENGLISH = "en"  # the language that every lesion has a name in

FILE_NAME = kind(f"a path inside the bundle: {NAMES}", is_name)
SHAPE = many(whole(1, 1 << 20), 0, 8)
COLOUR = many(whole(0, 255), 3, 3)
MEMBER = entries(
    {"name": NAME, "variant": NAME, "task": NAME, "weights_sha256": SHA256, **NORMALISATION}
)
TENSOR = entries({"name": NAME, "shape": SHAPE, "dtype": NAME}, {"kind": NAME, "order": NAME})
LESION_2 = entries(
    {"code": one_of(LESIONS), "threshold": number(0, 1)}, {"name": TEXT, "colour": COLOUR}
)
LESION_3 = entries(
    {
        "code": kind(
            "a capital letter, then up to 7 capital letters or digits",
            lambda value: isinstance(value, str) and CODE.fullmatch(value) is not None,
        ),
        "names": mapping(NAME, NAME, 100),
        "threshold": number(0, 1),
        "colour": COLOUR,
        "calibration": either(NOTHING, CONSTANTS),
    }
)


def _quality(value: Any, name: str) -> None:
    """Null, or what `QualitySpec` is read from."""
    if value is not None:
        QualitySpec.from_json(value, name)


def _read_back(lesions: Kind, more: dict[str, Kind]) -> Kind:
    """A manifest's entries.

    Args:
        lesions: the list's kind.
        more: what else a schema asks for.
    """
    files = entries({"sha256": SHA256, "bytes": whole(0, MOST_BYTES)})
    return entries(
        {
            "target": one_of(TARGETS),
            "precision": NAME,
            "frames": many(many(whole(32, LARGEST_FRAME_PX), 2, 2), 1, 128),  # Core ML's most
            "lesions": lesions,
            "files": mapping(FILE_NAME, files, MOST_FILES),
            **more,
        },
        {
            "mobileseg": NAME,
            "artifact": FILE_NAME,
            "variant": NAME,
            "task": NAME,
            "members": many(MEMBER, 1, 64),
            "preprocess": PREPROCESS,
            "input": TENSOR,
            "outputs": many(TENSOR, 1, MOST_LESIONS + 3),  # at most a mask each, and what follows
            "retina_threshold": whole(0, 255),
            "exporter": mapping(NAME, TEXT),
        },
    )


READ_BACK: dict[int, Kind] = {
    2: _read_back(many(LESION_2, 1, len(LESIONS)), {}),
    3: _read_back(many(LESION_3, 1, MOST_LESIONS), {"quality": _quality}),
}


def refuse_nameless(lesions: Collection[dict[str, Any]]) -> None:
    """Raise Unfit for a lesion of schema 3 without an English name."""
    for place, lesion in enumerate(lesions):
        if ENGLISH not in lesion["names"]:
            raise Unfit(repr(f"lesions[{place}].names.{ENGLISH}"))


def as_schema_3(manifest: dict[str, Any]) -> dict[str, Any]:
    """Schema 2, whose entries are of their kinds, as schema 3 says it."""
    lesions = [
        {
            "code": lesion["code"],
            "names": {ENGLISH: lesion.get("name") or lesion["code"]},
            "colour": lesion.get("colour", list(LESIONS[lesion["code"]].colour)),
            "threshold": lesion["threshold"],
            "calibration": None,
        }
        for lesion in manifest["lesions"]
    ]
    renamed = {RENAMED.get(name, name): value for name, value in manifest.items()}
    return {**renamed, "schema": SCHEMA, "lesions": lesions, "quality": None}

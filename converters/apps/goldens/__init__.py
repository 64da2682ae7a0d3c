"""tests/goldens: what every demo's tests read, so that all of them colour the same pixels.

Raw little-endian files and JSON, readable without a library in any language; `index.json` lists
the cases. Nothing here comes from a generator whose stream could change: pixels are formulas.

    write_app_goldens(Path("tests/goldens"))
    differences(Path("tests/goldens"))      # [] as long as the package still answers like that
"""

from __future__ import annotations

import filecmp
import tempfile
from pathlib import Path
from typing import Any

from converters.apps.goldens import colours, manifests, masks, photos, qualities
from converters.apps.goldens.writing import dump
from converters.apps.limits import MOST_FILE_BYTES, MOST_MEGAPIXELS
from converters.apps.texts import TEXTS
from converters.bundle.manifest_schemas import OLDEST, SCHEMA
from mobileseg.evaluation.overlay import OPACITY
from mobileseg.evaluation.picture_flags import BY_VALUES, FLAGS
from mobileseg.files.atomic import staged_folder
from mobileseg.lesions import LESIONS
from mobileseg.spec import RETINA_THRESHOLD

FORMAT = 1
INDEX = "index.json"


def write_app_goldens(folder: Path, *, force: bool = False) -> int:
    """Write all of them.

    Args:
        force: replace goldens that are there.

    Returns:
        How many files there are.

    Raises:
        BadInput: the folder exists, and `force` is not given or it holds no goldens.
    """
    with staged_folder(folder, force=force, mark=INDEX) as staged:
        dump(staged / "texts.json", TEXTS)
        dump(
            staged / INDEX,
            {
                "format": FORMAT,
                "constants": _constants(),
                **photos.write(staged),
                **masks.write(staged),
                **manifests.write(staged),
                **qualities.write(staged),
                **colours.write(staged),
            },
        )
        return sum(path.is_file() for path in staged.rglob("*"))


def differences(folder: Path) -> list[str]:
    """Names of files that differ from what the package would write now, are missing or extra."""
    with tempfile.TemporaryDirectory() as made:
        fresh = Path(made) / "goldens"
        write_app_goldens(fresh)
        names = _files(fresh) | _files(folder)
        return sorted(name for name in names if not _same(fresh / name, folder / name))


def _constants() -> dict[str, Any]:
    return {
        "retina_threshold": RETINA_THRESHOLD,
        "opacity": OPACITY,
        "schema": SCHEMA,
        "oldest_schema": OLDEST,
        "most_megapixels": MOST_MEGAPIXELS,
        "most_file_bytes": MOST_FILE_BYTES,
        "lesions": [
            {"code": lesion.code, "names": dict(lesion.names), "colour": list(lesion.colour)}
            for lesion in LESIONS.values()
        ],
        "flags": list(FLAGS),
        "flags_by_values": list(BY_VALUES),
    }


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)

"""The slow reference's circles of all real pictures, kept as numbers in circles.json.

Made again, in about six minutes, where the data is (see `shared/data`, or MOBILESEG_DATA):

    PYTHONPATH=.:tests/preprocess python -m retina.circles
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

from mobileseg.data.images import read_photo
from retina.slow_circle import Circle, find_circle

STORED = Path(__file__).with_name("circles.json")
REPOSITORY = Path(__file__).parents[3]
SETS = ("idrid", "idrid-grading")
PARTS = {"a. Training Set": "train", "b. Testing Set": "test"}
COLUMNS = ("x", "y", "radius", "in_frame", "supported", "rms_px")
ABOUT = {
    "what": "centre and radius of the retina's edge in each real picture, pixels of that picture",
    "made_by": "PYTHONPATH=.:tests/preprocess python -m retina.circles",
    "columns": list(COLUMNS),
    "source": "measured on IDRiD, doi:10.21227/H25W98, CC BY 4.0; no picture is in here",
}


def data_root() -> Path:
    """Where the real pictures are, if they are there."""
    named = os.environ.get("MOBILESEG_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def pictures(root: Path) -> Iterator[tuple[str, Path]]:
    """Each picture's key, as "idrid/train/IDRiD_01", and its file; in a fixed order."""
    for name in SETS:
        for path in sorted((root / name).rglob("IDRiD_*.jpg")):
            yield f"{name}/{PARTS[path.parent.name]}/{path.stem}", path


def stored_circles() -> dict[str, Circle]:
    """Key of a picture -> its circle."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    return {key: Circle(*values) for key, values in stored["circles"].items()}


def main() -> None:
    rows = {}
    for key, path in pictures(data_root()):
        x, y, radius, in_frame, supported, rms = astuple(find_circle(read_photo(path)))
        rows[key] = [
            *(round(px, 2) for px in (x, y, radius)),
            *(round(share, 4) for share in (in_frame, supported)),
            round(rms, 3),
        ]
        print(key, rows[key], flush=True)
    head = json.dumps(ABOUT, indent=1, ensure_ascii=False)[:-2]
    body = ",\n".join(f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
    STORED.write_text(f'{head},\n "circles": {{\n{body}\n }}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()

"""Which pictures a run flags, and what it says of their quality: pictures that have no masks.

    python benchmarks/picture_flags.py runs/ex --pictures 'IDRiD grading' \\
        --duplicates duplicates.json -o benchmarks/results/picture-flags-ex.json

Folders are searched through. `--duplicates` leaves out what the grading set has in common with the
segmentation set, and one of each two that are the same: a JSON with `grading_equals_segmentation`
and `grading_equals_grading`, whose names are "train/IDRiD_001" or "test/…". Every flagged picture
is named, and every one that is not usable ("poor" where it raises no flag); whether that is right
is for a person to see: `--sheet` draws them with what was said.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

import mobileseg
from converters.bundle.evidence import record
from mobileseg.data.decoding import SUFFIXES
from mobileseg.data.images import read_photo
from mobileseg.files.atomic import write_json

SHEET_PX, COLUMNS = 420, 4


def left_out(file: Path | None) -> set[str]:
    """Names of the grading set's pictures that are somewhere else already."""
    if file is None:
        return set()
    known = json.loads(file.read_text("utf-8"))
    same = {one["grading"] for one in known["grading_equals_segmentation"]}
    return same | {one["b"] for one in known["grading_equals_grading"]}


def name_of(path: Path) -> str:
    """The part it belongs to, and its name: "test/IDRiD_007"."""
    part = "test" if any("test" in parent.name.lower() for parent in path.parents) else "train"
    return f"{part}/{path.stem}"


def sheet(flagged: dict[str, tuple[Path, str]]) -> np.ndarray:
    """Each such picture with its name and flags."""
    cells = []
    for name, (path, said) in flagged.items():
        picture = np.asarray(read_photo(path)[..., ::-1])
        scale = SHEET_PX / max(picture.shape[:2])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cell = np.zeros((SHEET_PX, SHEET_PX, 3), np.uint8)
        cell[: small.shape[0], : small.shape[1]] = small
        for line, text in enumerate((name, said)):
            place = (4, SHEET_PX - 40 + 24 * line)
            cv2.putText(cell, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
        cells.append(cell)
    cells += [np.zeros((SHEET_PX, SHEET_PX, 3), np.uint8)] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[at : at + COLUMNS]) for at in range(0, len(cells), COLUMNS)]
    return np.vstack(rows) if rows else np.zeros((SHEET_PX, SHEET_PX, 3), np.uint8)


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--pictures", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--duplicates", type=click.Path(path_type=Path, exists=True))
@click.option("--most", type=int, help="Pictures. [default: all]")
@click.option("--sheet", "drawn", type=click.Path(path_type=Path), help="Picture to write.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(
    run: Path,
    pictures: Path,
    duplicates: Path | None,
    most: int | None,
    drawn: Path | None,
    output: Path,
) -> None:
    """Ask the run about every picture, and write one row."""
    loaded = mobileseg.load(run)
    without = left_out(duplicates)
    paths = [p for p in sorted(pictures.rglob("*")) if p.suffix.lower() in SUFFIXES]
    paths = [p for p in paths if name_of(p) not in without][:most]
    flagged: dict[str, tuple[Path, str]] = {}
    shown, unusable = [], []
    for place, path in enumerate(paths):
        found = loaded.predict(path)
        if found.quality is None:
            raise click.UsageError(f"{run}: has no quality; fit it with mobileseg calibrate")
        shown.append(found.quality.shown)
        said = f"{', '.join(found.flags) or 'poor'} {found.quality.percent} %"
        if not found.quality.usable:
            unusable.append(name_of(path))
        if found.flags or not found.quality.usable:
            flagged[name_of(path)] = (path, said)
            click.echo(f"{place + 1} of {len(paths)}: {name_of(path)}: {said}", err=True)
    row: dict[str, Any] = record() | {
        "data": pictures.name,
        "run": run.name,
        "pictures": len(paths),
        "flagged": {name: said for name, (_, said) in flagged.items()},
        "flagged_share": len(flagged) / max(len(paths), 1),
        "unusable": unusable,
        "quality_p5_p50_p95": [float(np.percentile(shown, p)) for p in (5, 50, 95)],
    }
    write_json(output, [row])
    if drawn:
        cv2.imwrite(str(drawn), sheet(flagged))
    click.echo(f"flagged or not usable: {len(flagged)} of {len(paths)}")


if __name__ == "__main__":
    main()

"""`mobileseg predict`: pictures with their lesions drawn, counted and measured."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import NOT_MEDICAL, progress, remark, show_json
from mobileseg.cli.options import force_option, json_option
from mobileseg.errors import BadInput

if TYPE_CHECKING:
    from mobileseg.evaluation.findings import Prediction

RESULTS = "predictions.json"
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


@click.command(short_help="Draw and count lesions on pictures.")
@click.argument("model", metavar="RUN|BUNDLE", type=click.Path(path_type=Path))
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder to write: an overlay per picture, predictions.json, predictions.csv.",
)
@force_option("DIR")
@json_option()
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: Path,
    pictures: tuple[Path, ...],
    output: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Find lesions in PICTURES (files or folders), with a run or with a bundle's own file.

    A picture that cannot be read is named and left out; the exit code is then 1.

    \b
    Example:
        mobileseg predict runs/ex photo.jpg -o out
    """
    from converters.predictor import open_predictor
    from mobileseg.data.images import write_png
    from mobileseg.evaluation.overlay import overlay
    from mobileseg.files import refuse_existing, staged_folder, write_json, write_text

    refuse_existing(output, force=force, mark=RESULTS)
    chosen = _named(_files(pictures))
    predictor = open_predictor(model)
    rows: list[dict[str, Any]] = []
    unread = 0
    with progress() as bar, staged_folder(output, force=force, mark=RESULTS) as staged:
        task = bar.add_task("predicting", total=len(chosen), note="")
        for name, path in chosen.items():
            try:
                prediction = predictor.predict(path)
            except BadInput as error:
                remark(f"mobileseg: {error}")
                unread += 1
                continue
            finally:
                bar.advance(task)
            write_png(staged / f"{name}-overlay.png", overlay(prediction))
            rows.append(_row(name, path, prediction))
        if not rows:
            raise BadInput(f"none of {len(chosen)} picture(s) could be read; nothing was written")
        write_json(staged / RESULTS, {"model": predictor.name, "pictures": rows})
        write_text(staged / "predictions.csv", _csv(rows))
    if as_json:
        show_json(rows)
    else:
        for row in rows:
            click.echo(_sentence(row))
        click.echo(f"{output}: {len(rows)} overlay(s). {NOT_MEDICAL}")
    ctx.exit(1 if unread else 0)


def _files(pictures: Iterable[Path]) -> list[Path]:
    """Files as given; a folder stands for the pictures in it."""
    files: list[Path] = []
    for path in pictures:
        if path.is_dir():
            found = (p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
            inside = sorted(p for p in found if not p.name.startswith("."))  # "._x": macOS's shadow
            if not inside:
                raise BadInput(f"{path}: no pictures in it; expected {', '.join(SUFFIXES)}")
            files += inside
        else:
            files.append(path)
    return files


def _named(files: Iterable[Path]) -> dict[str, Path]:
    """A name for each file's results; two of one name get a number."""
    named: dict[str, Path] = {}
    for path in files:
        name, n = path.stem, 1
        while name in named:
            n += 1
            name = f"{path.stem}-{n}"
        named[name] = path
    return named


def _row(name: str, path: Path, prediction: Prediction) -> dict[str, Any]:
    return {
        "name": name,
        "picture": str(path),
        "flags": list(prediction.flags),
        "retina": prediction.retina,
        "crop": list(prediction.crop),
        "lesions": {
            code: {"count": f.count, "pixels": f.pixels, "area": f.area}
            for code, f in prediction.lesions.items()
        },
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    """A line per picture and lesion."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["name", "picture", "lesion", "count", "pixels", "area", "retina", "flags"])
    for row in rows:
        for code, found in row["lesions"].items():
            figures = [found["count"], found["pixels"], f"{found['area']:.6f}"]
            start = [row["name"], row["picture"], code]
            writer.writerow([*start, *figures, f"{row['retina']:.4f}", "; ".join(row["flags"])])
    return table.getvalue()


def _sentence(row: dict[str, Any]) -> str:
    found = ", ".join(
        f"{code} {f['count']} ({100 * f['area']:.2f} % of the retina)"
        for code, f in row["lesions"].items()
    )
    return ": ".join([row["name"], found, *row["flags"]])

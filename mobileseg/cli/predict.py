"""`mobileseg predict`: pictures with their lesions drawn, counted and measured."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import NOT_MEDICAL, progress, remark, show_json
from mobileseg.cli.options import force_option, json_option, verify_key_option
from mobileseg.errors import BadInput

if TYPE_CHECKING:
    from converters.predictions import Outcome

LONGEST_NAME = 200  # bytes: a file's name may have 255, and ours get an ending


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
@verify_key_option()
@json_option()
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: Path,
    pictures: tuple[Path, ...],
    output: Path,
    force: bool,
    verify_key: Path | None,
    as_json: bool,
) -> None:
    """Find lesions in PICTURES (files or folders), with a run or with a bundle's own file.

    A picture that cannot be read is named and left out; the exit code is then 1.

    Stopped by Ctrl-C or killed, the same command goes on where it was; the result is as if
    nothing had happened. Until all is done it lies beside DIR, in .DIR.part.

    \b
    Example:
        mobileseg predict runs/ex photo.jpg -o out
    """
    from converters.predictions import RESULTS, maker, predict_all, shown
    from converters.predictor import open_predictor
    from converters.unfinished import unfinished, work_folder
    from mobileseg.files import refuse_existing

    if not work_folder(output).exists():  # before the model is opened, which takes its time
        refuse_existing(output, force=force, mark=RESULTS)
    chosen = _named(_files(pictures))
    predictor = open_predictor(model, verify_key)
    pieces = {name: shown(path) for name, path in chosen.items()}
    with unfinished(output, maker(predictor), pieces, force=force, mark=RESULTS) as work:
        with progress() as bar:
            task = bar.add_task("predicting", total=len(chosen), note="")
            tick = partial(bar.advance, task)
            outcome = predict_all(predictor, chosen, work, say=remark, tick=tick)
        if as_json:
            show_json(outcome.rows)
        else:
            for row in outcome.rows:
                click.echo(_sentence(row))
            click.echo(f"{output}: {_count(outcome)}. {NOT_MEDICAL}")
    ctx.exit(1 if outcome.unreadable else 0)


def _count(outcome: Outcome) -> str:
    unread = len(outcome.unreadable)
    left = f", {unread} picture(s) could not be read" if unread else ""
    return f"{len(outcome.rows)} overlay(s){left}"


def _files(pictures: Iterable[Path]) -> list[Path]:
    """Files as given; a folder stands for the pictures in it."""
    from mobileseg.data.decoding import SUFFIXES

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
    """A name for each file's results; two of one name get a number.

    "Eye" and "eye" are one name: on a Mac's disk they are one file.
    """
    from converters.predictions import shown

    named: dict[str, Path] = {}
    taken: set[str] = set()
    for path in files:
        stem = shown(Path(path.stem)).encode()[:LONGEST_NAME].decode(errors="ignore")
        name, n = stem, 1
        while name.casefold() in taken:
            n += 1
            name = f"{stem}-{n}"
        taken.add(name.casefold())
        named[name] = path
    return named


def _sentence(row: dict[str, Any]) -> str:
    found = ", ".join(
        f"{code} {f['count']} ({100 * f['area']:.2f} % of the retina)"
        for code, f in row["lesions"].items()
    )
    return ": ".join([row["name"], found, *row["flags"]])

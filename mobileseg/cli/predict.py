"""`mobileseg predict`: pictures with their lesions drawn, counted and measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import NOT_MEDICAL, progress, remark, show_json
from mobileseg.cli.options import force_option, json_option, verify_key_option
from mobileseg.errors import BadInput

if TYPE_CHECKING:
    from converters.predict.batch import Outcome
    from converters.predict.scheduler import Crew
    from converters.predict.worker import Order

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
@click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Processes at a time, a core each. [default: 1; on Ray as many as it has cores]",
)
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option(
    "--address", metavar="A", help="Of a Ray cluster. [default: one that runs here, or a new one]"
)
@click.option(
    "--uncertainty",
    is_flag=True,
    help="Of an ensemble's run: draw where its members disagree, a picture beside each overlay.",
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
    workers: int | None,
    engine: str,
    address: str | None,
    uncertainty: bool,
    force: bool,
    verify_key: Path | None,
    as_json: bool,
) -> None:
    """Find lesions in PICTURES (files or folders), with a run or with a bundle's own file.

    A picture that cannot be read is named and left out; the exit code is then 1.

    Stopped by Ctrl-C or killed, the same command goes on where it was; the result is as if
    nothing had happened. Until all is done it lies beside DIR, in .DIR.part. The number of workers
    changes nothing in it, and may be another when it goes on.

    On Ray, PICTURES, the model and DIR lie on storage that all machines mount under the same paths.

    \b
    Example:
        mobileseg predict runs/ex photo.jpg -o out
        mobileseg predict runs/ex clinic/ -o out --workers 8
        mobileseg predict /data/ex /data/clinic -o /data/out --engine ray --address head:6379
    """
    from converters.predict.batch import RESULTS, in_turn, maker, predict_all, shown
    from converters.predict.predictor import open_predictor
    from converters.predict.resumable import unfinished, work_folder
    from converters.predict.scheduler import with_workers
    from mobileseg.files.atomic import refuse_existing

    if address and engine != "ray":
        raise BadInput(f"--address {address}: found --engine {engine}; expected --engine ray too")
    if not work_folder(output).exists():  # before the model is opened, which takes its time
        refuse_existing(output, force=force, mark=RESULTS)
    chosen = _named(_files(pictures))
    predictor = open_predictor(model, verify_key, uncertainty=uncertainty)
    made_by, share = maker(predictor), in_turn(predictor)
    if engine == "ray" or (workers or 1) > 1:
        muster = partial(_muster, engine, workers, address)
        share = with_workers(model, verify_key, made_by, muster, remark)
    del predictor  # where workers have their own, this process needs none
    pieces = {name: shown(path) for name, path in chosen.items()}
    with unfinished(output, made_by, pieces, force=force, mark=RESULTS) as work:
        with progress() as bar:
            task = bar.add_task("predicting", total=len(chosen), note="")
            tick = partial(bar.advance, task)
            outcome = predict_all(made_by["model"], chosen, work, share, say=remark, tick=tick)
        if as_json:
            show_json(outcome.rows)
        else:
            for row in outcome.rows:
                click.echo(_sentence(row))
            click.echo(f"{output}: {_count(outcome)}. {NOT_MEDICAL}")
    ctx.exit(1 if outcome.unreadable else 0)


@contextmanager
def _muster(engine: str, workers: int | None, address: str | None, order: Order) -> Iterator[Crew]:
    """The worker processes of an engine, none of which is left afterwards."""
    if engine == "local":
        from converters.predict.pool_local import LocalCrew

        with LocalCrew(order, workers or 1) as local:
            yield local
        return
    from converters.predict.pool_ray import RayCrew
    from mobileseg.study.engine_ray import connected

    with (
        tempfile.TemporaryDirectory() as log,
        connected(Path(log), address) as ray,
        RayCrew(ray, order, workers) as crew,
    ):
        yield crew


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
    from converters.predict.batch import shown

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
    """What is wrong with the picture stands before any figure, and instead of counts of no use."""
    found = ", ".join(
        f"{code} {f['count']} ({100 * f['area']:.2f} % of the retina)"
        for code, f in row["lesions"].items()
    )
    if not row["usable"]:
        found = "Not usable; its counts are in predictions.json."
    return " ".join([f"{row['name']}:", *row["sentences"], found])

"""`mobileseg bench`: how fast the files are beside what users would run instead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.bench_import import import_phone
from mobileseg.cli.bench_tables import show
from mobileseg.cli.console import progress, remark, show_json, show_table
from mobileseg.cli.options import data_option, force_option, json_option
from mobileseg.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from converters.bench.cpu import Result
    from converters.bench.interleaved import Pace

    Rows = list[dict[str, Any]]


@click.command(short_help="Time files beside their peers; on a GPU, Table 2.")
@click.argument("models", nargs=-1, metavar="[RUN|BUNDLE]...", type=click.Path(path_type=Path))
@click.option(
    "--graph",
    "graphs",
    type=click.Choice(["whole", "network"]),
    multiple=True,
    help="Of a RUN: the whole pipeline or the network alone. [default: both]",
)
@click.option("--rounds", type=click.IntRange(2), default=15, show_default=True, metavar="N")
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Of each engine, which is pinned to as many cores.",
)
@click.option(
    "--peer",
    "peers",
    multiple=True,
    metavar="NAME",
    help='"PyTorch eager", "torch.compile" (minutes to start) or "LiteRT". [default: all]',
)
@data_option(required=False, text="IDRiD folder: the files' AUPR on its test pictures.")
@click.option(
    "--sustained",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MINUTES",
    help="One BUNDLE, without a pause: does it slow down?",
)
@click.option(
    "--gpu", is_flag=True, help="Table 2 on this machine's GPU, and networks at their best."
)
@click.option(
    "--iterations",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="Timed calls per row of --gpu.",
)
@click.option("--part", "parts", multiple=True, metavar="NAME", help="Of --gpu. [default: all]")
@click.option("--variant", "variants", multiple=True, metavar="NAME", help="Of --gpu.")
@click.option(
    "--within", "within_s", type=float, metavar="S", help="Of --gpu: seconds it may take."
)
@click.option(
    "--add", is_flag=True, help="Of --gpu: keep the rows that JSON has; new ones replace."
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="PNG",
    help="Time against AUPR, a mark as large as the file. Needs --data, or parity's evidence.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="JSON",
    help="File to write: a list of rows.",
)
@force_option("JSON and PNG")
@click.option(
    "--import",
    "imported",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What a demo app's benchmark screen wrote: take it in as BUNDLE's evidence.",
)
@json_option()
@click.pass_context
def command(
    ctx: click.Context,
    /,
    models: tuple[Path, ...],
    graphs: tuple[str, ...],
    rounds: int,
    threads: int,
    peers: tuple[str, ...],
    data: Path | None,
    sustained: float | None,
    gpu: bool,
    iterations: int,
    parts: tuple[str, ...],
    variants: tuple[str, ...],
    within_s: float | None,
    add: bool,
    picture: Path | None,
    output: Path | None,
    force: bool,
    imported: Path | None,
    as_json: bool,
) -> None:
    """Time models side by side: every engine in a process of its own, all taking turns.

    A RUN is written in every form first; a BUNDLE's own file is taken as it lies there, and what
    was measured becomes part of its evidence. Without either: the U²-Net-XS that ships. Ratios are
    what counts: milliseconds are of this machine, at this moment.

    \b
    Example:
        mobileseg bench
        mobileseg bench s-ex --data IDRiD --picture speed.png -o speed.json
        mobileseg bench xs-ex-executorch-int8
        mobileseg bench xs-ex-executorch-int8 --peer "PyTorch eager"
        mobileseg bench xs-ex-executorch-fp32 --sustained 5
        mobileseg bench xs-ex-executorch-fp32 --import phone.json
        mobileseg bench --gpu -o gpu.json
        mobileseg bench --gpu --part best --variant xs --within 400 -o gpu.json --add

    Exit code 3: something that was asked for could not be measured here, a GPU for one. A peer that
    is not installed is a row that says so.
    """
    from mobileseg.files.atomic import refuse_existing, write_json

    if imported:
        import_phone(ctx, models, imported, as_json=as_json)
        return
    for path in filter(None, (output, picture)):
        refuse_existing(path, force=force or add)
    if add and not (gpu and output):
        raise BadInput("--add: found no --gpu or no -o; expected both: it adds rows to that JSON")
    if gpu and models:
        raise BadInput("--gpu: found a RUN or BUNDLE; expected none: it builds Table 2's networks")
    if gpu:
        keep = _keeper(output, add=add)
        rows = _gpu(iterations, parts, variants, within_s, keep)
        doubts: list[str] = []
        if not as_json:
            _show_gpu(rows)
    else:
        from converters.bench.interleaved import Pace

        pace = Pace(rounds, threads)
        if sustained is not None:
            rows, doubts = _sustained(models, sustained, pace), []
        else:
            rows, doubts = _host(models, graphs, pace, data, peers)
    if output and not gpu:  # a GPU's rows are written as they come
        write_json(output, rows)
    if picture:
        _draw(rows, picture)
    if as_json:
        show_json(rows)
    elif not gpu:
        show(rows, doubts, sustained)
    ctx.exit(3 if gpu and any(r["not_measured"] for r in rows) else 0)


def _gpu(
    iterations: int,
    parts: tuple[str, ...],
    variants: tuple[str, ...],
    within_s: float | None,
    keep: Callable[[Rows], None],
) -> Rows:
    from converters.bench.gpu import PARTS, SINGLE, measure

    rows = measure(
        iterations=iterations,
        say=remark,
        parts=parts or tuple(PARTS),
        variants=variants or SINGLE,
        within_s=within_s,
        keep=keep,
    )
    keep(rows)
    return rows


def _keeper(output: Path | None, *, add: bool) -> Callable[[Rows], None]:
    """What writes all rows so far: a command that is cut off keeps what it has."""
    if output is None:
        return lambda rows: None
    into = output

    from converters.bench.gpu import mark_best
    from mobileseg.files.atomic import read_json, write_json

    before: Rows = read_json(into) if add and into.exists() else []

    def keep(rows: Rows) -> None:
        new = {_subject(r) for r in rows}
        joined = [r for r in before if _subject(r) not in new] + rows
        mark_best(joined)
        write_json(into, joined)

    return keep


def _subject(r: dict[str, Any]) -> tuple[Any, ...]:
    """What a GPU's row is of."""
    names = ("gpu", "part", "variant", "members", "form", "engine", "precision", "batch")
    return tuple(r.get(name) for name in names)


def _show_gpu(rows: Rows) -> None:
    from converters.bench.gpu import tables

    for table in tables(rows):
        show_table(table.title, table.headers, table.rows)


def _host(
    models: tuple[Path, ...],
    graphs: tuple[str, ...],
    pace: Pace,
    data: Path | None,
    peers: tuple[str, ...],
) -> tuple[Rows, list[str]]:
    from converters.bench.cpu import GRAPHS, bench_bundle, bench_run, refuse_unknown
    from converters.bench.engines import OTHERS
    from converters.bundle.evidence import write_evidence
    from converters.bundle.read import is_bundle, open_bundle
    from mobileseg.runs import open_run, pretrained_run

    refuse_unknown(peers)
    beside = peers or tuple(OTHERS)
    rows: Rows = []
    doubts: list[str] = []
    with progress() as bar:
        task = bar.add_task("timing", total=None, note="")

        def say(text: str) -> None:
            if bar.disable:
                remark(text)
            bar.update(task, note=text)

        for model in models or (pretrained_run(),):
            if is_bundle(model):
                bundle = open_bundle(model)
                result: Result = bench_bundle(bundle, pace, say, beside)
                write_evidence(bundle, "bench", {"rows": result.rows})
            else:
                result = bench_run(open_run(model), graphs or GRAPHS, pace, data, say, beside)
            rows += result.rows
            doubts += [d for d in result.doubts if d not in doubts]
    return rows, doubts


def _sustained(models: tuple[Path, ...], minutes: float, pace: Pace) -> Rows:
    from converters.bench.cpu import own_entrant
    from converters.bench.process import LaneFailed
    from converters.bench.sustained import sustained
    from converters.bundle.read import open_bundle

    if len(models) != 1:
        raise BadInput(f"--sustained: found {len(models)} models; expected one BUNDLE")
    entrant = own_entrant(open_bundle(models[0]))
    try:
        return [sustained(entrant, minutes, pace.threads, remark)]
    except LaneFailed as error:
        raise BadInput(f"{models[0]}: cannot run here ({error})") from None


def _draw(rows: Rows, path: Path) -> None:
    from converters.bench.plot import draw

    try:
        draw(rows, path)
    except ValueError as error:
        raise BadInput(f"{path}: not drawn: {error}; give --data, or run parity --data") from None

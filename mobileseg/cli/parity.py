"""`mobileseg parity`: does the file answer as PyTorch does?"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import progress, remark, show_json, show_table
from mobileseg.cli.options import json_option

if TYPE_CHECKING:
    from converters.bundle import Bundle
    from converters.parity import Parity
    from converters.parity_cases import Cases

EXIT_OF = {"differs": 1, "not run": 3, "agrees": 0}  # the worst of several bundles, in this order


@click.command(short_help="Compare a phone's file with PyTorch.")
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="DIR",
    help="IDRiD folder of real pictures; may be given again. [default: phantoms]",
)
@click.option(
    "--pictures",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="At most so many of each DIR, evenly spread.",
)
@click.option(
    "--import",
    "imported",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What verify_on_mac.py, in a Core ML BUNDLE, wrote on a Mac: take it in as evidence.",
)
@json_option()
@click.pass_context
def command(
    ctx: click.Context,
    /,
    bundles: tuple[Path, ...],
    data: tuple[Path, ...],
    pictures: int,
    imported: Path | None,
    as_json: bool,
) -> None:
    """Reopen each BUNDLE's file and compare it with the reference, picture by picture.

    The verdict agrees, differs (exit 1) or was not run (exit 3; never counted as agreement).
    It is also written to the bundle's evidence/parity.json.

    \b
    Example:
        mobileseg parity xs-ex-executorch-fp32 --data IDRiD
        mobileseg parity xs-ex-coreml-fp32 --import xs-ex-coreml-fp32-macos.json
    """
    if imported:
        if len(bundles) != 1 or data:
            raise click.UsageError("--import takes one BUNDLE and no --data", ctx)
        ctx.exit(EXIT_OF[import_mac(bundles[0], imported, as_json=as_json)])
    from converters.bundle import open_bundle

    # All are opened first: a damaged bundle is named before minutes of comparing.
    opened = [open_bundle(path) for path in bundles]
    if not data:
        remark("no --data: comparing on phantoms, which show no camera's faults")
    results = [measure(bundle, _cases(bundle, data, pictures)) for bundle in opened]
    if as_json:
        show_json([to_json(r) for r in results])
    else:
        show(results)
    verdicts = {r.verdict.value for r in results}
    ctx.exit(next(code for verdict, code in EXIT_OF.items() if verdict in verdicts))


def _cases(bundle: Bundle, data: tuple[Path, ...], most: int) -> Cases:
    from converters.parity_cases import idrid_cases, phantom_cases

    if not data:
        return phantom_cases()
    return idrid_cases(data, bundle.reference().config.lesions, most)


def measure(bundle: Bundle, cases: Cases) -> Parity:
    """Compare one bundle and leave the outcome in its evidence folder."""
    from converters.evidence import write_evidence
    from converters.parity import compare

    with progress() as bar:
        task = bar.add_task(f"comparing {bundle.path.name}", total=cases.count, note="")
        result = compare(bundle, cases.read, cases.label, partial(bar.advance, task))
    try:
        write_evidence(bundle, "parity", to_json(result))
    except OSError as error:
        remark(f"{bundle.path}: evidence not written ({error.strerror})")
    return result


def import_mac(path: Path, file: Path, *, as_json: bool) -> str:
    """Take a Mac's result into a bundle's evidence folder; returns the verdict."""
    from converters.bundle import open_bundle
    from converters.coreml_evidence import NAME, read_mac_evidence
    from converters.evidence import write_evidence

    bundle = open_bundle(path)
    result = read_mac_evidence(bundle, file)
    verdict = result.verdict.value
    judged = {**result.measured, "verdict": f"{verdict} (macOS)", "faults": result.faults}
    write_evidence(bundle, NAME, judged)
    if as_json:
        show_json([{"bundle": str(path), **judged}])
        return verdict
    click.echo(f"{path}: {judged['verdict']} {judged['macos']}, {judged['machine']}")
    for unit, by_golden in judged["units"].items():
        for golden, figures in by_golden.items():
            largest = f"max |Δp| {figures['max']:.1e}, " if figures.get("max") is not None else ""
            click.echo(f"  {unit}, {golden}: {largest}{figures['flipped']} mask pixels flipped")
    for fault in result.faults:
        click.echo(f"{path}: differs: {fault}")
    return verdict


def to_json(result: Parity) -> dict[str, Any]:
    """Everything that was measured, for a machine."""
    from dataclasses import asdict

    values = asdict(result)
    if result.pictures:
        values |= {
            "cropped": result.cropped,
            "max_same_tensor": result.largest("same_tensor"),
            "max_end_to_end": result.largest("end_to_end"),
            "mean_end_to_end": sum(p.mean for p in result.pictures) / len(result.pictures),
            "flipped_share": result.share("flipped", "mask_pixels"),
            "level_flip_share": result.share("level_flips"),
        }
    return values | {"verdict": result.verdict.value, "faults": result.faults()}


def figures(result: Parity) -> dict[str, str]:
    """What a person reads of one bundle: name of the figure -> its text."""
    if not result.pictures:
        return {"verdict": result.verdict.value}
    pictures = result.pictures
    pixels = sum(p.mask_pixels for p in pictures)
    scores = {}
    for code, (reference, artifact) in result.dice.items():
        scores[f"{code} Dice, file / reference"] = f"{artifact:.4f} / {reference:.4f}"
        scores[f"{code} ΔDice"] = f"{artifact - reference:+.1e}"
    return {
        "verdict": result.verdict.value,
        "pictures": str(len(pictures)),
        "of them cropped": str(result.cropped),
        "max |Δp|, same tensor": f"{result.largest('same_tensor'):.1e}",
        "max |Δp|, end to end": f"{result.largest('end_to_end'):.1e}",
        "mean |Δp|, end to end": f"{sum(p.mean for p in pictures) / len(pictures):.1e}",
        "mask pixels flipped": f"{sum(p.flipped for p in pictures)} of {pixels}",
        "levels off before CLAHE": f"{sum(p.level_flips for p in pictures)} px",
        **scores,
    }


def table(results: list[Parity]) -> list[list[str]]:
    """Figures down, bundles across; the header first."""
    columns = [figures(r) for r in results]
    names = list(dict.fromkeys(name for column in columns for name in column))
    header = ["", *(f"{r.target} {r.made}" for r in results)]
    return [header, *([name, *(c.get(name, "–") for c in columns)] for name in names)]


def show(results: list[Parity]) -> None:
    """The table, and a line for everything that is not plain agreement."""
    labels = sorted({r.data for r in results})
    header, *rows = table(results)
    show_table(f"Parity with PyTorch on {'; '.join(labels)}", header, rows)
    for line in remarks(results):
        click.echo(line)


def remarks(results: list[Parity]) -> list[str]:
    """A line for everything that is not plain agreement."""
    lines = []
    for result in results:
        if result.not_run:
            held = f"{sum(c.holds for c in result.checks)} of {len(result.checks)} checks hold"
            lines.append(f"{result.bundle}: not run: {result.not_run} ({held})")
        elif not result.cropped:
            lines.append(
                f"{result.bundle}: in no picture the crop was less than the whole: "
                "crop and resize are untested here"
            )
        for fault in result.faults():
            lines.append(f"{result.bundle}: differs: {fault}")
    return lines

"""`mobileseg parity`: does the file answer as PyTorch does?"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import finite, progress, remark, show_json, show_table
from mobileseg.cli.options import force_option, json_option, verify_key_option

if TYPE_CHECKING:
    from converters.bundle.read import Bundle
    from converters.parity.cases import Cases
    from converters.parity.result import Parity
    from converters.parity.tolerances import Gate

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
    "--gate",
    "gate_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TOML with your own limits; docs/ci/gate.toml names them all.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="Compare with an earlier bundle's file instead of PyTorch.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write parity.json, parity.xml (JUnit) and parity.html there.",
)
@force_option("DIR")
@click.option(
    "--import",
    "imported",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What verify_on_mac.py, in a Core ML BUNDLE, wrote on a Mac: take it in as evidence.",
)
@verify_key_option()
@json_option()
@click.pass_context
def command(
    ctx: click.Context,
    /,
    bundles: tuple[Path, ...],
    data: tuple[Path, ...],
    pictures: int,
    gate_file: Path | None,
    against: Path | None,
    output: Path | None,
    force: bool,
    imported: Path | None,
    verify_key: Path | None,
    as_json: bool,
) -> None:
    """Reopen each BUNDLE's file and compare it with the reference, stage by stage.

    The verdict agrees, differs (exit 1) or was not run (exit 3; never counted as agreement).
    It is also written to the bundle's evidence/parity.json.

    \b
    Example:
        mobileseg parity xs-ex-executorch-fp32 --data IDRiD
        mobileseg parity xs-ex-executorch-fp32 --against last-release -o parity
        mobileseg parity xs-ex-coreml-fp32 --import xs-ex-coreml-fp32-macos.json
    """
    if imported and (len(bundles) != 1 or data or against or output):
        raise click.UsageError("--import takes one BUNDLE, no --data, --against or -o", ctx)
    from converters.bundle.read import open_bundle
    from converters.parity.metrics import verdict
    from converters.parity.tolerances import BUILT_IN, read_gate
    from mobileseg.files.atomic import refuse_existing

    gate = read_gate(gate_file) if gate_file else BUILT_IN
    if imported:
        bundle = open_bundle(bundles[0], verify_key)
        ctx.exit(EXIT_OF[import_mac(bundle, imported, gate, as_json=as_json)])
    if output:
        refuse_existing(output, force=force, mark=RESULT)
    # All are opened first: a damaged bundle is named before minutes of comparing.
    opened = [open_bundle(path, verify_key) for path in bundles]
    earlier = open_bundle(against, verify_key) if against else None
    if not data:
        remark("no --data: comparing on phantoms, which show no camera's faults")
    results = [measure(b, cases_of(b, data, pictures), gate, earlier) for b in opened]
    if output:
        write_results(output, results, gate, force=force)
    if as_json:
        show_json([to_json(r, gate) for r in results])
    else:
        show(results, gate)
    verdicts = {verdict(r, gate).value for r in results}
    ctx.exit(next(code for value, code in EXIT_OF.items() if value in verdicts))


RESULT = "parity.json"


def cases_of(bundle: Bundle, data: tuple[Path, ...], most: int) -> Cases:
    """Real pictures where there are any."""
    from converters.parity.cases import idrid_cases, phantom_cases

    if not data:
        return phantom_cases()
    return idrid_cases(data, bundle.reference().config.lesions, most)


def measure(
    bundle: Bundle,
    cases: Cases,
    gate: Gate | None = None,
    earlier: Bundle | None = None,
    *,
    hard: bool = True,
) -> Parity:
    """Compare one bundle and leave the outcome in its evidence folder.

    Args:
        hard: also on pictures that are not eyes.
    """
    from converters.bundle.evidence import write_evidence
    from converters.parity.baseline import compare_with
    from converters.parity.cases import Cases
    from converters.parity.compare import compare
    from converters.parity.edge_cases import hard_cases
    from converters.parity.tolerances import Gate

    gate, wild = gate or Gate(), hard_cases() if hard else Cases("", 0, iter(()))
    label = f"{cases.label} and {wild.label}" if hard else cases.label
    with progress() as bar:
        total = cases.count + wild.count
        task = bar.add_task(f"comparing {bundle.path.name}", total=total, note="")
        tick = partial(bar.advance, task)
        if earlier:
            return compare_with(bundle, earlier, cases.read, label, tick, hard=wild.read)
        result = compare(bundle, cases.read, label, tick, hard=wild.read)
    try:
        write_evidence(bundle, "parity", to_json(result, gate))
    except OSError as error:
        remark(f"{bundle.path}: evidence not written ({error.strerror})")
    return result


def write_results(folder: Path, results: list[Parity], gate: Gate, *, force: bool) -> None:
    """For a machine, a CI server and a person; all of it or nothing."""
    from converters.bundle.evidence import record
    from converters.parity.html_report import page
    from converters.parity.junit_report import junit
    from mobileseg.files.atomic import staged_folder, write_json, write_text

    noted = record()
    with staged_folder(folder, force=force, mark=RESULT) as staged:
        write_json(staged / RESULT, noted | {"bundles": [to_json(r, gate) for r in results]})
        write_text(staged / "parity.xml", junit(results, gate))
        write_text(staged / "parity.html", page(results, gate, noted))


def import_mac(bundle: Bundle, file: Path, gate: Gate, *, as_json: bool) -> str:
    """Take a Mac's result into a bundle's evidence folder; returns the verdict."""
    from converters.bundle.evidence import write_evidence
    from converters.parity.mac_results import NAME, read_mac_evidence

    path, result = bundle.path, read_mac_evidence(bundle, file, gate)
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


def to_json(result: Parity, gate: Gate | None = None) -> dict[str, Any]:
    """Everything that was measured, for a machine; no number is null."""
    from converters.parity.json_report import as_json
    from converters.parity.tolerances import Gate

    values: dict[str, Any] = finite(as_json(result, gate or Gate()))
    return values


def differs(result: Parity) -> bool:
    """By the built-in table."""
    from converters.parity.metrics import verdict

    return verdict(result).value == "differs"


def show(results: list[Parity], gate: Gate | None = None) -> None:
    """The tables, and a line for everything that is not plain agreement."""
    from converters.parity.text_tables import remarks, stage_table, summary
    from converters.parity.tolerances import Gate

    gate = gate or Gate()
    labels = sorted({r.data for r in results})
    against = sorted({r.against or "PyTorch" for r in results})
    header, *rows = summary(results, gate)
    show_table(f"Parity with {'; '.join(against)} on {'; '.join(labels)}", header, rows)
    for result in results:
        if result.pictures:
            header, *rows = stage_table(result)
            title = f"{result.bundle}, each stage against the one before, lesions against the first"
            show_table(title, header, rows)
    for line in remarks(results, gate):
        click.echo(line)

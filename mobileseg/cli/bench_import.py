"""`mobileseg bench --import`: a phone's figures, taken into a bundle's evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mobileseg.cli.console import show_json, show_table

if TYPE_CHECKING:
    from converters.apps.phone_bench import PhoneBench

TAKES = ("models", "imported", "as_json")
HEADERS = [*("device", "system", "runtime", "ms, p50", "ms, p90", "p10–p90,\n% of p50", "load\nms")]


def import_phone(
    ctx: click.Context, models: tuple[Path, ...], file: Path, *, as_json: bool
) -> None:
    """Write evidence/bench-phone-….json of the one bundle, and show what is in it."""
    from converters.apps.phone_bench import read_phone_bench
    from converters.bundle.evidence import write_evidence
    from converters.bundle.read import open_bundle

    typed = [p for p in ctx.params if ctx.get_parameter_source(p) is ParameterSource.COMMANDLINE]
    if len(models) != 1 or set(typed) - set(TAKES):
        raise click.UsageError("--import takes one BUNDLE, --json and nothing else", ctx)
    bundle = open_bundle(models[0])
    result = read_phone_bench(bundle, file)
    write_evidence(bundle, result.evidence, {**result.measured, "doubts": result.doubts})
    if as_json:
        figures = {**result.measured, "spread": result.spread, "doubts": result.doubts}
        show_json([{"bundle": str(bundle.path), **figures}])
        return
    show_table(f"{bundle.path}, measured on a phone", HEADERS, [_cells(result)])
    for doubt in result.doubts:
        click.echo(f"do not trust these figures: {doubt}")


def _cells(result: PhoneBench) -> list[str]:
    measured = result.measured
    return [
        measured["device"],
        measured["system"],
        measured["runtime"],
        f"{measured['median_ms']:.1f}",
        f"{measured['p90_ms']:.1f}",
        f"{100 * result.spread:.0f}",
        f"{measured['load_ms']:.0f}",
    ]

"""`mobileseg profile`: what a variant costs, beside what the paper prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import remark, show_json, show_table
from mobileseg.models.variants import VARIANTS, variant

if TYPE_CHECKING:
    from mobileseg.models.profile import Costs

DAGGER = "†"  # the paper's mark for three networks of a kind, averaged


@click.command(short_help="Show MACs, parameters and size of a variant.")
@click.argument("variants", nargs=-1, metavar="[VARIANT]...")
@click.option("--all", "everything", is_flag=True, help="Every variant, and the † ensembles.")
@click.option(
    "--tasks", is_flag=True, help="For all four lesions: 4 × single, 2 × dual and 1 × multi task."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a machine.")
def command(variants: tuple[str, ...], everything: bool, tasks: bool, as_json: bool) -> None:
    """Show MACs, parameters and size of VARIANT, for one 512×512 picture and one class.

    "Paper" counts as the paper's tool did, and repeats its Table 2; "true" counts
    multiply-accumulates of convolutions, each once. Size is that of the parameters
    in float32.

    \b
    Example:
        mobileseg profile xs s-sep
        mobileseg profile --all --json
        mobileseg profile xs s --tasks
    """
    if everything == bool(variants):
        raise click.UsageError("name at least one VARIANT, or give --all (and not both)")
    for name in variants:
        variant(name)  # a wrong name fails before torch is loaded

    from mobileseg.models.profile import TABLE_2, profile, profile_four_lesions

    if tasks:
        ways = [profile_four_lesions(name) for name in (VARIANTS if everything else variants)]
        if as_json:
            show_json([_as_json(row) | {"way": way} for rows in ways for way, row in rows.items()])
        else:
            _show_tasks(ways)
        return
    rows = [(name, 1) for name in (VARIANTS if everything else variants)]
    if everything:
        rows += [row for row in TABLE_2 if row not in rows]  # the † rows
    costs = [profile(name, members=members) for name, members in rows]
    if as_json:
        show_json([_as_json(row) for row in costs])
    else:
        _show(costs)


def _as_json(costs: Costs) -> dict[str, Any]:
    return {
        "variant": costs.variant,
        "members": costs.members,
        "classes": costs.classes,
        "macs_paper_g": round(costs.macs_paper_g, 6),
        "macs_true_g": round(costs.macs_true_g, 6),
        "params_m": round(costs.params_m, 6),
        "size_mb": round(costs.size_mb, 6),
    }


def _show(costs: list[Costs]) -> None:
    from mobileseg.models.profile import NOT_PRINTED, TABLE_2

    rows = []
    for row in costs:
        printed = TABLE_2.get((row.variant, row.members), NOT_PRINTED)
        rows.append(
            [
                row.variant + DAGGER * (row.members > 1),
                f"{row.macs_true_g:.2f}",
                _beside(row.macs_paper_g, printed.macs_paper_g),
                _beside(row.params_m, printed.params_m),
                _beside(row.size_mb, printed.size_mb),
            ]
        )
    show_table(
        "One 512×512 picture, one class (in brackets: the paper's Table 2)",
        ["variant", "MACs G\ntrue", "MACs G\npaper convention", "params M", "size MB"],
        rows,
    )
    if any(row.members > 1 for row in costs):
        remark(f"{DAGGER} three networks; the paper convention leaves their upsampling out")


def _show_tasks(ways: list[dict[str, Costs]]) -> None:
    """Three rows a variant, its ways to four lesions one under the other."""
    rows = [
        [
            costs.variant,
            way,
            f"{costs.macs_true_g:.2f}",
            f"{costs.macs_paper_g:.2f}",
            f"{costs.params_m:.3f}",
            f"{costs.size_mb:.2f}",
        ]
        for variant_ways in ways
        for way, costs in variant_ways.items()
    ]
    show_table(
        "Four lesions of one 512×512 picture",
        ["variant", "networks", "MACs G\ntrue", "MACs G\npaper convention", "params M", "size MB"],
        rows,
    )


def _beside(ours: float, printed: str) -> str:
    figure = f"{ours:.2f}"
    return f"{figure} ({printed:>{len(figure)}})"

"""`mobileseg variants`: the family, read from its table without loading torch."""

from __future__ import annotations

import click

from mobileseg.cli.console import show_json
from mobileseg.models.variants import VARIANTS


@click.command(short_help="List the network variants.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a machine.")
def command(as_json: bool) -> None:
    """List the network variants, with the paper's name and the parameters of each.

    \b
    Example:
        mobileseg variants
        mobileseg variants --json
    """
    if as_json:
        fields = ("name", "paper_name", "parameters", "about", "source")
        show_json([{field: getattr(row, field) for field in fields} for row in VARIANTS.values()])
        return
    for v in VARIANTS.values():  # plain lines: easy to grep and to cut
        click.echo(f"{v.name:<7} {v.paper_name:<19} {v.parameters:>10,}  {v.about}")

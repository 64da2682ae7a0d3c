"""`mobileseg goldens`: what the demo apps' tests read."""

from __future__ import annotations

from pathlib import Path

import click

from mobileseg.cli.options import force_option


@click.command(short_help="Write what the demo apps' tests read.")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("tests/goldens"),
    show_default=True,
    help="Folder to make.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the folder differs.")
@force_option("the folder")
@click.pass_context
def command(ctx: click.Context, /, folder: Path, check: bool, force: bool) -> None:
    """Write the cases that hold every demo app to what this package does.

    Photo to frame, thresholds, overlays, counts and areas, manifests, colours, texts: raw files
    that Kotlin, Swift and JavaScript read without a library. Models have goldens of their own, in
    their bundle.

    \b
    Example:
        mobileseg goldens --force
        mobileseg goldens --check
    """
    from converters.apps.goldens import INDEX, differences, write_app_goldens
    from mobileseg.errors import BadInput

    if not check:
        click.echo(f"{folder}: {write_app_goldens(folder, force=force)} files")
        return
    if not (folder / INDEX).is_file():
        raise BadInput(
            f"{folder}: no {INDEX} in it; expected goldens: mobileseg goldens -o {folder}"
        )
    differing = differences(folder)
    for name in differing:
        click.echo(f"{folder / name}: differs from what mobileseg goldens writes")
    if not differing:
        click.echo(f"{folder}: as mobileseg goldens writes it")
    ctx.exit(1 if differing else 0)

"""`mobileseg phantom`: synthetic fundus pictures with lesion masks."""

from __future__ import annotations

from pathlib import Path

import click

from mobileseg.cli.console import progress
from mobileseg.cli.options import force_option


@click.command(short_help="Write synthetic fundus pictures with lesion masks.")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder to make.",
)
@click.option("--count", default=24, show_default=True, help="Pictures, a third of them to test.")
@click.option("--side", default=512, show_default=True, help="Edge of the pictures in pixels.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same files.")
@force_option("the folder")
def command(folder: Path, count: int, side: int, seed: int, force: bool) -> None:
    """Write synthetic fundus pictures with exact masks of all four lesions.

    The folder is laid out as the IDRiD archive unpacks, so every verb that takes --data takes it.
    For trying things out and for tests: how well a network does on phantoms says nothing about
    how well it does on eyes.

    \b
    Example:
        mobileseg phantom -o phantoms --count 24 --side 512 --seed 0
        mobileseg train --data phantoms --variant xs --task EX -o runs/ex
    """
    from mobileseg.data.phantom.generate import write_phantoms

    with progress() as bar:
        job = bar.add_task("phantoms", total=count, note="")
        written = write_phantoms(
            folder,
            count,
            side,
            seed,
            force=force,
            on_picture=lambda done: bar.update(job, completed=done),
        )
    lesions = ", ".join(
        f"{code} {written.lesions[code]} in {shown}"
        for code, shown in written.pictures_with.items()
    )
    click.echo(
        f"{count} phantoms in {folder} ({written.training} training, {written.testing} testing); "
        f"lesions and pictures that show them: {lesions}"
    )

"""`mobileseg bundle-apps`: bundles into the demo apps."""

from __future__ import annotations

from pathlib import Path

import click

from mobileseg.cli.console import show_json
from mobileseg.cli.options import json_option, verify_key_option


@click.command(short_help="Put bundles into the demo apps.")
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--demos",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The checkout, which has the demo apps. [default: this folder, if it has one]",
)
@verify_key_option()
@json_option()
def command(
    bundles: tuple[Path, ...], demos: Path | None, verify_key: Path | None, as_json: bool
) -> None:
    """Copy each BUNDLE's file, manifest and goldens into the demo app that runs its target.

    executorch goes into android_demo, coreml into ios_demo, onnx into web_demo; one of each at
    most. What an earlier call has put there is replaced, nothing else.

    \b
    Example:
        mobileseg convert --target executorch -o bundles/android
        mobileseg convert --target onnx -o bundles/web
        mobileseg bundle-apps bundles/android bundles/web
    """
    from converters.apps.demos import demos_folder
    from converters.apps.install import plan, put

    planned = plan(bundles, demos_folder(demos), verify_key)
    told = []
    for one in planned:
        put(one)
        told.append(
            {
                "demo": one.demo.folder,
                "bundle": str(one.bundle.path),
                "parts": [{"what": p.what, "folder": str(p.place)} for p in one.parts],
                "then": one.then,
            }
        )
        if not as_json:
            parts = "; ".join(f"{p.what} in {p.place}" for p in one.parts)
            click.echo(f"{one.demo.folder}: {one.bundle.path}: {parts}. Next: {one.then}")
    if as_json:
        show_json(told)

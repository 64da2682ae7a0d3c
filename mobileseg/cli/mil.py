"""`mobileseg mil`: look into a saved Core ML program, and run it, on any system."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import NOT_MEDICAL, show_json, show_table
from mobileseg.cli.options import force_option, json_option

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from converters.coreml.mil.features import Feature
    from converters.coreml.mil.summary import Summary

RESULTS = "outputs.json"
Figures = dict[str, Any]


@click.group(short_help="Look into a Core ML program, and run it.")
def command() -> None:
    """Any .mlpackage that is an ML program, read from disk; Core ML itself is not needed.

    \b
    Example:
        mobileseg mil inspect bundle/model.mlpackage
        mobileseg mil run bundle/model.mlpackage photo.jpg -o out
    """


@command.command()
@click.argument("package", metavar="PKG", type=click.Path(path_type=Path))
@json_option()
def inspect(package: Path, as_json: bool) -> None:
    """List what is in PKG: operations, types, inputs, outputs, sizes.

    \b
    Example:
        mobileseg mil inspect bundle/model.mlpackage --json
    """
    from converters.coreml.mil.package import open_package
    from converters.coreml.mil.summary import summary

    found = summary(open_package(package))
    if as_json:
        show_json({"package": str(package), **found.to_json()})
        return
    show_table(str(package), ["operation", "count", "gives", "evaluated here"], _rows(found))
    for what, features in (("takes", found.inputs), ("gives", found.outputs)):
        for one in features:
            click.echo(f"{what} {one.name}: {one}")
    constants = ", ".join(f"{count} {name}" for name, count in found.constants.items())
    click.echo(f"constants: {constants or 'none'}")
    click.echo(f"for iOS {found.system} and later, specification {found.specification}")
    for name, size in found.files.items():
        click.echo(f"{size:>12,} bytes  {name}")


def _rows(found: Summary) -> list[list[str]]:
    return [
        [
            row.kind,
            str(row.count),
            ", ".join(f"{count} {name}" for name, count in row.types.items()),
            "yes" if row.known else "no",
        ]
        for row in found.operations
    ]


@command.command()
@click.argument("package", metavar="PKG", type=click.Path(path_type=Path))
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write each output there as .npy, and as .png where it is a map.",
)
@force_option("DIR")
@json_option()
def run(package: Path, image: Path, output: Path | None, force: bool, as_json: bool) -> None:
    """Evaluate PKG on IMAGE, fitted into its input (top left, never enlarged, the rest black).

    An input that is an array of (1, 3, H, W) takes the same picture as RGB planes, 0..255; one of
    (1, 1, H, W) its brightness.

    \b
    Example:
        mobileseg mil run bundle/model.mlpackage photo.jpg -o out
    """
    from converters.coreml.converter import BLIND_TO, EVALUATION
    from converters.coreml.mil.images import fitted_input
    from converters.coreml.mil.model import open_model
    from mobileseg.data.images import read_photo
    from mobileseg.files.atomic import refuse_existing

    if output:
        refuse_existing(output, force=force, mark=RESULTS)
    model = open_model(package)
    given = fitted_input(model, read_photo(image))
    results = model.predict(given)
    rows = [_figures(model.outputs[name], value) for name, value in results.items()]
    told = {
        "package": str(package),
        "image": str(image),
        "evaluation": EVALUATION,
        "blind_to": BLIND_TO,
        "outputs": rows,
    }
    if output:
        _write(output, force, told, results)
    if as_json:
        show_json(told)
        return
    show_table(
        f"{package} on {image}",
        ["output", "shape", "type", "min", "mean", "max", "finite"],
        [[_text(value) for value in row.values()] for row in rows],
    )
    click.echo(f"{EVALUATION}: it cannot see {BLIND_TO}. {NOT_MEDICAL}")
    if output:
        click.echo(f"{output}: {len(rows)} output(s)")


def _figures(one: Feature, value: NDArray[Any]) -> Figures:
    """Name, shape, type and range of an output; the range over what is finite."""
    import numpy as np

    finite = value[np.isfinite(value)]
    least, mean, most = (
        (float(finite.min()), float(finite.mean(dtype=np.float64)), float(finite.max()))
        if finite.size
        else 3 * (float("nan"),)
    )
    return {
        "name": one.name,
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "min": least,
        "mean": mean,
        "max": most,
        "finite": bool(finite.size == value.size),
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _write(output: Path, force: bool, told: Figures, results: dict[str, NDArray[Any]]) -> None:
    """Every output as an array, and every map in it as a picture."""
    import numpy as np

    from converters.coreml.mil.images import grey_maps
    from mobileseg.cli.console import finite
    from mobileseg.data.images import write_png
    from mobileseg.files.atomic import staged_folder, write_json

    with staged_folder(output, force=force, mark=RESULTS) as staged:
        for name, value in results.items():
            file = re.sub(r"[^\w-]", "_", name)  # a stranger's program may call an output anything
            np.save(staged / f"{file}.npy", value)
            for suffix, picture in grey_maps(value).items():
                write_png(staged / f"{file}{suffix}.png", picture)
        write_json(staged / RESULTS, finite(told))

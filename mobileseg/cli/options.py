"""Options that several verbs share, so that they read and mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from mobileseg.cli.console import remark
from mobileseg.errors import BadInput


class FrameSize(click.ParamType[tuple[int, int]]):
    """`HxW` in pixels, as in 1080x1920."""

    name = "frame size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        parts = str(value).lower().split("x")
        if len(parts) != 2 or not all(p.isdigit() for p in parts):
            self.fail(f"{value!r} is not a frame size; expected HxW, as in 1024x1024", param, ctx)
        return int(parts[0]), int(parts[1])


class FrameSizes(click.ParamType[list[tuple[int, int]]]):
    """One `HxW` or several, as in 720x1280,1080x1920."""

    name = "frame sizes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[tuple[int, int]]:
        if isinstance(value, list):
            return value
        one = FrameSize()
        return [one.convert(part, param, ctx) for part in str(value).split(",")]


def data_option(*, required: bool, text: str) -> Callable[[Any], Any]:
    """--data DIR: an IDRiD folder."""
    return click.option(
        "--data", type=click.Path(path_type=Path), required=required, metavar="DIR", help=text
    )


def json_option() -> Callable[[Any], Any]:
    """--json: the result for a machine."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def force_option(what: str) -> Callable[[Any], Any]:
    """--force: replace what is there."""
    return click.option("--force", is_flag=True, help=f"Replace {what} if it exists.")


def verify_key_option() -> Callable[[Any], Any]:
    """--verify-key PUB: whose signature a bundle has to bear; goes to `open_bundle` as it is."""
    return click.option(
        "--verify-key",
        type=click.Path(path_type=Path),
        metavar="PUB",
        help="Public key (PEM, Ed25519): refuse a bundle that its owner has not signed.",
    )


def renamed_options(renamed: Mapping[str, str]) -> Callable[[Any], Any]:
    """Options' old spellings, by parameter: they work for a release, and no help shows them."""

    def add(command: Any) -> Any:
        for old in reversed(list(renamed)):
            command = click.option(_spelt(old), hidden=True)(command)
        return command

    return add


def under_new_names(
    values: Mapping[str, str | None], renamed: Mapping[str, str]
) -> dict[str, str | None]:
    """What was asked for by an old spelling under the new one, which a remark names.

    Raises:
        BadInput: both spellings were given.
    """
    found = {name: value for name, value in values.items() if name not in renamed}
    for old, new in renamed.items():
        value = values.get(old)
        if value is None:
            continue
        if found.get(new) is not None:
            raise BadInput(
                f"{_spelt(old)}: found {_spelt(new)} too, its new name; expected one of them"
            )
        remark(f"{_spelt(old)} is called {_spelt(new)} now, and goes with the next release")
        found[new] = value
    return found


def _spelt(parameter: str) -> str:
    return f"--{parameter.replace('_', '-')}"

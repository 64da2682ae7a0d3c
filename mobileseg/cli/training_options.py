"""An option for every choice of a training, made from its own table of fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any

import click

from mobileseg.data.config import AugmentRanges
from mobileseg.training.config import RUNS, TrainConfig
from mobileseg.training.recipes import DEFAULT_RECIPE, RECIPES, recipe

# Type of a field as it is written down -> as the command line reads it.
TYPES: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool}
PAIR = "tuple[float, float]"


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--epochs`, `--batch`, …; what is not given comes as None."""
    for row in reversed([*_plain(), *fields(AugmentRanges)]):
        command = _option(row)(command)
    return _recipe_option(command)


def _recipe_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--recipe",
        metavar="NAME",
        help=f"Choices to begin with; every option goes before it: {', '.join(RECIPES)}. "
        f"[default: {DEFAULT_RECIPE}]",
    )(command)


def _plain() -> list[Field[Any]]:
    """A training's own choices that are one value each: neither ranges nor another run."""
    return [f for f in fields(TrainConfig) if f.name not in ("augment", *RUNS)]


def _option(row: Field[Any]) -> Callable[[Any], Any]:
    flag = f"--{row.name.replace('_', '-')}"
    about = row.metadata["about"]
    shown = " ".join(map(str, row.default)) if isinstance(row.default, tuple) else str(row.default)
    assert row.default is not MISSING
    if row.type == "bool":
        no = f"--no-{row.name.replace('_', '-')}"
        shown = flag[2:] if row.default else no[2:]
        return click.option(f"{flag}/{no}", default=None, help=f"{about} [default: {shown}]")
    return click.option(
        flag,
        type=TYPES.get(str(row.type), float),
        nargs=2 if row.type == PAIR else 1,
        default=None,
        help=f"{about} [default: {shown}]",
    )


def given_choices(given: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, as `TrainConfig` takes it: the augmentation's fields in their own place.

    Args:
        given: every option of the command by name, None where it was not given.

    Raises:
        UnknownName: there is no such recipe.
    """
    asked = {name: value for name, value in given.items() if value is not None}
    asked = recipe(asked.get("recipe", DEFAULT_RECIPE)) | asked
    choices = {f.name: asked[f.name] for f in _plain() if f.name in asked}
    ranges = {f.name: asked[f.name] for f in fields(AugmentRanges) if f.name in asked}
    return choices | ({"augment": AugmentRanges(**ranges)} if ranges else {})

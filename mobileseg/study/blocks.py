"""The tables of a study file that are given several times, and what their keys say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mobileseg.errors import BadInput, MobilesegError, UnknownName
from mobileseg.files.toml import MOST_RUNS, typed
from mobileseg.lesions import task_lesions
from mobileseg.models.variants import variant as variant_named
from mobileseg.training.recipes import recipe

RECIPE = "recipe"  # a key whose choices any other key goes before, wherever it stands
Block = tuple[str, dict[str, Any]]  # the words that name it in an error, and its table


def read_blocks(file: Path, top: dict[str, Any], key: str) -> list[Block]:
    """The tables under [[key]]."""
    blocks = typed(top.get(key, []), tuple[dict, ...], f"{file}: [[{key}]]")  # type: ignore[type-arg]
    return [(f"{file}: [[{key}]] {i}", block) for i, block in enumerate(blocks, start=1)]


def read_names(block: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """The variants or tasks of a block, each one that there is."""
    if key not in block:
        raise BadInput(f"{where}: no {key} in it; expected {key} = [...]")
    found: tuple[str, ...] = typed(block[key], tuple[str, ...], f"{where} {key}")
    known = {"variants": variant_named, "tasks": task_lesions}[key]
    for name in found:
        try:
            known(name)
        except MobilesegError as error:
            raise BadInput(f"{where} {key}: {error}") from None
    return found


def read_seeds(block: dict[str, Any], where: str) -> tuple[int, ...]:
    """The seeds of a block's runs."""
    if ("runs" in block) == ("seeds" in block):
        raise BadInput(f"{where}: expected either runs = N (seeds 0 to N - 1) or seeds = [...]")
    if "runs" in block:
        count = typed(block["runs"], int, f"{where} runs")
        if not 1 <= count <= MOST_RUNS:
            raise BadInput(f"{where} runs: found {count}; expected 1 to {MOST_RUNS}")
        return tuple(range(count))
    found: tuple[int, ...] = typed(block["seeds"], tuple[int, ...], f"{where} seeds")
    return found


def read_best(block: dict[str, Any], where: str) -> int:
    """How many runs an ensemble has."""
    found: int = typed(block.get("best"), int, f"{where} best")
    if found < 2:
        raise BadInput(f"{where} best: found {found}; expected 2 or more")
    return found


def read_recipe(table: dict[str, Any], where: str) -> dict[str, Any]:
    """The choices of the recipe that a table names; of the paper's, if it names none."""
    try:
        return recipe(typed(table.get(RECIPE, "paper"), str, f"{where} {RECIPE}"))
    except UnknownName as error:
        raise BadInput(f"{where} {RECIPE}: {error}") from None

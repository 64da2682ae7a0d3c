"""TOML tables into typed values: a wrong key or kind is one line that says what was expected."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import product
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from mobileseg.errors import BadInput, MobilesegError
from mobileseg.files.untrusted import read_plain, shown

LARGEST_BYTES = 1 << 20  # the paper's whole study takes 2 kB
MOST_RUNS = 10_000  # of a block; the paper's whole study has a few hundred
KINDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    bool: "true or false",
    tuple: "a list in brackets",
    dict: "a table",
}


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        BadInput: missing, unreadable, larger than anybody writes, or not TOML.
    """
    try:
        return tomllib.loads(read_plain(path, LARGEST_BYTES).decode("utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read as TOML ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # the last: lists in lists in lists
        raise BadInput(f"{path}: cannot be read as TOML ({error})") from None


def known_keys(table: dict[str, Any], choices: tuple[str, ...], where: str) -> None:
    """Refuse a key that is none of `choices`; they are listed."""
    for key in table:
        if key not in choices:
            raise BadInput(
                f"{where}: no entry {shown(key)} is known; choose from {', '.join(choices)}"
            )


def typed(value: Any, kind: Any, where: str) -> Any:
    """A TOML value as its annotation wants it.

    Args:
        kind: int, float, str, bool, a dataclass, or a tuple, union or dict of such.

    Raises:
        BadInput: another kind of value; names `where`.
    """
    if get_origin(kind) is UnionType:  # `float | None`: TOML has no null, so never None here
        (kind,) = (k for k in get_args(kind) if k is not NoneType)
    if is_dataclass(kind):
        return built(kind, typed(value, dict, where), where)
    if get_origin(kind) is tuple:
        return _typed_list(value, get_args(kind), where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadInput(f"{where}: found {shown(value)}; expected {KINDS[kind]}")
    return value


def _typed_list(value: Any, kinds: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise BadInput(f"{where}: found {shown(value)}; expected {KINDS[tuple]}")
    if kinds[1:] == (...,):
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise BadInput(f"{where}: found {len(value)} values; expected {len(kinds)}")
    return tuple(typed(v, k, where) for v, k in zip(value, kinds, strict=True))


def typed_fields(cls: Any, table: dict[str, Any], where: str) -> dict[str, Any]:
    """A table's values as a dataclass's fields want them; a key that is no field is refused."""
    known_keys(table, tuple(f.name for f in fields(cls)), where)
    kinds = get_type_hints(cls)
    return {key: typed(value, kinds[key], f"{where} {key}") for key, value in table.items()}


def built(cls: Any, table: dict[str, Any], where: str) -> Any:
    """A dataclass from a table; what the class itself refuses is told with its place."""
    values = typed_fields(cls, table, where)
    try:
        return cls(**values)
    except TypeError:
        needed = [f.name for f in fields(cls) if f.name not in values]
        raise BadInput(f"{where}: expected {', '.join(needed)} too") from None
    except MobilesegError as error:
        raise BadInput(f"{where}: {error}") from None


def moderate_product(where: str, *lists: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Every combination of the values of some lists, if there are no more than MOST_RUNS.

    Raises:
        BadInput: there are.
    """
    asked = math.prod(len(values) for values in lists)
    if asked > MOST_RUNS:
        raise BadInput(f"{where}: asks for {asked} at once; expected at most {MOST_RUNS}")
    yield from product(*lists)


def frame_size(value: Any, where: str) -> tuple[int, int]:
    """`"HxW"` in pixels, as --frame takes it."""
    found = re.fullmatch(r"([0-9]{1,9})x([0-9]{1,9})", str(value))
    if not found:
        raise BadInput(f'{where}: found {shown(value)}; expected "HxW", as in "1024x1024"')
    return int(found[1]), int(found[2])

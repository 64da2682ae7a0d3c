"""What an entry of a file may be, as data, and one line that names the entry which is not.

    CONFIG = entries({"variant": NAME, "thresholds": mapping(one_of(LESIONS), number(0, 1))})
    CONFIG(values, "")   # raises Unfit: "thresholds.EX: found 'high', expected a number 0..1"

JSON has one kind of number and Python has three, so `true` is no number here and `64.0` is not
whole: either would come through a comparison and fail far from the file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from mobileseg.files.untrusted import shown

Kind = Callable[[Any, str], None]
"""(value, name of the entry) -> nothing, or raises Unfit."""
LONGEST_NAME = 200  # characters; a file system allows 255 bytes
HEX = frozenset("0123456789abcdef")


class Unfit(ValueError):
    """An entry is missing, or not of its kind; the text names it."""


def kind(expected: str, fits: Callable[[Any], bool]) -> Kind:
    """A kind by what is said of it and a test of one value."""

    def check(value: Any, name: str) -> None:
        if not fits(value):
            raise Unfit(f"{name or 'it'}: found {shown(value)}, expected {expected}")

    return check


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_NAME


ANYTHING = kind("anything", lambda value: True)
FLAG = kind("true or false", lambda value: isinstance(value, bool))
TEXT = kind("a text", lambda value: isinstance(value, str))
NAME = kind(f"a name of 1..{LONGEST_NAME} characters", _is_name)
OBJECT = kind("an object", lambda value: isinstance(value, dict))
SHA256 = kind(
    "64 hexadecimal digits",
    lambda value: isinstance(value, str) and len(value) == 64 and set(value) <= HEX,
)


def number(least: float, most: float) -> Kind:
    """From `least` to `most`, both included."""
    return kind(
        f"a number {least:g}..{most:g}",
        lambda value: type(value) in (int, float) and least <= value <= most,
    )


def whole(least: int, most: int) -> Kind:
    """A whole number, both ends included."""
    return kind(
        f"a whole number {least}..{most}",
        lambda value: type(value) is int and least <= value <= most,
    )


def one_of(choices: Collection[str]) -> Kind:
    """A word of a table."""
    return kind(
        f"one of {', '.join(choices)}", lambda value: isinstance(value, str) and value in choices
    )


def either(*kinds: Kind) -> Kind:
    """The first that fits; if none does, what the last says."""

    def check(value: Any, name: str) -> None:
        for one in kinds[:-1]:
            try:
                return one(value, name)
            except Unfit:
                continue
        return kinds[-1](value, name)

    return check


def many(of: Kind, least: int, most: int) -> Kind:
    """A list."""

    def check(value: Any, name: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            found = f"{len(value)} of them" if isinstance(value, list) else shown(value)
            raise Unfit(f"{name}: found {found}, expected a list of {_between(least, most)}")
        for place, one in enumerate(value):
            of(one, f"{name}[{place}]")

    return check


def _between(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least}..{most}"


def mapping(key: Kind, of: Kind, most: int = 10_000) -> Kind:
    """An object whose keys are not known beforehand."""

    def check(value: Any, name: str) -> None:
        if not isinstance(value, dict) or len(value) > most:
            found = f"{len(value)} entries" if isinstance(value, dict) else shown(value)
            raise Unfit(f"{name}: found {found}, expected an object of at most {most}")
        for one, inside in value.items():
            key(one, f"{name}'s key")
            of(inside, f"{name}.{one}")

    return check


def entries(needed: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None) -> Kind:
    """An object with these entries; what else is in it is nobody's business."""

    def check(value: Any, name: str) -> None:
        if not isinstance(value, dict):
            raise Unfit(f"{name or 'it'}: found {shown(value)}, expected an object")
        for entry, of in {**needed, **(optional or {})}.items():
            full = f"{name}.{entry}" if name else entry
            if entry in value:
                of(value[entry], full)
            elif entry in needed:
                raise Unfit(repr(full))

    return check

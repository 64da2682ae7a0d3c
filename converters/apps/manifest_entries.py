"""Entries of model.json by their paths, and what each may be, for `converters.apps.manifest`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

Fits = Callable[[Any], bool]


class Problem(Exception):
    """Why an app does not run a model."""

    def __init__(self, code: str, entry: str = "") -> None:
        super().__init__(f"{code} {entry}".strip())
        self.code, self.entry = code, entry


@dataclass(frozen=True, slots=True)
class At:
    """Names the entries below one of them."""

    value: Any
    path: str = ""

    def __call__(self, key: str | int, fits: Fits, *, optional: bool = False) -> Any:
        """The entry's value. Raises Problem if it is missing or does not fit."""
        path = self.inside(key)
        if isinstance(key, str) and key not in self.value:
            if optional:
                return None
            raise Problem("entry", path)
        value = self.value[key]
        if not fits(value):
            raise Problem("entry", path)
        return value

    def inside(self, key: str | int) -> str:
        if isinstance(key, int):
            return f"{self.path}[{key}]"
        return f"{self.path}.{key}" if self.path else key


def is_number(value: Any, least: float = -math.inf, most: float = math.inf) -> TypeGuard[float]:
    """Both ends included; NaN never is one."""
    return type(value) in (int, float) and least <= value <= most


def is_whole(value: Any) -> TypeGuard[float]:
    """64.0 is whole: JavaScript cannot tell it from 64."""
    return is_number(value) and math.isfinite(value) and value == int(value)


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value != ""


def are_wholes(value: Any, least: int, most: int, count: int) -> bool:
    return (
        is_list(value)
        and len(value) == count
        and all(is_whole(n) and least <= n <= most for n in value)
    )


def is_shape(value: Any, shape: list[int]) -> bool:
    return is_list(value) and all(map(is_whole, value)) and value == shape

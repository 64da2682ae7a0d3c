"""What an operation is given, read so strictly that nothing it was given can go unnoticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from converters.coreml.mil.dtypes import TensorType

Value = Tensor | str
_WHOLE = (torch.int8, torch.uint8, torch.int16)


class Unsupported(Exception):
    """Something that the documentation does not allow, or that is not written here."""


def computed_in(value: Tensor) -> Tensor:
    """The form in which operations compute: fp16 as float32, small whole numbers as int32."""
    if value.dtype == torch.float16:
        return value.to(torch.float32)
    return value.to(torch.int32) if value.dtype in _WHOLE else value


class Arguments:
    """One operation's arguments by name.

    Args:
        given: every argument is a list, of one value for most.
        system: which release's definition of the operation holds: 15 for iOS 15, and so on.
        declared: the types of the operation's outputs.
    """

    def __init__(
        self,
        given: Mapping[str, Sequence[Value]],
        system: int = 16,
        declared: Sequence[TensorType] = (),
    ) -> None:
        self.given, self.system, self.declared = given, system, declared
        self._read: set[str] = set()

    def unread(self) -> list[str]:
        """Arguments that the operation did not ask for."""
        return sorted(set(self.given) - self._read)

    def has(self, name: str) -> bool:
        """Whether an optional argument is given."""
        return name in self.given

    def _values(self, name: str) -> Sequence[Value]:
        if name not in self.given:
            raise Unsupported(f"lacks argument {name!r}")
        self._read.add(name)
        return self.given[name]

    def stored(self, name: str) -> Tensor:
        """A tensor in its own type."""
        values = self._values(name)
        if len(values) != 1 or isinstance(values[0], str):
            raise Unsupported(f"argument {name!r} is not one tensor")
        return values[0]

    def tensor(self, name: str) -> Tensor:
        """A tensor in the form that is computed in."""
        return computed_in(self.stored(name))

    def tensors(self, name: str) -> list[Tensor]:
        """All tensors of an argument."""
        return [computed_in(v) for v in self._values(name) if isinstance(v, Tensor)]

    def whole(self, name: str, default: int | None = None) -> int:
        """One whole number."""
        if default is not None and name not in self.given:
            return default
        (value,) = self._list(name, 1)
        return int(value)

    def wholes(self, name: str, default: Sequence[int] | None = None) -> list[int]:
        """A list of whole numbers."""
        if default is not None and name not in self.given:
            return list(default)
        return [int(value) for value in self._list(name)]

    def number(self, name: str, default: float | None = None) -> float:
        """One number."""
        if default is not None and name not in self.given:
            return default
        (value,) = self._list(name, 1)
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or False."""
        return bool(self.whole(name, default))

    def flags(self, name: str, default: Sequence[bool]) -> list[bool]:
        """A list of them."""
        return [bool(value) for value in self.wholes(name, default)]

    def word(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of the documented words."""
        if default is not None and name not in self.given:
            return default
        (value,) = self._values(name)
        if not isinstance(value, str) or value not in choices:
            raise Unsupported(f"argument {name!r} is {value!r}; expected {', '.join(choices)}")
        return value

    def _list(self, name: str, length: int | None = None) -> list[float]:
        values: list[float] = self.stored(name).reshape(-1).tolist()
        if length is not None and len(values) != length:
            raise Unsupported(f"argument {name!r} has {len(values)} values; expected {length}")
        return values

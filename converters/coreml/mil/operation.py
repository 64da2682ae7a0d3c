"""One operation of a program: what it takes, what it gives, and the check of what it gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from converters.coreml.mil.arguments import Arguments, Unsupported, Value
from converters.coreml.mil.dtypes import DTYPES, DType, TensorType
from converters.coreml.mil.op_spec import Row

Named = tuple[str, TensorType]
# What torch raises where sizes or types do not go together.
REFUSALS = (RuntimeError, IndexError, ValueError, TypeError)


@dataclass(slots=True)
class Step:
    """An operation; its arguments are names of values."""

    kind: str
    row: Row
    taken: Mapping[str, Sequence[str]]
    outputs: Sequence[Named]
    unneeded: list[str] = field(default_factory=list)  # values that nobody takes after it

    def __str__(self) -> str:
        return f"operation {self.kind} (output {self.outputs[0][0]})"

    def check_types(self, types: Mapping[str, TensorType]) -> None:
        """That arguments are of one type where they must be, and the output of theirs.

        Raises:
            Unsupported: they are not.
        """
        alike = [types[n].dtype.name for a in self.row.alike for n in self.taken.get(a, ())]
        if len(set(alike)) > 1:
            raise Unsupported(f"{self} takes {' and '.join(alike)}; expected one type")
        gives = self.row.gives or ""
        if gives in self.taken:
            gives = types[self.taken[gives][0]].dtype.name
        found = {declared.dtype.name for _, declared in self.outputs}
        # The name of an argument that is optional and not given says nothing of the type.
        if gives in DTYPES and found != {gives}:
            raise Unsupported(f"{self} declares {', '.join(sorted(found))}; expected {gives}")

    def results(self, values: Mapping[str, Value], system: int) -> dict[str, Tensor]:
        """Compute.

        Args:
            values: whatever it takes, by name.
            system: the release whose definition of the operation holds.

        Returns:
            By name, each in its declared type.

        Raises:
            Unsupported: an argument is unknown, or a result is not what is declared of it.
        """
        given = {a: [values[name] for name in names] for a, names in self.taken.items()}
        arguments = Arguments(given, system, [declared for _, declared in self.outputs])
        try:
            results = self.row.compute(arguments)
        except Unsupported as error:
            raise Unsupported(f"{self} {error}") from None
        except REFUSALS as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Unsupported(f"{self} cannot be computed: {first}") from None
        if arguments.unread():
            raise Unsupported(f"{self} has an unknown argument: {', '.join(arguments.unread())}")
        listed = [results] if isinstance(results, Tensor) else list(results)
        if len(listed) != len(self.outputs):
            raise Unsupported(f"{self} gives {len(listed)} values, not {len(self.outputs)}")
        pairs = zip(listed, self.outputs, strict=True)
        return {name: held(result, declared, str(self)) for result, (name, declared) in pairs}


def held(value: Tensor, declared: TensorType, what: str) -> Tensor:
    """A value as it is declared: of that shape, rounded to that type.

    Raises:
        Unsupported: its shape is another, it is no such kind of number, or too large for it.
    """
    if not declared.fits(tuple(value.shape)):
        found = "x".join(map(str, value.shape)) or "one value"
        raise Unsupported(f"{what} gives {found}; the program declares {declared}")
    kinds = _kind(value.dtype), _kind(declared.dtype.held)
    if kinds[0] != kinds[1]:
        raise Unsupported(f"{what} gives a {kinds[0]}; the program declares {declared}")
    _check_range(value, declared.dtype, what)
    assert declared.dtype.held is not None  # a word is of no kind, and was refused
    return value.to(declared.dtype.held)


def _kind(dtype: torch.dtype | None) -> str:
    if dtype is None:
        return "word"
    if dtype == torch.bool:
        return "boolean"
    return "fraction" if dtype.is_floating_point else "whole number"


def _check_range(value: Tensor, dtype: DType, what: str) -> None:
    allowed = dtype.whole_range
    if allowed is None or not value.numel() or value.dtype == dtype.held:
        return
    least, greatest = int(value.min()), int(value.max())
    if not allowed[0] <= least <= greatest <= allowed[1]:
        raise Unsupported(f"{what} gives {least}..{greatest}, which no {dtype.name} can hold")

"""What the evaluator knows of one operation: a row of a family's table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from converters.coreml.mil.arguments import Arguments

Result = Tensor | Sequence[Tensor]


@dataclass(frozen=True, slots=True)
class Row:
    """An operation.

    `gives` is the type that the output must be declared with: of which argument, or a type's name;
    None where the operation itself looks at what is declared.
    """

    compute: Callable[[Arguments], Result]
    alike: tuple[str, ...] = ()  # arguments that must be of one type
    gives: str | None = "x"
    since: int = 15  # the release whose definition this is; a later one may replace it


def unary(function: Callable[[Tensor], Tensor]) -> Row:
    """An operation of one tensor."""
    return Row(lambda a: function(a.tensor("x")))


def binary(function: Callable[[Tensor, Tensor], Tensor], gives: str | None = "x") -> Row:
    """An operation of two tensors that are broadcast against each other as in NumPy."""
    return Row(lambda a: function(a.tensor("x"), a.tensor("y")), ("x", "y"), gives)

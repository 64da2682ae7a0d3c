"""Whole numbers in float32: quotients, the largest of several, whatever the runtime.

Every converter and every runtime gets the same from these, because all of it stays below 2**24,
where float32 holds whole numbers exactly. A quotient is rounded down by its remainder, which no
runtime's division can get wrong; the largest of several is found by making all of them different,
because runtimes disagree about which of two equal ones comes first.
"""

from __future__ import annotations

import torch
from torch import Tensor


def floor_quotient(numerator: Tensor, denominator: Tensor) -> Tensor:
    """floor(numerator / denominator) of whole numbers, the second above 0.

    Right however a runtime divides, as long as the quotient is off by less than 1: the remainder,
    which float32 holds exactly, says whether it was rounded to the wrong side.
    """
    quotient = torch.floor(numerator / denominator)
    rest = numerator - quotient * denominator
    return (
        quotient
        + (rest >= denominator).to(torch.float32)
        - (rest < torch.zeros_like(rest)).to(torch.float32)
    )


def eight_times(numerator: Tensor, denominator: Tensor) -> Tensor:
    """floor(8 · numerator / denominator), by way of the whole part: 8 · numerator is too large."""
    whole = floor_quotient(numerator, denominator)
    rest = numerator - whole * denominator
    return whole * 8.0 + floor_quotient(rest * 8.0, denominator)


def sixteenths(numerator: Tensor, denominator: Tensor) -> Tensor:
    """floor(16 · numerator / denominator), likewise."""
    whole = floor_quotient(numerator, denominator)
    rest = numerator - whole * denominator
    return whole * 16.0 + floor_quotient(rest * 16.0, denominator)


def one_hot_of_largest(values: Tensor) -> tuple[Tensor, Tensor]:
    """(…, n) whole numbers -> 1 at the first of the largest, 0 elsewhere; the largest, (…, 1).

    values · n has to stay below 2**24.
    """
    count = values.shape[-1]
    later = torch.arange(count - 1, -1, -1, dtype=torch.float32, device=values.device)
    distinct = values * float(count) + later
    largest = torch.amax(distinct, dim=-1, keepdim=True)
    hot = (distinct == largest).to(torch.float32)
    return hot, (values * hot).sum(dim=-1, keepdim=True)


def first_and_after(hit: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """(…, n) zeros and ones -> place of the first one (n: none), place after the last (0: none)."""
    beyond = float(index.shape[0])
    return beyond - torch.amax(hit * (beyond - index), dim=-1), torch.amax(
        hit * (index + 1.0), dim=-1
    )


def positive_part_doubled(values: Tensor) -> Tensor:
    """2 · max(x, 0): ExecuTorch's clamp takes three times as long as these two."""
    return values + values.abs()

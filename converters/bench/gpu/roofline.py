"""What the card can do at most, measured, and the time below which a network cannot come.

Two limits are the card's: the rate of its matrix units, and of its memory. A third is the
software's: kernels that wait for each other take a few microseconds each, however little they do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch

from converters.bench.gpu.precisions import PRECISIONS, arithmetic
from converters.bench.gpu.timer import Clock
from converters.bench.traffic import traffic
from mobileseg.models.profile import profile

# Large enough that a card's rate is reached and its caches do not help; halved until it fits.
COPY_BYTES, MATRIX_SIDE = 2**30, 8192
CHAIN = 256  # kernels, each waiting for the one before
TURNS = 20
NEITHER_BELOW = 0.5  # a limit that explains less than half of the time does not bind


@dataclass(frozen=True, slots=True)
class CardLimits:
    """Measured rates; what could not be measured is absent, or None."""

    bytes_per_s: float | None = None  # of a copy, read and written bytes together
    operations_per_s: Mapping[str, float] = field(default_factory=dict)  # by precision
    kernel_s: float | None = None  # of one kernel in a chain, launched as a graph


@dataclass(frozen=True, slots=True)
class Work:
    """What a batch asks of the card."""

    operations: int  # 2 × true multiply-accumulates
    bytes: int  # see `traffic`


@dataclass(frozen=True, slots=True)
class Least:
    """The time that each limit alone would take, in milliseconds; None: not known."""

    matrix_ms: float | None
    bandwidth_ms: float | None
    launch_ms: float | None = None

    @property
    def card_ms(self) -> float | None:
        """The larger of the card's own two."""
        if self.matrix_ms is None or self.bandwidth_ms is None:
            return None
        return max(self.matrix_ms, self.bandwidth_ms)

    def share(self, measured_ms: float) -> float | None:
        """Of the card's binding limit, 0..1; above 1 where the caches beat `traffic`."""
        return None if self.card_ms is None else self.card_ms / measured_ms

    def binds(self, measured_ms: float) -> str | None:
        """Which limit holds the time up, or that none does."""
        if self.card_ms is None:
            return None
        name = "matrix rate" if self.card_ms == self.matrix_ms else "bandwidth"
        if self.card_ms >= NEITHER_BELOW * measured_ms:
            return name
        launches = self.launch_ms is not None and self.launch_ms >= NEITHER_BELOW * measured_ms
        why = "launches" if launches else "small kernels that wait for each other"
        return f"neither: {why} ({name} would be next)"


def least(work: Work, card: CardLimits, precision: str, nodes: int | None = None) -> Least:
    """The time of each limit.

    Args:
        nodes: of the graph that a call launches, if they were counted and wait for each other.
    """
    rate = card.operations_per_s.get(precision)
    return Least(
        1000 * work.operations / rate if rate else None,
        1000 * work.bytes / card.bytes_per_s if card.bytes_per_s else None,
        1000 * nodes * card.kernel_s if nodes and card.kernel_s else None,
    )


costs_of = cache(profile)  # every row asks, and a count takes a second


def work(variant: str, members: int, batch: int, side_px: int, precision: str) -> Work:
    """Of the network as it was trained: a form that does less is not credited with less."""
    macs = costs_of(variant, side_px, 1, members).macs_true
    size = PRECISIONS[precision].dtype.itemsize
    return Work(2 * batch * macs, members * traffic(variant, batch, side_px, size))


def copy_rate(device: torch.device, clock: Clock, bytes_: int = COPY_BYTES) -> float:
    """Bytes a second of a copy within the card's memory, reads and writes both counted."""
    source = torch.ones(bytes_ // 4, device=device)
    target = torch.empty_like(source)
    laps = clock.laps(lambda: target.copy_(source), TURNS)
    return 2 * bytes_ / (laps.percentile(50) / 1000)


def matrix_rate(
    device: torch.device, clock: Clock, precision: str, side: int = MATRIX_SIDE
) -> float:
    """Operations a second of a square product of random matrices, two per multiply-accumulate."""
    generator = torch.Generator(device).manual_seed(0)  # zeros would draw less power, and run on
    left, right = (
        torch.randn(side, side, device=device, generator=generator).to(PRECISIONS[precision].dtype)
        for _ in range(2)
    )
    out = torch.empty_like(left)
    with arithmetic(precision, search=False):
        laps = clock.laps(lambda: torch.mm(left, right, out=out), TURNS)
    return 2 * side**3 / (laps.percentile(50) / 1000)


def kernel_time(device: torch.device, clock: Clock, captured: Callable[..., Any]) -> float:
    """Seconds of one kernel that waits for the one before, all of a chain launched as one graph.

    Args:
        captured: from a call and its input to a call (`execution.Captured`).
    """

    def chain(x: torch.Tensor) -> torch.Tensor:
        for _ in range(CHAIN):
            x = x + 1
        return x

    call = captured(chain, torch.zeros(32, device=device))
    start = torch.zeros(32, device=device)
    return clock.laps(lambda: call(start), TURNS).percentile(50) / 1000 / CHAIN

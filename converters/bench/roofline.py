"""The least time a network could take on one core: what it must compute, what it must move.

Operations over the measured matrix rate, bytes over the measured copy bandwidth; the larger binds.
Both are of this core, measured in the same minute: PyTorch's own large matrix product, and a copy
that no cache holds. It is a floor for algorithms that multiply as the network is written, each map
written once and read once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from converters.bench.traffic import traffic
from mobileseg.models.profile import profile

MATRIX_SIDE = 1024  # 12 MB of operands: large enough for a kernel's best, small enough to be quick
COPY_FLOATS = 64 << 20  # 256 MiB each way: beyond every cache
REPEATS = 6
FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Core:
    """What one core can do."""

    macs_per_s: float  # float32 multiply-accumulates
    bytes_per_s: float  # read and written together


@dataclass(frozen=True, slots=True)
class Floor:
    """Of one picture through a network, in milliseconds."""

    compute_ms: float
    move_ms: float

    @property
    def ms(self) -> float:
        return max(self.compute_ms, self.move_ms)

    @property
    def binds(self) -> str:
        """Which of the two."""
        return "matrix rate" if self.compute_ms >= self.move_ms else "bandwidth"


def measure_core() -> Core:
    """Measure the core that this runs on; PyTorch must be held to one thread."""
    left, right = torch.rand(2, MATRIX_SIDE, MATRIX_SIDE)
    product_s = _best(lambda: left @ right)
    source = torch.rand(COPY_FLOATS)
    into = torch.empty_like(source)
    copy_s = _best(lambda: into.copy_(source))
    return Core(MATRIX_SIDE**3 / product_s, 2 * FLOAT_BYTES * COPY_FLOATS / copy_s)


def _best(act: Callable[[], object]) -> float:
    """The shortest of several times, in seconds: a limit is what is reached undisturbed."""
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def floor(core: Core, variant: str, side_px: int, members: int = 1) -> Floor:
    """The floor of a variant at one size.

    Args:
        variant: a name of `VARIANTS`.
        side_px: of the picture.
        members: networks that answer one after the other.
    """
    macs = profile(variant, side_px, members=members).macs_true
    moved = members * traffic(variant, 1, side_px, FLOAT_BYTES)
    return Floor(1000 * macs / core.macs_per_s, 1000 * moved / core.bytes_per_s)

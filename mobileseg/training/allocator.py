"""Memory that a training step frees and asks for again stays with the process.

A step on the CPU allocates the same maps every time, each tens or hundreds of megabytes. The GNU
C library takes a block of more than 32 MiB from the kernel and gives it back when it is freed, so
that every step has every page zeroed and mapped anew: at 512 px and a batch of 4, U²-Net-XS makes
0.9 million page faults a step, and none once blocks are kept, which is 1.6 times as fast
(benchmarks/results/training-cpu.json). The cost: the process holds on to its peak memory, and
the peak grows by a fifth there, for holes between blocks.
"""

from __future__ import annotations

import ctypes
import sys

# malloc.h of the GNU C library; the numbers are part of its binary interface.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
# Blocks below are kept. Above lies no map of a step that is of use: 1 GiB is 64 maps of 1024 px in
# a batch of 4; what is larger still goes back, as one-off blocks should.
KEPT_BELOW_BYTES = 2**30
NEVER = -1  # taken for the largest size there is


def keep_large_blocks() -> bool:
    """Have freed blocks of up to 1 GiB kept for the next allocation, in this whole process.

    For processes that train on the CPU; call it before the first step, it frees or moves nothing.
    A second call changes nothing. Memory that is kept serves whatever the process allocates next,
    and is given back when it ends.

    Returns:
        Whether it is so now; False where the C library is not GNU's (macOS, Windows, musl), which
        is left as it is. Nothing is ever raised.

    Source: mallopt(3). Setting one of these thresholds also ends the library's own adjusting of
    them, which stops at 32 MiB and so never reaches the blocks in question.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 (musl has none)
        mallopt = library.mallopt
    except (OSError, AttributeError):
        return False
    # Older libraries refuse a threshold over 32 MiB; there no block at all is mapped alone.
    kept = mallopt(M_MMAP_THRESHOLD, KEPT_BELOW_BYTES) or mallopt(M_MMAP_MAX, 0)
    return bool(kept) and bool(mallopt(M_TRIM_THRESHOLD, NEVER))

"""How long a GPU works during a call, and which share of the time it waits.

The profiler tells when each kernel and copy ran; spans that overlap count once. It slows the host
down, so the time to compare with is that of the same call without it: kernels take as long either
way, and the share that is left over is idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

METHOD = (
    "1 - busy / wall; busy: union of kernels' and copies' spans of one call under torch.profiler "
    "(CUDA activity alone), wall: median of the same call without it"
)
Span = tuple[float, float]


def covered(spans: Iterable[Span]) -> float:
    """Length of the union of (start, end) spans, in their own unit."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def busy_s(call: Callable[[], object], device: torch.device) -> float | None:
    """Seconds in which the GPU had something to do; None on a CPU."""
    if device.type != "cuda":
        return None
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    torch.cuda.synchronize(device)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        call()
        torch.cuda.synchronize(device)
    return 1e-6 * covered(
        (e.time_range.start, e.time_range.end)  # microseconds
        for e in profiler.events()
        if e.device_type == DeviceType.CUDA and not e.is_user_annotation
    )


def idle_share(busy: float | None, wall: float) -> float | None:
    """0..1; None where there is no GPU."""
    return None if busy is None else round(max(0.0, 1 - busy / wall), 4)

"""One benchmark in progress: its device, its pictures, what was measured so far, and its guard.

A step is one row. Whatever a step raises becomes the row's reason, and the next step goes on: a
compiler that fails on one form must not take the others' figures with it.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor

from converters.bench.gpu.roofline import COPY_BYTES, MATRIX_SIDE, CardLimits
from converters.bench.gpu.sample_networks import pictures
from converters.bench.gpu.timer import Clock, clock_of
from converters.bench.results import not_measured, row
from mobileseg.models.profile import TABLE_2_SIDE_PX

Rows = list[dict[str, Any]]
PICTURES = 4  # that a form must answer as the reference does
LONGEST_REASON = 240  # characters: a compiler's first line may hold a whole graph
FOLDERS = re.compile(r"(?:/[\w.+-]+)+/")  # a result tells no machine's folders
PACKAGES = ("torch", "triton")

# What a GPU's rows have besides `results.FIELDS`, always and in this order. Times are of one call.
GPU_FIELDS = (
    "part",
    "form",
    "alone",  # the form of one member that this one is held against
    "batch",
    "iterations",
    "weights",
    "p99_ms",
    "awaited_ms",  # median by the host's clock, when every answer is waited for
    "times_paper",
    "aim_times_paper",
    "peak_mb_paper",
    "macs_true_g",
    "macs_paper_g",
    "params_m",
    "size_mb",
    "delta_p_max",
    "delta_p_mean",
    "delta_p_from",
    "tolerance_max",
    "tolerance_mean",
    "tolerance_why",
    "within_tolerance",
    "matrix_ms",
    "bandwidth_ms",
    "launch_ms",
    "graph_nodes",
    "binds",
    "best",
    "best_throughput",
    "ratio_to_alone",
    "ratio_to_best_one",
    "bandwidth_gb_s",
    "matrix_tflop_s",
    "kernel_us",
    "cuda",
)


@dataclass
class Bench:
    """What every step needs."""

    device: torch.device
    say: Callable[[str], None]
    iterations: int = 500
    side_px: int = TABLE_2_SIDE_PX
    copy_bytes: int = COPY_BYTES
    matrix_side: int = MATRIX_SIDE
    keep: Callable[[Rows], None] = lambda rows: None  # told all rows so far, after each
    ends: float | None = None  # of `time.monotonic`: no step is begun after it
    card: CardLimits = field(default_factory=CardLimits)
    rows: Rows = field(default_factory=list)

    @cached_property
    def clock(self) -> Clock:
        return clock_of(self.device)

    @cached_property
    def pictures(self) -> Tensor:
        """(PICTURES, 3, side, side) float32, 0..255, on the device."""
        return pictures(PICTURES, self.side_px).to(self.device)

    def step(self, known: Mapping[str, Any], figures: Callable[[], dict[str, Any]]) -> None:
        """Add one row.

        Args:
            known: what the row says whether or not it is measured.
            figures: measures; what it raises is the reason why there are none.
        """
        known = dict.fromkeys(GPU_FIELDS) | device_facts(self.device) | dict(known)
        title = " ".join(str(known[k]) for k in ("part", "variant", "form") if known.get(k))
        if self.ends is not None and time.monotonic() > self.ends:
            made = not_measured("the time given was used up before this; run it by itself", **known)
        else:
            made = self._guarded(known, figures)
        self.rows.append(made)
        self.say(f"{title}: {in_short(made)}")
        self.keep(self.rows)

    def _guarded(
        self, known: Mapping[str, Any], figures: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        try:
            return row(packages=PACKAGES, **{**known, **figures()})
        except Exception as error:  # anything that a compiler, driver or kernel may raise
            return not_measured(reason(error), **known)
        finally:
            if self.device.type == "cuda":
                # What one form compiled, captured or ran out of must not weigh on the next.
                torch.compiler.reset()
                gc.collect()
                torch.cuda.empty_cache()


def reason(error: Exception) -> str:
    """An error in one line, without this machine's folders."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    text = FOLDERS.sub("", lines[0].strip() if lines else "no text")
    said = f"{type(error).__name__}: {text}"
    return said if len(said) <= LONGEST_REASON else f"{said[:LONGEST_REASON]}…"


def in_short(made: Mapping[str, Any]) -> str:
    """A row in a few words, for who waits."""
    if made["not_measured"]:
        return f"not measured: {made['not_measured']}"
    if made["median_ms"] is None:
        return "measured"
    said = f"{made['median_ms']:.3f} ms, {made['fps']:.1f} fps"
    return said if made["within_tolerance"] is not False else f"{said}, out of tolerance"


def device_facts(device: torch.device) -> dict[str, Any]:
    """The card and its software, for the row."""
    if device.type != "cuda":
        return {"gpu": None, "cuda": None}
    cudnn = cast(Any, torch.backends.cudnn).version()  # untyped in PyTorch
    return {
        "gpu": torch.cuda.get_device_name(device),
        "cuda": f"CUDA {torch.version.cuda}, cuDNN {cudnn}",
    }

"""The four parts of the benchmark; each adds its rows and can be run without the others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from converters.bench.gpu.best import usable
from converters.bench.gpu.case import Case
from converters.bench.gpu.context import Bench
from converters.bench.gpu.execution import Captured
from converters.bench.gpu.measurement import measure_form
from converters.bench.gpu.modes import (
    BEST,
    COMPILED_THROUGHPUT,
    ONE_GRAPH,
    REFERENCE,
    SLOWEST,
    THROUGHPUT,
    TOGETHER,
    Form,
    alone,
    chosen,
)
from converters.bench.gpu.paper import DAGGER_MEMBERS, ENSEMBLES, SINGLE
from converters.bench.gpu.precisions import PRECISIONS
from converters.bench.gpu.roofline import CardLimits, copy_rate, kernel_time, matrix_rate
from mobileseg.models.profile import TABLE_2

BATCHES = (2, 4, 8, 16, 32, 64, 128)
GAIN = 1.02  # a doubled batch that brings less than this is the last

Names = tuple[str, ...]


def limits(bench: Bench, variants: Names, forms: Names) -> None:
    """The card's rates; the other parts take them from here."""
    bandwidth: dict[str, float] = {}
    rates: dict[str, float] = {}
    kernel: dict[str, float] = {}

    def copy() -> dict[str, Any]:
        bandwidth["copy"] = copy_rate(bench.device, bench.clock, bench.copy_bytes)
        return {"bandwidth_gb_s": bandwidth["copy"] / 1e9}

    def product(precision: str) -> dict[str, Any]:
        rates[precision] = matrix_rate(bench.device, bench.clock, precision, bench.matrix_side)
        return {"matrix_tflop_s": rates[precision] / 1e12}

    def chain() -> dict[str, Any]:
        kernel["one"] = kernel_time(bench.device, bench.clock, Captured)
        return {"kernel_us": 1e6 * kernel["one"]}

    size = f"{bench.copy_bytes / 1e6:.0f} MB"
    bench.step({"part": "limits", "engine": f"PyTorch copy of {size} within the card"}, copy)
    for precision in PRECISIONS:
        known = {"part": "limits", "engine": f"PyTorch matmul, {bench.matrix_side}³"}
        bench.step(known | {"precision": precision}, partial(product, precision))
    bench.step({"part": "limits", "engine": "chain of one-element kernels, CUDA graph"}, chain)
    bench.card = CardLimits(bandwidth.get("copy"), rates, kernel.get("one"))


def reference(bench: Bench, variants: Names, forms: Names) -> None:
    """Table 2 as the paper measured it: every row, float32 eager; † also as one graph."""
    for variant, members in TABLE_2:
        if variant in variants:
            ways = (REFERENCE,) if members == 1 else (REFERENCE, ONE_GRAPH)
            _measure(bench, variant, members, ways, "reference")


def best(bench: Bench, variants: Names, forms: Names) -> None:
    """Every single network in every form at batch 1, then at growing batches."""
    for variant in SINGLE:
        if variant in variants:
            _measure(bench, variant, 1, chosen(BEST, forms), "best")
            _throughput(bench, variant, forms)
            _measure(bench, variant, 1, chosen(SLOWEST, forms), "best")


def ensembles(bench: Bench, variants: Names, forms: Names) -> None:
    """The † networks, one member and three, in every way to answer together."""
    ways = chosen(TOGETHER, forms)
    for variant in ENSEMBLES:
        if variant in variants:
            _measure(bench, variant, 1, tuple(dict.fromkeys(map(alone, ways))), "ensembles")
            _measure(bench, variant, DAGGER_MEMBERS, ways, "ensembles")


# In the order in which they run: limits first, because the others are held against them.
PARTS: dict[str, Callable[[Bench, Names, Names], None]] = {
    "limits": limits,
    "reference": reference,
    "best": best,
    "ensembles": ensembles,
}


def _measure(bench: Bench, variant: str, members: int, forms: tuple[Form, ...], part: str) -> None:
    case = Case(bench, variant, members)
    for form in forms:
        measure_form(case, form, part)


def _throughput(bench: Bench, variant: str, forms: Names) -> None:
    """Double the batch while that brings something; then the compiled form at the best batch."""
    case = Case(bench, variant, 1)
    best_batch, most = 1, 0.0
    for form in chosen(THROUGHPUT, forms):
        last = 0.0
        for batch in BATCHES:
            measure_form(case, form, "best", batch)
            fps = sum(row["fps"] for row in usable(bench.rows[-1:]))
            if fps > most:
                best_batch, most = batch, fps
            if fps < GAIN * last or not fps:
                break
            last = fps
    for form in chosen(COMPILED_THROUGHPUT, forms) if best_batch > 1 else ():
        measure_form(case, form, "best", best_batch)

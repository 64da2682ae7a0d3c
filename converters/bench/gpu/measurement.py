"""One form of one case: its times, memory and answer, and how near the card's limits it comes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from converters.bench.gpu.accuracy import TOLERANCES, Apart, apart
from converters.bench.gpu.case import Case
from converters.bench.gpu.execution import Answer, Captured, laid_out, prepared
from converters.bench.gpu.modes import REFERENCE, Form, alone
from converters.bench.gpu.paper import AIMS, PRINTED
from converters.bench.gpu.precisions import arithmetic
from converters.bench.gpu.roofline import costs_of, least, work
from converters.bench.gpu.sample_networks import weights_of
from converters.bench.gpu.timer import Laps

FEWEST_ITERATIONS = 20  # of a large batch; and of what is waited for, a fifth of all
FLOAT32_EAGER = "float32 eager, TF32 off"
FLOAT64_EAGER = "float64 eager"


def measure_form(case: Case, form: Form, part: str, batch: int = 1) -> None:
    """Add the row of a form to the case's bench, at `batch` pictures a call."""
    bench = case.bench
    fewer = max(FEWEST_ITERATIONS, bench.iterations // batch)
    known = facts(case.variant, case.members, bench.side_px) | {
        "part": part,
        "engine": form.engine,
        "precision": form.precision,
        "form": form.name,
        "alone": alone(form).name,
        "batch": batch,
        "iterations": min(bench.iterations, fewer),
        "weights": weights_of(case.variant, case.members),
    }
    bench.step(known, lambda: _figures(case, form, known))


def facts(variant: str, members: int, side_px: int) -> dict[str, Any]:
    """What is known of a row of Table 2 without a GPU."""
    costs = costs_of(variant, side_px, 1, members)
    printed = PRINTED.get((variant, members))
    return {
        "variant": variant,
        "members": members,
        "side": side_px,
        "fps_paper": printed and printed.fps,
        "peak_mb_paper": printed and printed.gpu_mb,
        "aim_times_paper": AIMS.get((variant, members)),
        "macs_true_g": round(costs.macs_true_g, 6),
        "macs_paper_g": round(costs.macs_paper_g, 6),
        "params_m": round(costs.params_m, 6),
        "size_mb": round(costs.size_mb, 6),
    }


@torch.no_grad()
def _figures(case: Case, form: Form, known: dict[str, Any]) -> dict[str, Any]:
    bench, batch, clock = case.bench, known["batch"], case.bench.clock
    # float32 eager is everybody's measure, and float64 is its own; made before memory counts.
    truth = case.exact if form == REFERENCE else case.expected
    with arithmetic(form.precision, search=form.search):
        clock.mark_memory()
        picture = laid_out(tiled(bench.pictures, batch)[:batch], form)
        call = prepared(form, case.ensemble, picture)
        laps = clock.laps(lambda: call(picture), known["iterations"])
        peak_mb = clock.peak_mb()
        few = max(1, known["iterations"] // 5)
        awaited = clock.awaited(lambda: call(picture), few)
        given = answers(call, bench.pictures, batch, form)
    speed = _speed(laps, batch, known["fps_paper"])
    return {
        **speed,
        "awaited_ms": float(np.median(awaited)),
        "peak_mb": peak_mb,
        **_accuracy(form, apart(given, truth)),
        **_limits(case, form, batch, speed["median_ms"], call),
    }


def _speed(laps: Laps, batch: int, fps_paper: float | None) -> dict[str, Any]:
    fps = laps.per_second(batch)
    return {
        "median_ms": laps.percentile(50),
        "p90_ms": laps.percentile(90),
        "p99_ms": laps.percentile(99),
        "fps": fps,
        "times_paper": fps / fps_paper if fps_paper else None,
    }


def tiled(pictures: Tensor, batch: int) -> Tensor:
    """The pictures over and over, as many as fill whole batches."""
    count = -(-len(pictures) // batch) * batch
    return pictures.repeat(-(-count // len(pictures)), 1, 1, 1)[:count]


def answers(call: Answer, pictures: Tensor, batch: int, form: Form) -> Tensor:
    """What a form says of each picture, in batches of the size that it is timed at."""
    whole = tiled(pictures, batch)
    given = [call(laid_out(part, form)).clone() for part in torch.split(whole, batch)]
    return torch.cat(given)[: len(pictures)]


def _accuracy(form: Form, difference: Apart) -> dict[str, Any]:
    limit = TOLERANCES[form.precision]
    return {
        "delta_p_from": FLOAT64_EAGER if form == REFERENCE else FLOAT32_EAGER,
        "delta_p_max": difference.largest,
        "delta_p_mean": difference.mean,
        "tolerance_max": limit.largest,
        "tolerance_mean": limit.mean,
        "tolerance_why": limit.why,
        "within_tolerance": limit.holds(difference),
    }


def _limits(case: Case, form: Form, batch: int, median_ms: float, call: Answer) -> dict[str, Any]:
    asked = work(case.variant, case.members, batch, case.bench.side_px, form.precision)
    nodes = call.nodes() if isinstance(call, Captured) else None
    waiting = None if form.together == "streams" else nodes  # those of a stream wait for each other
    times = least(asked, case.bench.card, form.precision, waiting)
    return {
        "matrix_ms": times.matrix_ms,
        "bandwidth_ms": times.bandwidth_ms,
        "launch_ms": times.launch_ms,
        "graph_nodes": nodes,
        "limit_share": times.share(median_ms),
        "binds": times.binds(median_ms),
    }

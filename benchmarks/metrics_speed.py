"""The evaluation's metrics against the plain scikit-learn and surface-distance way.

    pip install --no-deps --target plain surface-distance==0.1
    PYTHONPATH=plain python benchmarks/metrics_speed.py --data IDRiD \\
        -o benchmarks/results/metrics-speed-<machine>.json

Both ways take turns on one thread, pinned to one core. The shipped XS network answers the test
pictures at `--side`. A ratio is of medians, plain over ours; `ratio_cpu` is of the time that the
thread itself had, which other work on the same core does not touch.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
from metrics_compared import COMPARISONS, TOGETHER, Case, Comparison, Figures, whole_evaluation

from converters.bench.results import machine, not_measured, row
from mobileseg.data.dataset import read_pictures
from mobileseg.data.phantom.generate import write_phantoms
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.files.atomic import write_json
from mobileseg.runs import open_run, pretrained_run

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.thread_time}
AIM = 5.0  # times as fast as the plain way
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "surface-distance")
OURS, PLAIN = "ours", "plain"
Times = dict[str, list[float]]  # clock -> milliseconds of each round


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="IDRiD's folder; without: phantoms.")
@click.option("--pictures", default=27, show_default=True)
@click.option("--side", default=512, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(output: Path | None, data: Path | None, pictures: int, side: int, rounds: int) -> None:
    """Measure in turns, print a line a row, and write the JSON."""
    machine()  # told before the pinning: the machine's cores, not this process's one
    pin()
    case = answered(data, pictures, side)
    known = {
        "variant": "xs",
        "members": 1,
        "engine": "mobileseg.evaluation",
        "precision": "fp32",
        "threads": 1,
        "side": side,
        "data": data.name if data else "phantoms",
        "pictures": len(case.truth),
        "lesion": "EX",
        "run": pretrained_run().name,
    }
    rows = measure(case, rounds, known)
    for found in rows:
        print(told(found))
    if output:
        write_json(output, rows)


def pin() -> None:
    """One thread on one core, as far as the system lets a process choose."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def answered(data: Path | None, count: int, side: int) -> Case:
    """The shipped network's answers to the first test pictures of a folder."""
    if data is None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "phantoms"
            write_phantoms(folder, 3 * count, side, seed=0)  # a third of them for the test
            return answered(folder, count, side)
    run = open_run(pretrained_run())
    spec = replace(run.config.preprocess, side_px=side)
    read = read_pictures(data, ("EX",), spec, run.config.training["mask_rule"], torch.device("cpu"))
    some = read.test[:count]
    return Case(
        np.stack([p.masks[0] for p in some]),
        np.stack([reference_probabilities(run, p.picture)[0] for p in some]),
        run.config.thresholds["EX"],
    )


def measure(case: Case, rounds: int, known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each comparison, one for all figures together, one for the whole evaluation."""
    there = [c for c in COMPARISONS if c.why_not() is None]
    calls: dict[tuple[str, str], Callable[[Case], Any]] = {}
    for c in there:
        calls |= {(c.metric, OURS): c.ours, (c.metric, PLAIN): c.plain}
    calls["evaluate_lesion", OURS] = whole_evaluation
    times, answers = in_turns(calls, case, rounds)
    rows = [
        compared(c, times, answers, known)
        if c in there
        else not_measured(str(c.why_not()), packages=PACKAGES, metric=c.metric, **known)
        for c in COMPARISONS
    ]
    if {c.metric for c in there} >= set(TOGETHER):
        plain = _sum([times[name, PLAIN] for name in TOGETHER])
        for metric, ours in (
            ("together", _sum([times[name, OURS] for name in TOGETHER])),
            ("evaluate_lesion", times["evaluate_lesion", OURS]),
        ):
            way = f"the plain ways of {', '.join(TOGETHER)}, one after the other"
            rows.append(_row(metric, way, ours, plain, known))
    return rows


def in_turns(
    calls: Mapping[tuple[str, str], Callable[[Case], Any]], case: Case, rounds: int
) -> tuple[dict[tuple[str, str], Times], dict[tuple[str, str], Any]]:
    """Milliseconds of each call in each round, after one round that is not counted; answers."""
    times: dict[tuple[str, str], Times] = {name: {c: [] for c in CLOCKS} for name in calls}
    answers = {}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            begun = {clock: read() for clock, read in CLOCKS.items()}
            answers[name] = call(case)
            for clock, read in CLOCKS.items():
                if round_:
                    times[name][clock].append(1000 * (read() - begun[clock]))
    return times, answers


def _sum(parts: list[Times]) -> Times:
    """Round by round."""
    return {c: [sum(r) for r in zip(*(p[c] for p in parts), strict=True)] for c in CLOCKS}


def compared(
    comparison: Comparison,
    times: Mapping[tuple[str, str], Times],
    answers: Mapping[tuple[str, str], Any],
    known: Mapping[str, Any],
) -> dict[str, Any]:
    """One comparison's row: times, and how far its figures lie apart."""
    ours, plain = (answers[comparison.metric, way] for way in (OURS, PLAIN))
    found = _row(
        comparison.metric,
        comparison.plain_way,
        times[comparison.metric, OURS],
        times[comparison.metric, PLAIN],
        known,
    )
    tolerance = comparison.tolerance
    most = largest_difference(ours, plain)
    equal = None if tolerance is None else most <= tolerance
    found |= {"tolerance": tolerance, "equal": equal}
    found["largest_difference"] = most if math.isfinite(most) else None
    if tolerance is None:  # Hausdorff's and Hausdorff 95's apart: the first half and the second
        halves = zip(np.split(ours, 2), np.split(plain, 2), strict=True)
        found["differences_px"] = [
            {"largest": largest_difference(o, p), "median": float(np.median(abs(o - p)))}
            for o, p in halves
        ]
    return found


def largest_difference(ours: Figures, plain: Figures) -> float:
    """Of two lists of figures; what is undefined (NaN) must be so in both, else it is infinite."""
    if not np.array_equal(np.isnan(ours), np.isnan(plain)):
        return math.inf
    return float(np.nan_to_num(abs(ours - plain)).max(initial=0))


def _row(
    metric: str, plain_way: str, ours: Times, plain: Times, known: Mapping[str, Any]
) -> dict[str, Any]:
    ratios = {c: statistics.median(plain[c]) / statistics.median(ours[c]) for c in CLOCKS}
    return row(
        packages=PACKAGES,
        **known,
        median_ms=round(statistics.median(ours["wall"]), 3),
        p90_ms=round(float(np.percentile(ours["wall"], 90)), 3),
        metric=metric,
        rounds=len(ours["wall"]),
        plain_way=plain_way,
        plain_median_ms=round(statistics.median(plain["wall"]), 3),
        plain_p90_ms=round(float(np.percentile(plain["wall"], 90)), 3),
        ratio=round(ratios["wall"], 2),
        ratio_cpu=round(ratios["cpu"], 2),
        aim=AIM,
        aim_met=ratios["wall"] >= AIM,
    )


def told(found: Mapping[str, Any]) -> str:
    """A row in a line."""
    if found["not_measured"]:
        return f"{found['metric']}: not measured: {found['not_measured']}"
    line = f"{found['metric']}: {found['median_ms']} ms, plain {found['plain_median_ms']} ms, "
    line += f"{found['ratio']} times as fast (CPU time: {found['ratio_cpu']})"
    if "largest_difference" not in found:
        return line
    apart = found.get("differences_px") or found["largest_difference"]
    return f"{line}; equal: {found['equal']}, apart: {apart}"


if __name__ == "__main__":
    main()

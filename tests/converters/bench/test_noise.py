"""What speaks against a figure is said."""

from __future__ import annotations

from typing import Any

from converters.bench.noise import doubts, load_average, spread


def timed(p10: float, median: float, p90: float) -> dict[str, Any]:
    times = {"p10_ms": p10, "median_ms": median, "p90_ms": p90}
    return {"engine": "onnxruntime", "precision": "fp32", "graph": "whole", **times}


def test_nothing_is_said_of_a_quiet_machine() -> None:
    assert doubts([timed(9.9, 10, 10.2)], 0.2, threads=1, cores=2) == []


def test_other_work_is_told_by_the_load() -> None:
    (line,) = doubts([timed(9.9, 10, 10.2)], 2.31, threads=1, cores=2)
    assert "load average 2.31 before the first figure" in line


def test_a_system_that_tells_no_load_is_not_accused() -> None:
    assert doubts([timed(9.9, 10, 10.2)], None, threads=1, cores=2) == []


def test_a_wide_spread_names_the_widest_row() -> None:
    rows = [timed(9.9, 10, 10.2), timed(9, 10, 11), timed(8, 10, 14) | {"engine": "ExecuTorch"}]
    (line,) = doubts(rows, 0.0, threads=1, cores=2)
    assert "in 2 of 3 row(s), most in ExecuTorch fp32 (whole): 60%" in line


def test_more_threads_than_cores_is_said() -> None:
    (line,) = doubts([], 0.0, threads=4, cores=2)
    assert line.startswith("4 threads on 2 core(s)")


def test_spread_is_relative_to_the_median() -> None:
    assert spread(timed(90, 100, 120)) == 0.3


def test_this_system_tells_its_load() -> None:
    load = load_average()
    assert load is None or load >= 0

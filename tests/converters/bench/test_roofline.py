"""The floor: operations over a rate, bytes over a bandwidth."""

from __future__ import annotations

import pytest

from converters.bench.roofline import Core, Floor, floor, measure_core
from converters.bench.traffic import traffic
from mobileseg.models.build import build
from mobileseg.models.profile import profile

ROUND = Core(macs_per_s=1e9, bytes_per_s=1e9)


def test_it_is_the_true_macs_over_the_rate() -> None:
    expected = profile("xs", 64).macs_true / 1e6
    assert floor(ROUND, "xs", 64).compute_ms == pytest.approx(expected)


def test_three_members_compute_and_move_three_times_as_much() -> None:
    one, three = floor(ROUND, "xs", 64), floor(ROUND, "xs", 64, members=3)
    assert three.compute_ms == pytest.approx(3 * one.compute_ms)
    assert three.move_ms == pytest.approx(3 * one.move_ms)


def test_maps_grow_with_the_area_and_weights_do_not() -> None:
    convolved = sum(
        p.numel()
        for n, p in build("xs").named_parameters()
        if not n.split(".")[-2].startswith("bn")
    )
    small, large = (traffic("xs", 1, side, 4) - 4 * convolved for side in (64, 128))
    assert large == 4 * small


def test_the_larger_one_binds() -> None:
    assert (Floor(3, 2).ms, Floor(3, 2).binds) == (3, "matrix rate")
    assert (Floor(2, 3).ms, Floor(2, 3).binds) == (3, "bandwidth")


@pytest.mark.slow
def test_this_core_has_a_rate_and_a_bandwidth() -> None:
    core = measure_core()
    assert 1e8 < core.macs_per_s < 1e13  # 0.1 to 10,000 G a second: any machine of these decades
    assert 1e8 < core.bytes_per_s < 1e13

"""The figures of the GPU's part on numbers that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from converters.bench import traffic as traffic_module
from converters.bench.gpu.accuracy import TOLERANCES, Apart, apart
from converters.bench.gpu.measurement import tiled
from converters.bench.gpu.paper import ENSEMBLES, PRINTED, SINGLE
from converters.bench.gpu.precisions import PRECISIONS, arithmetic
from converters.bench.gpu.roofline import CardLimits, Work, least, work
from converters.bench.gpu.timer import HostClock, Laps
from converters.bench.traffic import traffic
from mobileseg.models.profile import TABLE_2, profile
from mobileseg.models.variants import VARIANTS

CARD = CardLimits(bytes_per_s=1e9, operations_per_s={"fp32": 1e12}, kernel_s=2e-6)


def test_every_row_of_table_2_has_its_speed_and_is_a_variant():
    assert list(PRINTED) == list(TABLE_2)
    assert len(PRINTED) == 12
    assert {variant for variant, _ in PRINTED} <= set(VARIANTS)
    assert (len(SINGLE), ENSEMBLES) == (9, ("m", "s", "xs"))


@pytest.mark.parametrize(
    ("variant", "members", "fps", "gpu_mb"),
    [("unet", 1, 30.46, 586.28), ("xs-sep", 1, 55.10, 147.43), ("xs", 3, 22.94, 170.84)],
)
def test_first_middle_and_last_row_are_the_papers(variant, members, fps, gpu_mb):
    printed = PRINTED[variant, members]
    assert (printed.fps, printed.gpu_mb) == (fps, gpu_mb)


def test_frames_a_second_are_of_the_whole_and_count_the_batch():
    laps = Laps(np.array([1.0, 1.0, 2.0, 4.0]), total_ms=10.0)  # 2 ms between the calls
    assert laps.per_second(batch=1) == 400
    assert laps.per_second(batch=3) == 1200
    assert laps.percentile(50) == 1.5
    assert laps.percentile(100) == 4


def test_a_clock_warms_up_before_it_counts():
    calls = []
    laps = HostClock().laps(lambda: calls.append(1), iterations=5)
    assert len(laps.each_ms) == 5
    assert len(calls) > 5
    assert laps.total_ms >= laps.each_ms.sum()


def test_limits_are_operations_and_bytes_over_rates():
    times = least(Work(operations=2_000_000_000, bytes=3_000_000), CARD, "fp32", nodes=500)
    assert (times.matrix_ms, times.bandwidth_ms, times.launch_ms) == (2.0, 3.0, 1.0)
    assert times.share(measured_ms=6.0) == 0.5
    assert times.binds(measured_ms=6.0) == "bandwidth"


@pytest.mark.parametrize(
    ("operations", "nodes", "measured_ms", "expected"),
    [
        (4_000_000_000, 0, 8.0, "matrix rate"),
        (4_000_000_000, 0, 8.1, "neither: small kernels that wait for each other (matrix rate"),
        (4_000_000_000, 2500, 10.0, "neither: launches (matrix rate would be next)"),
        (1_000_000_000, 2499, 10.0, "neither: small kernels that wait for each other (bandwidth"),
    ],
)
def test_what_binds_explains_half_of_the_time_or_is_called_neither(
    operations, nodes, measured_ms, expected
):
    times = least(Work(operations, bytes=3_000_000), CARD, "fp32", nodes)
    assert times.binds(measured_ms).startswith(expected)


def test_a_limit_that_was_not_measured_gives_no_share():
    times = least(Work(1, 1), CARD, "fp16")
    assert (times.share(1.0), times.binds(1.0)) == (None, None)


def test_traffic_counts_weights_once_and_maps_once_a_picture(monkeypatch):
    monkeypatch.setattr(traffic_module, "build", lambda name: nn.Conv2d(3, 4, 3, padding=1))
    weights, maps = 3 * 4 * 9 + 4, 3 * 64 + 4 * 64
    assert traffic("one conv", 1, 8, 4) == 4 * (weights + maps)
    assert traffic("one conv", 2, 8, 2) == 2 * (weights + 2 * maps)


def test_work_grows_with_members_and_batch():
    macs = profile("xs", 64).macs_true
    assert work("xs", 3, 2, 64, "fp32").operations == 2 * 2 * 3 * macs
    assert work("xs", 3, 2, 64, "fp16").bytes * 2 == work("xs", 3, 2, 64, "fp32").bytes


def test_every_precision_has_a_tolerance_with_its_reason():
    assert set(TOLERANCES) == set(PRECISIONS)
    assert all(tolerance.why for tolerance in TOLERANCES.values())


@pytest.mark.parametrize("precision", TOLERANCES)
def test_a_hair_over_the_tolerance_is_out_of_it(precision):
    limit = TOLERANCES[precision]
    assert limit.holds(Apart(limit.largest, limit.mean))
    assert not limit.holds(Apart(limit.largest * 1.001, limit.mean))
    assert not limit.holds(Apart(limit.largest, limit.mean * 1.001))


def test_the_distance_of_two_maps_is_the_worst_pixel_and_the_mean():
    reference = torch.zeros(1, 1, 2, 2)
    answer = torch.tensor([[[[0.5, 0.0], [-0.25, 0.25]]]])
    assert apart(answer, reference) == Apart(0.5, 0.25)


def test_a_map_of_another_shape_or_without_numbers_has_no_distance():
    with pytest.raises(ValueError, match=r"answered \(1, 1, 2, 2\), the reference has \(2, 1,"):
        apart(torch.zeros(1, 1, 2, 2), torch.zeros(2, 1, 2, 2))
    with pytest.raises(ArithmeticError, match="NaN or infinity"):
        apart(torch.tensor([0.0, float("nan")]), torch.zeros(2))


def test_switches_are_set_for_a_form_and_put_back_even_after_an_error():
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark
    with arithmetic("tf32", search=True):
        assert (cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark) == (True, True, True)
    with pytest.raises(RuntimeError), arithmetic("fp32", search=False):
        assert (cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark) == (False, False, False)
        raise RuntimeError
    assert (cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark) == before


@pytest.mark.parametrize(("batch", "count"), [(1, 4), (2, 4), (3, 6), (8, 8), (9, 9)])
def test_pictures_fill_whole_batches(batch, count):
    pictures = torch.arange(4.0).reshape(4, 1, 1, 1)
    whole = tiled(pictures, batch)
    assert len(whole) == count
    assert whole.flatten().tolist() == [i % 4 for i in range(count)]

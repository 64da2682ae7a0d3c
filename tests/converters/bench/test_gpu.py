"""The GPU's part as a whole, run on a CPU: the same steps, a tiny picture, three iterations."""

from __future__ import annotations

import copy
import json
import time

import pytest
import torch
from torch import nn

from converters.bench import gpu
from converters.bench.gpu import measurement as measuring
from converters.bench.gpu import parts
from converters.bench.gpu import transforms as networks
from converters.bench.gpu.best import mark_best
from converters.bench.gpu.context import GPU_FIELDS, Bench, reason
from converters.bench.gpu.modes import ONE_GRAPH, Form
from converters.bench.gpu.sample_networks import TRAINED
from converters.bench.gpu.table import tables
from converters.bench.results import FIELDS
from mobileseg.errors import UnknownName
from mobileseg.models.profile import TABLE_2, Costs

KEYS = [*FIELDS, *GPU_FIELDS]
NO_GPU_NEEDED = (Form(), Form(network="folded"))
COSTS = {"classes": 1, "macs_paper": 1, "macs_true": 10**9, "parameters": 1}  # to count fast
TITLES = ["Table 2's way", "What they cost", "Not measured"]
CHANGED, BROKEN = Form(network="changed"), Form(network="broken")


def changed(network: nn.Module) -> nn.Module:
    """A copy with one weight of its first convolution off by a tenth."""
    made = copy.deepcopy(network)
    with torch.no_grad():
        next(made.parameters())[0, 0, 1, 1] *= 1.1
    return made


def broken(network: nn.Module) -> nn.Module:
    raise RuntimeError("\n/opt/someone/kernels/conv.cu:12: no kernel image\nmore")


def on_cpu(**given) -> Bench:
    return Bench(
        torch.device("cpu"),
        given.pop("say", lambda text: None),
        iterations=3,
        side_px=64,
        copy_bytes=2**16,
        matrix_side=32,
        **given,
    )


@pytest.fixture(scope="module")
def kept() -> list[int]:
    """How many rows there were each time that they were to be kept."""
    return []


@pytest.fixture(scope="module")
def rows(kept):
    """Limits, the reference and four forms of xs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks.NETWORKS, "changed", changed)
        patch.setitem(networks.NETWORKS, "broken", broken)
        patch.setattr(parts, "BEST", (CHANGED, BROKEN, *NO_GPU_NEEDED))
        patch.setattr(parts, "THROUGHPUT", NO_GPU_NEEDED[1:])
        patch.setattr(parts, "COMPILED_THROUGHPUT", ())
        patch.setattr(parts, "SLOWEST", ())
        patch.setattr(parts, "BATCHES", (2,))
        patch.setattr("converters.bench.gpu.context.PICTURES", 2)
        bench = on_cpu(keep=lambda rows: kept.append(len(rows)))
        return gpu.run(bench, ("reference", "best"), ("xs",))


def of(rows, form, **given):
    (found,) = [
        r for r in rows if r["form"] == form.name and all(r[k] == v for k, v in given.items())
    ]
    return found


def test_every_row_has_every_field_in_order_and_is_json(rows):
    assert all(list(row) == KEYS for row in rows)
    json.dumps(rows, allow_nan=False)


def test_limits_are_measured_first_without_being_asked_for(rows):
    card = [row for row in rows if row["part"] == "limits"]
    assert rows[: len(card)] == card
    assert card[0]["bandwidth_gb_s"] > 0
    assert [r["precision"] for r in card if r["matrix_tflop_s"]] == ["fp32", "tf32", "bf16", "fp16"]


def test_a_measured_row_has_its_figures_and_weighs_them(rows):
    row = of(rows, Form(network="folded"), part="best", batch=1)
    assert row["not_measured"] is None
    assert 0 < row["median_ms"] <= row["p90_ms"] <= row["p99_ms"]
    assert row["times_paper"] == pytest.approx(row["fps"] / 69.26)
    limit_ms = max(row["matrix_ms"], row["bandwidth_ms"])
    assert row["limit_share"] == pytest.approx(limit_ms / row["median_ms"])
    assert 0 < row["delta_p_max"] <= row["tolerance_max"]
    assert row["within_tolerance"] is True
    assert row["weights"] == f"trained ({TRAINED['xs']})"
    assert row["iterations"] == 3
    assert (row["params_m"], row["size_mb"]) == (0.073285, 0.29314)


def test_the_reference_is_held_against_float64_and_the_others_against_it(rows):
    reference = of(rows, parts.REFERENCE, part="reference", members=1)
    assert reference["delta_p_from"] == "float64 eager"
    assert 0 < reference["delta_p_max"] < 1e-4
    itself = of(rows, Form(), part="best", batch=1)
    assert itself["delta_p_from"] == "float32 eager, TF32 off"
    assert itself["delta_p_max"] < 1e-6


def test_a_changed_weight_is_out_of_tolerance_and_never_the_best(rows):
    row = of(rows, CHANGED)
    assert row["delta_p_max"] > row["tolerance_max"]
    assert row["within_tolerance"] is False
    faster = [dict(r) for r in rows]
    of(faster, CHANGED)["median_ms"] = 1e-6
    of(faster, CHANGED)["fps"] = 1e9
    mark_best(faster)
    assert of(faster, CHANGED)["best"] is False
    assert of(faster, CHANGED)["best_throughput"] is False
    assert sum(bool(r["best"]) for r in faster if r["members"] == 1) == 1


def test_a_form_that_raises_is_a_row_with_its_reason_and_the_next_goes_on(rows):
    row = of(rows, BROKEN)
    assert row["not_measured"] == "RuntimeError: conv.cu:12: no kernel image"
    assert (row["median_ms"], row["fps"], row["within_tolerance"]) == (None, None, None)
    assert row["fps_paper"] == 69.26
    places = [r["form"] for r in rows]
    after = rows[places.index(BROKEN.name) + 1]
    assert after["not_measured"] is None


def test_three_members_as_one_graph_say_what_they_need(rows):
    assert of(rows, ONE_GRAPH)["not_measured"] == "RuntimeError: a CUDA graph needs a GPU"


def test_batches_are_rows_of_their_own(rows):
    row = of(rows, Form(network="folded"), batch=2)
    assert row["fps"] == pytest.approx(2000 / row["median_ms"], rel=0.5)
    assert row["within_tolerance"] is True


def test_rows_are_kept_one_by_one(rows, kept):
    assert sorted(set(kept)) == list(range(1, len(rows) + 1))


def test_tables_show_both_columns_and_every_reason(rows):
    shown = {table.title.split(":")[0]: table for table in tables(rows)}
    reference = shown["Table 2's way"]
    assert [row[0] for row in reference.rows] == ["xs", "xs†", "xs†"]
    assert reference.rows[0][5].endswith(" (69.26)")
    assert shown["What they cost"].rows[0][3:] == ["0.07 (0.07)", "0.29 (0.29)"]
    assert any("conv.cu" in why for why, _ in shown["Not measured"].rows)
    assert all(len(row) == len(t.headers) for t in shown.values() for row in t.rows)
    assert any(cell.endswith(" !") for row in shown["Every form"].rows for cell in row)


def test_out_of_time_no_row_is_begun_and_no_network_made(monkeypatch):
    monkeypatch.setattr("converters.bench.gpu.case.subject", broken)
    said: list[str] = []
    bench = on_cpu(say=said.append, ends=time.monotonic() - 1)
    rows = gpu.run(bench, ("reference",), ("xs",))
    assert {r["not_measured"] for r in rows} == {
        "the time given was used up before this; run it by itself"
    }
    assert len(said) == len(rows) == 6 + 3


def test_a_network_that_cannot_be_made_is_a_reason_too(monkeypatch):
    monkeypatch.setattr("converters.bench.gpu.case.subject", lambda *args: broken(args[0]))
    rows = gpu.run(on_cpu(), ("reference",), ("xs",))
    assert all("no kernel image" in r["not_measured"] for r in rows if r["variant"])


def test_without_a_gpu_the_12_rows_say_so_with_what_is_known(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(
        measuring, "costs_of", lambda v, _, __, m: Costs(variant=v, members=m, **COSTS)
    )
    said: list[str] = []
    rows = gpu.measure(say=said.append)
    assert [(r["variant"], r["members"]) for r in rows] == list(TABLE_2)
    assert all(list(row) == KEYS for row in rows)
    assert {r["not_measured"] for r in rows} == {gpu.why_not()} == set(said)
    assert gpu.why_not().startswith("no GPU: not run")
    assert {r["fps"] for r in rows} == {None}
    assert rows[0]["macs_true_g"] == 1
    assert [t.title.split(":")[0] for t in tables(rows)] == TITLES


def test_with_a_gpu_there_is_no_reason_not_to(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert gpu.why_not() is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"parts": ("all",)}, "no part 'all'; choose from limits, reference, best, ensembles"),
        ({"variants": ("xl",)}, "no variant 'xl'; choose from unet, o, o-sep"),
        ({"forms": ("int4",)}, "no form 'int4'; choose from fp32-as_trained-eager"),
    ],
)
def test_an_unknown_name_is_refused_before_anything_is_measured(given, text):
    with pytest.raises(UnknownName, match=text):
        gpu.measure(say=lambda text: None, **given)


def test_a_reason_is_one_line_without_folders():
    assert reason(ValueError("")) == "ValueError: no text"
    assert reason(ValueError("x" * 999)).endswith("x…")
    assert reason(OSError("/home/someone/cache/a.so: not found")) == "OSError: a.so: not found"

"""An artifact against an earlier one: the same answers agree, others differ, other tasks do not."""

from __future__ import annotations

import copy
import shutil

import pytest
import torch

from converters.bundle.read import Bundle, open_bundle, write_bundle
from converters.parity.baseline import EARLIER, compare_with
from converters.parity.edge_cases import hard_cases
from converters.parity.metrics import faults, made_by, verdict
from converters.parity.result import Verdict
from converters.parity.stages import ARTIFACT
from converters.targets import target
from converters.torchscript import converter as torchscript_lite
from mobileseg.errors import BadInput

FRAME_HW = (128, 160)


def test_the_same_file_agrees_with_itself_to_the_bit(tiny_bundle, cases):
    bundle = open_bundle(tiny_bundle)
    ticks: list[int] = []
    result = compare_with(
        bundle,
        bundle,
        cases[:2],
        "two phantoms",
        lambda: ticks.append(1),
        hard=hard_cases().read,
    )
    assert verdict(result) is Verdict.AGREES, faults(result)
    assert (result.stages, result.first, result.against) == ([ARTIFACT], EARLIER, str(tiny_bundle))
    assert all(p.end_to_end.max == 0 for p in (*result.pictures, *result.hard))
    assert len(ticks) == 9 and list(result.task["EX"]) == [EARLIER, ARTIFACT]


def test_a_file_with_another_weight_differs(tiny_bundle, tiny_run, write_run, cases, tmp_path):
    network = copy.deepcopy(tiny_run.network)
    with torch.no_grad():
        network.outconv.bias += 0.01
    folder = shutil.copytree(tiny_bundle, tmp_path / "later")
    order = target("torchscript").order([FRAME_HW])
    torchscript_lite.export(write_run(tmp_path / "run", network), order, folder / "model.ptl")
    earlier = open_bundle(tiny_bundle)
    later = Bundle(folder, earlier.manifest)
    result = compare_with(later, earlier, cases[:1], "one phantom")
    assert verdict(result) is Verdict.DIFFERS and made_by(result) == ARTIFACT


def test_what_answers_another_question_is_refused(tiny_bundle, tiny_run, tmp_path, cases):
    row = target("torchscript")
    for name, order in {
        "frames": row.order([(160, 128)]),
        "graph": row.order([FRAME_HW], graph="network"),
    }.items():
        write_bundle(tiny_run, tmp_path / name, target=row, order=order)
        with pytest.raises(BadInput, match=f"{name}: found {name} .*; expected .*convert both"):
            compare_with(open_bundle(tiny_bundle), open_bundle(tmp_path / name), cases[:1], "one")


def test_what_cannot_run_here_is_not_run_and_named(tiny_bundle, cases, monkeypatch):
    monkeypatch.setattr(torchscript_lite, "why_not", lambda order: "no such runtime")
    bundle = open_bundle(tiny_bundle)
    result = compare_with(bundle, bundle, cases[:1], "one")
    assert verdict(result) is Verdict.NOT_RUN
    assert result.not_run == f"{tiny_bundle}: no such runtime"

"""TorchScript Lite: readable by old runtimes, and frozen without becoming another graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from converters import torchscript_lite
from converters.bundle import open_bundle
from converters.deployable import deployable
from converters.goldens import golden_frames
from converters.targets import target
from mobileseg.data.phantom import make_phantom
from mobileseg.errors import BadInput
from mobileseg.spec import photo_to_frame

FRAME_HW = (128, 160)
ORDER = target("torchscript").order([FRAME_HW])


@pytest.fixture(scope="module")
def runner(tiny_bundle):
    return torchscript_lite.load(open_bundle(tiny_bundle).artifact)


def test_the_bytecode_is_one_that_runtimes_in_the_field_read(tiny_bundle, tiny_run):
    artifact = tiny_bundle / "model.ptl"
    assert torchscript_lite.describe(artifact)["bytecode"] <= 8
    (check,) = torchscript_lite.inspect(artifact, tiny_run, ORDER)
    assert check.holds


def test_newer_bytecode_would_be_found(tiny_bundle, tiny_run, monkeypatch):
    monkeypatch.setattr(torchscript_lite, "describe", lambda _: {"bytecode": 9})
    (check,) = torchscript_lite.inspect(tiny_bundle / "model.ptl", tiny_run, ORDER)
    assert (check.holds, check.found) == (False, "9")


@pytest.mark.parametrize("index", range(3))
@torch.no_grad()
def test_freezing_leaves_the_graphs_answer_as_it_was(index, runner, tiny_run):
    """Constant folding may fuse; it measured 1e-6. Misfolded, it is off by tenths."""
    graph = deployable(tiny_run, FRAME_HW)
    frame = photo_to_frame(make_phantom(21, 150, index=index, aspect=1.1).picture, FRAME_HW)
    expected = graph(torch.from_numpy(frame).unsqueeze(0))
    answer = runner(frame)
    assert np.abs(answer.probabilities - expected[0][0].numpy()).max() < 1e-5
    assert answer.crop.tolist() == expected[1][0].tolist()
    assert answer.retina == float(expected[2])


def test_frames_of_any_content_are_answered_and_the_order_does_not_matter(runner):
    """Traced on black: nothing of that frame may have become a constant of the graph."""
    retina, black = (g.frame for g in golden_frames(FRAME_HW))
    first = runner(retina)
    empty = runner(black)
    assert empty.retina == 0 and first.retina > 0.5
    assert np.isfinite(empty.probabilities).all()
    assert np.array_equal(runner(retina).probabilities, first.probabilities)


def test_a_run_is_the_same_after_it_was_exported(tiny_run, tmp_path):
    before = {k: v.clone() for k, v in tiny_run.network.state_dict().items()}
    torchscript_lite.export(tiny_run, ORDER, tmp_path / "model.ptl")
    after = tiny_run.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [p.name for p in tmp_path.iterdir()] == ["model.ptl"]


@pytest.mark.parametrize("content", [b"", b"not a module", b"PK\3\4" + b"\0" * 500], ids=len)
def test_a_file_that_is_no_module_is_refused_in_one_line(content, tmp_path):
    path = tmp_path / "model.ptl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"model\.ptl: PyTorch cannot load it .*") as caught:
        torchscript_lite.load(path)
    assert str(caught.value).endswith("convert it again")
    assert "\n" not in str(caught.value)


def test_a_truncated_module_is_refused(tiny_bundle, tmp_path):
    path = tmp_path / "model.ptl"
    path.write_bytes((tiny_bundle / "model.ptl").read_bytes()[:100_000])
    with pytest.raises(BadInput, match=r"model\.ptl: PyTorch cannot load it"):
        torchscript_lite.load(path)

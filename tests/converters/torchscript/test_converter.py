"""TorchScript Lite: readable by old runtimes, and frozen without becoming another graph."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from converters.bundle.goldens import golden_frames
from converters.bundle.read import open_bundle
from converters.deployable import deployable
from converters.targets import target
from converters.torchscript import converter as torchscript_lite
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.errors import BadInput
from mobileseg.spec import photo_to_frame

FRAME_HW = (128, 160)
ORDER = target("torchscript").order([FRAME_HW])


@pytest.fixture(scope="module")
def runner(tiny_bundle):
    return torchscript_lite.load(open_bundle(tiny_bundle).artifact)


@pytest.fixture(scope="module")
def artifact(tiny_bundle):
    return open_bundle(tiny_bundle).artifact


def broken(path, run):
    return {c.name: c.found for c in torchscript_lite.inspect(path, run, ORDER) if not c.holds}


def written(module, path):
    """A scripted module as `export` would write it, whatever is in it."""
    with torchscript_lite._deprecation_known():
        frozen = torch.jit.freeze(torch.jit.script(module.eval()))
        path.write_bytes(torchscript_lite._anonymous(frozen._save_to_buffer_for_lite_interpreter()))
    return path


def test_old_runtimes_can_read_the_file_and_know_its_operators(artifact, tiny_run):
    checks = {c.name: c for c in torchscript_lite.inspect(artifact, tiny_run, ORDER)}
    assert all(c.holds for c in checks.values())
    assert checks["bytecode 4 to 9"].found == "8"
    assert {f"PyTorch {v} knows every operator" for v in ("1.13.1", "2.1.2")} <= set(checks)
    called = torchscript_lite.operators(artifact)
    assert called["aten::_convolution"] == 13 and called["aten::upsample_bilinear2d.vec"] == 4
    assert torchscript_lite.describe(artifact) == {"bytecode": 8, "operators": list(called)}


def test_newer_bytecode_would_be_found(artifact, tiny_run, monkeypatch):
    monkeypatch.setattr(torchscript_lite, "NEWEST", 7)
    assert broken(artifact, tiny_run) == {"bytecode 4 to 7": "8"}


class Attention(torch.nn.Module):
    """Came with PyTorch 2.0."""

    def forward(self, x):
        return torch.nn.functional.scaled_dot_product_attention(x, x, x)


class Norm(torch.nn.Module):
    """Of linear algebra: left out of the table, so unknown."""

    def forward(self, x):
        return torch.linalg.vector_norm(x)


def test_an_operator_that_a_release_does_not_know_is_found(tiny_run, tmp_path):
    found = broken(written(Attention(), tmp_path / "model.ptl"), tiny_run)
    assert found == {
        "PyTorch 1.13.1 knows every operator": "aten::scaled_dot_product_attention is unknown"
    }


def test_an_operator_that_no_table_lists_counts_as_unknown(tiny_run, tmp_path):
    found = broken(written(Norm(), tmp_path / "model.ptl"), tiny_run)
    assert set(found.values()) == {"aten::linalg_vector_norm is unknown"}
    assert len(found) == 2


def test_more_arguments_than_a_release_takes_are_found(artifact, tiny_run, monkeypatch):
    known = torchscript_lite.known_operators()
    older = {**known["1.13.1"], "aten::_convolution": (12, 12), "aten::cat": (3, 4)}
    monkeypatch.setattr(torchscript_lite, "known_operators", lambda: {"1.0": older})
    assert broken(artifact, tiny_run) == {
        "PyTorch 1.0 knows every operator": (
            "aten::_convolution with 13 arguments takes 12 to 12, "
            "aten::cat with 2 arguments takes 3 to 4"
        )
    }


def test_the_tables_are_of_whole_releases():
    """A few that changed in between, by PyTorch's own schemas."""
    known = torchscript_lite.known_operators()
    assert list(known) == ["1.13.1", "2.1.2"]
    old, new = known.values()
    assert all(1200 < len(table) < 2000 for table in (old, new))
    assert old["aten::conv2d"] == new["aten::conv2d"] == (2, 7)
    assert "aten::squeeze.dims" in new and "aten::squeeze.dims" not in old
    assert (old["aten::to_dense"], new["aten::to_dense"]) == ((1, 2), (1, 3))
    assert torchscript_lite.KNOWN.stat().st_size < 60_000


def test_the_same_run_gives_the_same_bytes_again(artifact, tiny_run, tmp_path):
    """PyTorch numbers the classes that a process has traced, and names the file it wrote first."""
    again = tmp_path / "model.ptl"
    torchscript_lite.export(tiny_run, ORDER, again)
    assert again.read_bytes() == artifact.read_bytes()


def test_nothing_in_the_file_says_where_it_was_made(artifact, tiny_run, tmp_path, monkeypatch):
    with zipfile.ZipFile(artifact) as records:
        content = b"".join(records.read(name) for name in records.namelist())
    folders = (Path(__file__).parents[3], Path.home(), Path(sys.prefix), tempfile.gettempdir())
    assert not [f for f in folders if str(f).encode() + b"/" in content]
    monkeypatch.setattr(torchscript_lite, "_anonymous", lambda written: written)
    torchscript_lite.export(tiny_run, ORDER, tmp_path / "model.ptl")
    assert set(broken(tmp_path / "model.ptl", tiny_run)) == {
        "no path of the machine that converted"
    }


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


def test_a_file_that_cannot_run_is_named_in_one_line(runner, artifact):
    with pytest.raises(BadInput, match="PyTorch cannot run it") as caught:
        runner(
            np.zeros((8, 8, 2), np.uint8)
        )  # asks for what the graph has not, as a forged one does
    assert str(caught.value).startswith(f"{artifact}: ") and str(caught.value).isprintable()


def test_a_file_whose_names_are_no_text_is_named(artifact, tmp_path):
    """A name inside it, its length kept, in bytes that are no UTF-8."""
    path = tmp_path / "model.ptl"
    path.write_bytes(artifact.read_bytes().replace(b"aten::", b"\xff\xfe\xfd\xfc::"))
    with pytest.raises(BadInput, match=r"model\.ptl: PyTorch cannot load it"):
        torchscript_lite.load(path)

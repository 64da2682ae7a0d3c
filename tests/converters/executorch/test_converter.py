"""ExecuTorch: the network lowered whole, and a runner that keeps alive what it answers from."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from converters.bundle.goldens import reference_answer
from converters.bundle.read import open_bundle
from converters.executorch import converter as executorch_program
from converters.quiet import quiet
from converters.targets import target
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.spec import photo_to_frame

ORDER = target("executorch").order([(1024, 1024)])
pytest.importorskip("executorch", reason="not run: executorch is not installed")


@pytest.fixture(scope="module")
def artifact(bundles) -> Path:
    return open_bundle(bundles / "executorch").artifact


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    made = [make_phantom(9, 500, index=i, aspect=1.3).picture for i in range(2)]
    return [photo_to_frame(picture, (1024, 1024)) for picture in made]


@pytest.fixture(autouse=True)
def _silent():
    with quiet():
        yield


def broken(path, run) -> list[str]:
    return [c.name for c in executorch_program.inspect(path, run, ORDER) if not c.holds]


def test_the_network_is_delegated_and_no_convolution_is_outside(artifact, bundles):
    found = executorch_program.describe(artifact)
    assert set(found["delegates"]) == {"XnnpackBackend"}
    assert not [name for name in found["operators"] if "conv" in name or "pool" in name]
    assert found["operators"]["aten::index_select.out"] >= 1  # what XNNPACK has not stays outside
    assert found["constant_bytes"] + found["delegate_bytes"] < found["file_bytes"] < 750_000
    assert broken(artifact, open_bundle(bundles / "executorch").reference()) == []


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        ({"delegates": {}}, ["delegates to XnnpackBackend"]),
        ({"delegates": {"XnnpackBackend": 1, "VulkanBackend": 1}}, ["no other backend"]),
        ({"operators": {"aten::convolution.out": 1}}, ["no convolution outside the delegate"]),
    ],
)
def test_a_network_that_stayed_outside_is_found(changed, fails, artifact, bundles, monkeypatch):
    real = executorch_program.describe(artifact)
    monkeypatch.setattr(executorch_program, "describe", lambda _: real | changed)
    assert broken(artifact, open_bundle(bundles / "executorch").reference()) == fails


def test_a_constant_that_nothing_reads_is_found(artifact, bundles, monkeypatch):
    real = executorch_program.describe(artifact)
    heavier = real | {"constant_bytes": real["constant_bytes"] + 100_000}
    monkeypatch.setattr(executorch_program, "describe", lambda _: heavier)
    (name,) = broken(artifact, open_bundle(bundles / "executorch").reference())
    assert name.startswith("constants outside the delegate, at most")


def test_it_answers_as_the_reference_does(artifact, frames, bundles):
    runner = executorch_program.load(artifact)
    run = open_bundle(bundles / "executorch").reference()
    answer, expected = runner(frames[0]), reference_answer(run, frames[0])
    assert np.abs(answer.probabilities - expected.probabilities).max() < 1e-4  # 119 layers, float32
    assert answer.crop.tolist() == expected.crop.tolist()
    assert answer.probabilities.dtype == answer.crop.dtype == np.float32
    assert (answer.probabilities.shape, answer.crop.shape) == ((1, 128, 128), (4,))


def test_an_answer_is_the_callers_own_and_the_next_call_does_not_change_it(artifact, frames):
    runner = executorch_program.load(artifact)
    first = runner(frames[0])
    kept = first.probabilities.copy()
    second = runner(frames[1])
    assert np.array_equal(first.probabilities, kept)
    assert not np.array_equal(second.probabilities, kept)
    first.probabilities[:] = 0
    assert np.array_equal(runner(frames[0]).probabilities, kept)


def test_a_runner_outlives_everything_it_was_made_from(artifact, frames):
    """The method holds neither its program nor the program's bytes: freed, they answer garbage."""
    runner = executorch_program.load(artifact)
    expected = runner(frames[0]).probabilities
    for _ in range(3):
        other = executorch_program.load(artifact)  # takes memory that was let go of, if any was
        other(frames[1])
        del other
        gc.collect()
        rubbish = [bytes([i]) * 500_000 for i in range(20)]
        assert np.array_equal(runner(frames[0]).probabilities, expected)
        del rubbish


@pytest.mark.parametrize("content", [b"", b"not a program", b"\0" * 5000], ids=len)
def test_a_file_that_is_no_program_is_refused(content, tmp_path):
    path = tmp_path / "model.pte"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"model\.pte: ExecuTorch cannot load it .*convert it again"):
        executorch_program.load(path)


def test_a_truncated_program_is_refused(artifact, tmp_path):
    path = tmp_path / "model.pte"
    path.write_bytes(artifact.read_bytes()[:1000])
    with pytest.raises(BadInput, match=r"model\.pte: ExecuTorch cannot load it"):
        executorch_program.load(path)


def test_without_the_toolkit_the_extra_is_named(monkeypatch, artifact, tmp_path):
    import sys

    for name in ("executorch.exir", "executorch.runtime"):
        monkeypatch.setitem(sys.modules, name, None)  # `import` then raises ImportError
    assert executorch_program.why_not(ORDER) == (
        "executorch is not installed (pip install 'mobileseg[executorch]')"
    )
    expected = r"executorch is not installed .* pip install 'mobileseg\[executorch\]'"
    with pytest.raises(MissingToolkit, match=expected):
        executorch_program.load(artifact)
    with pytest.raises(MissingToolkit, match=expected):
        executorch_program.export(None, ORDER, tmp_path / "model.pte")

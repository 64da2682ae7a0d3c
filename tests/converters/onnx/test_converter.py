"""ONNX: one opset, one file, the same bytes from the same run, and no word of who made it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from converters import deployable as deployable_module
from converters.bundle.goldens import golden_frames, planes
from converters.bundle.read import open_bundle, write_bundle
from converters.deployable import deployable
from converters.onnx import converter as onnx_graph
from converters.options import Order
from converters.parity.compare import compare
from converters.parity.metrics import faults, verdict
from converters.parity.result import Verdict
from converters.quiet import quiet
from converters.targets import target
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.preprocess import reference
from mobileseg.preprocess.reference import preprocess
from mobileseg.runs import Run
from mobileseg.spec import photo_to_frame

onnx = pytest.importorskip("onnx", reason="not run: onnx is not installed")
pytest.importorskip("onnxscript", reason="not run: onnxscript is not installed")
pytest.importorskip("onnxruntime", reason="not run: onnxruntime is not installed")

FRAME_HW = (128, 160)
WHOLE = target("onnx").order([FRAME_HW])
NETWORK = target("onnx").order([FRAME_HW], graph="network")
CONVOLUTIONS = 119  # of U²-Net-XS


@pytest.fixture(scope="module")
def bundle(tiny_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx") / "bundle"
    write_bundle(tiny_run, folder, target=target("onnx"), order=WHOLE)
    return folder


@pytest.fixture(scope="module")
def artifact(bundle: Path) -> Path:
    return open_bundle(bundle).artifact


@pytest.fixture(scope="module")
def network(tiny_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    with quiet():
        onnx_graph.export(tiny_run, NETWORK, path)
    return path


def broken(path: Path, run: Run, order: Order = WHOLE) -> list[str]:
    return [c.name for c in onnx_graph.inspect(path, run, order) if not c.holds]


def test_every_check_holds_of_both_graphs(artifact, network, tiny_run):
    assert broken(artifact, tiny_run) == []
    assert broken(network, tiny_run, NETWORK) == []
    assert {"takes", "gives"} <= set(broken(network, tiny_run))  # of the other graph they do not


def _first(model: Any, kind: str) -> Any:
    return next(node for node in model.graph.node if node.op_type == kind)


def _set(node: Any, name: str, value: object) -> None:
    (found,) = [a for a in node.attribute if a.name == name]
    found.CopyFrom(onnx.helper.make_attribute(name, value))


def _opset_21(model: Any) -> None:
    model.opset_import[0].version = 21


def _exporters_own_format(model: Any) -> None:
    model.ir_version = 10


def _of_any_size(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "height"


def _float_frame(model: Any) -> None:
    """As if the bytes had become numbers before the graph."""
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT


def _outputs_swapped(model: Any) -> None:
    crop = onnx.ValueInfoProto()
    crop.CopyFrom(model.graph.output[1])
    del model.graph.output[1]
    model.graph.output.append(crop)


def _batch_norm(model: Any) -> None:
    relu = _first(model, "Relu")
    channels = next(
        t.dims[0]
        for n in model.graph.node
        if n.op_type == "Conv" and n.output[0] == relu.input[0]
        for t in model.graph.initializer
        if t.name == n.input[1]
    )
    ones = onnx.numpy_helper.from_array(np.ones(channels, np.float32), "ones")
    model.graph.initializer.append(ones)
    node = onnx.helper.make_node(
        "BatchNormalization", [relu.input[0], "ones", "ones", "ones", "ones"], ["normed"]
    )
    model.graph.node.insert(list(model.graph.node).index(relu), node)
    relu.input[0] = "normed"


def _lost_convolution(model: Any) -> None:
    """One that gives as many channels as it takes: every shape stays right."""
    shapes = {t.name: list(t.dims) for t in model.graph.initializer}
    node = next(n for n in model.graph.node if n.op_type == "Conv" and _same_shape(n, shapes))
    del node.input[1:], node.attribute[:]
    node.op_type = "Identity"


def _same_shape(node: Any, shapes: dict[str, list[int]]) -> bool:
    into, out_of = shapes[node.input[1]][:2]
    strides = [list(a.ints) for a in node.attribute if a.name == "strides"]
    return into == out_of and strides in ([], [[1, 1]])


def _aligned_corners(model: Any) -> None:
    _set(_first(model, "Resize"), "coordinate_transformation_mode", "align_corners")


def _asymmetric(model: Any) -> None:
    _set(_first(model, "Resize"), "coordinate_transformation_mode", "asymmetric")


def _nearest(model: Any) -> None:
    _set(_first(model, "Resize"), "mode", "nearest")


def _through(kind: int) -> Callable[[Any], None]:
    """The last values before the sigmoid, there and back in another precision."""

    def plant(model: Any) -> None:
        sigmoid = _first(model, "Sigmoid")
        at = list(model.graph.node).index(sigmoid)
        there = onnx.helper.make_node("Cast", [sigmoid.input[0]], ["there"], to=kind)
        back = onnx.helper.make_node("Cast", ["there"], ["back"], to=onnx.TensorProto.FLOAT)
        sigmoid.input[0] = "back"
        model.graph.node.insert(at, back)
        model.graph.node.insert(at, there)

    return plant


def _half_constant(model: Any) -> None:
    half = onnx.numpy_helper.from_array(np.ones(3, np.float16), "half")
    model.graph.initializer.append(half)


def _loose_end(model: Any) -> None:
    _first(model, "Sigmoid").input[0] = "nowhere"


def _trace(model: Any) -> None:
    entry = model.graph.node[0].metadata_props.add()
    entry.key, entry.value = "pkg.torch.onnx.stack_trace", 'File "model.py", line 3'


def _own_path(module: ModuleType) -> Callable[[Any], None]:
    def plant(model: Any) -> None:
        model.doc_string = f'"{module.__file__}", line 3'

    return plant


FAULTS: list[tuple[Callable[[Any], None], str]] = [
    (_opset_21, "operators of opset 18 alone, in IR version 8"),
    (_exporters_own_format, "operators of opset 18 alone, in IR version 8"),
    (_of_any_size, "takes"),
    (_float_frame, "takes"),
    (_outputs_swapped, "gives"),
    (_batch_norm, "batch norm is folded"),
    (_lost_convolution, "every convolution is there"),
    (_aligned_corners, "upsampling linear, by half pixels"),
    (_asymmetric, "upsampling linear, by half pixels"),
    (_nearest, "upsampling linear, by half pixels"),
    (_through(10), "nothing in float16 or float64"),
    (_through(11), "nothing in float16 or float64"),
    (_half_constant, "nothing in float16 or float64"),
    (_loose_end, "valid ONNX"),
    (_trace, "no path of the machine that converted"),
    (_own_path(deployable_module), "no path of the machine that converted"),
    (_own_path(reference), "no path of the machine that converted"),
]


@pytest.mark.parametrize(
    ("plant", "expected"), FAULTS, ids=lambda f: getattr(f, "__name__", "").strip("_")
)
def test_a_planted_fault_breaks_its_check(plant, expected, artifact, tiny_run, tmp_path):
    model = onnx.load_model_from_string(artifact.read_bytes())
    plant(model)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert broken(path, tiny_run) == [expected]


def test_weights_kept_elsewhere_are_found(artifact, tiny_run, tmp_path):
    model = onnx.load_model_from_string(artifact.read_bytes())
    path = tmp_path / "model.onnx"
    onnx.save_model(model, str(path), save_as_external_data=True, location="weights.bin")
    assert "weights are in the file" in broken(path, tiny_run)


def test_nothing_in_the_file_says_where_it_was_made(artifact, network):
    """The exporter writes a stack trace at every node; stripped, no folder of ours is in it."""
    folders = (Path(__file__).parents[3], Path.home(), Path(sys.prefix), tempfile.gettempdir())
    for path in (artifact, network):
        content = path.read_bytes()
        assert not [f for f in folders if str(f).encode() + b"/" in content]
        assert not [m for m in (b"stack_trace", b"File ", b"site-packages") if m in content]


def test_another_process_writes_the_same_bytes(artifact, tiny_run, tmp_path):
    again = tmp_path / "model.onnx"
    program = (
        "import sys; from pathlib import Path\n"
        "from converters.onnx import converter\n"
        "from converters.targets import target\n"
        "from mobileseg.runs import open_run\n"
        "run, into = map(Path, sys.argv[1:])\n"
        f"order = target('onnx').order([{FRAME_HW}])\n"
        "converter.export(open_run(run), order, into)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(tiny_run.path), str(again)],
        check=True,
        capture_output=True,
    )
    assert again.read_bytes() == artifact.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]  # weights and all


def test_onnxruntime_agrees_with_the_reference(bundle, cases):
    result = compare(open_bundle(bundle), cases[:4], "phantoms")
    assert (verdict(result), faults(result)) == (Verdict.AGREES, [])
    assert (
        max(p.same_tensor.max for p in result.pictures) < 1e-5
    )  # measured 5e-6 at most on 47 pictures of IDRiD


@torch.no_grad()
def test_frames_of_any_content_are_answered_as_the_graph_does(artifact, tiny_run):
    """Traced on black: nothing of that frame may have become a constant of the graph."""
    runner, graph = onnx_graph.load(artifact), deployable(tiny_run, FRAME_HW)
    frames = [g.frame for g in golden_frames(FRAME_HW)]
    frames.append(photo_to_frame(make_phantom(21, 150, aspect=1.1).picture, FRAME_HW))
    answers = [runner(frame) for frame in frames]
    for frame, answer in zip(frames, answers, strict=True):
        expected = graph(torch.from_numpy(frame).unsqueeze(0))
        assert np.abs(answer.probabilities - expected[0][0].numpy()).max() < 1e-5
        assert answer.crop.tolist() == expected[1][0].tolist()
        assert answer.retina == pytest.approx(float(expected[2]), abs=1e-6)
    assert answers[1].retina == 0 and answers[0].retina > 0.5
    assert np.array_equal(runner(frames[0]).probabilities, answers[0].probabilities)


def test_a_network_alone_answers_the_picture_after_clahe(network, artifact, tiny_run):
    spec = tiny_run.config.preprocess.with_frame(FRAME_HW)
    frame = next(iter(golden_frames(FRAME_HW))).frame
    done = preprocess(frame, spec)
    alone = onnx_graph.load(network)(planes(done.enhanced))
    whole = onnx_graph.load(artifact)(frame)
    # Of the disc it knows nothing: whoever prepares the picture cuts the answer to it.
    assert np.abs(done.within_disc(alone.probabilities) - whole.probabilities).max() < 1e-5
    assert np.isnan(alone.crop).all() and np.isnan(alone.retina)


def test_the_operators_are_counted(artifact, network):
    whole, alone = onnx_graph.describe(artifact), onnx_graph.describe(network)
    assert whole["opset"] == alone["opset"] == 18
    assert whole["operators"]["Conv"] == alone["operators"]["Conv"] == CONVOLUTIONS
    assert "ScatterElements" in whole["operators"] and "Cast" not in alone["operators"]
    assert alone["constant_bytes"] < network.stat().st_size < 1.5 * alone["constant_bytes"]


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08" + b"\0" * 500], ids=len)
def test_a_file_that_is_no_model_is_refused_in_one_line(content, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"model\.onnx: onnxruntime cannot load it") as caught:
        onnx_graph.load(path)
    assert str(caught.value).endswith("convert it again")
    assert "\n" not in str(caught.value)


def test_a_truncated_model_is_refused(artifact, tiny_run, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(artifact.read_bytes()[:100_000])
    with pytest.raises(BadInput, match=r"model\.onnx: onnxruntime cannot load it"):
        onnx_graph.load(path)
    with pytest.raises(BadInput, match=r"model\.onnx: not an ONNX model .*; convert it again"):
        onnx_graph.inspect(path, tiny_run, WHOLE)


def test_without_the_toolkit_the_extra_is_named(monkeypatch, artifact, tmp_path):
    for name in ("onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)  # `import` then raises ImportError
    assert onnx_graph.why_not(WHOLE) == (
        "onnxruntime is not installed (pip install 'mobileseg[onnx]')"
    )
    with pytest.raises(MissingToolkit, match=r"onnxruntime .* pip install 'mobileseg\[onnx\]'"):
        onnx_graph.load(artifact)
    with pytest.raises(MissingToolkit, match=r"onnx .* pip install 'mobileseg\[onnx\]'"):
        onnx_graph.export(None, WHOLE, tmp_path / "model.onnx")
    with pytest.raises(MissingToolkit, match=r"onnx .* pip install 'mobileseg\[onnx\]'"):
        onnx_graph.describe(artifact)

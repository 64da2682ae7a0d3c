"""ONNX: `model.onnx`, for web pages and as the peer that everyone can run.

Opset 18 is the oldest that PyTorch's exporter writes without a conversion afterwards, so the one
that most runtimes take: onnxruntime since 1.14, onnxruntime-web included. The file's own format is
of the same age, IR version 8; the exporter writes 10, which runtimes before 1.18 refuse.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from converters.deployable import (
    BYTES,
    INPUT,
    NETWORK_INPUT,
    OUTPUTS,
    exported_program,
    output_names,
    shipped_ensemble,
    shipped_graph,
)
from converters.options import Order
from converters.own_paths import OWN_PATHS
from converters.targets import Answer, Check, Runner
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.files.atomic import staged_file
from mobileseg.quality.values import VALUES
from mobileseg.quantization.layers import CONVOLUTIONS
from mobileseg.runs import Run
from mobileseg.version import __version__

LAYOUT = BYTES
EVALUATION = BLIND_TO = ""
program = exported_program  # which is what the exporter begins with
OPSET, IR_VERSION = 18, 8
# What a file that was not stripped shows: where whoever converted keeps Python and this package.
TRACES = (b"stack_trace", b"site-packages", b'File "')
# Coordinates of a Resize; the two are equal where a map is larger than one pixel.
RESIZED = {"linear half_pixel", "linear pytorch_half_pixel"}


def why_not(order: Order) -> str | None:
    """Runs wherever onnxruntime is installed."""
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        return "onnxruntime is not installed (pip install 'mobileseg[onnx]')"
    return None


def export(run: Run, order: Order, path: Path) -> None:
    """Export, strip what does not compute, write; the same run gives the same bytes.

    Raises:
        MissingToolkit: onnx or onnxscript is not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingToolkit.install(str(error.name), "onnx") from None
    # It remarks on torchvision's absence, which nothing here has to do with.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    graph = shipped_graph(run, order, LAYOUT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the exporter's, of PyTorch's own pytrees
        program = torch.onnx.export(
            graph,
            (graph.example(),),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT if order.whole else NETWORK_INPUT],
            output_names=list(output_names(run.config)) if order.whole else [OUTPUTS[0]],
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _strip(model)
    onnx.checker.check_model(model, full_check=True)
    with staged_file(path) as staged:
        staged.write_bytes(model.SerializeToString(deterministic=True))


def _strip(model: Any) -> None:
    """Drop stack traces, with the paths of whoever converted, and names that only a debugger reads.

    They are two thirds of what XS would weigh.
    """
    model.ir_version = IR_VERSION  # nothing that a later one brought is left below
    model.producer_name, model.producer_version = "mobileseg", __version__
    model.doc_string = ""
    del model.metadata_props[:]
    graph = model.graph
    graph.name, graph.doc_string = "mobileseg", ""
    del graph.metadata_props[:]
    del graph.value_info[:]  # onnxruntime infers the shapes in between itself
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    del model.functions[:]


def graph(run: Run, order: Order) -> nn.Module:
    """The module that is exported."""
    return shipped_graph(run, order, LAYOUT)


def rounded(run: Run, order: Order, path: Path) -> nn.Module | None:
    """None: there is float32 alone."""
    return None


def load(path: Path) -> Runner:
    """Open a `.onnx` with onnxruntime, on the CPU.

    Raises:
        MissingToolkit: onnxruntime is not installed.
        BadInput: the file is not a model it can load.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingToolkit.install("onnxruntime", "onnx") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its own kinds, which have no common base
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"{path}: onnxruntime cannot load it ({reason}); convert it again"
        ) from error
    (taken,) = session.get_inputs()

    def run(picture: NDArray[Any]) -> Answer:
        return Answer.of(session.run(None, {taken.name: picture[None]}))

    return run


def inspect(path: Path, run: Run, order: Order) -> list[Check]:
    """What the file takes, gives and computes with; see each name."""
    model = _read(path)
    graph = model.graph
    spec = run.config.preprocess.with_frame(order.frame_hw)
    side, classes = spec.side_px, len(run.config.lesions)
    taken = [(INPUT, "UINT8", [1, *spec.frame_hw, 3])]
    shapes = [[1, classes, side, side], [1, 4], [1, 1], [1, classes + len(VALUES)]]
    given = [
        (name, "FLOAT", shape)
        for name, shape in zip(output_names(run.config), shapes, strict=False)
    ]
    if not order.whole:
        taken, given = [(NETWORK_INPUT, "FLOAT", [1, 3, side, side])], given[:1]
    opsets = {o.domain: o.version for o in model.opset_import}
    shipped = shipped_ensemble(run, order)
    convolutions = sum(isinstance(m, CONVOLUTIONS) for m in shipped.modules())
    found = Counter(node.op_type for node in graph.node)
    batch_norms = found["BatchNormalization"]
    convolved = found["Conv"] + found["ConvTranspose"]
    resized = [_resized(node) for node in graph.node if node.op_type == "Resize"]
    odd = [mode for mode in resized if mode not in RESIZED]
    away = sum(t.data_location == t.EXTERNAL for t in graph.initializer)
    kinds = sorted(set(_kinds(model)) & {"DOUBLE", "FLOAT16", "BFLOAT16"})
    traces = sum(path.read_bytes().count(mark) for mark in (*TRACES, *OWN_PATHS))
    refused = _refused(model)
    return [
        Check("valid ONNX", refused is None, refused or "valid"),
        Check(
            f"operators of opset {OPSET} alone, in IR version {IR_VERSION}",
            opsets == {"": OPSET} and model.ir_version == IR_VERSION,
            f"{opsets}, IR version {model.ir_version}",
        ),
        _same("takes", _described(graph.input), taken),
        _same("gives", _described(graph.output), given),
        Check("every convolution is there", convolved == convolutions, str(convolved)),
        Check("batch norm is folded", not batch_norms, str(batch_norms)),
        Check(
            "upsampling linear, by half pixels",
            not odd,
            ", ".join(sorted(set(odd))) or f"{len(resized)} Resize",
        ),
        Check("nothing in float16 or float64", not kinds, ", ".join(kinds) or "none"),
        Check("weights are in the file", not away, f"{away} elsewhere"),
        Check("no path of the machine that converted", not traces, str(traces)),
    ]


def _refused(model: Any) -> str | None:
    """What ONNX's own checker says against it, shapes and types of every value included."""
    import onnx

    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        return str(error).strip().splitlines()[0]
    return None


def _kinds(model: Any) -> Iterator[str]:
    """The type of every constant, and of every value that types can be inferred of."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    for tensor in graph.initializer:
        yield _kind(tensor.data_type)
    for value in (*graph.value_info, *graph.input, *graph.output):
        yield _kind(value.type.tensor_type.elem_type)


def _same(what: str, found: list[Any], expected: list[Any]) -> Check:
    text = ", ".join(f"{name} {kind} {tuple(shape)}" for name, kind, shape in found)
    return Check(what, found == expected, text)


def _described(values: Any) -> list[tuple[str, str, list[int]]]:
    return [
        (
            v.name,
            _kind(v.type.tensor_type.elem_type),
            [d.dim_value for d in v.type.tensor_type.shape.dim],
        )
        for v in values
    ]


def _kind(data_type: int) -> str:
    import onnx

    return str(onnx.TensorProto.DataType.Name(data_type))


def _resized(node: Any) -> str:
    """How a Resize interpolates and where it samples; what is not said has ONNX's default."""
    said = {a.name: a.s.decode() for a in node.attribute}
    sampled = said.get("coordinate_transformation_mode", "half_pixel")
    return f"{said.get('mode', 'nearest')} {sampled}"


def _read(path: Path) -> Any:
    try:
        import onnx
    except ImportError:
        raise MissingToolkit.install("onnx", "onnx") from None
    try:
        return onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # protobuf's, by whichever of its implementations is in use
        raise BadInput(f"{path}: not an ONNX model ({error}); convert it again") from error


def describe(path: Path) -> dict[str, Any]:
    """Its operator set, how many there are of each operator, and what its constants weigh."""
    model = _read(path)
    counts = Counter(node.op_type for node in model.graph.node)
    return {
        "opset": next(o.version for o in model.opset_import if not o.domain),
        "operators": dict(sorted(counts.items())),
        "constant_bytes": sum(len(t.raw_data) for t in model.graph.initializer),
    }


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("onnx", "onnxscript", "torch")}

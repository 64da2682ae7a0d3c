"""What an XNNPACK delegate in a written `.pte` really holds: its layers, and how they are stored.

A network can be lowered whole, run, and still hold not one int8 weight; only the file tells.
"""

from __future__ import annotations

import json
import re
import struct
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobileseg.errors import BadInput

BACKEND = "XnnpackBackend"
CONVOLUTIONS = {"XNNConv2d", "XNNDepthwiseConv2d", "XNNConvTranspose2d"}
INT8_WEIGHT = {"xnn_datatype_qcint8", "xnn_datatype_qint8"}
HALF = "xnn_datatype_fp16"
# How flatc prints what JSON has no word for: an open end of a ReLU.
NOT_JSON = re.compile(r"(?<=[\s:])(-?)(inf|nan)\b")


@dataclass(frozen=True, slots=True)
class Delegates:
    """All XNNPACK delegates of one file together."""

    operations: dict[str, int]  # XNNPACK's name -> how many
    convolutions: int
    int8_convolutions: int  # of them, with int8 weights
    half_convolutions: int  # of them, with fp16 input
    weight_bytes: int  # of convolutions: kernels with their scales, and biases


def read_delegates(path: Path) -> Delegates:
    """Read a program's XNNPACK delegates from disk.

    Raises:
        BadInput: the file is no program, or its delegates are of another toolkit version.
    """
    from executorch.exir._serialize._program import deserialize_pte_binary

    try:
        program = deserialize_pte_binary(path.read_bytes()).program
        graphs = [
            _graph(bytes(program.backend_delegate_data[delegate.processed.index].data))
            for delegate in program.execution_plan[0].delegates
            if delegate.id == BACKEND
        ]
    except (ValueError, KeyError, IndexError, RuntimeError, struct.error) as error:
        raise BadInput(
            f"{path}: cannot read its XNNPACK delegates ({error}); convert again"
        ) from error
    operations: Counter[str] = Counter()
    convolutions = int8 = half = weight_bytes = 0
    for graph in graphs:
        values = {_tensor(v)["id_out"]: _tensor(v) for v in graph["xvalues"]}
        for node in graph["xnodes"]:
            operations[node["xnode_union_type"]] += 1
            if node["xnode_union_type"] not in CONVOLUTIONS:
                continue
            inner = node["xnode_union"]
            kernel, bias = values[inner["filter_id"]], values.get(inner["bias_id"])
            convolutions += 1
            int8 += kernel["datatype"] in INT8_WEIGHT
            half += values[inner["input1_id"]]["datatype"] == HALF
            weight_bytes += sum(_stored(graph, v) for v in (kernel, bias) if v is not None)
    return Delegates(dict(sorted(operations.items())), convolutions, int8, half, weight_bytes)


def _tensor(value: dict[str, Any]) -> dict[str, Any]:
    """The tensor's description, with the scales of a quantized one beside it."""
    union = value["xvalue_union"]
    inner = union.get("tensor_value")
    return union if inner is None else {**inner, "quant_params": union.get("quant_params", {})}


def _stored(graph: dict[str, Any], value: dict[str, Any]) -> int:
    """Bytes of a tensor in the file, its scales included."""
    constants = graph["constant_data"]
    place = value.get("quant_params", {}).get("scale_buffer_idx", 0)
    return sum(int(constants[i]["size"]) for i in (value["constant_buffer_idx"], place) if i)


def _graph(blob: bytes) -> dict[str, Any]:
    """XNNPACK's own graph, from the flatbuffer behind the delegate's header."""
    from executorch.backends.xnnpack.serialization.xnnpack_graph_serialize import (
        XNNHeader,
        _get_schema_bytes,
    )
    from executorch.exir._serialize._flatbuffer import _flatc_decompile

    header = XNNHeader.from_bytes(blob[: XNNHeader.EXPECTED_LENGTH])
    start = header.flatbuffer_offset
    with tempfile.TemporaryDirectory() as folder:
        schema, data = Path(folder, "schema.fbs"), Path(folder, "graph.bin")
        schema.write_bytes(_get_schema_bytes())
        data.write_bytes(blob[start : start + header.flatbuffer_size])
        flags = ["--raw-binary", "--strict-json", "--defaults-json"]
        _flatc_decompile(folder, str(schema), str(data), flags)
        text = Path(folder, "graph.json").read_text()
    named = {"inf": "Infinity", "nan": "NaN"}
    graph: dict[str, Any] = json.loads(NOT_JSON.sub(lambda m: m[1] + named[m[2]], text))
    return graph

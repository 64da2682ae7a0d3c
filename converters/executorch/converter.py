"""ExecuTorch: `model.pte`.

The network goes to a backend, in one delegate; what the backend does not take runs on ExecuTorch's
portable kernels.
"""

from __future__ import annotations

import math
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import nn

from converters.deployable import (
    BYTES,
    GROUPED,
    exported,
    exported_program,
    shipped_ensemble,
    shipped_graph,
)
from converters.executorch.backends import BACKENDS
from converters.executorch.coreml_delegate import read_coreml_delegates
from converters.executorch.xnnpack import read_delegates
from converters.options import Order
from converters.targets import Answer, Check, Runner
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.files.atomic import staged_file
from mobileseg.models.ensemble import Ensemble
from mobileseg.models.reparameterize import TAPS
from mobileseg.quantization.fp16_simulation import rounded_to_half
from mobileseg.quantization.layers import CONVOLUTIONS
from mobileseg.quantization.quantized_run import open_quantized
from mobileseg.runs import Run

LAYOUT = BYTES
EVALUATION = BLIND_TO = ""
program = exported_program  # before anything is lowered
LIFTED = 512  # bytes: scalars that the exporter makes constants of; some 14 at small frames
ALIGNED = 16  # bytes; every constant in a file begins at a multiple of it


def _require() -> None:
    try:
        import executorch.exir  # noqa: F401
    except ImportError:
        raise MissingToolkit.install("executorch", "executorch") from None


def why_not(order: Order) -> str | None:
    """XNNPACK's files run wherever the package is installed, the others' on a phone alone."""
    try:
        import executorch.runtime  # noqa: F401
    except ImportError:
        return "executorch is not installed (pip install 'mobileseg[executorch]')"
    return BACKENDS[order.backend].not_here


class _Half(nn.Module):
    """A network in half precision, weights and values, between float32 on both sides."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.inner = network.half()

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [self.inner(x.half())[0].float()]


def _ensemble(run: Run, order: Order) -> Ensemble:
    """The networks in the order's precision."""
    if order.precision == "int8":
        if order.member_execution == GROUPED:
            raise BadInput(
                f"{run.path}: found int8 and --member-execution grouped; expected serial: every "
                "member has ranges of its own, which one map of all members could not keep"
            )
        return open_quantized(run).converted(run)
    ensemble = _in_float(run, order)
    if order.precision == "fp16" and BACKENDS[order.backend].halves_network:
        for member in ensemble.members:
            member.network = _Half(cast(nn.Module, member.network))
    return ensemble.eval()


def _in_float(run: Run, order: Order) -> Ensemble:
    """Lean where XNNPACK computes in float32: its kernels make 8 or 16 channels at a time."""
    lean = order.precision == "fp32" and order.backend == "xnnpack"
    return shipped_ensemble(run, order, TAPS if lean else None)


def export(run: Run, order: Order, path: Path) -> None:
    """Export, lower to the backend, write.

    Raises:
        MissingToolkit: executorch, or what its backend needs, is not installed.
        UnknownName: the backend has no such precision.
        BadInput: int8, and the run has no int8 form.
    """
    _require()
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    backend = BACKENDS[order.backend]
    backend.refuse_precision(order.precision)
    partitioner = backend.partitioner(order.precision)
    lowered = to_edge_transform_and_lower(
        exported(shipped_graph(run, order, LAYOUT, _ensemble(run, order))),
        partitioner=[partitioner],
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    with staged_file(path) as staged:
        staged.write_bytes(lowered.to_executorch().buffer)


def graph(run: Run, order: Order) -> nn.Module:
    """The module that is exported, in float32."""
    return shipped_graph(run, order, LAYOUT, _in_float(run, order))


def rounded(run: Run, order: Order, path: Path) -> nn.Module | None:
    """int8 as PyTorch simulates it; fp16 rounded after every operation of the networks."""
    if order.precision == "fp16":
        half = rounded_to_half(shipped_ensemble(run, order))
        return shipped_graph(run, order, LAYOUT, half)
    if order.precision == "int8":
        return shipped_graph(run, order, LAYOUT, _ensemble(run, order))
    return None


def load(path: Path) -> Runner:
    """Open a `.pte` with ExecuTorch's own runtime.

    Raises:
        MissingToolkit: executorch is not installed.
        BadInput: the file is not a program it can load.
    """
    try:
        from executorch.runtime import Runtime, Verification
    except ImportError:
        raise MissingToolkit.install("executorch", "executorch") from None

    # The method reads from the program and the program from these bytes, and neither keeps its
    # source alive: let go of one, and the next call answers from freed memory.
    source = path.read_bytes()
    try:
        program = Runtime.get().load_program(source, verification=Verification.Minimal)
        method = program.load_method("forward")
    except (RuntimeError, KeyError) as error:  # KeyError: it has no such method
        raise BadInput(f"{path}: ExecuTorch cannot load it ({error}); convert it again") from None
    if method is None:
        raise BadInput(f"{path}: no method 'forward'; convert it again")

    def run(picture: NDArray[Any], alive: tuple[Any, ...] = (source, program)) -> Answer:
        outputs = method.execute([torch.from_numpy(picture).unsqueeze(0)])
        # Outputs are views into the runtime's memory, valid until the next call: copy now.
        return Answer.of([o.clone().numpy() for o in outputs])

    return run


def inspect(path: Path, run: Run, order: Order) -> list[Check]:
    """What was asked for is what the file holds: delegates, precision, and no unused constant."""
    found = describe(path)
    backend, members = BACKENDS[order.backend], len(_in_float(run, order).members)
    delegates = found["delegates"].get(backend.delegate, 0)
    portable = [name for name in found["operators"] if "convolution" in name]
    needed = _constants(run, order)
    return [
        Check(f"delegates to {backend.delegate}", delegates >= members, str(delegates)),
        Check("no other backend", set(found["delegates"]) <= {backend.delegate}, _listed(found)),
        Check("no convolution outside the delegate", not portable, ", ".join(portable) or "none"),
        Check(
            f"constants outside the delegate, at most {needed} B that the preprocessing reads",
            found["constant_bytes"] <= needed,
            f"{found['constant_bytes']} B",
        ),
        *_precision_checks(path, run, order, found),
    ]


def _listed(found: dict[str, Any]) -> str:
    return ", ".join(f"{count} {name}" for name, count in found["delegates"].items()) or "none"


def _constants(run: Run, order: Order) -> int:
    """Bytes of the buffers that the graph outside the networks has; each is stored aligned."""
    graph = shipped_graph(run, order, LAYOUT)
    outside = [buffer for name, buffer in graph.named_buffers() if ".network." not in f".{name}."]
    return LIFTED + sum(
        ALIGNED * math.ceil(b.numel() * b.element_size() / ALIGNED) for b in outside
    )


def _precision_checks(path: Path, run: Run, order: Order, found: dict[str, Any]) -> list[Check]:
    """Counted in the delegates themselves where their format can be read."""
    convolutions = sum(isinstance(m, CONVOLUTIONS) for m in _in_float(run, order).modules())
    half = convolutions if order.precision == "fp16" else 0
    if order.backend == "vulkan":
        asked = found["compile_specs"].get("VulkanBackend", {}).get("force_fp16", "\0")
        return [Check("fp16 was asked of the backend", (asked == "\1") == bool(half), repr(asked))]
    if order.backend == "coreml":
        package = read_coreml_delegates(path)
        return [
            _all_there(package.convolutions, convolutions),
            Check(
                f"convolutions in fp16, for {order.precision}",
                package.half_convolutions == half,
                str(package.half_convolutions),
            ),
        ]
    inside = read_delegates(path)
    int8 = open_quantized(run).counts(run)[0] if order.precision == "int8" else 0
    return [
        _all_there(inside.convolutions, convolutions),
        Check(
            f"convolutions with int8 weights, {int8} were chosen",
            inside.int8_convolutions == int8,
            str(inside.int8_convolutions),
        ),
        Check(
            f"convolutions in fp16, for {order.precision}",
            inside.half_convolutions == half,
            str(inside.half_convolutions),
        ),
    ]


def _all_there(found: int, expected: int) -> Check:
    return Check("every convolution is delegated", found == expected, f"{found} of {expected}")


def describe(path: Path) -> dict[str, Any]:
    """Delegates, the operators left outside them with their calls, and what takes the bytes."""
    _require()
    from executorch.exir._serialize._program import deserialize_pte_binary

    file = deserialize_pte_binary(path.read_bytes())
    program = file.program
    plan = program.execution_plan[0]
    calls = Counter(
        instruction.instr_args.op_index
        for chain in plan.chains
        for instruction in chain.instructions
        if hasattr(instruction.instr_args, "op_index")
    )
    names = [f"{op.name}.{op.overload}".rstrip(".") for op in plan.operators]
    outside: Counter[str] = Counter()
    for index, count in calls.items():
        outside[names[index]] += count
    named = file.named_data
    return {
        "delegates": dict(Counter(delegate.id for delegate in plan.delegates)),
        "compile_specs": {
            delegate.id: {spec.key: _readable(bytes(spec.value)) for spec in delegate.compile_specs}
            for delegate in plan.delegates
        },
        "operators": dict(sorted(outside.items())),
        "constant_bytes": sum(len(buffer.storage) for buffer in program.constant_buffer),
        "delegate_bytes": sum(len(data.data) for data in program.backend_delegate_data)
        + (sum(len(buffer) for buffer in named.buffers) if named else 0),
        "file_bytes": path.stat().st_size,
    }


def _readable(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("executorch", "torch")}

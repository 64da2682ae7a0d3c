"""ExecuTorch: `model.pte`.

The network goes to a backend, in one delegate; what the backend does not take runs on ExecuTorch's
portable kernels.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from converters.deployable import BYTES, shipped_graph
from converters.executorch_partition import network_partitioner
from converters.orders import Order
from converters.targets import Answer, Check, Runner
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.files import staged_file
from mobileseg.runs import Run

LAYOUT = BYTES


def _require() -> None:
    try:
        import executorch.exir  # noqa: F401
    except ImportError:
        raise MissingToolkit.install("executorch", "executorch") from None


def why_not(order: Order) -> str | None:
    """Runs wherever its package is installed."""
    try:
        import executorch.runtime  # noqa: F401
    except ImportError:
        return "executorch is not installed (pip install 'mobileseg[executorch]')"
    return None


def export(run: Run, order: Order, path: Path) -> None:
    """Export, lower to the backend, write.

    Raises:
        MissingToolkit: executorch is not installed.
    """
    _require()
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    graph = shipped_graph(run, order, LAYOUT)
    program = torch.export.export(graph, (graph.example(),), strict=False)
    lowered = to_edge_transform_and_lower(
        program,
        partitioner=[network_partitioner()],
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    with staged_file(path) as staged:
        staged.write_bytes(lowered.to_executorch().buffer)


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
    except RuntimeError as error:
        raise BadInput(f"{path}: ExecuTorch cannot load it ({error}); convert it again") from None
    if method is None:
        raise BadInput(f"{path}: no method 'forward'; convert it again")

    def run(picture: NDArray[Any], alive: tuple[Any, ...] = (source, program)) -> Answer:
        outputs = method.execute([torch.from_numpy(picture).unsqueeze(0)])
        # Outputs are views into the runtime's memory, valid until the next call: copy now.
        return Answer.of([o.clone().numpy() for o in outputs])

    return run


def inspect(path: Path, run: Run, order: Order) -> list[Check]:
    """The network must be delegated: every convolution outside XNNPACK would be slow."""
    found = describe(path)
    portable = [name for name in found["operators"] if "convolution" in name]
    return [
        Check("something is delegated to XNNPACK", found["delegates"] > 0, str(found["delegates"])),
        Check("no convolution outside the delegate", not portable, ", ".join(portable) or "none"),
    ]


def describe(path: Path) -> dict[str, Any]:
    """Delegates, and the operators left outside them, read from the written file."""
    _require()
    from executorch.exir._serialize._program import deserialize_pte_binary

    plan = deserialize_pte_binary(path.read_bytes()).program.execution_plan[0]
    names = sorted({f"{op.name}.{op.overload}".rstrip(".") for op in plan.operators})
    return {"delegates": len(plan.delegates), "operators": names}


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("executorch", "torch")}

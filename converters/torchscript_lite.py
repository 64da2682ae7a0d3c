"""TorchScript Lite: `model.ptl`, for apps that carry the older PyTorch mobile runtime.

Deprecated upstream. It is traced and frozen, and never passed through `optimize_for_mobile`: that
is dead in current PyTorch and silently miscompiles this graph in older ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from converters.deployable import BYTES, shipped_graph
from converters.orders import Order
from converters.targets import Answer, Check, Runner
from mobileseg.errors import BadInput
from mobileseg.files import staged_file
from mobileseg.runs import Run

LAYOUT = BYTES


@contextmanager
def _deprecation_known() -> Iterator[None]:
    """Upstream says at every call that TorchScript is deprecated; the user chose it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", message=".*torch.jit.*")
        yield


def why_not(order: Order) -> str | None:
    """PyTorch itself runs it."""
    return None


def export(run: Run, order: Order, path: Path) -> None:
    """Trace, freeze, write for the lite interpreter."""
    graph = shipped_graph(run, order, LAYOUT)
    with _deprecation_known(), torch.no_grad(), staged_file(path) as staged:
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            graph, graph.example(), check_trace=False
        )
        torch.jit.freeze(traced)._save_for_lite_interpreter(str(staged))


def load(path: Path) -> Runner:
    """Open a `.ptl` with the lite interpreter.

    Raises:
        BadInput: the file is not one.
    """
    from torch.jit.mobile import _load_for_lite_interpreter

    try:
        with _deprecation_known():
            module = _load_for_lite_interpreter(str(path))  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{path}: PyTorch cannot load it ({reason}); convert it again") from None

    @torch.no_grad()
    def run(picture: NDArray[Any]) -> Answer:
        outputs = module(torch.from_numpy(picture).unsqueeze(0))
        return Answer.of(
            [o.numpy() for o in (outputs if isinstance(outputs, tuple) else (outputs,))]
        )

    return run


def inspect(path: Path, run: Run, order: Order) -> list[Check]:
    """Bytecode that the runtimes in the field can read."""
    found = describe(path)["bytecode"]
    return [Check("bytecode is 8 or older", found <= 8, str(found))]


def describe(path: Path) -> dict[str, Any]:
    """Bytecode version and operators of the written file."""
    from torch.jit.mobile import _get_model_bytecode_version

    return {"bytecode": _get_model_bytecode_version(str(path))}


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}

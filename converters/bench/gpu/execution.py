"""How a module is called: as it is, captured as one launch, or compiled and captured."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from converters.bench.gpu.modes import Form
from converters.bench.gpu.precisions import PRECISIONS
from converters.bench.gpu.transforms import SideBySide, shaped
from mobileseg.models.ensemble import Ensemble

Answer = Callable[[Tensor], Tensor]
SETTLING_CALLS = 3  # before a capture: cuDNN searches, the compiler compiles, memory is laid out


class Captured:
    """A call as one CUDA graph, for pictures of one shape.

    The answer lies in the graph's own memory and is overwritten by the next call.

    Raises:
        RuntimeError: there is no GPU, or something in the call cannot be captured.
    """

    def __init__(self, call: Answer, picture: Tensor) -> None:
        if picture.device.type != "cuda":
            raise RuntimeError("a CUDA graph needs a GPU")
        self.picture = picture.clone()
        aside = cast(Any, torch.cuda.Stream)()  # untyped in PyTorch
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(SETTLING_CALLS):
                call(self.picture)
        torch.cuda.current_stream().wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph(keep_graph=True)  # so that its nodes can be counted
        with torch.cuda.graph(self.graph):
            self.answer = call(self.picture)

    def __call__(self, picture: Tensor) -> Tensor:
        self.picture.copy_(picture)
        self.graph.replay()
        return self.answer

    def nodes(self) -> int | None:
        """Kernels and copies that one launch consists of; None where the driver is not asked."""
        try:
            driver = ctypes.CDLL("libcuda.so.1")
        except OSError:  # not Linux
            return None
        count = ctypes.c_size_t(0)
        graph = ctypes.c_void_p(self.graph.raw_cuda_graph())
        failed = driver.cuGraphGetNodes(graph, None, ctypes.byref(count))
        return None if failed else count.value


def _compiled(module: nn.Module, mode: str) -> nn.Module:
    """The module compiled in place, for one shape; streams are beyond the compiler."""
    parts = module.members if isinstance(module, SideBySide) else [module]
    for part in parts:
        part.compile(fullgraph=True, dynamic=False, mode=mode)
    return module


# name -> from the module and a picture of the shape that will come, to the call. The compiler's
# own graphs are left off: captured here, every form pays the same copy of its picture.
RUNS: dict[str, Callable[[nn.Module, Tensor], Answer]] = {
    "eager": lambda module, picture: module,
    "graph": Captured,
    "compiled": lambda module, picture: Captured(_compiled(module, "default"), picture),
    "autotuned": lambda module, picture: Captured(
        _compiled(module, "max-autotune-no-cudagraphs"), picture
    ),
}


def prepared(form: Form, ensemble: Ensemble, picture: Tensor) -> Answer:
    """What a form calls. Within `precisions.arithmetic`, which the capture and compiler look at.

    Args:
        ensemble: left as it is.
        picture: (N, 3, S, S) as `laid_out` gives it; later ones have its shape.

    Raises:
        Exception: whatever the compiler, a kernel or the memory has against it.
    """
    dtype = PRECISIONS[form.precision].dtype
    module = shaped(ensemble, form.network, form.together, dtype)
    if form.channels_last:
        # mypy knows no such overload; it is the documented call.
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return RUNS[form.run](module, picture)


def laid_out(pictures: Tensor, form: Form) -> Tensor:
    """(N, 3, S, S) in the memory layout that a form wants: an app's frames come as N H W C."""
    layout = torch.channels_last if form.channels_last else torch.contiguous_format
    return pictures.contiguous(memory_format=layout)

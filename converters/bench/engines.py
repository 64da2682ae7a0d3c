"""Who takes part: written files, and what a user would run instead of them.

An entrant is data, because it travels to a process of its own; `open_entrant` is called there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from converters.options import Order
from converters.quiet import quiet
from converters.targets import TARGETS, Runner
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.runs import Run, open_run

Call = Callable[[NDArray[Any]], object]
"""Answers one picture, as `Runner` takes it."""

BATCHED = 4  # dimensions
REFERENCE = "onnxruntime"  # what every ratio is taken to, in float32


@dataclass(frozen=True, slots=True)
class Entrant:
    """One thing that answers."""

    engine: str  # what computes: a row's `engine`
    order: Order  # graph, precision, frame
    run: Path  # the trained run that it was made from
    target: str | None = None  # of a written file; None: an engine of `OTHERS`
    artifact: Path | None = None
    label: str = ""  # tells apart what else is alike

    @property
    def name(self) -> str:
        """Unique in one benchmark."""
        return " ".join(filter(None, (self.engine, self.order.name(), self.label)))


def open_entrant(entrant: Entrant) -> Call:
    """Make it ready to answer; the caller has set the number of threads.

    Raises:
        MissingToolkit: what it runs on is not installed.
        BadInput: its file cannot be loaded.
    """
    if entrant.target is not None:
        assert entrant.artifact is not None
        return _opened(entrant.target, entrant.artifact)
    return OTHERS[entrant.engine](entrant)


def _opened(target: str, artifact: Path) -> Runner:
    if target == "executorch":
        from executorch.extension.pybindings import portable_lib

        portable_lib._unsafe_reset_threadpool(torch.get_num_threads())
    return TARGETS[target].converter().load(artifact)


def _graph(entrant: Entrant) -> torch.nn.Module:
    """The plain graph, batch norm folded: what someone without this package would run."""
    from converters.deployable import BYTES, shipped_graph

    return shipped_graph(open_run(entrant.run), entrant.order, BYTES)


def _eager(entrant: Entrant) -> Call:
    return _called(_graph(entrant))


def _compiled(entrant: Entrant) -> Call:
    return _called(torch.compile(_graph(entrant)))


def _called(graph: Callable[[torch.Tensor], Any]) -> Call:
    def call(picture: NDArray[Any]) -> object:
        given = torch.from_numpy(picture)
        with torch.inference_mode():  # (N, 3, S, S) is a batch already
            return graph(given if given.ndim == BATCHED else given.unsqueeze(0))

    return call


def _litert(entrant: Entrant) -> Call:
    """Written for LiteRT's interpreter and read back, in memory."""
    try:
        import litert_torch
    except ImportError:
        raise MissingToolkit("litert_torch is not installed (pip install litert-torch)") from None
    graph = _graph(entrant)
    model = litert_torch.convert(graph, (graph.example(),))  # type: ignore[operator]
    return lambda picture: model(torch.from_numpy(picture).unsqueeze(0))


OTHERS: Mapping[str, Callable[[Entrant], Call]] = {
    "PyTorch eager": _eager,
    "torch.compile": _compiled,
    "LiteRT": _litert,
}
ENGINES = {"executorch": "ExecuTorch", "torchscript": "TorchScript", "onnx": REFERENCE}
# What a run is written as; Core ML's files are timed where they run, on a Mac or a phone.
FORMS = (
    ("onnx", "fp32"),
    ("executorch", "fp32"),
    ("executorch", "fp16"),
    ("executorch", "int8"),
    ("torchscript", "fp32"),
)


def entrants_of(
    run: Run, graph: str, folder: Path, say: Callable[[str], None], peers: Sequence[str]
) -> Iterator[Entrant | tuple[Entrant, str]]:
    """Write a run in every form; PyTorch's own come with it.

    Args:
        graph: "whole" or "network".
        folder: for the files.
        say: told of each before it is written, which can take a minute.
        peers: of `OTHERS`.

    Yields:
        An entrant; or one and why it cannot take part.
    """
    from mobileseg.quantization.quantized_run import in_precision, is_quantized

    frame = run.config.preprocess.frame_hw
    path = run.path.resolve()
    for target, precision in FORMS:
        order = TARGETS[target].order([frame], precision=precision, graph=graph)
        artifact = folder / f"{order.name()}-{TARGETS[target].artifact}"
        entrant = Entrant(ENGINES[target], order, path, target, artifact)
        if precision == "int8" and not is_quantized(run):
            yield entrant, f"the run has no int8 form: mobileseg quantize {run.path} makes one"
            continue
        say(f"writing {entrant.name}")
        try:
            with quiet():
                source = in_precision(run, precision)
                TARGETS[target].converter().export(source, order, artifact)
            yield entrant
        except (MissingToolkit, BadInput) as error:
            yield entrant, str(error)
    for engine in peers:
        yield Entrant(engine, Order((frame,), graph=graph), path)

"""Core ML: `model.mlpackage`, an ML program for iOS 16 and later.

It is written on any system. Core ML itself runs only on Apple's; here the saved program is
evaluated by `converters/coreml/mil`, as Apple documents each operation, and what can be read off
the file is asserted, above all the faults that coremltools makes without a word (`checks`). What
neither can see is for `verify_on_mac.py`, which lies in the bundle.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from converters.coreml.checks import check_program, operations
from converters.coreml.compression import (
    COMPRESSIONS,
    check_weights,
    compressing,
    saved_weights,
    with_saved_weights,
)
from converters.coreml.metadata import about, check_about, write_about
from converters.coreml.mil.protobuf import specification
from converters.coreml.output_heads import answering, outputs
from converters.coreml.reproducible import make_reproducible
from converters.coreml.runner import runner
from converters.deployable import (
    IMAGE,
    INPUT,
    NETWORK_INPUT,
    Deployable,
    NetworkAlone,
    shipped_ensemble,
    shipped_graph,
)
from converters.options import Order
from converters.targets import Check, Runner
from mobileseg.errors import MissingToolkit
from mobileseg.preprocess.flexible import FlexiblePreprocess
from mobileseg.quantization.fp16_simulation import rounded_to_half
from mobileseg.runs import Run

LAYOUT = IMAGE
SHIPS = ("verify_on_mac.py",)  # files of this package that go into every bundle of this target
# What a verdict on this target rests on here, and what that cannot see.
EVALUATION = "Linux evaluation"
BLIND_TO = "Apple's kernels, its Neural Engine and its compiler"


@contextmanager
def _toolkit() -> Iterator[Any]:
    """coremltools, without its remarks about untested versions and missing Apple libraries."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import coremltools
            import coremltools.optimize
        except ImportError:
            raise MissingToolkit.install("coremltools", "coreml") from None
        yield coremltools


def why_not(order: Order) -> str | None:
    """The saved program is evaluated, for which coremltools' protobuf classes are needed."""
    try:
        specification()
    except MissingToolkit as error:
        return str(error)
    return None


def _in_network(op: Any) -> bool:
    """Whether an operation came from a member's network."""
    from coremltools.converters.mil.mil.scope import ScopeSource

    return "network" in op.scopes.get(ScopeSource.TORCHSCRIPT_MODULE_NAME, [])


def export(run: Run, order: Order, path: Path) -> None:
    """Trace, convert, write; the same run gives the same bytes.

    Raises:
        MissingToolkit: coremltools is not installed.
    """
    answers = answering(graph(run, order), run.config, order)
    # One thread: scikit-learn's k-means, which makes the palettes, adds a sum for each thread, and
    # a machine with other cores would write another table.
    with _toolkit() as ct, torch.no_grad(), threadpool_limits(1):
        computed_in = ct.precision.FLOAT32
        if order.precision == "fp16":
            computed_in = ct.transform.FP16ComputePrecision(op_selector=_in_network)
        model = ct.convert(
            program(answers),
            inputs=[_input(ct, run, order)],
            outputs=_outputs(ct, run, order),
            minimum_deployment_target=getattr(ct.target, f"iOS{order.ios}"),
            compute_precision=computed_in,
            pass_pipeline=compressing(ct, order.precision),
            convert_to="mlprogram",
            skip_model_load=True,
        )
        write_about(model, about(run.config, order))
        model.save(str(path))
    make_reproducible(path)


def graph(run: Run, order: Order) -> Deployable | NetworkAlone:
    """The module that is traced, with probabilities as its answer."""
    shipped = shipped_graph(run, order, LAYOUT)
    if isinstance(shipped, Deployable) and len(order.frames) > 1:
        shipped.preprocess = FlexiblePreprocess(shipped.spec, LAYOUT.histogram)
    return shipped


@torch.no_grad()
def program(graph: nn.Module) -> Any:
    """Traced."""
    example = cast(Any, graph).example().contiguous()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # upstream calls tracing deprecated; coremltools wants it
        return torch.jit.trace(  # type: ignore[no-untyped-call]
            graph, example, check_trace=False
        )


def rounded(run: Run, order: Order, path: Path) -> nn.Module | None:
    """fp16 rounded after every operation of the networks; compressed weights as they are stored."""
    if order.precision == "fp16":
        ensemble = rounded_to_half(shipped_ensemble(run, order))
    elif order.precision in COMPRESSIONS:
        with _toolkit() as ct:
            ensemble = with_saved_weights(shipped_ensemble(run, order), saved_weights(ct, path))
    else:
        return None
    answers = graph(run, order)
    answers.ensemble = ensemble
    return answers.eval()


def _input(ct: Any, run: Run, order: Order) -> Any:
    """A picture without scale or bias: one scale for three channels cannot hold a SD each."""
    if not order.whole:
        side = run.config.preprocess.side_px
        return ct.TensorType(NETWORK_INPUT, (1, 3, side, side), dtype=np.float32)
    shapes = [(1, 3, *frame) for frame in order.frames]
    # Enumerated, not a range: a program of any size is kept off the Neural Engine.
    shape = shapes[0] if len(shapes) == 1 else ct.EnumeratedShapes(shapes, default=shapes[0])
    return ct.ImageType(INPUT, shape, color_layout=ct.colorlayout.RGB)


def _outputs(ct: Any, run: Run, order: Order) -> list[Any]:
    """Asked for by type: with fp16 inside, an output is Float16 unless one says otherwise."""
    return [
        ct.ImageType(out.name, color_layout=ct.colorlayout.GRAYSCALE)
        if out.kind == "image"
        else ct.TensorType(out.name, dtype=np.dtype(out.dtype).type)
        for out in outputs(run.config, order)
    ]


def load(path: Path) -> Runner:
    """Open a package for the evaluator, which is not Core ML: see `BLIND_TO`.

    The runner takes a frame of any size that the package takes. A package that answers in labels
    or masks gives "probabilities" of 0 and 1, (C, side, side): each lesion's mask, or where its
    label stands.

    Raises:
        BadInput: the package is damaged, or holds something that is unknown to the evaluator.
        MissingToolkit: coremltools is not installed.
    """
    return runner(path)


def _program(path: Path) -> Any:
    with _toolkit() as ct:
        return ct.models.MLModel(str(path), skip_model_load=True).get_spec()


def inspect(path: Path, run: Run, order: Order) -> list[Check]:
    """Everything that must hold of the saved program; see `checks`."""
    spec = _program(path)
    checks = [*check_program(spec, run, order), *check_about(spec, about(run.config, order))]
    if order.precision in COMPRESSIONS:
        with _toolkit() as ct:
            checks.append(
                check_weights(
                    shipped_ensemble(run, order), order.precision, saved_weights(ct, path)
                )
            )
    return checks


def describe(path: Path) -> dict[str, Any]:
    """Operators of the saved program and how many there are of each."""
    counts: dict[str, int] = {}
    for op in operations(_program(path)):
        if op.type != "const":
            counts[op.type] = counts.get(op.type, 0) + 1
    return {"operators": dict(sorted(counts.items()))}


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("coremltools", "torch")}

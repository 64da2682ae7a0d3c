"""Core ML: `model.mlpackage`, an ML program for iOS 16 and later.

It is written on any system and runs only on Apple's. What can be read off the saved file is
asserted here, above all the faults that coremltools makes without a word (`mil_checks`).

Precision fp16 means the network alone: half precision has 11 bits, a frame's coordinates and the
sums of the resize need 24, and a crop in fp16 is off by a hundred grey levels.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from converters.deployable import IMAGE, INPUT, OUTPUTS, deployable
from converters.mil_checks import check_program, operations
from converters.orders import Order
from converters.reproducible_package import make_reproducible
from converters.targets import Check, Runner
from mobileseg.errors import MissingToolkit
from mobileseg.runs import Run
from mobileseg.version import __version__

LAYOUT = IMAGE
NOT_HERE = "Core ML runs on Apple systems only; its saved program was checked statically"


@contextmanager
def _toolkit() -> Iterator[Any]:
    """coremltools, without its remarks about untested versions and missing Apple libraries."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import coremltools
        except ImportError:
            raise MissingToolkit.install("coremltools", "coreml") from None
        yield coremltools


def why_not(order: Order) -> str | None:
    """Core ML itself is needed to run a package, and this project has no use of it yet."""
    return NOT_HERE


def _in_network(op: Any) -> bool:
    """Whether an operation came from a member's network."""
    from coremltools.converters.mil.mil.scope import ScopeSource

    return "network" in op.scopes.get(ScopeSource.TORCHSCRIPT_MODULE_NAME, [])


def export(run: Run, order: Order, path: Path) -> None:
    """Trace, convert, write; the same run gives the same bytes.

    Raises:
        MissingToolkit: coremltools is not installed.
    """
    graph = deployable(run, order.frame_hw, LAYOUT)
    with _toolkit() as ct, torch.no_grad():
        computed_in = {
            "fp32": ct.precision.FLOAT32,
            "fp16": ct.transform.FP16ComputePrecision(op_selector=_in_network),
        }[order.precision]
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            graph, graph.example().contiguous(), check_trace=False
        )
        model = ct.convert(
            traced,
            inputs=[ct.ImageType(INPUT, tuple(graph.example().shape), color_layout="RGB")],
            # Asked for by type: with fp16 inside, an output is Float16 unless one says otherwise.
            outputs=[ct.TensorType(name, dtype=np.float32) for name in OUTPUTS],
            minimum_deployment_target=ct.target.iOS16,
            compute_precision=computed_in,
            convert_to="mlprogram",
            skip_model_load=True,
        )
        _describe_to_xcode(model, run)
        model.save(str(path))
    make_reproducible(path)


def _describe_to_xcode(model: Any, run: Run) -> None:
    """What Xcode and an app can read from the package itself."""
    config = run.config
    model.short_description = (
        f"Retinal lesion segmentation ({config.task}), preprocessing included. "
        "Not a medical device."
    )
    model.license = "Apache-2.0"
    model.author = "mobileseg"
    model.version = __version__
    model.input_description[INPUT] = "RGB picture; fitted top left, the rest black"
    model.output_description["probabilities"] = f"per lesion ({', '.join(config.lesions)}), 0 to 1"
    model.output_description["crop"] = "left, top, width, height of the square in frame pixels"
    model.output_description["retina"] = "share of the square that is retina; 0: none found"
    model.user_defined_metadata["lesions"] = ",".join(config.lesions)
    model.user_defined_metadata["thresholds"] = ",".join(
        str(config.thresholds[code]) for code in config.lesions
    )


def load(path: Path) -> Runner:
    """Not possible off Apple's systems.

    Raises:
        MissingToolkit: always, with the reason.
    """
    raise MissingToolkit(f"{path}: cannot run here: {NOT_HERE}")


def _program(path: Path) -> Any:
    with _toolkit() as ct:
        return ct.models.MLModel(str(path), skip_model_load=True).get_spec()


def inspect(path: Path, run: Run, order: Order) -> list[Check]:
    """Everything that must hold of the saved program; see `mil_checks`."""
    convolutions = sum(isinstance(m, torch.nn.Conv2d) for m in run.ensemble.modules())
    return check_program(
        _program(path),
        convolutions=convolutions,
        precision=order.precision,
        members=len(run.config.members),
    )


def describe(path: Path) -> dict[str, Any]:
    """Operators of the saved program and how many there are of each."""
    counts: dict[str, int] = {}
    for op in operations(_program(path)):
        if op.type != "const":
            counts[op.type] = counts.get(op.type, 0) + 1
    return {"operators": dict(sorted(counts.items()))}


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("coremltools", "torch")}

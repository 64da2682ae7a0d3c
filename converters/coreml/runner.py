"""A Core ML package of ours, asked through the evaluator: whatever it answers, as probabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.coreml.mil.model import Model, open_model
from converters.coreml.output_heads import WHITE
from converters.deployable import OUTPUTS, QUALITY
from converters.targets import Answer, Runner
from mobileseg.errors import BadInput

PROBABILITIES, LABELS, MASK = OUTPUTS[0], "labels", "mask_"  # see output_heads.outputs
Outputs = dict[str, NDArray[Any]]


def runner(path: Path) -> Runner:
    """Open a package; see `converter.load`."""
    model = open_model(path)
    answer = _answer(model)
    (taken,) = model.inputs.values()

    def run(frame: NDArray[Any]) -> Answer:
        given = frame if taken.kind == "image" else np.asarray(frame[None], np.float32)
        outputs = model.predict({taken.name: given})
        rest = [outputs[name] for name in (*OUTPUTS[1:], QUALITY) if name in outputs]
        return Answer.of([answer(outputs)[None], *rest])

    return run


def _answer(model: Model) -> Callable[[Outputs], NDArray[np.float32]]:
    """How a package's outputs become (C, side, side) float32.

    A mask becomes 0 and 1, a label a 1 in its lesion's channel: so much is left of what was above
    its threshold.
    """
    masks = [name for name in model.outputs if name.startswith(MASK)]
    if len(model.inputs) == 1 and masks:
        return lambda out: np.stack([np.float32(out[name] == WHITE) for name in masks])
    if len(model.inputs) == 1 and LABELS in model.outputs:
        labels = range(1, 1 + len(model.own.get("lesions", "").split(",")))
        return lambda out: np.stack([np.float32(out[LABELS] == label) for label in labels])
    if len(model.inputs) == 1 and PROBABILITIES in model.outputs:
        return lambda out: np.asarray(out[PROBABILITIES][0], np.float32)
    raise BadInput(
        f"{model.path}: takes {', '.join(model.inputs)} and gives {', '.join(model.outputs)}; "
        f"expected one input, and {PROBABILITIES}, {LABELS} or {MASK}…"
    )

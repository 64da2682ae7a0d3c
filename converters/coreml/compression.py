"""Core ML: the networks' weights stored smaller, and read back out of a saved package.

    int8w   a byte a weight, symmetric around 0, a scale per output channel
    pal8w   palettised: an index of 8 bits a weight into a tensor's own table of 256 values
    pal6w   the same with 6 bits and 64 values

The w in a name says: weights only. They are unpacked to float32 when the file is loaded and every
value is computed in float32. So what a compression costs shows in the weights alone and is judged
on any machine; half precision on top would be a second error that only a Mac could measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from converters.targets import Check
from mobileseg.models.ensemble import Ensemble
from mobileseg.models.weights import fold_batch_norm

NETWORKS = "ensemble_members_"  # how the name of each network's weight begins
SUFFIXES = ("_quantized", "_palettized", "_to_fp16")
Weight = NDArray[np.float32]  # (channels out, channels in, height, width)
FEWEST = 10  # coremltools stores a smaller tensor in the program text, and compresses none of those


def _within_half_a_step(found: Weight, wanted: Weight) -> bool:
    """Of 127 steps to each side of 0, an output channel's largest value being the last."""
    step = np.abs(wanted).max(axis=(1, 2, 3), keepdims=True) / 127
    # `all` of what holds, here and below: NaN is a fault.
    return bool((np.abs(found - wanted) <= step * 0.501 + 1e-12).all())


def _near(relative: float) -> Callable[[Weight, Weight], bool]:
    """A tensor's own table follows its values, so its error hardly depends on them."""
    return lambda found, wanted: bool(_relative_error(found, wanted) <= relative)


def _relative_error(found: Weight, wanted: Weight) -> float:
    """|found - wanted| / |wanted|, Euclidean norms over the tensor."""
    return float(np.linalg.norm(found - wanted) / max(float(np.linalg.norm(wanted)), 1e-12))


@dataclass(frozen=True, slots=True)
class Compression:
    """How one precision stores a weight."""

    graph_pass: str  # of coremltools
    config: str  # the class of its options, in coremltools.optimize.coreml
    options: dict[str, Any]
    unpacked_by: dict[str, str]  # the operation of the saved program, by iOS version
    allowed: Callable[[Weight, Weight], bool]  # (found, wanted): is it as near as can be stored?


_AFFINE = "constexpr_affine_dequantize"
_TABLE = dict.fromkeys(("16", "17", "18"), "constexpr_lut_to_dense")


def _palette(bits: int, relative: float) -> Compression:
    options = {"mode": "kmeans", "nbits": bits, "weight_threshold": 0}
    name = "OpPalettizerConfig"
    return Compression("compression::palettize_weights", name, options, _TABLE, _near(relative))


COMPRESSIONS: dict[str, Compression] = {
    "int8w": Compression(
        "compression::linear_quantize_weights",
        "OpLinearQuantizerConfig",
        # By default coremltools leaves tensors under 2048 values: all but ten of the XS network.
        {"mode": "linear_symmetric", "granularity": "per_channel", "weight_threshold": 0},
        {"16": _AFFINE, "17": _AFFINE, "18": "constexpr_blockwise_shift_scale"},
        _within_half_a_step,
    ),
    # Of the shipped runs' tensors the worst are off by 0.8 % and 3.8 %.
    "pal8w": _palette(8, 0.03),
    "pal6w": _palette(6, 0.1),
}


def compressing(ct: Any, precision: str) -> Any:
    """The pipeline of a conversion, its last pass the compression if there is one.

    Only weights of convolutions are touched: nothing before the networks has any.
    """
    pipeline = ct.PassPipeline()
    if precision in COMPRESSIONS:
        scheme = COMPRESSIONS[precision]
        one = getattr(ct.optimize.coreml, scheme.config)(**scheme.options)
        config = ct.optimize.coreml.OptimizationConfig(op_type_configs={"conv": one})
        pipeline.append_pass(scheme.graph_pass)
        pipeline.set_options(scheme.graph_pass, {"config": config})
    return pipeline


def compressible(ensemble: Ensemble) -> int:
    """How many weights a compression reaches."""
    convolutions = (m for m in ensemble.modules() if isinstance(m, nn.Conv2d))
    return sum(m.weight.numel() >= FEWEST for m in convolutions)


def saved_weights(ct: Any, package: Path) -> dict[str, Weight]:
    """Every convolution's weight in a saved package, unpacked by coremltools itself.

    Returns:
        By the name that the tensor has in a graph's `ensemble`, dots written as "_".
    """
    from coremltools.converters.mil.frontend.milproto import load

    model = ct.models.MLModel(str(package), skip_model_load=True)
    spec = model.get_spec()
    program = load.load(spec, spec.specificationVersion, model.weights_dir)
    found = {}
    for op in program.functions["main"].find_ops(op_type="conv"):
        weight = op.weight
        value = weight.val if weight.val is not None else weight.op.materialized_val_inference()
        name = weight.name[weight.name.index(NETWORKS) :]
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        found[name] = np.asarray(value, np.float32)
    return found


def with_saved_weights(ensemble: Ensemble, saved: dict[str, Weight]) -> Ensemble:
    """The networks with the weights of a saved package: what it computes, but for its CLAHE.

    Raises:
        KeyError: the package lacks one.
    """
    copy = cast(Ensemble, fold_batch_norm(ensemble))
    with torch.no_grad():
        for name, module in _convolutions(copy).items():
            module.weight.copy_(torch.from_numpy(saved[name]))
    return copy


def _convolutions(ensemble: nn.Module) -> dict[str, nn.Conv2d]:
    """By the name that its weight has in a saved program."""
    return {
        f"ensemble.{name}.weight".replace(".", "_"): module
        for name, module in ensemble.named_modules()
        if isinstance(module, nn.Conv2d)
    }


def check_weights(ensemble: Ensemble, precision: str, saved: dict[str, Weight]) -> Check:
    """Whether what comes back out is the run's own weights, as nearly as the format can say."""
    folded = _convolutions(fold_batch_norm(ensemble))
    what = "compressed weights are the run's"
    if set(folded) != set(saved):
        return Check(what, False, f"other names: {', '.join(sorted(set(folded) ^ set(saved)))}")
    wanted = {name: module.weight.detach().numpy() for name, module in folded.items()}
    allowed = COMPRESSIONS[precision].allowed
    far = [name for name in sorted(wanted) if not allowed(saved[name], wanted[name])]
    most = max(_relative_error(saved[name], wanted[name]) for name in wanted)
    return Check(what, not far, ", ".join([f"{most:.1%} off at most", *far]))

"""What must hold of a saved Core ML program, read from the file.

Each check stands for a fault that converts, saves and loads without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from converters.targets import Check

FLOAT16, FLOAT32 = 10, 11  # MIL.proto, DataType
RGB = 20  # FeatureTypes.proto, ImageFeatureType.ColorSpace
IOS16 = 7  # specification version
# All that the networks of the family consist of, and the casts into and out of it. Anything else in
# fp16 is preprocessing, whose whole numbers would no longer be whole.
NETWORK_KINDS = (
    *("conv", "conv_transpose", "relu", "concat"),
    *("upsample_bilinear", "max_pool", "add", "cast"),
)


def operations(spec: Any) -> Iterator[Any]:
    """Every operation of the program's main function."""
    for block in spec.mlProgram.functions["main"].block_specializations.values():
        yield from block.operations


def _output_type(op: Any) -> int:
    return int(op.outputs[0].type.tensorType.dataType)


def _bool_argument(op: Any, name: str, constants: dict[str, Any]) -> bool | None:
    """A boolean argument, given in place or by the name of a constant."""
    for binding in op.inputs[name].arguments:
        value = (
            constants[binding.name] if binding.WhichOneof("binding") == "name" else binding.value
        )
        return bool(value.immediateValue.tensor.bools.values[0])
    return None


def _after(kind: str, ops: list[Any]) -> list[Any]:
    """Every operation of a kind, and all that is computed from their results."""
    reached: set[str] = set()
    found = []
    for op in ops:  # a program lists an operation after those it takes from
        taken = {b.name for a in op.inputs.values() for b in a.arguments}
        if op.type == kind or reached & taken:
            reached |= {o.name for o in op.outputs}
            found.append(op)
    return found


def check_program(spec: Any, *, convolutions: int, precision: str, members: int = 1) -> list[Check]:
    """Run every check.

    Args:
        convolutions: how many the networks have; each must be there once.
        precision: "fp32" or "fp16" (networks only).
        members: networks in the program, each ending in a sigmoid of its own.
    """
    ops = list(operations(spec))
    constants = {op.outputs[0].name: op.attributes["val"] for op in ops if op.type == "const"}
    computing = [op for op in ops if op.type != "const"]

    def count(kind: str, holds: Callable[[Any], bool] = lambda op: True) -> int:
        return sum(1 for op in computing if op.type == kind and holds(op))

    def exactly(name: str, found: int, expected: int) -> Check:
        return Check(name, found == expected, str(found))

    half = [op for op in computing if _output_type(op) == FLOAT16]
    half_convolutions = count("conv", lambda op: _output_type(op) == FLOAT16)
    half_preprocessing = [op.type for op in half if op.type not in NETWORK_KINDS]
    cornered = count(
        "upsample_bilinear", lambda op: bool(_bool_argument(op, "align_corners", constants))
    )
    half_answers = [op.type for op in _after("sigmoid", computing) if _output_type(op) == FLOAT16]
    return [
        _image_check(spec),
        _scale_check(spec),
        _outputs_check(spec),
        exactly("written for iOS 16", spec.specificationVersion, IOS16),
        # constant / tensor is turned into 1/(x + 1e-4): off by one in a hundred CLAHE entries.
        exactly("no inverse (constant / tensor)", count("inverse"), 0),
        # Traced in training mode, a batch norm becomes the mean of the very picture.
        exactly("no reduce_mean (batch statistics)", count("reduce_mean"), 0),
        exactly("batch norm is folded", count("batch_norm"), 0),
        exactly("every convolution is there", count("conv"), convolutions),
        exactly("no upsampling with align_corners", cornered, 0),
        exactly(
            f"convolutions in fp16, for {precision}",
            half_convolutions,
            convolutions if precision == "fp16" else 0,
        ),
        Check(
            "preprocessing is float32",
            not half_preprocessing,
            ", ".join(sorted(set(half_preprocessing))) or "no fp16",
        ),
        exactly("every member answers", count("sigmoid"), members),
        # fp16 knows a probability near 1 to 0.0005; the mean is to be finer than that.
        Check(
            "probabilities are averaged in float32",
            not half_answers,
            ", ".join(sorted(set(half_answers))) or "no fp16",
        ),
        Check("fp16 only where it was asked for", precision == "fp16" or not half, str(len(half))),
    ]


def _image_check(spec: Any) -> Check:
    inputs = list(spec.description.input)
    kinds = [i.type.WhichOneof("Type") for i in inputs]
    holds = kinds == ["imageType"] and inputs[0].type.imageType.colorSpace == RGB
    return Check("one input, an RGB image", holds, ", ".join(kinds))


def _scale_check(spec: Any) -> Check:
    """An image's scale and bias would come on top of the normalisation in the graph.

    They are written into the program as a `mul` or `add` right on the input.
    """
    frame = spec.description.input[0].name
    users = {
        op.type
        for op in operations(spec)
        for argument in op.inputs.values()
        for binding in argument.arguments
        if binding.name == frame
    }
    return Check("no scale or bias on the input", not users & {"mul", "add"}, ", ".join(users))


def _outputs_check(spec: Any) -> Check:
    from coremltools.proto import FeatureTypes_pb2

    float32 = FeatureTypes_pb2.ArrayFeatureType.ArrayDataType.Value("FLOAT32")
    found = [(o.name, o.type.multiArrayType.dataType) for o in spec.description.output]
    expected = [(name, float32) for name in ("probabilities", "crop", "retina")]
    return Check(
        "probabilities, crop and retina as float32",
        found == expected,
        ", ".join(f"{name}: {'float32' if kind == float32 else kind}" for name, kind in found),
    )

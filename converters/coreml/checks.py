"""What must hold of a saved Core ML program, read from the file.

Each check stands for a fault that converts, saves and loads without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from converters.coreml.compression import COMPRESSIONS, compressible
from converters.coreml.output_heads import Output, outputs
from converters.deployable import INPUT, NETWORK_INPUT, shipped_ensemble
from converters.options import Order
from converters.targets import Check
from mobileseg.runs import Run

FLOAT16, FLOAT32 = 10, 11  # MIL.proto, DataType
GRAYSCALE, RGB = 10, 20  # FeatureTypes.proto, ImageFeatureType.ColorSpace
ARRAYS = {"float32": 65568, "int32": 131104}  # FeatureTypes.proto, ArrayFeatureType.ArrayDataType
# Specification version and name of the operation set, by the oldest iOS that opens the file.
SYSTEMS = {"16": (7, "CoreML6"), "17": (8, "CoreML7"), "18": (9, "CoreML8")}
# All that the networks of the family consist of, and the casts into and out of it. Anything else in
# fp16 is preprocessing, whose whole numbers would no longer be whole.
NETWORK_KINDS = (
    *("conv", "conv_transpose", "relu", "concat"),
    *("upsample_bilinear", "max_pool", "add", "cast"),
)
UNPACKING = "constexpr_"  # how the name of every operation on compressed weights begins


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


def _taken(op: Any) -> dict[str, set[str]]:
    """By argument, the names of the values that an operation takes."""
    return {name: {b.name for b in argument.arguments} for name, argument in op.inputs.items()}


def _after(kind: str, ops: list[Any]) -> list[Any]:
    """Every operation of a kind, and all that is computed from their results."""
    reached: set[str] = set()
    found = []
    for op in ops:  # a program lists an operation after those it takes from
        if op.type == kind or any(reached & names for names in _taken(op).values()):
            reached |= {o.name for o in op.outputs}
            found.append(op)
    return found


def check_program(spec: Any, run: Run, order: Order) -> list[Check]:
    """Run every check.

    Args:
        spec: a saved package's.
        run: what it was made from: its convolutions, each of which must be there once, and its
            members, each of which ends in a sigmoid of its own.
        order: what was asked for.
    """
    shipped = shipped_ensemble(run, order)
    convolutions = sum(isinstance(m, nn.Conv2d) for m in shipped.modules())
    members, half_network = len(shipped.members), order.precision == "fp16"
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
        _input_check(spec, run, order),
        _scale_check(spec),
        _outputs_check(spec, outputs(run.config, order)),
        _system_check(spec, order.ios),
        # constant / tensor is turned into 1/(x + 1e-4): off by one in a hundred CLAHE entries.
        exactly("no inverse (constant / tensor)", count("inverse"), 0),
        # Traced in training mode, a batch norm becomes the mean of the very picture.
        exactly("no reduce_mean (batch statistics)", count("reduce_mean"), 0),
        exactly("batch norm is folded", count("batch_norm"), 0),
        exactly("every convolution is there", count("conv"), convolutions),
        exactly("no upsampling with align_corners", cornered, 0),
        exactly(
            f"convolutions in fp16, for {order.precision}",
            half_convolutions,
            convolutions if half_network else 0,
        ),
        Check(
            "preprocessing is float32",
            not half_preprocessing,
            ", ".join(sorted(set(half_preprocessing))) or "no fp16",
        ),
        # And the calibration ends in one of its own.
        exactly("every member answers", count("sigmoid"), members + bool(run.config.calibration)),
        # fp16 knows a probability near 1 to 0.0005; the mean is to be finer than that.
        Check(
            "probabilities are averaged in float32",
            not half_answers,
            ", ".join(sorted(set(half_answers))) or "no fp16",
        ),
        Check("fp16 only where it was asked for", half_network or not half, str(len(half))),
        *_compression_checks(computing, run, order),
    ]


def _input_check(spec: Any, run: Run, order: Order) -> Check:
    """One input: a picture of each size that was ordered, or the network's float32 array."""
    found = ", ".join(_input_text(i) for i in spec.description.input)
    if order.whole:
        sizes = [f"{height}x{width}" for height, width in order.frames]
        expected = f"{INPUT}: RGB image {' or '.join(sizes)}"
    else:
        side = run.config.preprocess.side_px
        expected = f"{NETWORK_INPUT}: float32 1x3x{side}x{side}"
    return Check(
        "one input, an RGB image" if order.whole else "one input, the network's",
        found == expected,
        found,
    )


def _input_text(feature: Any) -> str:
    """Name, kind and sizes of an input; the default size first."""
    kind = feature.type.WhichOneof("Type")
    if kind == "multiArrayType":
        array = feature.type.multiArrayType
        names = {number: name for name, number in ARRAYS.items()}
        dtype = names.get(array.dataType, str(array.dataType))
        return f"{feature.name}: {dtype} {'x'.join(map(str, array.shape))}"
    image = feature.type.imageType
    colours = "RGB" if image.colorSpace == RGB else f"colour space {image.colorSpace}"
    sizes = [(image.height, image.width)]
    if image.WhichOneof("SizeFlexibility") == "enumeratedSizes":
        listed = [(size.height, size.width) for size in image.enumeratedSizes.sizes]
        # In whatever order the file lists them; the default must be among them.
        sizes = (sizes if sizes[0] in listed else []) + [s for s in listed if s != sizes[0]]
    elif image.WhichOneof("SizeFlexibility"):
        return f"{feature.name}: {colours} image of a range of sizes"
    return f"{feature.name}: {colours} image {' or '.join(f'{h}x{w}' for h, w in sizes)}"


def _scale_check(spec: Any) -> Check:
    """An image's scale and bias would come on top of the normalisation in the graph.

    They are written into the program as a `mul` or `add` right on the input.
    """
    frame = spec.description.input[0].name
    users = {
        op.type for op in operations(spec) if any(frame in names for names in _taken(op).values())
    }
    return Check("no scale or bias on the input", not users & {"mul", "add"}, ", ".join(users))


def _outputs_check(spec: Any, expected: list[Output]) -> Check:
    found = [_output_text(feature) for feature in spec.description.output]
    wanted = [
        f"{out.name}: grey image {out.shape[2]}x{out.shape[3]}"
        if out.kind == "image"
        else f"{out.name}: {out.dtype} {'x'.join(map(str, out.shape))}"
        for out in expected
    ]
    return Check("outputs are those of the manifest", found == wanted, ", ".join(found))


def _output_text(feature: Any) -> str:
    if feature.type.WhichOneof("Type") != "imageType":
        return _input_text(feature)
    image = feature.type.imageType
    grey = "grey" if image.colorSpace == GRAYSCALE else f"colour space {image.colorSpace}"
    return f"{feature.name}: {grey} image {image.height}x{image.width}"


def _system_check(spec: Any, ios: str) -> Check:
    """The file's version, and that of the operations it uses."""
    opset = spec.mlProgram.functions["main"].opset
    found = (spec.specificationVersion, opset)
    return Check(f"written for iOS {ios}", found == SYSTEMS[ios], f"version {found[0]}, {opset}")


def _compression_checks(computing: list[Any], run: Run, order: Order) -> list[Check]:
    """Counted where they are used: all weights of the networks, and nothing but them."""
    unpacked = {op.outputs[0].name: op.type for op in computing if op.type.startswith(UNPACKING)}
    weights = [
        unpacked[name]
        for op in computing
        if op.type == "conv"
        for name in _taken(op)["weight"] & set(unpacked)
    ]
    elsewhere = {
        op.type
        for op in computing
        for argument, names in _taken(op).items()
        if names & set(unpacked) and (op.type, argument) != ("conv", "weight")
    }
    found = ", ".join(f"{weights.count(kind)} {kind}" for kind in sorted(set(weights))) or "none"
    if order.precision in COMPRESSIONS:
        kind = COMPRESSIONS[order.precision].unpacked_by[order.ios]
        expected = f"{compressible(shipped_ensemble(run, order))} {kind}"
    else:
        expected = "none"
    return [
        Check(f"compressed weights, for {order.precision}", found == expected, found),
        Check(
            "nothing but weights is compressed",
            not elsewhere,
            ", ".join(sorted(elsewhere)) or "none",
        ),
    ]

"""Faults planted into a saved package: each is a valid program that is not the one converted.

A function takes the path of a package, of any order whose weights are fp32 or fp16, and edits it in
place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from converters.coreml.mil.package import open_package
from converters.coreml.mil.weights_file import RECORD

Mutation = Callable[[Path], None]
BOOL, STRING, FLOAT16, FLOAT32, INT32 = 1, 2, 10, 11, 23  # MIL.proto, DataType
LARGEST_HALF = 65504.0
STORED = {1: "<f2", 2: "<f4"}  # of a record in the weights file


class Edit:
    """A package's main block as a list of operations; written back on leaving."""

    def __init__(self, path: Path) -> None:
        self.package = open_package(path)
        function = self.package.spec.mlProgram.functions["main"]
        self.inputs = list(function.inputs)
        self.block = function.block_specializations[function.opset]
        self.ops = [copy.deepcopy(op) for op in self.block.operations]

    def __enter__(self) -> Edit:
        return self

    def __exit__(self, *error: object) -> None:
        if error == (None, None, None):
            del self.block.operations[:]
            self.block.operations.extend(self.ops)
            self.package.program_file.write_bytes(self.package.spec.SerializeToString())

    def of(self, kind: str) -> list[Any]:
        return [op for op in self.ops if op.type == kind]

    def value(self, op: Any, argument: str) -> Any:
        """The Value of a constant argument, wherever it stands."""
        binding = op.inputs[argument].arguments[0]
        if binding.WhichOneof("binding") == "value":
            return binding.value
        by_name = {o.outputs[0].name: o for o in self.of("const")}
        return by_name[binding.name].attributes["val"] if binding.name in by_name else None

    def make(self, kind: str, like: Any, name: str, **given: Any) -> Any:
        """A new operation whose output has the type of `like`."""
        op = type(self.ops[0])(type=kind)
        op.outputs.add(name=name, type=like)
        for argument, value in given.items():
            binding = op.inputs[argument].arguments.add()
            if isinstance(value, str):
                binding.name = value
            else:
                value(binding.value)
        return op


def ints(*values: int, scalar: bool = False) -> Callable[[Any], None]:
    """Fill a Value with int32."""

    def fill(value: Any) -> None:
        tensor = value.type.tensorType
        tensor.dataType, tensor.rank = INT32, 0 if scalar else 1
        if not scalar:
            tensor.dimensions.add().constant.size = len(values)
        value.immediateValue.tensor.ints.values.extend(values)

    return fill


def number(value: float) -> Callable[[Any], None]:
    """Fill a Value with one float32."""

    def fill(into: Any) -> None:
        into.type.tensorType.dataType = FLOAT32
        into.immediateValue.tensor.floats.values.append(value)

    return fill


def word(text: str) -> Callable[[Any], None]:
    def fill(value: Any) -> None:
        value.type.tensorType.dataType = STRING
        value.immediateValue.tensor.strings.values.append(text)

    return fill


def flip_align_corners(path: Path) -> None:
    """Of one upsampling in the middle of the network."""
    with Edit(path) as edit:
        ups = edit.of("upsample_bilinear")
        op = ups[len(ups) // 2]
        value = copy.deepcopy(edit.value(op, "align_corners"))
        value.immediateValue.tensor.bools.values[0] ^= True
        op.inputs["align_corners"].arguments[0].value.CopyFrom(value)


def swap_channels(path: Path) -> None:
    """The program takes its picture's channels as blue, green, red."""
    with Edit(path) as edit:
        (taken,) = edit.inputs
        for op in edit.ops:
            for argument in op.inputs.values():
                for binding in argument.arguments:
                    if binding.name == taken.name:
                        binding.name = "swapped"
        places = {"indices": ints(2, 1, 0), "axis": ints(1, scalar=True)}
        edit.ops.insert(0, edit.make("gather", taken.type, "swapped", x=taken.name, **places))


def lose_255(path: Path) -> None:
    """Mean and SD of pictures in 0..1, the picture still in 0..255."""
    with Edit(path) as edit:
        found = 0
        for op in edit.of("sub"):
            mean = edit.value(op, "y")
            if mean is None or _count(mean) != 3:
                continue
            (after,) = [o for o in edit.ops if _takes(o, op.outputs[0].name)]
            for value, factor in (
                (mean, 1 / 255),
                (edit.value(after, "y"), 1 / 255 if after.type == "real_div" else 255.0),
            ):
                _scale(edit, value, factor)
            found += 1
        assert found, "no normalisation found"


def _sizes(op: Any) -> list[int]:
    """Of an operation's first output."""
    return [d.constant.size for d in op.outputs[0].type.tensorType.dimensions]


def _count(value: Any) -> int:
    sizes = [d.constant.size for d in value.type.tensorType.dimensions]
    return int(np.prod(sizes)) if sizes else 1


def _takes(op: Any, name: str) -> bool:
    return any(b.name == name for a in op.inputs.values() for b in a.arguments)


def _scale(edit: Edit, value: Any, factor: float) -> None:
    """Multiply a float32 constant, which then stands in the program's text."""
    assert value.type.tensorType.dataType == FLOAT32
    if value.WhichOneof("value") == "blobFileValue":
        file, kind, start, size = _blob(edit, value)
        values = np.frombuffer(file.read_bytes()[start : start + size], STORED[kind])
    else:
        values = np.array(value.immediateValue.tensor.floats.values, np.float32)
    value.immediateValue.tensor.floats.values[:] = (values * np.float32(factor)).tolist()


def _blob(edit: Edit, value: Any) -> tuple[Path, int, int, int]:
    """File, type, offset and bytes of a constant's data."""
    blob = value.blobFileValue
    file = edit.package.weights(blob.fileName).path
    _, kind, size, start, _ = RECORD.unpack_from(file.read_bytes(), blob.offset)
    return file, kind, start, size


def reverse_concat(path: Path) -> None:
    """One concatenation of two feature maps, in the middle of the network."""
    with Edit(path) as edit:
        first = edit.ops.index(edit.of("conv")[0])
        pairs = [op for op in edit.ops[first:] if op.type == "concat"]
        op = [o for o in pairs if len(o.inputs["values"].arguments) == 2][len(pairs) // 2]
        names = [b.name for b in op.inputs["values"].arguments]
        for binding, name in zip(op.inputs["values"].arguments, reversed(names), strict=True):
            binding.name = name


def halve_the_crop(path: Path) -> None:
    """Box and overlaps, whatever float32 stands after the finder's last product and before the
    product with the frame, go through fp16.

    Held within what fp16 can hold: infinite, they would end in a cast that nobody defines.
    """
    with Edit(path) as edit:
        # The finder's products come before; of theirs only lines of 256 cells are planes, too.
        planes = (op for op in edit.of("matmul") if len(_sizes(op)) == 3 and _sizes(op)[0] == 3)
        first = next(op for op in planes if _sizes(op)[-1] != 256)
        end = edit.ops.index(first)
        begin = max(edit.ops.index(op) for op in edit.of("matmul") if edit.ops.index(op) < end)
        made = []
        for op in edit.ops[begin + 1 : end]:
            made.append(op)
            declared = op.outputs[0].type
            if op.type == "const" or declared.tensorType.dataType != FLOAT32:
                continue
            name, half = op.outputs[0].name, copy.deepcopy(declared)
            half.tensorType.dataType = FLOAT16
            op.outputs[0].name = f"{name}_exact"
            bounds = {"alpha": number(-LARGEST_HALF), "beta": number(LARGEST_HALF)}
            made += [
                edit.make("clip", declared, f"{name}_held", x=f"{name}_exact", **bounds),
                edit.make("cast", half, f"{name}_half", x=f"{name}_held", dtype=word("fp16")),
                edit.make("cast", declared, name, x=f"{name}_half", dtype=word("fp32")),
            ]
        edit.ops[begin + 1 : end] = made


def scale_largest_weight(factor: float) -> Mutation:
    """Of the convolution to one map with most values, in the weights file.

    Not of any: before a ReLU a whole channel may be negative everywhere, and what comes before it
    changes nothing. A side output has no ReLU.
    """

    def mutate(path: Path) -> None:
        edit = Edit(path)
        weights = [edit.value(op, "weight") for op in edit.of("conv")]
        stored = [w for w in weights if w is not None and w.WhichOneof("value") == "blobFileValue"]
        sides = [w for w in stored if w.type.tensorType.dimensions[0].constant.size == 1]
        file, kind, start, size = _blob(edit, max(sides, key=_count))
        content = bytearray(file.read_bytes())
        values = np.frombuffer(
            content, STORED[kind], offset=start, count=size // np.dtype(STORED[kind]).itemsize
        )
        place = int(np.abs(values).argmax())
        values[place] *= factor
        file.write_bytes(content)

    return mutate


MUTATIONS: dict[str, Mutation] = {
    "align_corners flipped": flip_align_corners,
    "input channels swapped": swap_channels,
    "missing 1/255": lose_255,
    "a concatenation reversed": reverse_concat,
    "fp16 in the crop": halve_the_crop,
    "a layer's largest weight + 25 %": scale_largest_weight(1.25),
    "a weight + 1 %": scale_largest_weight(1.01),
}

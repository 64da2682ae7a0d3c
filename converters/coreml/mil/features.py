"""What goes into a model and comes out of it, as Core ML describes it: pictures and arrays.

A picture is (H, W, 3) uint8 RGB, or (H, W) uint8 where it is grey; the program's own tensor is
(1, 3, H, W) or (1, 1, H, W), 0..255, its channels in the order that the description names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mobileseg.errors import BadInput

# FeatureTypes.proto: ImageFeatureType.ColorSpace, ArrayFeatureType.ArrayDataType
COLOURS = {10: "grey", 20: "RGB", 30: "BGR", 40: "grey16"}
ARRAYS = {65552: "float16", 65568: "float32", 65600: "float64", 131104: "int32", 131080: "int8"}
CHANNELS = {"grey": 1, "RGB": 3, "BGR": 3}  # grey16 is floating point and no picture of ours


@dataclass(frozen=True, slots=True)
class Feature:
    """An input or output."""

    name: str
    kind: str  # "image", "array"; else what Core ML calls it, which is unknown here
    holds: str  # "RGB", "BGR", "grey"; of an array NumPy's type
    shapes: tuple[tuple[int, ...], ...]  # the default first; of an image (H, W); empty: any
    may_vary: Callable[[tuple[int, ...]], bool]  # whether another shape is within a range
    text: str  # for people

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether it may have this shape."""
        return not self.shapes or shape in self.shapes or self.may_vary(shape)

    def __str__(self) -> str:
        sizes = " or ".join("x".join(map(str, shape)) for shape in self.shapes) or "of any shape"
        return f"{self.holds} {self.kind} {sizes}".strip()


def feature(description: Any) -> Feature:
    """From a FeatureDescription of the protobuf."""
    kind = description.type.WhichOneof("Type")
    read = {"imageType": _image, "multiArrayType": _array}.get(kind)
    if read is None:
        return Feature(
            description.name, kind or "nothing", "", (), _no, description.shortDescription
        )
    one, holds, shapes, may_vary = read(getattr(description.type, kind))
    return Feature(description.name, one, holds, shapes, may_vary, description.shortDescription)


Range = Callable[[tuple[int, ...]], bool]


def _no(shape: tuple[int, ...]) -> bool:
    return False


def _within(ranges: list[Any]) -> Range:
    """Each size within its range; an upper bound below 0 is none."""

    def within(shape: tuple[int, ...]) -> bool:
        return len(shape) == len(ranges) and all(
            r.lowerBound <= n and (n <= r.upperBound or r.upperBound < 0)
            for n, r in zip(shape, ranges, strict=True)
        )

    return within


Described = tuple[str, str, tuple[tuple[int, ...], ...], Range]


def _image(image: Any) -> Described:
    first = (int(image.height), int(image.width))
    others = [(int(s.height), int(s.width)) for s in image.enumeratedSizes.sizes]
    within: Range = _no
    if image.WhichOneof("SizeFlexibility") == "imageSizeRange":
        within = _within([image.imageSizeRange.heightRange, image.imageSizeRange.widthRange])
    holds = COLOURS.get(image.colorSpace, f"colour space {image.colorSpace}")
    return "image", holds, tuple(dict.fromkeys([first, *others])), within


def _array(array: Any) -> Described:
    first = [tuple(int(n) for n in array.shape)] if array.shape else []
    others = [tuple(int(n) for n in s.shape) for s in array.enumeratedShapes.shapes]
    within: Range = _no
    if array.WhichOneof("ShapeFlexibility") == "shapeRange":
        within = _within(list(array.shapeRange.sizeRanges))
    holds = ARRAYS.get(array.dataType, f"type {array.dataType}")
    return "array", holds, tuple(dict.fromkeys([*first, *others])), within


def to_tensor(one: Feature, value: NDArray[Any], where: str) -> Tensor:
    """What is handed over -> the program's tensor.

    Raises:
        BadInput: it is of another kind, size or type than is described.
    """
    if one.kind not in ("image", "array") or (one.kind == "image" and one.holds not in CHANNELS):
        raise BadInput(f"{where}: input {one.name} is {one}; expected a picture or an array")
    shape = value.shape[:2] if one.kind == "image" else value.shape
    dtype = "uint8" if one.kind == "image" else one.holds
    if not one.takes(shape) or value.dtype != dtype:
        found = "x".join(map(str, value.shape))
        raise BadInput(f"{where}: input {one.name}: found {value.dtype} {found}; expected {one}")
    if one.kind == "array":
        return torch.from_numpy(np.ascontiguousarray(value))
    planes = np.atleast_3d(value)
    if planes.shape[2] != CHANNELS[one.holds]:
        raise BadInput(f"{where}: input {one.name}: found {planes.shape[2]} channels, not {one}")
    if one.holds == "BGR":
        planes = planes[..., ::-1]
    return torch.from_numpy(np.ascontiguousarray(planes)).permute(2, 0, 1)[None].float()


def from_tensor(one: Feature, value: Tensor, where: str) -> NDArray[Any]:
    """The program's tensor -> what an app gets.

    Of a picture the values should lie in 0..255, says Apple; what lies outside is cut. How a
    fraction is rounded is not documented; here half to even.

    Raises:
        BadInput: it is not what is described.
    """
    if one.kind == "array":
        array: NDArray[Any] = value.numpy()
        if not one.takes(array.shape) or array.dtype != one.holds:
            found = "x".join(map(str, array.shape))
            raise BadInput(
                f"{where}: output {one.name} is {array.dtype} {found}; described as {one}"
            )
        return array
    channels = CHANNELS.get(one.holds)
    if one.kind != "image" or value.ndim != 4 or tuple(value.shape[:2]) != (1, channels):
        raise BadInput(f"{where}: output {one.name} is described as {one}, which is unknown here")
    if not one.takes(tuple(value.shape[2:])):
        raise BadInput(
            f"{where}: output {one.name} is {value.shape[2]}x{value.shape[3]}; described as {one}"
        )
    # NaN is no grey level; it becomes black, and `finite` was judged on the tensor before.
    levels = torch.nan_to_num(value.float()).round().clamp(0, 255).to(torch.uint8)
    picture = levels[0].permute(1, 2, 0).numpy()
    if one.holds == "BGR":
        picture = picture[..., ::-1]
    return picture[..., 0] if channels == 1 else picture

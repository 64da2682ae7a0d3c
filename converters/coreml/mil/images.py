"""A photo -> the input of any model; any model's outputs -> pictures for a person."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.coreml.mil.model import Model
from mobileseg.errors import BadInput
from mobileseg.spec import photo_to_frame

SMALLEST_MAP = 8  # pixels each way; below, an array of four axes is a list of numbers
BRIGHTNESS = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's "L"


def fitted_input(model: Model, photo: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The one input of a model, in its default size.

    Args:
        photo: (h, w, 3) uint8 RGB.

    Raises:
        BadInput: it takes anything but one picture, or an array of one.
    """
    if len(model.inputs) != 1:
        raise BadInput(f"{model.path}: takes {', '.join(model.inputs)}; expected one input")
    (one,) = model.inputs.values()
    shape = one.shapes[0] if one.shapes else ()
    if one.kind == "image":
        frame = photo_to_frame(photo, (shape[0], shape[1]))
        return {one.name: frame if one.holds in ("RGB", "BGR") else _brightness(frame)}
    if one.kind != "array" or len(shape) != 4 or shape[:2] not in ((1, 3), (1, 1)):
        raise BadInput(
            f"{model.path}: takes {one.name}, {one}; expected a picture, or an array of "
            "(1, 3, H, W) or (1, 1, H, W)"
        )
    frame = photo_to_frame(photo, (shape[2], shape[3]))
    planes = frame.transpose(2, 0, 1) if shape[1] == 3 else _brightness(frame)[None]
    return {one.name: planes[None].astype(one.holds)}


def _brightness(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(frame @ np.array(BRIGHTNESS)), np.uint8)


def grey_maps(value: NDArray[Any]) -> dict[str, NDArray[np.uint8]]:
    """Every map in an output, by what comes after the output's name: "" for the only one.

    Whole-numbered bytes are shown as they are, values within 0..1 times 255, whatever else from
    its least to its greatest. A pixel that is not finite is black.
    """
    if value.dtype == np.uint8:
        return {"": value}
    planes = value.reshape(-1, *value.shape[-2:]) if value.ndim >= 2 else value[None, None]
    if min(planes.shape[1:]) < SMALLEST_MAP:
        return {}
    names = [""] if len(planes) == 1 else [f"-{i}" for i in range(len(planes))]
    return {name: _grey(plane) for name, plane in zip(names, planes, strict=True)}


def _grey(plane: NDArray[Any]) -> NDArray[np.uint8]:
    values = np.where(np.isfinite(plane), plane, 0).astype(np.float64)
    least, greatest = (0.0, 1.0)
    if values.min() < 0 or values.max() > 1:
        least, greatest = float(values.min()), float(values.max())
    return np.asarray(np.rint((values - least) / (greatest - least) * 255), np.uint8)

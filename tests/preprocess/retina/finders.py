"""The product's finders, as the tests ask them: a photo in, a box in the photo's pixels out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from mobileseg.spec import PreprocessSpec, fitted_hw, photo_to_frame
from retina.boxes import Box
from retina.disturbances import Photo
from retina.score import Find

FRAME_HW = (1024, 1024)  # what ships
NOT_THERE = "not run: PreprocessSpec has no field `finder`, so there is no retina finder 2"


def is_there() -> bool:
    """Whether the product has a second finder to ask."""
    return "finder" in {one.name for one in fields(PreprocessSpec)}


def _spec(frame_hw: tuple[int, int], version: int) -> PreprocessSpec:
    chosen: dict[str, Any] = {"finder": version} if is_there() else {}
    return PreprocessSpec(512, frame_hw, **chosen)


def at_own_size(version: int) -> Find:
    """The definition, asked for the photo as it is."""
    from mobileseg.preprocess.reference import find_crop

    def find(photo: Photo) -> tuple[Box, bool]:
        crop = find_crop(photo, _spec(FRAME_HW, version))
        flagged = not crop.found or crop.cut
        return Box(crop.left, crop.top, max(crop.width, crop.height)), flagged

    return find


def in_shipped_frame(version: int) -> Find:
    """The definition, asked for the frame that the graph takes: shrunk, black right or below."""
    ask = at_own_size(version)

    def find(photo: Photo) -> tuple[Box, bool]:
        hw = (photo.shape[0], photo.shape[1])
        box, flagged = ask(photo_to_frame(photo, FRAME_HW))
        shrunk = max(fitted_hw(hw, FRAME_HW)) / max(hw)
        return Box(box.left / shrunk, box.top / shrunk, box.side / shrunk), flagged

    return find


WAYS: dict[str, Callable[[int], Find]] = {
    "at its own size": at_own_size,
    "in the shipped frame": in_shipped_frame,
}

"""Samples as a network takes them: preprocessed by the reference, masks following the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.idrid import Sample, report
from mobileseg.data.images import read_mask, read_photo
from mobileseg.errors import BadInput
from mobileseg.preprocess.reference import Crop, Preprocessed, crop_mask, preprocess
from mobileseg.spec import PreprocessSpec, photo_to_frame

MASK_RULES = ("half", "any")
READERS = 2  # threads; decoding is most of the work and lets go of the interpreter


@dataclass(frozen=True, slots=True)
class Prepared:
    """One sample at the network's resolution."""

    name: str
    picture: Preprocessed
    masks: NDArray[np.bool_]  # (C, side, side)


def read_frame(path: Path, spec: PreprocessSpec) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: a picture file as the graph takes it."""
    return photo_to_frame(read_photo(path), spec.frame_hw)


def read_matching_mask(path: Path, photo_hw: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask of its photo's size; BadInput where the two differ."""
    mask = read_mask(path)
    if mask.shape != photo_hw:
        raise BadInput(
            f"{path}: found {mask.shape[1]}x{mask.shape[0]} pixels; expected the picture's "
            f"{photo_hw[1]}x{photo_hw[0]}"
        )
    return mask


def faults(sample: Sample, lesions: Sequence[str]) -> list[str]:
    """Everything that is wrong with a sample's files, not only the first thing."""
    found = []
    try:
        photo_hw: tuple[int, ...] | None = read_photo(sample.picture).shape[:2]
    except BadInput as error:
        found.append(str(error))
        photo_hw = None
    for path in (sample.masks[code] for code in lesions if code in sample.masks):
        try:
            read_matching_mask(path, photo_hw) if photo_hw else read_mask(path)
        except BadInput as error:
            found.append(str(error))
    return found


def coverage_in_frame(mask: NDArray[np.bool_], frame_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W): how much of each frame pixel a photo's mask, (h, w), covers; 255 is all of it."""
    return photo_to_frame(mask.astype(np.uint8) * np.uint8(255), frame_hw)


def mask_at_network(
    mask: NDArray[np.bool_], crop: Crop, spec: PreprocessSpec, rule: str
) -> NDArray[np.bool_]:
    """A photo's mask, (h, w), on the way its photo went: fitted, cropped, resized; (side, side)."""
    return crop_mask(coverage_in_frame(mask, spec.frame_hw), crop, spec.side_px, rule)


def prepare(
    sample: Sample, lesions: Sequence[str], spec: PreprocessSpec, rule: str = "half"
) -> Prepared:
    """Read, preprocess and label one sample.

    Args:
        rule: when a pixel at the network's resolution counts as lesion: "half" of it covered,
            or "any" of it.

    Raises:
        BadInput: a file is unreadable, or mask and picture differ in size.
    """
    photo = read_photo(sample.picture)
    done = preprocess(photo_to_frame(photo, spec.frame_hw), spec)
    masks = np.zeros((len(lesions), spec.side_px, spec.side_px), bool)
    for channel, code in enumerate(lesions):
        if code in sample.masks:
            mask = read_matching_mask(sample.masks[code], photo.shape[:2])
            masks[channel] = mask_at_network(mask, done.crop, spec, rule)
    return Prepared(sample.name, done, masks)


def prepare_all(
    folder: Path,
    samples: Sequence[Sample],
    lesions: Sequence[str],
    spec: PreprocessSpec,
    rule: str = "half",
    tick: Callable[[], None] = lambda: None,
) -> list[Prepared]:
    """Prepare every sample before anything is done with one.

    Args:
        folder: named in the report.
        tick: called after each sample (a progress bar).

    Raises:
        BadInput: one report that names every file that cannot be used.
    """

    def attempt(sample: Sample) -> Prepared | list[str]:
        try:
            return prepare(sample, lesions, spec, rule)
        except BadInput:
            return faults(sample, lesions)

    def results() -> Iterator[Prepared | list[str]]:
        with ThreadPoolExecutor(READERS) as pool:
            for outcome in pool.map(attempt, samples):
                tick()
                yield outcome

    outcomes = list(results())
    report(folder, [fault for o in outcomes if isinstance(o, list) for fault in o])
    return [o for o in outcomes if isinstance(o, Prepared)]

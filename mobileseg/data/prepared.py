"""Samples as a network takes them: preprocessed by the reference, masks following the picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mobileseg.data.idrid import Sample, report
from mobileseg.data.images import read_mask, read_photo
from mobileseg.errors import BadInput
from mobileseg.preprocess.batched import preprocess_batch
from mobileseg.preprocess.reference import Crop, Preprocessed, crop_mask, preprocess
from mobileseg.spec import PreprocessSpec, photo_to_frame

READERS = os.cpu_count() or 2  # decoding is most of the work and lets go of the interpreter
AT_ONCE = 8  # pictures preprocessed together on a GPU


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


@dataclass(frozen=True, slots=True)
class Framed:
    """One sample fitted into its frame."""

    name: str
    frame: NDArray[np.uint8]  # (H, W, 3) RGB
    coverages: dict[str, NDArray[np.uint8]]  # lesion code -> (H, W), see coverage_in_frame


def read_framed(sample: Sample, lesions: Sequence[str], spec: PreprocessSpec) -> Framed:
    """Read a sample's picture and the masks it has.

    Raises:
        BadInput: a file is unreadable, or mask and picture differ in size.
    """
    photo = read_photo(sample.picture)
    coverages = {
        code: coverage_in_frame(
            read_matching_mask(sample.masks[code], photo.shape[:2]), spec.frame_hw
        )
        for code in lesions
        if code in sample.masks
    }
    return Framed(sample.name, photo_to_frame(photo, spec.frame_hw), coverages)


def _labelled(
    framed: Framed, done: Preprocessed, lesions: Sequence[str], side_px: int, rule: str
) -> Prepared:
    masks = np.zeros((len(lesions), side_px, side_px), bool)
    for channel, code in enumerate(lesions):
        if code in framed.coverages:
            masks[channel] = crop_mask(framed.coverages[code], done.crop, side_px, rule)
    return Prepared(framed.name, done, masks)


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
    framed = read_framed(sample, lesions, spec)
    return _labelled(framed, preprocess(framed.frame, spec), lesions, spec.side_px, rule)


def prepare_all(
    folder: Path,
    samples: Sequence[Sample],
    lesions: Sequence[str],
    spec: PreprocessSpec,
    rule: str = "half",
    tick: Callable[[], None] = lambda: None,
    device: torch.device | None = None,
) -> list[Prepared]:
    """Prepare every sample before anything is done with one.

    Args:
        folder: named in the report.
        tick: called after each sample (a progress bar).
        device: preprocess on this GPU, a batch at a time; the same to the bit.

    Raises:
        BadInput: one report that names every file that cannot be used.
    """
    on_gpu = device is not None and device.type != "cpu"

    def attempt(sample: Sample) -> Prepared | Framed | list[str]:
        try:
            if on_gpu:
                return read_framed(sample, lesions, spec)
            return prepare(sample, lesions, spec, rule)
        except BadInput:
            return faults(sample, lesions)

    prepared: list[Prepared] = []
    found: list[str] = []
    with ThreadPoolExecutor(READERS) as pool:
        outcomes = pool.map(attempt, samples)
        while some := list(islice(outcomes, AT_ONCE)):
            found += [fault for o in some if isinstance(o, list) for fault in o]
            prepared += [o for o in some if isinstance(o, Prepared)]
            framed = [o for o in some if isinstance(o, Framed)]
            if framed and device is not None:
                done = preprocess_batch([f.frame for f in framed], spec, device)
                pairs = zip(framed, done, strict=True)
                prepared += [_labelled(f, d, lesions, spec.side_px, rule) for f, d in pairs]
            for _ in some:
                tick()
    report(folder, found)
    return prepared

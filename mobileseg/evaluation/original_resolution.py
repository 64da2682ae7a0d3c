"""A run's answers brought back onto the photo's own pixels, and judged by its untouched masks.

At the network's resolution both sides of a comparison have been shrunk. Here the masks stay as
they were drawn: a microaneurysm that the frame or the network's side has swallowed counts as
missed. One photo is in memory at a time; what stays is its probabilities at the network's side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.idrid import Sample, report
from mobileseg.data.images import read_photo
from mobileseg.data.prepared import faults, read_matching_mask
from mobileseg.errors import BadInput
from mobileseg.evaluation.lesion_evaluation import Answered
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.preprocess.reference import Crop, preprocess
from mobileseg.runs import Run
from mobileseg.spec import fitted_hw, photo_to_frame


@dataclass(frozen=True, slots=True)
class Taps:
    """Where each photo pixel of one axis lies between two network pixels."""

    inside: slice  # the photo pixels whose centre lies in the crop
    below: NDArray[np.intp]  # per pixel inside: the network pixel whose centre is at or before it
    after: NDArray[np.intp]  # the next one; at the rim the same
    part: NDArray[np.float32]  # of the way from the one to the other, 0..1


def taps(photo_px: int, fitted_px: int, start: int, length: int, side_px: int) -> Taps:
    """One axis of the way back: photo -> frame (shrunk to `fitted_px`) -> crop -> network.

    Args:
        start, length: of the crop, in frame pixels.
    """
    in_frame = (np.arange(photo_px) + 0.5) * (fitted_px / photo_px)  # half-pixel centres
    along = (in_frame - start) * (side_px / length)
    hit = np.flatnonzero((along >= 0) & (along < side_px))
    inside = slice(int(hit[0]), int(hit[-1]) + 1) if hit.size else slice(0, 0)
    position = (along[inside] - 0.5).clip(0, side_px - 1)
    below = position.astype(np.intp)
    after = np.minimum(below + 1, side_px - 1)
    return Taps(inside, below, after, (position - below).astype(np.float32))


def onto_photo(
    probability: NDArray[np.float32],
    crop: Crop,
    photo_hw: tuple[int, int],
    frame_hw: tuple[int, int],
) -> NDArray[np.float32]:
    """(side, side) at the network's resolution -> (h, w) on the photo.

    Bilinear between pixel centres; within half a network pixel of the crop's rim the rim's own
    value; 0 outside the crop, where the network has seen nothing.
    """
    side_px = probability.shape[-1]
    fitted_h, fitted_w = fitted_hw(photo_hw, frame_hw)
    rows = taps(photo_hw[0], fitted_h, crop.top, crop.height, side_px)
    columns = taps(photo_hw[1], fitted_w, crop.left, crop.width, side_px)
    tall = _between(probability, rows)  # rows inside, side
    placed = np.zeros(photo_hw, np.float32)
    placed[rows.inside, columns.inside] = _between(tall.T, columns).T
    return placed


def _between(values: NDArray[np.float32], at: Taps) -> NDArray[np.float32]:
    """Rows of (side, n), interpolated: (pixels inside, n)."""
    below = values[at.below]
    mixed: NDArray[np.float32] = below + at.part[:, None] * (values[at.after] - below)
    return mixed


@dataclass(frozen=True, slots=True)
class Located:
    """A run's answer to one photo, and how to bring it back."""

    sample: Sample
    photo_hw: tuple[int, int]
    crop: Crop
    probabilities: NDArray[np.float32]  # (C, side, side)


def locate_all(
    run: Run, folder: Path, samples: Sequence[Sample], tick: Callable[[], None] = lambda: None
) -> list[Located]:
    """Run the network on every photo, one in memory at a time.

    Args:
        folder: named in the report.
        tick: called after each photo (a progress bar).

    Raises:
        BadInput: one report that names every file that cannot be used; masks are looked at too,
            so that a bad one is not found after minutes of work.
    """
    located: list[Located] = []
    problems: list[str] = []
    for sample in samples:
        try:
            located.append(_locate(run, sample))
        except BadInput:
            problems += faults(sample, run.config.lesions)
        tick()
    report(folder, problems)
    return located


def _locate(run: Run, sample: Sample) -> Located:
    spec = run.config.preprocess
    photo = read_photo(sample.picture)
    height, width = photo.shape[:2]
    for code in run.config.lesions:
        if code in sample.masks:
            read_matching_mask(sample.masks[code], (height, width))
    done = preprocess(photo_to_frame(photo, spec.frame_hw), spec)
    return Located(sample, (height, width), done.crop, reference_probabilities(run, done))


def walk_photos(
    located: Sequence[Located], code: str, channel: int, frame_hw: tuple[int, int]
) -> Iterator[Answered]:
    """One lesion on each photo's own pixels, one photo in memory at a time."""
    for answer in located:
        masks = answer.sample.masks
        truth = (
            read_matching_mask(masks[code], answer.photo_hw)
            if code in masks
            else np.zeros(answer.photo_hw, bool)
        )
        probability = onto_photo(
            answer.probabilities[channel], answer.crop, answer.photo_hw, frame_hw
        )
        yield Answered(answer.sample.name, truth, probability)

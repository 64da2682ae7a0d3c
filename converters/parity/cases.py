"""Pictures to compare on: labelled real ones, or phantoms where there are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.idrid import Collection, Sample, read_idrid
from mobileseg.data.images import read_photo
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.data.prepared import read_matching_mask
from mobileseg.errors import BadInput

PHANTOM_SEED = 515
# Wide and square, larger than the frame and smaller: the crop and the shrinking both work.
PHANTOM_SHAPES = (  # height px, width / height
    *((900, 1.45), (700, 1.0), (1200, 1.2), (300, 1.3)),
    *((640, 1.5), (520, 1.9), (400, 1.0), (800, 1.33)),
)
PHANTOMS = len(PHANTOM_SHAPES)


@dataclass(frozen=True, slots=True)
class Case:
    """A picture to compare on, with masks where it is labelled."""

    name: str
    photo: NDArray[np.uint8]  # (h, w, 3) RGB
    masks: dict[str, NDArray[np.bool_]] = field(default_factory=dict)  # (h, w), labelled lesions


@dataclass(frozen=True, slots=True)
class Cases:
    """A number of pictures, read one at a time."""

    label: str
    count: int
    read: Iterator[Case]

    def and_also(self, other: Cases) -> Cases:
        """Both, one after the other."""
        return Cases(
            f"{self.label} and {other.label}",
            self.count + other.count,
            chain(self.read, other.read),
        )


def phantom_cases(count: int = PHANTOMS) -> Cases:
    """Pictures that need no data: true masks, no real retina."""

    def read() -> Iterator[Case]:
        for i, (height, aspect) in enumerate(PHANTOM_SHAPES[:count]):
            phantom = make_phantom(PHANTOM_SEED, height, index=i, aspect=aspect)
            yield Case(f"phantom {i + 1}", phantom.picture, phantom.masks)

    return Cases(f"fresh phantoms ({count})", count, read())


def idrid_cases(folders: Sequence[Path], lesions: Sequence[str], most: int) -> Cases:
    """Up to `most` pictures of each IDRiD folder, evenly spread; its test set where it has one.

    Raises:
        BadInput: another layout, or no pictures.
    """
    chosen: list[tuple[Sample, set[str]]] = []
    for folder in folders:
        collection = read_idrid(folder)
        split = _split(collection)
        samples = collection.samples[split]
        spread = np.unique(np.linspace(0, len(samples) - 1, min(most, len(samples))).round())
        labelled = collection.labelled[split] & set(lesions)
        chosen += [(samples[int(i)], labelled) for i in spread]
    label = f"{', '.join(folder.name for folder in folders)} ({len(chosen)})"
    return Cases(label, len(chosen), (_read(sample, codes) for sample, codes in chosen))


def _split(collection: Collection) -> str:
    for split in ("test", "train"):
        if collection.samples.get(split):
            return split
    raise BadInput(f"{collection.root}: found no pictures; expected an IDRiD folder")


def _read(sample: Sample, labelled: set[str]) -> Case:
    photo = read_photo(sample.picture)
    masks = {
        code: read_matching_mask(sample.masks[code], photo.shape[:2])
        if code in sample.masks
        else np.zeros(photo.shape[:2], bool)
        for code in sorted(labelled)
    }
    return Case(sample.name, photo, masks)

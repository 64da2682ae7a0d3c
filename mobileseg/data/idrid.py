"""IDRiD's folders as they unpack: which picture has which mask files.

    A. Segmentation/1. Original Images/{a. Training Set,b. Testing Set}/IDRiD_01.jpg
    A. Segmentation/2. All Segmentation Groundtruths/{…}/3. Hard Exudates/IDRiD_01_EX.tif

A lesion that a picture does not have has no mask file. A lesion that a set does not have at all
has no folder, and that is something else: nothing can be learnt or scored there.

Source: Porwal et al. 2018, doi:10.3390/data3030025.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mobileseg.errors import BadInput
from mobileseg.files.atomic import sha256
from mobileseg.lesions import LESIONS

ROOT = "A. Segmentation"
PICTURES = "1. Original Images"
MASKS = "2. All Segmentation Groundtruths"
SPLITS = {"train": "a. Training Set", "test": "b. Testing Set"}
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
MASK_SUFFIXES = (".tif", ".tiff", ".png")


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture and the mask files of the lesions it has."""

    name: str
    picture: Path
    masks: dict[str, Path]  # lesion code -> file; a code without a file: the lesion is absent


@dataclass(frozen=True, slots=True)
class Collection:
    """A data set: its samples by split, and the lesions that have a folder there."""

    root: Path
    samples: dict[str, list[Sample]]
    labelled: dict[str, set[str]]

    def split(self, split: str, lesions: tuple[str, ...]) -> list[Sample]:
        """The samples of a split that is labelled for these lesions, in order of their names.

        Raises:
            BadInput: no pictures there, or no mask folder of one of the lesions.
        """
        samples = self.samples.get(split, [])
        if not samples:
            raise BadInput(
                f"{self.root}: found no pictures in {PICTURES}/{SPLITS[split]}; "
                f"expected the {split} set of an IDRiD folder"
            )
        for code in lesions:
            if code not in self.labelled[split]:
                raise BadInput(
                    f"{self.root}: no folder {MASKS}/{SPLITS[split]}/{LESIONS[code].folder}; "
                    f"the {split} set is not labelled for {code}: choose another task"
                )
        return samples


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not folder.is_dir():
        return []
    found = (p for p in folder.iterdir() if p.suffix.lower() in suffixes)
    return sorted(p for p in found if not p.name.startswith("."))  # "._x": macOS's shadow files


def _read_split(root: Path, split: str, problems: list[str]) -> tuple[list[Sample], set[str]]:
    """Samples and labelled lesions of one split; what does not fit together goes to `problems`."""
    pictures: dict[str, Path] = {}
    for path in _files(root / PICTURES / SPLITS[split], PICTURE_SUFFIXES):
        if path.stem in pictures:
            problems.append(f"{path}: a second picture of that name beside {pictures[path.stem]}")
        pictures[path.stem] = path
    masks: dict[str, dict[str, Path]] = {name: {} for name in pictures}
    labelled = set()
    for code, lesion in LESIONS.items():
        folder = root / MASKS / SPLITS[split] / lesion.folder
        if folder.is_dir():
            labelled.add(code)
        for path in _files(folder, MASK_SUFFIXES):
            name = path.stem.removesuffix(f"_{code}")
            if name not in masks or name == path.stem:
                problems.append(f"{path}: belongs to no picture; expected <picture>_{code}")
            else:
                masks[name][code] = path
    return [Sample(n, pictures[n], masks[n]) for n in sorted(pictures)], labelled


def read_idrid(folder: Path) -> Collection:
    """Find the pictures and masks of an IDRiD folder; opens none of them.

    Args:
        folder: "A. Segmentation", or the folder that holds it.

    Raises:
        BadInput: another layout, or masks that belong to no picture (all of them named).
    """
    inner = folder / ROOT
    root = inner if inner.is_dir() else folder
    if not (root / PICTURES).is_dir():
        found = sorted(p.name for p in folder.iterdir())[:4] if folder.is_dir() else "no folder"
        raise BadInput(
            f"{folder}: found {found}; expected {ROOT}/{PICTURES} and {ROOT}/{MASKS}, "
            "as IDRiD unpacks (mobileseg phantom writes an example)"
        )
    problems: list[str] = []
    split_of = {split: _read_split(root, split, problems) for split in SPLITS}
    report(folder, problems)
    return Collection(
        folder,
        {split: samples for split, (samples, _) in split_of.items()},
        {split: labelled for split, (_, labelled) in split_of.items()},
    )


def fingerprint(labelled: Iterable[tuple[str, Sample]]) -> str:
    """One sum over labels and contents of pictures and masks, in the order given."""
    whole = hashlib.sha256()
    for label, sample in labelled:
        for key, path in (("picture", sample.picture), *sorted(sample.masks.items())):
            whole.update(f"{label}/{key}/{sha256(path)}\n".encode())
    return whole.hexdigest()


def report(folder: Path, problems: list[str]) -> None:
    """Raise one BadInput that names every bad file, if there is any."""
    if problems:
        lines = "\n  ".join(problems)
        raise BadInput(f"{folder}: {len(problems)} file(s) cannot be used:\n  {lines}")

"""Small data sets in IDRiD's layout, written as a test needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mobileseg.data.idrid import MASKS, PICTURES, ROOT, SPLITS
from mobileseg.lesions import LESIONS

WriteSet = Callable[..., Path]


def write_palette_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    """As IDRiD stores it: index 1 for lesion, whose colour is dark red."""
    image = Image.fromarray(mask.astype(np.uint8))
    image.putpalette([0, 0, 0, 255, 0, 0])
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


@pytest.fixture
def palette_mask() -> Callable[[Path, NDArray[np.bool_]], None]:
    return write_palette_mask


@pytest.fixture
def write_set(tmp_path: Path) -> WriteSet:
    """Write pictures {name: (h, w, 3)} and masks {(name, lesion code): (h, w)} into a split."""

    def write(
        pictures: Mapping[str, NDArray[np.uint8]],
        masks: Mapping[tuple[str, str], NDArray[np.bool_]],
        split: str = "train",
    ) -> Path:
        root = tmp_path / "set" / ROOT
        for name, pixels in pictures.items():
            path = root / PICTURES / SPLITS[split] / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
        for (name, code), mask in masks.items():
            folder = root / MASKS / SPLITS[split] / LESIONS[code].folder
            write_palette_mask(folder / f"{name}_{code}.tif", mask)
        return tmp_path / "set"

    return write

"""CLAHE as torch operations is OpenCV's, to the last grey level."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mobileseg.errors import UnknownName
from mobileseg.preprocess import clahe_graph
from mobileseg.preprocess.clahe_graph import HISTOGRAMS, Clahe


def equalised(module: Clahe, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    levels = torch.tensor(picture, dtype=torch.float32)[None, None]  # 1 1 side side
    return module(levels)[0, 0].numpy()


def gradient(side: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:side, :side]
    return ((x + y) * 255 // (2 * side - 2)).astype(np.uint8)


PICTURES: dict[str, Callable[[int], NDArray[np.uint8]]] = {
    "black": lambda side: np.zeros((side, side), np.uint8),
    "constant": lambda side: np.full((side, side), 77, np.uint8),
    "white": lambda side: np.full((side, side), 255, np.uint8),
    "two levels": lambda side: np.where(np.indices((side, side))[1] > side // 3, 210, 10),
    "gradient": gradient,
    "noise": lambda side: np.random.default_rng(0).integers(0, 256, (side, side)),
    "dark noise": lambda side: np.random.default_rng(0).integers(0, 5, (side, side)),
    "a narrow bell": lambda side: np.random.default_rng(0).normal(120, 9, (side, side)),
}


@pytest.mark.parametrize("histogram", HISTOGRAMS)
@pytest.mark.parametrize("clip", [0.01, 1.0, 2.0, 3.7, 40.0, 1000.0])
@pytest.mark.parametrize(
    ("side", "tiles"), [(32, 8), (64, 4), (96, 8), (160, 8), (224, 7), (320, 8)]
)
def test_clahe_is_opencvs_in_every_pixel(side, tiles, clip, histogram) -> None:
    ours, theirs = Clahe(side, clip, tiles, histogram), cv2.createCLAHE(clip, (tiles, tiles))
    for name, make in PICTURES.items():
        picture = make(side).astype(np.uint8)
        assert np.array_equal(equalised(ours, picture), theirs.apply(picture)), name


def round_half_up(values: torch.Tensor) -> torch.Tensor:
    return torch.floor(values + 0.5)


def test_clahe_with_another_rounding_would_be_noticed(monkeypatch) -> None:
    picture = PICTURES["noise"](64).astype(np.uint8)
    theirs = cv2.createCLAHE(2.0, (8, 8)).apply(picture)
    ours = Clahe(64, 2.0, 8, "scatter")
    assert np.array_equal(equalised(ours, picture), theirs)
    monkeypatch.setattr(clahe_graph.torch, "round", round_half_up)
    assert not np.array_equal(equalised(ours, picture), theirs)


@pytest.mark.parametrize("histogram", HISTOGRAMS)
def test_histograms_count_every_level_once(histogram) -> None:
    tiles = torch.stack([torch.arange(256.0), torch.full((256,), 7.0)])
    counts = HISTOGRAMS[histogram](tiles)
    assert counts[0].tolist() == [1.0] * 256
    assert counts[1].tolist() == [0.0] * 7 + [256.0] + [0.0] * 248


def test_an_unknown_histogram_is_answered_with_the_choices() -> None:
    with pytest.raises(UnknownName) as refusal:
        Clahe(64, 2.0, 8, "sorting")
    assert str(refusal.value) == "no histogram 'sorting'; choose from scatter, matmul"

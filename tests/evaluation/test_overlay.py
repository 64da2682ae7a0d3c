"""Masks back on the picture: every pixel placed and coloured by hand, in whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

from mobileseg.evaluation.overlay import OPACITY, blend, mask_on_frame, overlay
from mobileseg.evaluation.postprocess import judge
from mobileseg.lesions import LESIONS

LEFT_COLUMN = np.array([[True, False], [True, False]])
DIAGONAL = np.array([[True, False], [False, True]])


def text(placed: np.ndarray) -> list[str]:
    return ["".join("#" if pixel else "." for pixel in row) for row in placed]


def test_a_mask_pixel_covers_its_share_of_the_crop():
    placed = mask_on_frame(DIAGONAL, (1, 2, 4, 4), (7, 6))
    assert text(placed) == [
        "......",
        "......",
        ".##...",
        ".##...",
        "...##.",
        "...##.",
        "......",
    ]


def test_a_crop_that_is_no_multiple_of_the_mask_takes_the_nearest_below():
    """Three frame pixels for two mask pixels: 0·2//3, 1·2//3, 2·2//3 = 0, 0, 1."""
    assert text(mask_on_frame(DIAGONAL, (0, 0, 3, 3), (3, 3))) == ["##.", "##.", "..#"]
    # Five for two: 0 0 0 1 1.
    assert text(mask_on_frame(LEFT_COLUMN, (0, 0, 5, 5), (1, 6))) == ["###..."]


def test_a_crop_smaller_than_the_mask_skips_mask_pixels():
    mask = np.eye(4, dtype=bool)
    assert text(mask_on_frame(mask, (1, 1, 2, 2), (4, 4))) == ["....", ".#..", "..#.", "...."]


def test_what_the_crop_sees_outside_the_frame_is_cut_off():
    """Square around a wide retina: it starts above the frame and ends below it."""
    placed = mask_on_frame(DIAGONAL, (0, -1, 4, 4), (2, 4))
    assert text(placed) == ["##..", "..##"]
    placed = mask_on_frame(DIAGONAL, (-2, 0, 4, 4), (4, 2))
    assert text(placed) == ["..", "..", "##", "##"]


def test_no_pixel_outside_the_crop_is_lesion_even_beside_a_full_mask():
    """Rounding towards zero would put frame pixel -1 · 2 // 3 into row 0; floor does not."""
    full = np.ones((2, 2), bool)
    placed = mask_on_frame(full, (3, 3, 3, 3), (9, 9))
    assert placed.sum() == 9
    assert placed[3:6, 3:6].all()


def test_a_rectangular_crop_scales_each_way_for_itself():
    assert text(mask_on_frame(DIAGONAL, (0, 0, 4, 2), (2, 4))) == ["##..", "..##"]


def test_blending_is_this_formula():
    """(source · 105 + colour · 150 + 127) // 255, for all 256 levels and three colours."""
    levels = np.arange(256, dtype=np.uint8)
    picture = np.repeat(levels[None, :, None], 3, axis=2)
    found = blend(picture, np.ones((1, 256), bool), (0, 100, 255))
    assert OPACITY == 150
    for level in range(256):
        by_hand = [(level * 105 + colour * 150 + 127) // 255 for colour in (0, 100, 255)]
        assert found[0, level].tolist() == by_hand
    assert found[0, 0].tolist() == [0, 59, 150]
    assert found[0, 255].tolist() == [105, 164, 255]


@pytest.mark.parametrize(("opacity", "expected"), [(0, [10, 20, 30]), (255, [1, 2, 3])])
def test_no_opacity_leaves_the_picture_and_full_opacity_gives_the_colour(opacity, expected):
    picture = np.array([[[10, 20, 30]]], np.uint8)
    assert blend(picture, np.array([[True]]), (1, 2, 3), opacity)[0, 0].tolist() == expected


def test_only_masked_pixels_change_and_the_given_picture_stays_as_it_was():
    picture = np.full((2, 2, 3), 80, np.uint8)
    found = blend(picture, DIAGONAL, (255, 255, 255))
    assert (picture == 80).all()
    assert (found[~DIAGONAL] == 80).all()
    assert (found[DIAGONAL] == (80 * 105 + 255 * 150 + 127) // 255).all()
    assert found.dtype == np.uint8


def test_an_overlay_is_cut_to_the_picture_and_later_lesions_lie_on_top():
    frame = np.full((4, 6, 3), 60, np.uint8)
    probabilities = np.zeros((2, 2, 2), np.float32)
    probabilities[0, 0] = 1  # MA: upper half
    probabilities[1, :, 0] = 1  # HE: left half
    shown = judge(frame, (4, 5), probabilities, (0, 0, 4, 4), 1.0, {"MA": 0.5, "HE": 0.5})
    drawn = overlay(shown)
    assert drawn.shape == (4, 5, 3)

    def on(source, code):
        return [
            (s * 105 + c * 150 + 127) // 255
            for s, c in zip(source, LESIONS[code].colour, strict=True)
        ]

    grey = [60, 60, 60]
    assert drawn[0, 0].tolist() == on(on(grey, "MA"), "HE")
    assert drawn[0, 3].tolist() == on(grey, "MA")
    assert drawn[3, 0].tolist() == on(grey, "HE")
    assert drawn[3, 3].tolist() == grey
    assert drawn[0, 4].tolist() == grey  # in the picture, outside the crop
    assert (frame == 60).all()

"""The definition, on pictures small enough to follow by hand, and against OpenCV."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mobileseg.preprocess.reference import (
    Crop,
    Preprocessed,
    area_sums,
    clahe_scaled,
    crop_and_resize,
    crop_mask,
    find_crop,
    preprocess,
)
from mobileseg.spec import Normalisation, PreprocessSpec

SQUARE = PreprocessSpec(32, (40, 60), finder=1)
RECTANGLE = replace(SQUARE, crop="rectangle")


def black(height: int, width: int) -> NDArray[np.uint8]:
    return np.zeros((height, width, 3), np.uint8)


def coloured(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[..., None], 3, axis=2)


def test_the_box_runs_from_the_first_to_the_last_retina_pixel() -> None:
    frame = black(40, 60)
    frame[10:20, 20:50] = 200
    assert find_crop(frame, RECTANGLE) == Crop(left=20, top=10, width=30, height=10, found=True)


def test_the_square_lies_around_the_boxs_centre_and_may_leave_the_frame() -> None:
    frame = black(40, 60)
    frame[10:20, 20:50] = 200
    assert find_crop(frame, SQUARE) == Crop(left=20, top=0, width=30, height=30, found=True)
    frame[10:20, :] = 200
    assert find_crop(frame, SQUARE) == Crop(left=0, top=-15, width=60, height=60, found=True)


@pytest.mark.parametrize(
    ("rows", "columns", "left", "top"),
    [
        (slice(10, 19), slice(20, 50), 20, 0),  # 30 - 9 = 21: 10 above, 11 below
        (slice(5, 35), slice(20, 29), 10, 5),  # 10 on the left, 11 on the right
    ],
)
def test_an_odd_pixel_goes_right_or_below(rows: slice, columns: slice, left: int, top: int) -> None:
    frame = black(40, 60)
    frame[rows, columns] = 200
    assert find_crop(frame, SQUARE) == Crop(left, top, 30, 30, found=True)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_one_channel_above_the_threshold_makes_a_pixel_retina(channel: int) -> None:
    frame = black(40, 60)
    frame[10:20, 20:50] = 25
    assert not find_crop(frame, SQUARE).found
    frame[10:20, 20:50, channel] = 26
    assert find_crop(frame, RECTANGLE) == Crop(20, 10, 30, 10, found=True)


def test_a_row_counts_from_one_percent_of_retina_pixels_on() -> None:
    frame = black(200, 200)
    frame[50:150, 50:150] = 200
    frame[10, 100] = 200  # half a percent: dust
    frame[100, 10] = 200
    assert find_crop(frame, RECTANGLE) == Crop(50, 50, 100, 100, found=True)
    frame[10, 101] = 200  # one percent
    frame[101, 10] = 200
    assert find_crop(frame, RECTANGLE) == Crop(10, 10, 140, 140, found=True)


@pytest.mark.parametrize("spec", [SQUARE, RECTANGLE], ids=lambda s: s.crop)
def test_without_retina_the_crop_is_the_whole_frame_and_says_so(spec: PreprocessSpec) -> None:
    whole = Crop(0, 0, 60, 40, found=False)
    squared = Crop(0, -10, 60, 60, found=False)
    expected = squared if spec.crop == "square" else whole
    assert find_crop(black(40, 60), spec) == expected
    assert preprocess(black(40, 60), spec).retina == 0.0


def test_a_row_of_light_without_a_column_is_no_retina() -> None:
    frame = black(200, 200)
    frame[7] = 255  # every column has half a percent
    assert not find_crop(frame, SQUARE).found


def test_a_crop_knows_whether_it_changes_the_picture() -> None:
    whole = Crop(0, 0, 60, 40, found=True)
    assert whole.is_whole_frame((40, 60))
    for changed in ({"left": 1}, {"top": -1}, {"width": 59}, {"height": 41}):
        assert not replace(whole, **changed).is_whole_frame((40, 60))


def test_the_retina_share_counts_what_lies_outside_the_frame_as_black() -> None:
    frame = black(40, 60)
    frame[10:20, :] = 200
    assert preprocess(frame, RECTANGLE).retina == 1.0
    assert preprocess(frame, SQUARE).retina == np.float32(10 / 60)


PLANE = np.array([[10, 20], [30, 41]], np.uint8)


def levels(plane: NDArray[np.uint8], crop: Crop, side_px: int) -> list[list[int]]:
    resized = crop_and_resize(coloured(plane), crop, side_px)
    assert (resized == resized[..., :1]).all()
    return resized[..., 0].tolist()


@pytest.mark.parametrize(
    ("crop", "side", "expected"),
    [
        (Crop(0, 0, 2, 2, True), 2, [[10, 20], [30, 41]]),
        (Crop(0, 0, 2, 2, True), 1, [[25]]),  # 101 / 4 = 25.25
        (Crop(0, 0, 2, 1, True), 1, [[15]]),
        (Crop(0, 0, 1, 2, True), 1, [[20]]),
        (Crop(1, 0, 1, 2, True), 1, [[31]]),  # 30.5: half up
        (Crop(1, 1, 1, 1, True), 2, [[41, 41], [41, 41]]),
        # Enlarged three to two: the middle pixel is half one, half the other.
        (Crop(0, 0, 2, 1, True), 3, [[10, 15, 20]] * 3),
        (Crop(0, 0, 2, 2, True), 4, [[10, 10, 20, 20]] * 2 + [[30, 30, 41, 41]] * 2),
        # Outside the frame it is black.
        (Crop(-1, -1, 2, 2, True), 2, [[0, 0], [0, 10]]),
        (Crop(1, 1, 2, 2, True), 2, [[41, 0], [0, 0]]),
        (Crop(-1, -1, 4, 4, True), 1, [[6]]),  # 101 / 16 = 6.3
    ],
)
def test_levels_are_area_means_rounded_half_up(
    crop: Crop, side: int, expected: list[list[int]]
) -> None:
    assert levels(PLANE, crop, side) == expected


def test_sums_are_in_units_of_the_crops_area() -> None:
    sums = area_sums(PLANE, Crop(0, 0, 2, 2, True), 4)
    assert sums[0].tolist() == [40, 40, 80, 80]  # 10 and 20 times 2 * 2
    assert sums.sum() == 4 * 4 * PLANE.sum()


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_channels_are_resized_apart(channel: int) -> None:
    frame = black(2, 2)
    frame[..., channel] = PLANE
    expected = [0, 0, 0]
    expected[channel] = 25
    assert crop_and_resize(frame, Crop(0, 0, 2, 2, True), 1).tolist() == [[expected]]


def padded(plane: NDArray[np.uint8], crop: Crop) -> NDArray[np.float64]:
    """The crop as a picture of its own, black where it leaves the plane."""
    edge = max(crop.width, crop.height)
    wide = np.pad(plane.astype(np.float64), edge)
    top, left = crop.top + edge, crop.left + edge
    return wide[top : top + crop.height, left : left + crop.width]


@pytest.mark.parametrize(
    ("crop", "side"),
    [
        (Crop(0, 0, 96, 96, True), 32),
        (Crop(3, 5, 101, 101, True), 64),
        (Crop(-20, -11, 190, 190, True), 96),
        (Crop(10, 4, 130, 71, True), 64),  # a rectangle, squeezed
        (Crop(0, -30, 199, 199, True), 160),
    ],
)
def test_when_shrinking_the_means_are_opencvs_inter_area(crop: Crop, side: int) -> None:
    plane = np.random.default_rng(0).integers(0, 256, (160, 200), dtype=np.uint8)
    means = area_sums(plane, crop, side) / (crop.width * crop.height)
    theirs = cv2.resize(padded(plane, crop), (side, side), interpolation=cv2.INTER_AREA)
    # OpenCV keeps its weights in float32 and drops overlaps under 0.001 of a pixel.
    assert np.abs(means - theirs).max() < 0.01
    linear = cv2.resize(padded(plane, crop), (side, side), interpolation=cv2.INTER_LINEAR)
    assert np.abs(means - linear).max() > 1  # another resize would be noticed


@pytest.mark.parametrize(
    ("lesion", "half", "any_of_it"),
    [
        ([[0, 0], [0, 0]], False, False),
        ([[1, 0], [0, 0]], False, True),
        ([[1, 1], [0, 0]], True, True),  # exactly half
        ([[0, 1], [1, 1]], True, True),
    ],
)
def test_a_mask_pixel_is_lesion_by_half_or_by_any(
    lesion: list[list[int]], half: bool, any_of_it: bool
) -> None:
    coverage = np.array(lesion, np.uint8) * np.uint8(255)
    whole = Crop(0, 0, 2, 2, True)
    assert crop_mask(coverage, whole, 1).tolist() == [[half]]
    assert crop_mask(coverage, whole, 1, "half").tolist() == [[half]]
    assert crop_mask(coverage, whole, 1, "any").tolist() == [[any_of_it]]


def test_a_mask_follows_the_crop() -> None:
    coverage = np.zeros((4, 4), np.uint8)
    coverage[2, 3] = 255
    assert crop_mask(coverage, Crop(2, 2, 2, 2, True), 2).tolist() == [[False, True], [False] * 2]
    assert not crop_mask(coverage, Crop(0, 0, 2, 2, True), 2, "any").any()
    assert crop_mask(coverage, Crop(3, 2, 2, 2, True), 2).tolist() == [[True, False], [False] * 2]


def test_partly_covered_frame_pixels_add_up() -> None:
    coverage = np.array([[127, 128]], np.uint8)  # together exactly half of two pixels
    assert crop_mask(coverage, Crop(0, 0, 2, 1, True), 1).tolist() == [[True]]
    assert crop_mask(coverage - np.uint8([[1, 0]]), Crop(0, 0, 2, 1, True), 1).tolist() == [[False]]


def test_clahe_changes_brightness_and_leaves_hue_and_saturation() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(1, 256, (64, 64, 3), dtype=np.uint8)
    enhanced = clahe_scaled(picture, 2.0, 8)
    value = cv2.createCLAHE(2.0, (8, 8)).apply(picture.max(axis=2))
    # One float32 quotient and one product: relative 2**-23 of at most 255.
    assert np.abs(enhanced.max(axis=2) - value).max() < 1e-4
    shares, before = enhanced / value[..., None], picture / picture.max(axis=2, keepdims=True)
    assert np.abs(shares - before).max() < 1e-6
    assert np.abs(enhanced - picture).max() > 5  # it does something


def test_black_stays_black_under_clahe() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    picture[:, :20] = 0
    enhanced = clahe_scaled(picture, 2.0, 8)
    assert not enhanced[:, :20].any()
    assert enhanced.min() >= 0
    assert enhanced.max() <= 255


def test_normalising_takes_mean_and_sd_in_shares_of_white() -> None:
    enhanced = np.zeros((1, 2, 3), np.float32)
    enhanced[0, 1] = [255, 127.5, 51]
    done = Preprocessed(Crop(0, 0, 1, 1, True), 1.0, np.zeros((1, 2, 3), np.uint8), enhanced)
    planes = done.normalised(Normalisation((0.5, 0.5, 0.2), (0.25, 0.5, 0.1)))
    assert planes.dtype == np.float32
    assert planes.shape == (3, 1, 2)
    assert planes.tolist() == [[[-2, 2]], [[-1, 0]], [[-2, 0]]]


def test_the_box_of_a_frame_is_the_photos_own_box_shrunk(camera_pictures) -> None:
    for picture in camera_pictures:
        spec = PreprocessSpec(512, picture.frame.shape[:2], "rectangle", finder=1)
        box, photo_box = find_crop(picture.frame, spec), picture.photo_box
        down, right = (c / p for c, p in zip(picture.content_hw, picture.photo_hw, strict=True))
        edges = {
            "left": (box.left, photo_box.left * right),
            "right": (box.left + box.width, (photo_box.left + photo_box.width) * right),
            "top": (box.top, photo_box.top * down),
            "bottom": (box.top + box.height, (photo_box.top + photo_box.height) * down),
        }
        for edge, (found, mapped) in edges.items():
            # Averaging moves an edge by at most the pixel it lies in; 0.6 was the most in all 20.
            assert abs(found - mapped) <= 2, f"{picture.name}: {edge} at {found}, not {mapped:.1f}"


def test_the_crop_of_a_camera_picture_cuts_and_pads(camera_pictures) -> None:
    for picture in camera_pictures:
        crop = find_crop(picture.frame, PreprocessSpec(512, picture.frame.shape[:2]))
        height, width = picture.content_hw
        assert not crop.is_whole_frame(picture.content_hw)
        assert crop.left > 0, picture.name
        assert crop.left + crop.width < width, picture.name
        assert crop.top < 0, picture.name
        assert crop.top + crop.height > height, picture.name

"""A photo becomes a frame by whole numbers alone; settings that cannot work are refused."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mobileseg.errors import BadInput, UnknownName
from mobileseg.spec import STRIP_PX, Normalisation, PreprocessSpec, fitted_hw, photo_to_frame


def grey(*rows: list[int]) -> NDArray[np.uint8]:
    return np.array(rows, np.uint8)


@pytest.mark.parametrize(
    ("photo_hw", "frame_hw", "expected"),
    [
        ((10, 20), (32, 32), (10, 20)),  # smaller: as it is
        ((32, 32), (32, 32), (32, 32)),
        ((33, 32), (32, 32), (32, 31)),  # 31.03
        ((64, 128), (32, 32), (16, 32)),
        ((128, 64), (32, 32), (32, 16)),
        ((64, 64), (32, 48), (32, 32)),  # the frame's height decides
        ((4, 5), (2, 99), (2, 3)),  # 2.5 is rounded up
        ((5, 4), (99, 2), (3, 2)),
        ((1, 1000), (32, 32), (1, 32)),  # 0.03, but never nothing
        ((1000, 1), (32, 32), (32, 1)),
        ((2848, 4288), (1024, 1024), (680, 1024)),  # 680.12, IDRiD's camera
    ],
)
def test_a_photo_keeps_its_proportions_and_fits(photo_hw, frame_hw, expected):
    assert fitted_hw(photo_hw, frame_hw) == expected


def exact_fitted_hw(photo_hw: tuple[int, int], frame_hw: tuple[int, int]) -> tuple[int, int]:
    scale = min(Fraction(f, p) for f, p in zip(frame_hw, photo_hw, strict=True))
    if scale >= 1:
        return photo_hw
    h, w = (max(1, math.floor(n * scale + Fraction(1, 2))) for n in photo_hw)
    return h, w


sizes = st.integers(1, 5000)


@given(st.tuples(sizes, sizes), st.tuples(sizes, sizes))
def test_the_fitted_size_is_the_exact_fraction_rounded_half_up(photo_hw, frame_hw):
    fitted = fitted_hw(photo_hw, frame_hw)
    assert fitted == exact_fitted_hw(photo_hw, frame_hw)
    assert all(1 <= n <= f for n, f in zip(fitted, frame_hw, strict=True))
    assert fitted == photo_hw or any(n == f for n, f in zip(fitted, frame_hw, strict=True))


def test_a_photo_of_twice_the_size_is_averaged_two_by_two():
    photo = grey([0, 4, 10, 10], [8, 0, 20, 20], [1, 1, 255, 255], [1, 1, 255, 255])
    assert photo_to_frame(photo, (2, 2)).tolist() == [[3, 15], [1, 255]]


def test_a_pixel_across_a_border_counts_by_its_parts():
    # Each new pixel covers one and a half old ones: (0 + 90/2) / 1.5 and (90/2 + 180) / 1.5.
    assert photo_to_frame(grey([0, 90, 180]), (1, 2)).tolist() == [[30, 150]]
    assert photo_to_frame(grey([0], [90], [180]), (2, 1)).tolist() == [[30], [150]]


def test_halves_are_rounded_up_and_not_to_even():
    assert photo_to_frame(grey([0, 1, 1, 2, 2, 3]), (1, 3)).tolist() == [[1, 2, 3]]


def test_a_small_photo_stands_top_left_unchanged_and_the_rest_is_black():
    frame = photo_to_frame(grey([1, 2], [3, 4]), (3, 4))
    assert frame.tolist() == [[1, 2, 0, 0], [3, 4, 0, 0], [0, 0, 0, 0]]


def test_a_shrunk_photo_stands_top_left_and_the_rest_is_black():
    frame = photo_to_frame(np.full((4, 8), 7, np.uint8), (4, 4))
    assert frame.tolist() == [[7] * 4, [7] * 4, [0] * 4, [0] * 4]


def test_colours_do_not_mix():
    photo = np.zeros((2, 4, 3), np.uint8)
    photo[..., 0], photo[..., 1] = 200, [[10, 20, 30, 40], [10, 20, 30, 40]]
    frame = photo_to_frame(photo, (1, 2))
    assert frame.tolist() == [[[200, 15, 0], [200, 35, 0]]]


def overlaps(n: int, count: int) -> NDArray[np.object_]:
    """(count, n) share of new pixel i that old pixel k makes up."""
    length = Fraction(n, count)
    return np.array(
        [
            [max(Fraction(0), min((i + 1) * length, k + 1) - max(i * length, k)) for k in range(n)]
            for i in range(count)
        ],
        dtype=object,
    ) / length  # fmt: skip


def exact_frame(photo: NDArray[np.uint8], frame_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """The same by fractions, pixel by pixel."""
    new_h, new_w = exact_fitted_hw(photo.shape[:2], frame_hw)
    rows, columns = overlaps(photo.shape[0], new_h), overlaps(photo.shape[1], new_w)
    frame = np.zeros((*frame_hw, *photo.shape[2:]), np.uint8)
    planes = np.atleast_3d(photo).astype(object)
    for channel in range(planes.shape[2]):
        means = rows @ planes[..., channel] @ columns.T
        whole = np.vectorize(lambda x: math.floor(x + Fraction(1, 2)), otypes=[np.uint8])(means)
        np.atleast_3d(frame)[:new_h, :new_w, channel] = whole
    return frame


@st.composite
def photos(draw: st.DrawFn) -> NDArray[np.uint8]:
    """Up to 9x9, one channel or three, noise or the extremes only."""
    shape = (draw(st.integers(1, 9)), draw(st.integers(1, 9)), *draw(st.sampled_from([(), (3,)])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    largest = draw(st.sampled_from([1, 3, 255]))
    photo = rng.integers(0, largest + 1, shape, dtype=np.uint8)
    return photo * np.uint8(draw(st.sampled_from([1, 255 // largest])))


@settings(max_examples=80, deadline=None)
@given(photos(), st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_every_grey_level_is_the_exact_area_mean_rounded_half_up(photo, frame_hw):
    frame = photo_to_frame(photo, frame_hw)
    assert frame.dtype == np.uint8
    assert frame.tolist() == exact_frame(photo, frame_hw).tolist()


def dense_frame(photo: NDArray[np.uint8], new_h: int, new_w: int) -> NDArray[np.int64]:
    """The same by two dense matrices: whole overlaps in float64, whose sums stay below 2**53."""

    def counts(n: int, count: int) -> NDArray[np.float64]:
        i, k = np.arange(count)[:, None] * n, np.arange(n)[None] * count
        return (np.minimum(i + n, k + count) - np.maximum(i, k)).clip(min=0).astype(np.float64)

    h, w = photo.shape
    sums = counts(h, new_h) @ photo.astype(np.float64) @ counts(w, new_w).T
    return (2 * sums.astype(np.int64) + h * w) // (2 * h * w)


@pytest.mark.parametrize(
    ("photo_hw", "frame_hw"),
    [
        ((2848, 4288), (1024, 1024)),  # IDRiD's camera
        ((3 * STRIP_PX + 1, 2 * STRIP_PX - 1), (96, 64)),  # the last strip is one pixel short
        ((9000, 40), (1024, 512)),  # its sums need 64 bits in the first direction
        ((40, 9000), (512, 1024)),
    ],
)
def test_a_large_photo_is_as_exact_as_a_small_one(photo_hw, frame_hw):
    photo = np.random.default_rng(0).integers(0, 256, photo_hw, dtype=np.uint8)
    new_h, new_w = fitted_hw(photo_hw, frame_hw)
    frame = photo_to_frame(photo, frame_hw)
    assert np.array_equal(frame[:new_h, :new_w], dense_frame(photo, new_h, new_w))
    assert not frame[new_h:].any()
    assert not frame[:, new_w:].any()


@pytest.mark.parametrize("height", [8224, 8225])  # 255 * 8224 * 1024 is just under 2**31
def test_white_stays_white_on_both_sides_of_the_32_bit_limit(height):
    frame = photo_to_frame(np.full((height, 16), 255, np.uint8), (1024, 1024))
    assert (frame[:, :2] == 255).all()


def test_the_comparison_would_notice_another_rounding():
    photo = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    blocks = photo.reshape(32, 2, 32, 2).mean(axis=(1, 3))
    assert np.array_equal(photo_to_frame(photo, (32, 32)), np.floor(blocks + 0.5))
    assert not np.array_equal(photo_to_frame(photo, (32, 32)), np.rint(blocks))  # halves to even


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"side_px": 0}, "side 0: expected a multiple of 32, 32..4096 pixels"),
        ({"side_px": -32}, "side -32: expected a multiple of 32, 32..4096 pixels"),
        ({"side_px": 500}, "side 500: expected a multiple of 32, 32..4096 pixels"),
        ({"side_px": 4128}, "side 4128: expected a multiple of 32, 32..4096 pixels"),
        ({"frame_hw": (31, 64)}, "frame 31x64: expected 32..4096 pixels each way"),
        ({"frame_hw": (64, 4097)}, "frame 64x4097: expected 32..4096 pixels each way"),
        ({"clahe_clip": 0.0}, "CLAHE clip 0.0: expected a number above 0"),
        ({"clahe_clip": math.nan}, "CLAHE clip nan: expected a number above 0"),
        ({"clahe_clip": math.inf}, "CLAHE clip inf: expected a number above 0"),
        ({"clahe_tiles": 0}, "CLAHE tiles 0: expected a divisor of the side, 512"),
        ({"clahe_tiles": 7}, "CLAHE tiles 7: expected a divisor of the side, 512"),
    ],
)
def test_a_number_that_cannot_work_is_refused_with_what_could(values: dict[str, Any], text):
    with pytest.raises(BadInput) as refusal:
        PreprocessSpec(**{"side_px": 512, **values})
    assert str(refusal.value).startswith(text)


@pytest.mark.parametrize(
    "values",
    [{"side_px": 32}, {"side_px": 4096}, {"frame_hw": (32, 4096)}, {"clahe_tiles": 512}],
)
def test_the_limits_themselves_are_allowed(values: dict[str, Any]):
    PreprocessSpec(**{"side_px": 512, **values})


def test_an_unknown_crop_is_answered_with_the_choices():
    with pytest.raises(UnknownName) as refusal:
        PreprocessSpec(512, crop="circle")
    assert str(refusal.value) == "no crop 'circle'; choose from square, rectangle"


@pytest.mark.parametrize(("crop", "finder"), [("rectangle", 1), ("square", 1), ("square", 2)])
def test_a_specification_survives_json(crop, finder):
    spec = PreprocessSpec(96, (128, 160), crop, 3.5, 4, 20, finder)
    written = json.loads(json.dumps(spec.to_json()))
    assert PreprocessSpec.from_json(written) == spec
    assert written["frame_hw"] == [128, 160]
    # Finder 1 is not told: so was everything written that was stored before there was another.
    assert {**written, "finder": finder}.keys() == asdict(spec).keys()
    assert ("finder" in written) == (finder == 2)


def test_a_new_specification_has_the_last_finder_and_a_stored_one_the_first():
    assert PreprocessSpec(512).finder == 2
    assert PreprocessSpec.from_json({"side_px": 512, "frame_hw": [64, 64]}).finder == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"finder": 3}, "finder 3: expected 1 or 2"),
        (
            {"crop": "rectangle"},
            "crop rectangle: finder 2 cuts a square around the retina's circle; expected finder 1 "
            "with it",
        ),
    ],
)
def test_a_finder_that_cannot_be_is_refused(values, said):
    with pytest.raises(BadInput) as refusal:
        PreprocessSpec(512, **values)
    assert str(refusal.value) == said


def test_another_frame_changes_nothing_else():
    spec = PreprocessSpec(96, (128, 160), "rectangle", 3.5, 4, 20, finder=1)
    assert spec.with_frame((64, 64)) == PreprocessSpec(
        96, (64, 64), "rectangle", 3.5, 4, 20, finder=1
    )
    with pytest.raises(BadInput, match="frame 8x64"):
        spec.with_frame((8, 64))


@pytest.mark.parametrize(
    ("mean", "sd"),
    [
        ((0.5, math.nan, 0.5), (0.1, 0.1, 0.1)),
        ((0.5, 0.5, math.inf), (0.1, 0.1, 0.1)),
        ((0.5, 0.5, 0.5), (0.1, math.nan, 0.1)),
        ((0.5, 0.5, 0.5), (0.1, math.inf, 0.1)),
        ((0.5, 0.5, 0.5), (0.1, 0.0, 0.1)),
        ((0.5, 0.5, 0.5), (0.1, 0.1, -0.1)),
    ],
)
def test_a_normalisation_that_would_bring_nan_is_refused(mean, sd):
    with pytest.raises(BadInput) as refusal:
        Normalisation(mean, sd)
    assert str(refusal.value) == (
        f"mean {mean}, SD {sd}: expected finite numbers and SD above 0"
    )  # fmt: skip


def test_a_sensible_normalisation_is_kept():
    assert Normalisation((0.5, 0.0, 1.0), (0.1, 0.2, 0.3)).sd == (0.1, 0.2, 0.3)

"""Where pictures are read: the worked examples of Apple's documentation.

A row 0, 1 read at a place between 0 and 1 gives the place itself.
"""

from __future__ import annotations

import pytest
import torch

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.ops import operation
from converters.coreml.mil.ops.resize import grid

ROW = torch.tensor([[[[0.0, 1.0]]]])


def run(name, **given):
    arguments = {
        k: [v if isinstance(v, str | torch.Tensor) else torch.tensor(v)] for k, v in given.items()
    }
    return operation(name, 16).compute(Arguments(arguments))


# Rounded to two places there; 0.1 of 5 is exact.
UPSAMPLED = {
    (5, False): [0.0, 0.1, 0.5, 0.9, 1.0],
    (5, True): [0.0, 0.25, 0.5, 0.75, 1.0],
    (6, False): [0.0, 0.0, 0.33, 0.67, 1.0, 1.0],
    (6, True): [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
}


@pytest.mark.parametrize(("size", "corners"), UPSAMPLED)
def test_upsampling_reads_where_the_documentation_says(size, corners):
    found = run(
        "upsample_bilinear",
        x=ROW,
        scale_factor_height=1,
        scale_factor_width=size / 2,
        align_corners=corners,
    )
    assert found.shape == (1, 1, 1, size)
    assert found.flatten().tolist() == pytest.approx(UPSAMPLED[size, corners], abs=0.005)


def test_half_pixel_centres_are_the_opposite_of_aligned_corners():
    plain, said = (
        run("upsample_bilinear", x=ROW, scale_factor_width=2, align_corners=False, **more)
        for more in ({}, {"half_pixel_centers": True})
    )
    assert torch.equal(plain, said) and plain.flatten().tolist() == [0.0, 0.25, 0.75, 1.0]
    for corners in (True, False):
        with pytest.raises(Unsupported, match="undocumented"):
            run("upsample_bilinear", x=ROW, align_corners=corners, half_pixel_centers=corners)


def test_corners_are_aligned_unless_it_says_otherwise():
    found = run("upsample_bilinear", x=ROW, scale_factor_width=2)
    assert found.flatten().tolist() == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0])


def test_height_and_width_are_not_mixed_up():
    picture = torch.tensor([[[[0.0, 10.0], [1.0, 11.0]]]])
    found = run("upsample_bilinear", x=picture, scale_factor_height=2, align_corners=False)
    assert found[0, 0].tolist() == [[0.0, 10.0], [0.25, 10.25], [0.75, 10.75], [1.0, 11.0]]


RESIZED = {
    ("UNALIGN_CORNERS", 5): [0.0, 0.1, 0.5, 0.9, 1.0],
    ("STRICT_ALIGN_CORNERS", 5): [0.0, 0.25, 0.5, 0.75, 1.0],
    ("ALIGN_CORNERS", 5): [0.0, 0.25, 0.5, 0.75, 1.0],
    ("DEFAULT", 5): [0.0, 0.4, 0.8, 1.0, 1.0],
    ("OFFSET_CORNERS", 5): [0.1, 0.3, 0.5, 0.7, 0.9],
    ("UNALIGN_CORNERS", 6): [0.0, 0.0, 0.33, 0.67, 1.0, 1.0],
    ("STRICT_ALIGN_CORNERS", 6): [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
    ("DEFAULT", 6): [0.0, 0.33, 0.67, 1.0, 1.0, 1.0],
    ("OFFSET_CORNERS", 6): [0.08, 0.25, 0.42, 0.58, 0.75, 0.92],
}


@pytest.mark.parametrize(("mode", "size"), RESIZED)
def test_resizing_reads_where_the_documentation_says(mode, size):
    expected = pytest.approx(RESIZED[mode, size], abs=0.005)
    assert grid(mode, 2, size).tolist() == expected
    found = run(
        "resize_bilinear", x=ROW, target_size_height=1, target_size_width=size, sampling_mode=mode
    )
    assert found.flatten().tolist() == expected


def test_of_one_pixel_only_aligned_corners_reads_the_middle():
    assert grid("ALIGN_CORNERS", 5, 1).tolist() == [2.0]
    assert grid("STRICT_ALIGN_CORNERS", 5, 1).tolist() == [0.0]


def test_resizing_without_alignment_is_upsampling_without():
    torch.manual_seed(1)
    picture = torch.rand(1, 2, 5, 7)
    resized = run(
        "resize_bilinear",
        x=picture,
        target_size_height=10,
        target_size_width=14,
        sampling_mode="UNALIGN_CORNERS",
    )
    up = run(
        "upsample_bilinear",
        x=picture,
        scale_factor_height=2,
        scale_factor_width=2,
        align_corners=False,
    )
    assert torch.allclose(resized, up, atol=1e-6)


def resampled(*places, row=(1.0, 2.0, 3.0), **given):
    """Values of a row of pixels at places along it."""
    usual = {
        "sampling_mode": "bilinear",
        "padding_mode": "constant",
        "padding_value": 0.0,
        "coordinates_mode": "unnormalized",
        "align_corners": True,
    }
    coordinates = torch.tensor([[[[place, 0.0] for place in places]]])
    x = torch.tensor(row).reshape(1, 1, 1, -1)
    return run("resample", x=x, coordinates=coordinates, **{**usual, **given}).flatten().tolist()


# The documentation's |1, 2, 3|, three places to each side. The constant here is 9, not its 0.
PADDED = {
    "constant": [9, 9, 9, 1, 2, 3, 9, 9, 9],
    "border": [1, 1, 1, 1, 2, 3, 3, 3, 3],
    "reflection": [2, 3, 2, 1, 2, 3, 2, 1, 2],
    "symmetric": [3, 2, 1, 1, 2, 3, 3, 2, 1],
}


@pytest.mark.parametrize("mode", PADDED)
@pytest.mark.parametrize("sampling", ["bilinear", "nearest"])
def test_resampling_pads_as_the_documentation_draws(mode, sampling):
    found = resampled(
        *(float(i) for i in range(-3, 6)),
        padding_mode=mode,
        padding_value=9.0,
        sampling_mode=sampling,
    )
    assert found == PADDED[mode]


def test_resampling_between_pixels_interpolates_even_with_the_padding():
    assert resampled(0.25, 1.5) == [1.25, 2.5]
    assert resampled(-0.5, padding_value=3.0) == [2.0]
    assert resampled(0.25, 1.75, sampling_mode="nearest") == [1.0, 3.0]
    with pytest.raises(Unsupported, match="half way"):
        resampled(0.5, sampling_mode="nearest")


COORDINATES = [
    ("normalized_minus_one_to_one", True, {-1.0: 1.0, 0.0: 2.0, 1.0: 3.0}),
    # the edges of the outermost pixels: the middle of the first lies at -2/3
    ("normalized_minus_one_to_one", False, {-2 / 3: 1.0, 0.0: 2.0, 2 / 3: 3.0}),
    ("normalized_zero_to_one", True, {0.0: 1.0, 0.5: 2.0, 1.0: 3.0}),
]


@pytest.mark.parametrize(("mode", "corners", "expected"), COORDINATES)
def test_coordinates_are_read_as_documented(mode, corners, expected):
    found = resampled(*expected, coordinates_mode=mode, align_corners=corners)
    assert found == pytest.approx(list(expected.values()), abs=1e-6)


def test_x_comes_before_y():
    picture = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    found = run(
        "resample",
        x=picture,
        coordinates=torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]]),
        sampling_mode="bilinear",
        padding_mode="border",
        padding_value=0.0,
        coordinates_mode="unnormalized",
        align_corners=False,
    )
    assert found.flatten().tolist() == [2.0, 3.0]

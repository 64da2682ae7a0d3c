"""The values: what each says of a picture, and that the graph says the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mobileseg.data.augmentation.photometry import apply_grades
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.preprocess.reference import Preprocessed, preprocess
from mobileseg.quality import fundus, graph
from mobileseg.quality.fundus import FundusLikeness
from mobileseg.quality.graph import Measure
from mobileseg.quality.values import CELLS, Measured, circle_pixels, measure, row_step
from mobileseg.spec import PreprocessSpec, photo_to_frame

Levels = NDArray[np.uint8]
# float32 against float64 on sums of up to 2**24: quotients of means to 1e-5; differences of
# structure functions cancel most of their digits, so sharpness to 1e-3 (5e-5 measured).
CLOSE = {"light": 1e-5, "clipping": 1e-5, "sharpness": 1e-3, "field": 1e-6, "glare": 1e-5}
CLOSE_FEATURES = 1e-3  # likewise: a root of a difference


def phantom(side: int = 256, seed: int = 3) -> Preprocessed:
    spec = PreprocessSpec(side, (512, 512))
    return preprocess(photo_to_frame(make_phantom(seed, 512).picture, spec.frame_hw), spec)


@pytest.fixture(scope="module")
def clean() -> Preprocessed:
    return phantom()


def seen(picture: Preprocessed, **grades: float) -> Measured:
    """What is measured of a picture with faults."""
    named = {name.replace("_", " "): grade for name, grade in grades.items()}
    rng = np.random.default_rng(1)
    assert picture.disc is not None
    levels = apply_grades(picture.levels, named, rng) * picture.disc[..., None]
    return measure(levels, picture.disc, picture.crop.round)


def test_a_sixteenth_of_the_light_is_dark_and_not_blurred(clean: Preprocessed) -> None:
    before, after = seen(clean), seen(clean, exposure=-4)
    assert after.light < 0.4 * before.light
    # Rounding to whole levels takes a little of the detail: 0.54 of 0.55 on IDRiD.
    assert after.sharpness > 0.8 * before.sharpness


@pytest.mark.parametrize("fault", [{"defocus": 0.007}, {"motion_blur": 0.02}])
def test_blur_lowers_sharpness_with_noise_or_without(
    clean: Preprocessed, fault: dict[str, float]
) -> None:
    sharp = seen(clean).sharpness
    assert seen(clean, **fault).sharpness < 0.7 * sharp
    assert seen(clean, **fault, noise=0.03).sharpness < 0.7 * sharp
    assert seen(clean, noise=0.03).sharpness < sharp  # noise is never detail


def test_sharpness_falls_with_every_grade(clean: Preprocessed) -> None:
    found = [seen(clean, defocus=radius).sharpness for radius in (0, 0.003, 0.006, 0.012, 0.02)]
    assert found == sorted(found, reverse=True)


def test_glare_and_clipping_rise(clean: Preprocessed) -> None:
    assert seen(clean, glare=0.6).glare > 2 * seen(clean).glare
    assert seen(clean, exposure=1.5).clipping > seen(clean).clipping + 0.2


def test_field_is_the_share_of_the_circle(clean: Preprocessed) -> None:
    disc = np.zeros((64, 64), bool)
    y = 2 * np.arange(64) - 63
    disc[y[:, None] ** 2 + y**2 <= 64**2] = True
    levels = np.full((64, 64, 3), 100, np.uint8)
    assert disc.sum() == circle_pixels(64)
    assert measure(levels, disc, True).field == 1
    disc[:, :32] = False
    assert measure(levels, disc, True).field == 0.5
    # Of a frame that is retina throughout nobody knows more: the square inside a circle.
    assert measure(levels, np.ones((64, 64), bool), False).field == 2 / np.pi


@pytest.mark.parametrize("side", [32, 64, 96, 160, 224, 256, 288, 512, 1024, 4096])
def test_rows_are_sampled_evenly_within_cells(side: int) -> None:
    assert (side // CELLS) % row_step(side) == 0
    assert side <= 128 or 128 <= side // row_step(side) <= 2 * 128 + CELLS


def test_values_hardly_depend_on_the_side() -> None:
    """A run at 256 px and one at 512 px fit limits of their own; light and field are the same."""
    small, large = (seen(phantom(side)) for side in (256, 512))
    # A cell at the rim is in the disc at one side and not at the other.
    assert small.light == pytest.approx(large.light, abs=0.01)
    assert small.field == pytest.approx(large.field, abs=0.01)
    assert small.glare == pytest.approx(large.glare, abs=0.03)


def in_graph(levels: Levels, disc: NDArray[np.bool_], seen_round: bool) -> dict[str, float]:
    """The graph's values; what lies outside the disc is garbage there."""
    side = len(levels)
    measured = Measure(side)
    outside = np.where(disc[..., None], levels, 255 - levels)
    found = measured(
        torch.from_numpy(outside.astype(np.float32)).permute(2, 0, 1).unsqueeze(0),
        torch.from_numpy(disc.astype(np.float32)).reshape(1, 1, side, side),
        torch.tensor([float(seen_round)]),
    )
    likeness = FundusLikeness(side)
    values = {
        "light": graph.light(found, measured.luma),
        "clipping": found.mean(found.clipped),
        "sharpness": graph.sharpness(found),
        "field": graph.field(found, measured.circle, float(side**2)),
        "glare": graph.glare(found),
        "fundus": likeness(found),
    }
    red, green = graph.chromaticity(found).tolist()
    features = zip(fundus.FEATURES, likeness.features(found).tolist(), strict=True)
    return {n: v.item() for n, v in values.items()} | dict(features) | {"r": red, "g": green}


def assert_equal(levels: Levels, disc: NDArray[np.bool_], seen_round: bool) -> None:
    given = measure(levels * disc[..., None], disc, seen_round)
    found = in_graph(levels, disc, seen_round)
    assert np.isfinite(list(found.values())).all()
    for name, close in CLOSE.items():
        assert found[name] == pytest.approx(getattr(given, name), abs=close), name
    for name, value in fundus.features(given).items():
        assert found[name] == pytest.approx(value, abs=CLOSE_FEATURES), name
    assert found["fundus"] == pytest.approx(fundus.likeness(given), abs=CLOSE_FEATURES)
    assert [found["r"], found["g"]] == pytest.approx(given.chromaticity.tolist(), abs=1e-5)


@pytest.mark.parametrize("side", [32, 64, 96, 160, 256, 288, 512])
def test_the_graph_is_the_definition(side: int) -> None:
    picture = phantom(side)
    assert picture.disc is not None
    assert_equal(picture.levels, picture.disc, picture.crop.round)


@pytest.mark.parametrize("kind", ["black", "white", "noise", "no disc", "stripes", "one cell"])
def test_of_pictures_that_are_none_too(kind: str) -> None:
    rng = np.random.default_rng(4)
    levels = {
        "black": np.zeros((128, 128, 3)),
        "white": np.full((128, 128, 3), 255),
        "stripes": np.tile(np.array([0, 255])[:, None], (64, 128))[..., None].repeat(3, 2),
    }.get(kind, rng.integers(0, 256, (128, 128, 3)))
    disc = np.ones((128, 128), bool)
    if kind in ("no disc", "one cell"):
        disc[:] = False
    if kind == "one cell":
        disc[40:44, 40:44] = True
    assert_equal(levels.astype(np.uint8), disc, kind == "noise")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([32, 64, 96, 128]), st.booleans())
def test_of_any_picture(seed: int, side: int, seen_round: bool) -> None:
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8).repeat(side // 8, 0)
    levels = (levels.repeat(side // 8, 1) // rng.integers(1, 20)).astype(np.uint8)
    levels += rng.integers(0, 12, levels.shape).astype(np.uint8)
    y, x = np.mgrid[:side, :side] - rng.integers(0, side, 2)[:, None, None]
    assert_equal(levels, y**2 + x**2 < int(rng.integers(1, side)) ** 2, seen_round)

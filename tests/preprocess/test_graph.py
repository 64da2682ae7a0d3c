"""The graph answers as the reference does: not nearly, but in every number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mobileseg.data.images import read_photo
from mobileseg.preprocess import area_resize as sampling
from mobileseg.preprocess import graph, reference
from mobileseg.preprocess.area_resize import SAMPLINGS
from mobileseg.preprocess.clahe_graph import HISTOGRAMS
from mobileseg.preprocess.graph import Preprocess
from mobileseg.preprocess.reference import Crop, Preprocessed
from mobileseg.spec import LARGEST_FRAME_PX, LARGEST_SIDE_PX, PreprocessSpec, photo_to_frame

Frame = NDArray[np.uint8]  # (H, W, 3)


def tensor(frame: Frame, sampling: str = "matmul") -> torch.Tensor:
    if sampling == "taps":
        return torch.tensor(frame).unsqueeze(0)  # 1 H W 3
    return torch.tensor(frame, dtype=torch.float32).permute(2, 0, 1).unsqueeze(0)  # 1 3 H W


def differing(found: NDArray[np.float32], expected: NDArray[np.generic]) -> int:
    """How many values differ; NaN differs from everything, itself included."""
    assert found.shape == expected.shape
    return int((found != expected).sum())


def watch(module: Preprocess) -> dict[str, NDArray[np.float32]]:
    """Fills with what the stages hand on, each (side, side, channels), as the module runs."""
    seen: dict[str, NDArray[np.float32]] = {}
    enhance = module.enhance

    def keep(name: str, value: torch.Tensor) -> None:
        seen[name] = value[0].permute(1, 2, 0).numpy()

    def watched(levels: torch.Tensor, disc: torch.Tensor | None) -> torch.Tensor:
        keep("levels", levels)
        return enhance(levels, disc)

    module.enhance = watched  # type: ignore[method-assign]
    module.clahe.register_forward_hook(lambda _, given, value: keep("V", value))
    return seen


def whole_levels(module: Preprocess, frame: Frame, sampling: str = "matmul") -> NDArray[np.float32]:
    """(side, side, 3): the graph's picture before CLAHE."""
    frames = tensor(frame, sampling)
    box, _, disc = module.find_crop(frames)
    levels = module.crop_and_resize(frames, box)
    return (levels if disc is None else levels * disc)[0].permute(1, 2, 0).numpy()


def agree(
    frame: Frame, spec: PreprocessSpec, histogram: str = "scatter", sampling: str = "matmul"
) -> Preprocessed:
    """Hold the graph to the reference, stage by stage; the first that differs is named."""
    expected = reference.preprocess(frame, spec)
    equalise = cv2.createCLAHE(spec.clahe_clip, (spec.clahe_tiles, spec.clahe_tiles))
    value = equalise.apply(expected.levels.max(axis=2))[..., None]
    module = Preprocess(spec, histogram, sampling)
    seen = watch(module)
    enhanced, box, retina, disc = module(tensor(frame, sampling))
    crop = expected.crop
    assert (disc is None) == (expected.disc is None) == (spec.finder == 1)
    if disc is not None:
        assert differing(disc[0, 0].numpy(), expected.disc) == 0, "disc"
        # The graph blackens V and the factor; the definition the picture, to the same end.
        seen["levels"] = seen["levels"] * disc[0, 0, ..., None].numpy()
        seen["V"] = seen["V"] * disc[0, 0, ..., None].numpy()
        value = value * expected.disc[..., None]
    assert box.tolist() == [[crop.left, crop.top, crop.width, crop.height]]
    assert retina.tolist() == [[expected.retina]]
    assert differing(seen["levels"], expected.levels) == 0, "levels"
    assert differing(seen["V"], value) == 0, "V"
    assert differing(enhanced[0].permute(1, 2, 0).numpy(), expected.enhanced) == 0, "enhanced"
    assert np.isfinite(expected.enhanced).all()
    assert expected.enhanced.min() >= 0
    assert expected.enhanced.max() < 255.0001  # V · (V'/V) is V' but for float32's last digit
    return expected


def disc(height: int, width: int, centre: tuple[int, int], radius: int, seed: int = 0) -> Frame:
    """A retina of reddish noise on black."""
    y, x = np.mgrid[:height, :width]
    inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2
    speckle = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    return ((speckle + np.array([150, 70, 30])) * inside[..., None]).astype(np.uint8)


def one(value: int, *place: int | slice) -> Frame:
    frame = np.zeros((160, 200, 3), np.uint8)
    frame[place] = value
    return frame


def noise(low: int, high: int) -> Frame:
    return np.random.default_rng(1).integers(low, high, (160, 200, 3), dtype=np.uint8)


# What a specification may ask for: the finder and, of the first, the form of its box.
FINDERS: dict[str, dict[str, Any]] = {
    "box": {"finder": 1},
    "rectangle": {"finder": 1, "crop": "rectangle"},
    "circle": {"finder": 2},
}

DEGENERATE: dict[str, Frame] = {
    "black": one(0),
    "white": one(255),
    "at the threshold": one(25),
    "just above the threshold": one(26),
    "one bright pixel": one(255, 80, 90),
    "one bright row": one(255, 80),
    "one bright column": one(255, slice(None), 90),
    "two bright columns in a corner": one(255, slice(None), slice(2)),
    "cut above": disc(160, 200, (0, 100), 60),
    "cut below": disc(160, 200, (159, 100), 60),
    "cut on the left": disc(160, 200, (80, 0), 60),
    "cut on the right": disc(160, 200, (80, 199), 60),
    "cut all around": disc(160, 200, (80, 100), 150),
    "smaller than the network's side": disc(160, 200, (80, 100), 11),
    "two lights in opposite corners": one(200, slice(8), slice(8))
    + one(200, slice(152, 160), slice(192, 200)),
    "grey": np.repeat(disc(160, 200, (80, 100), 70)[..., :1], 3, axis=2),
    "noise": noise(0, 256),
    "noise around the threshold": noise(20, 32),
    "darkness with a hot pixel": noise(0, 3) + one(200, 3, 5),
    "one channel only": disc(160, 200, (80, 100), 70) * np.array([0, 1, 0], np.uint8),
}


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("name", DEGENERATE)
def test_graph_and_reference_agree_on_odd_pictures_and_neither_knows_nan(
    name, finder, sampling
) -> None:
    spec = PreprocessSpec(96, (160, 200), **FINDERS[finder])
    done = agree(DEGENERATE[name], spec, sampling=sampling)
    assert 0 <= done.retina <= 1


def test_the_odd_pictures_are_what_their_names_say() -> None:
    spec = PreprocessSpec(96, (160, 200), finder=1)
    crops = {name: reference.find_crop(frame, spec) for name, frame in DEGENERATE.items()}
    assert {name for name, crop in crops.items() if not crop.found} == {
        "black",
        "at the threshold",
        "one bright pixel",
        "one bright row",
        "one bright column",
        "darkness with a hot pixel",
    }
    # Two of 160 are a percent, so the tips of one pixel are not in the box.
    assert crops["smaller than the network's side"].width == 21
    assert crops["two lights in opposite corners"] == Crop(0, -20, 200, 200, True)


def test_the_circle_is_found_in_the_odd_pictures_that_have_one() -> None:
    spec = PreprocessSpec(96, (160, 200))
    crops = {name: reference.find_crop(frame, spec) for name, frame in DEGENERATE.items()}
    # No light on any of the lines that are looked at, or none across them.
    dark = {"black", "one bright pixel", "one bright row", "one bright column"}
    assert {name for name, crop in crops.items() if not crop.found} == dark
    circles = {name: crop for name, crop in crops.items() if crop.found and not crop.cut}
    # A pixel's edges are found to half a cell; these frames have cells of one pixel.
    assert circles == {
        "cut above": Crop(40, -60, 121, 121, True),
        "cut below": Crop(40, 100, 121, 121, True),
        "cut on the left": Crop(-59, 21, 120, 120, True),
        "cut on the right": Crop(140, 21, 120, 120, True),
        "grey": Crop(31, 11, 140, 140, True),
        "one channel only": Crop(31, 11, 140, 140, True),
    }
    assert crops["white"] == Crop(0, -20, 200, 200, True, cut=True)  # retina throughout: its own


@pytest.mark.parametrize("crop", ["square", "rectangle"])
def test_a_retina_of_one_pixel_fills_the_picture(crop) -> None:
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[10, 20] = (200, 100, 50)  # one of 64 is more than a percent, one of 96 as well
    done = agree(frame, PreprocessSpec(32, (64, 96), crop, finder=1))
    assert done.crop == Crop(20, 10, 1, 1, True)
    assert (done.levels == (200, 100, 50)).all()
    assert done.retina == 1


SHAPES = [  # frame and side; none of the ratios is whole
    ((64, 96), 32),
    ((333, 517), 160),
    ((256, 256), 96),
    ((300, 200), 224),
    ((200, 300), 512),  # enlarged
    ((1024, 1024), 320),
    ((1024, 683), 512),
    ((37, LARGEST_FRAME_PX), 64),
    ((2048, 100), 96),
    ((1500, 2048), 320),
    ((1080, 1920), 512),
    ((480, 640), 256),
    ((2048, 2048), 160),
]


@pytest.mark.parametrize(
    ("finder", "histogram", "sampling"),
    [
        ("box", "scatter", "taps"),
        ("rectangle", "matmul", "taps"),
        ("circle", "scatter", "taps"),
        ("box", "scatter", "matmul"),
        ("rectangle", "matmul", "matmul"),
        ("circle", "matmul", "matmul"),
    ],
)
@pytest.mark.parametrize(("frame_hw", "side"), SHAPES, ids=str)
def test_graph_and_reference_agree_whatever_the_sizes(
    frame_hw, side, finder, histogram, sampling
) -> None:
    height, width = frame_hw
    rng = np.random.default_rng(side)
    frame = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    frame[: height // 7], frame[:, : width // 9] = 0, 0  # something to cut
    spec = PreprocessSpec(side, frame_hw, **FINDERS[finder])
    done = agree(frame, spec, histogram, sampling)
    assert not done.crop.is_whole_frame(frame_hw)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Frame, PreprocessSpec, str, str]:
    """A rectangle of noise in a dark frame, any sizes, and any numbers for CLAHE."""
    h, w = draw(st.integers(32, 90)), draw(st.integers(32, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    low = draw(st.integers(0, 254))
    light = rng.integers(low, draw(st.integers(low + 1, 256)), (h, w, 3), dtype=np.uint8)
    dark = rng.integers(0, draw(st.integers(1, 40)), (h, w, 3), dtype=np.uint8)
    top, left = draw(st.integers(0, h - 1)), draw(st.integers(0, w - 1))
    bottom, right = draw(st.integers(top, h)), draw(st.integers(left, w))
    dark[top:bottom, left:right] = light[top:bottom, left:right]
    if draw(st.booleans()):  # a circle, wherever it is cut
        y, x = np.mgrid[:h, :w]
        radius = draw(st.integers(5, 90))
        dark[(y - top) ** 2 + (x - left) ** 2 > radius**2] = draw(st.integers(0, 255))
    spec = PreprocessSpec(
        draw(st.sampled_from([32, 64, 96, 160])),
        (h, w),
        **draw(st.sampled_from(list(FINDERS.values()))),
        clahe_clip=draw(st.sampled_from([0.5, 2.0, 2.7, 40.0])),
        clahe_tiles=draw(st.sampled_from([1, 4, 8])),
        retina_threshold=draw(st.sampled_from([0, 25, 60])),
    )
    histogram, sampling = (draw(st.sampled_from(list(c))) for c in (HISTOGRAMS, SAMPLINGS))
    return dark, spec, histogram, sampling


@settings(max_examples=120, deadline=None)
@given(cases())
def test_graph_and_reference_agree_on_anything(
    case: tuple[Frame, PreprocessSpec, str, str],
) -> None:
    agree(*case)


@pytest.mark.parametrize("finder", ["box", "circle"])
@pytest.mark.parametrize(("histogram", "sampling"), [("scatter", "taps"), ("matmul", "matmul")])
def test_graph_and_reference_agree_on_camera_pictures(
    camera_pictures, histogram, sampling, finder
) -> None:
    some = camera_pictures if histogram == "scatter" else camera_pictures[:2]
    for picture in some:
        spec = PreprocessSpec(512, **FINDERS[finder])
        done = agree(picture.frame, spec, histogram, sampling)
        assert done.crop.found and not done.crop.cut
        assert not done.crop.is_whole_frame(picture.content_hw)
        assert done.crop.left > 0  # it does cut
        assert 0.6 < done.retina < 0.79  # a disc cut above and below fills less than pi/4


@pytest.mark.parametrize("finder", FINDERS)
def test_graph_and_reference_agree_on_small_real_pictures(idrid512: Path, finder) -> None:
    paths = sorted(idrid512.rglob("*.jpg"))
    for path in (paths[0], paths[-1]):
        spec = PreprocessSpec(320, (640, 720), **FINDERS[finder])
        agree(photo_to_frame(read_photo(path), (640, 720)), spec)


def test_graph_and_reference_agree_on_phantoms(phantoms: Path) -> None:
    paths = sorted(phantoms.rglob("*.jpg"))
    for path in paths[:3]:
        done = agree(read_photo(path), PreprocessSpec(160, (256, 256)))
        assert done.crop.found


def plain_float_mean(high: torch.Tensor, low: torch.Tensor, area: torch.Tensor) -> torch.Tensor:
    """The mean as one writes it without a second thought."""
    return torch.floor((high * graph.SPLIT + low) / area.expand_as(high) + 0.5)


def test_without_the_correction_by_the_remainder_the_levels_would_differ(monkeypatch) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (1001, 1001, 3), dtype=np.uint8)
    spec = PreprocessSpec(512, (1001, 1001), finder=1)
    expected = reference.preprocess(frame, spec).levels
    module = Preprocess(spec)
    assert differing(whole_levels(module, frame), expected) == 0
    monkeypatch.setattr(graph, "_rounded_mean", plain_float_mean)
    assert differing(whole_levels(module, frame), expected) > 0


def round_half_down(high: torch.Tensor, low: torch.Tensor, area: torch.Tensor) -> torch.Tensor:
    return torch.ceil((high * graph.SPLIT + low) / area.expand_as(high) - 0.5)


def test_another_rounding_of_the_mean_would_be_noticed(monkeypatch) -> None:
    frame = np.random.default_rng(0).integers(100, 256, (64, 64, 3), dtype=np.uint8)
    spec = PreprocessSpec(32, (64, 64))  # means of four: one in four ends in a half
    agree(frame, spec)
    monkeypatch.setattr(graph, "_rounded_mean", round_half_down)
    with pytest.raises(AssertionError, match="levels"):
        agree(frame, spec)


@pytest.mark.parametrize("rounded_mean", [graph._rounded_mean, plain_float_mean])
def test_a_mean_at_or_beside_a_tie_is_rounded_by_its_remainder(rounded_mean) -> None:
    level, beyond = np.meshgrid(np.arange(255), [-1, 0, 1])
    # Few factors of two, so that hardly any of these sums is a float32; even, so that ties exist.
    total = level * 4094**2 + 4094**2 // 2 + beyond
    high, low = (torch.tensor(part, dtype=torch.float32) for part in np.divmod(total, 1024))
    found = rounded_mean(high, low, torch.tensor([4094.0**2])).numpy()
    right = found == level + (beyond >= 0)
    assert right.all() == (rounded_mean is not plain_float_mean)


def last_overlaps(side: int, length: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The largest numbers of the resize, its last four stretches: the graph's, and whole ones."""
    i, k = np.arange(side - 4, side), np.arange(LARGEST_FRAME_PX)
    stretches, pixels = torch.tensor(i).float(), torch.tensor(k).float()
    size = torch.tensor([float(length)])
    found = sampling._overlap(stretches[:, None] * size, size, pixels[None], float(side))
    starts = np.maximum(i[:, None] * length, k * side)
    ends = np.minimum((i[:, None] + 1) * length, (k + 1) * side)
    return found.numpy(), (ends - starts).clip(min=0)


def test_overlaps_are_whole_up_to_the_largest_side_and_not_beyond() -> None:
    assert differing(*last_overlaps(LARGEST_SIDE_PX, LARGEST_FRAME_PX - 1)) == 0
    assert differing(*last_overlaps(2 * LARGEST_SIDE_PX, LARGEST_FRAME_PX - 1)) > 0


def test_nothing_in_the_graph_is_trained_or_saved() -> None:
    module = Preprocess(PreprocessSpec(64, (96, 96)))
    assert not list(module.parameters())
    assert not module.state_dict()  # its tables follow from the specification

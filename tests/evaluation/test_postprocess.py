"""From probabilities to counts, areas and flags, on masks small enough to count by eye."""

from __future__ import annotations

import numpy as np
import pytest

from mobileseg.evaluation.picture_flags import NO_RETINA, TOO_SMALL
from mobileseg.evaluation.postprocess import judge


def drawn(*rows: str) -> np.ndarray:
    """A mask from text, "#" for lesion, as (1, h, w) probabilities of 0.9 and 0.1."""
    lesion = np.array([[character == "#" for character in row] for row in rows])
    return np.where(lesion, 0.9, 0.1).astype(np.float32)[None]


def judged(probabilities, *, crop=(0, 0, 640, 640), retina=1.0, thresholds=None):
    return judge(
        np.zeros((32, 32, 3), np.uint8),
        (32, 32),
        np.asarray(probabilities, np.float32),
        crop,
        retina,
        thresholds or {"EX": 0.5},
    )


def test_pixels_that_touch_at_a_corner_are_one_lesion():
    found = judged(drawn("#...", ".#..", "..#.", "...#")).lesions["EX"]
    assert (found.count, found.pixels) == (1, 4)


def test_pixels_with_a_gap_between_them_are_two():
    found = judged(drawn("#.#.", "#.#.", "....", "....")).lesions["EX"]
    assert (found.count, found.pixels) == (2, 4)


def test_a_ring_is_one_and_its_hole_is_none():
    found = judged(drawn(".###", ".#.#", ".###", "....")).lesions["EX"]
    assert (found.count, found.pixels) == (1, 8)


@pytest.mark.parametrize(("fill", "count", "pixels"), [(".", 0, 0), ("#", 1, 16)])
def test_nothing_and_everything(fill, count, pixels):
    found = judged(drawn(*[4 * fill] * 4)).lesions["EX"]
    assert (found.count, found.pixels) == (count, pixels)


@pytest.mark.parametrize(("retina", "area"), [(1.0, 4 / 16), (0.5, 4 / 8), (0.25, 1.0)])
def test_area_is_a_share_of_the_retina_and_not_of_the_square(retina, area):
    found = judged(drawn("##..", "##..", "....", "...."), retina=retina)
    assert found.lesions["EX"].area == pytest.approx(area, abs=1e-12)  # one division
    assert found.flags == ()


def test_without_a_retina_there_is_a_flag_and_no_area():
    found = judged(drawn("##..", "##..", "....", "...."), retina=0.0)
    assert found.flags == (NO_RETINA,)
    assert found.lesions["EX"].area == 0.0
    assert found.lesions["EX"].count == 1  # what the network said is not hidden


@pytest.mark.parametrize(
    ("crop", "flags"),
    [
        ((0, 0, 4, 4), ()),
        ((0, 0, 3, 4), ()),  # the longer edge is what the resize was made for
        ((5, 5, 3, 3), (TOO_SMALL,)),
    ],
)
def test_a_retina_smaller_than_the_network_is_flagged(crop, flags):
    assert judged(drawn(*["...."] * 4), crop=crop).flags == flags


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7, 0.8])
def test_a_pixel_exactly_at_the_threshold_is_lesion(threshold):
    """As an app compares: in float32. In float64 half of these four would fall short."""
    probability = np.full((1, 1, 2), np.float32(threshold))
    probability[0, 0, 1] = np.nextafter(np.float32(threshold), np.float32(0))
    mask = judged(probability, thresholds={"EX": threshold}).masks["EX"]
    assert mask.tolist() == [[True, False]]


def test_every_lesion_has_its_own_channel_and_threshold():
    probabilities = np.stack([np.full((2, 2), 0.4), np.full((2, 2), 0.6)])
    found = judged(probabilities, thresholds={"MA": 0.3, "HE": 0.7})
    assert {code: f.pixels for code, f in found.lesions.items()} == {"MA": 4, "HE": 0}
    assert list(found.masks) == ["MA", "HE"]


def test_the_crop_comes_out_in_whole_pixels():
    assert judged(drawn("..", ".."), crop=np.float32([-3, 2, 7, 7])).crop == (-3, 2, 7, 7)

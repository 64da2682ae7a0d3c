"""Picture and masks move together, by numbers that only seed, epoch and picture decide."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from mobileseg.data.augmentation.geometry import augment, matrices
from mobileseg.data.config import AugmentRanges

STILL = AugmentRanges(rotate_deg=0, scale=(1, 1), translate=0, shear_deg=0, flip=0)
HALF_TURNS = {  # output -> input maps in -1..1 coordinates, x first
    "mirrored left to right": ([[-1, 0, 0], [0, 1, 0]], lambda p: p.flip(-1)),
    "mirrored top to bottom": ([[1, 0, 0], [0, -1, 0]], lambda p: p.flip(-2)),
    "turned a quarter": ([[0, -1, 0], [1, 0, 0]], lambda p: p.rot90(1, (-2, -1))),
    "turned a half": ([[-1, 0, 0], [0, -1, 0]], lambda p: p.rot90(2, (-2, -1))),
}
# Grid coordinates are float32 in -1..1: at a side of 48 they err by 1e-5 of a pixel at most, which
# between neighbours of 0 and 255 is 0.003 of a grey level.
GREY = 0.01


def batch(side: int = 48, count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise, and as its mask the pixels whose red is bright."""
    random = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (count, 3, side, side), generator=random).float()
    return pictures, (pictures[:, :1] > 127).float()


def maps(matrix: list[list[float]], count: int = 2) -> torch.Tensor:
    return torch.tensor([matrix] * count, dtype=torch.float32)


@pytest.mark.parametrize("side", [32, 48])
def test_a_map_that_moves_nothing_changes_nothing(side: int) -> None:
    pictures, masks = batch(side)
    still = matrices(0, 0, [0, 1], STILL)
    assert still.tolist() == maps([[1, 0, 0], [0, 1, 0]]).tolist()
    moved, moved_masks = augment(pictures, masks, still)
    assert (moved - pictures).abs().max() < GREY
    assert torch.equal(moved_masks, masks)


@pytest.mark.parametrize("name", HALF_TURNS)
def test_pixels_go_where_the_map_says_and_masks_with_them(name: str) -> None:
    matrix, expected = HALF_TURNS[name]
    pictures, masks = batch()
    moved, moved_masks = augment(pictures, masks, maps(matrix))
    assert (moved - expected(pictures)).abs().max() < GREY
    assert torch.equal(moved_masks, expected(masks))


def test_what_comes_from_outside_is_black_and_no_lesion() -> None:
    white, lesion = torch.full((1, 3, 32, 32), 255.0), torch.ones(1, 2, 32, 32)
    # Half a picture to the left: what stood at x = 0 stands at x = -1.
    moved, masks = augment(white, lesion, maps([[1, 0, 1], [0, 1, 0]], 1))
    assert (moved[..., :16] - 255).abs().max() < GREY
    assert not moved[..., 16:].any()
    assert (masks[..., :16] == 1).all()
    assert not masks[..., 16:].any()


def test_shrinking_shows_black_around() -> None:
    white, lesion = torch.full((1, 3, 32, 32), 255.0), torch.ones(1, 1, 32, 32)
    moved, masks = augment(white, lesion, maps([[2, 0, 0], [0, 2, 0]], 1))
    assert masks.sum() == 16 * 16
    assert (moved[..., 8:24, 8:24] - 255).abs().max() < GREY
    assert moved.sum() / 3 / 255 == pytest.approx(16 * 16, abs=0.1)


@pytest.mark.parametrize("picture", range(5))
def test_picture_and_mask_move_alike_under_any_map(picture: int) -> None:
    _, masks = batch(count=1)
    as_grey = masks.expand(1, 3, 48, 48) * 255
    moved, moved_masks = augment(as_grey, masks, matrices(0, 0, [picture], AugmentRanges()))
    assert torch.equal(moved_masks, (moved[:, :1] >= 127.5).float())
    assert not torch.equal(moved_masks, masks)
    assert moved_masks.unique().tolist() == [0, 1]


def test_every_picture_of_a_batch_has_its_own_map() -> None:
    pictures, masks = batch(count=1)
    two, two_masks = pictures.expand(2, -1, -1, -1), masks.expand(2, -1, -1, -1)
    both, both_masks = augment(two, two_masks, matrices(0, 0, [4, 9], AugmentRanges()))
    for place, picture in enumerate((4, 9)):
        one, one_mask = augment(pictures, masks, matrices(0, 0, [picture], AugmentRanges()))
        assert torch.equal(both[place], one[0])
        assert torch.equal(both_masks[place], one_mask[0])
    assert not torch.equal(both[0], both[1])


def test_a_map_depends_on_seed_epoch_and_picture_only() -> None:
    ranges = AugmentRanges()
    drawn = matrices(1, 2, [3, 4, 5], ranges)
    assert torch.equal(drawn, matrices(1, 2, [5, 3, 4], ranges)[[1, 2, 0]])
    assert torch.equal(drawn[1:2], matrices(1, 2, [4], ranges))
    torch.manual_seed(99)
    assert torch.equal(drawn, matrices(1, 2, [3, 4, 5], ranges))
    for other in (matrices(2, 2, [3], ranges), matrices(1, 3, [3], ranges)):
        assert not torch.equal(drawn[:1], other)
    # Not by their sum, nor by their order.
    assert not torch.equal(matrices(0, 1, [0], ranges), matrices(1, 0, [0], ranges))
    assert not torch.equal(matrices(0, 1, [0], ranges), matrices(0, 0, [1], ranges))


MANY = range(400)


def test_maps_stay_within_their_ranges_and_fill_them() -> None:
    drawn = matrices(0, 0, MANY, AugmentRanges()).double()
    linear, move = drawn[:, :, :2], drawn[:, :, 2]
    scale = linear.det().abs().rsqrt()
    assert 0.7 <= scale.min() < 0.72
    assert 1.28 < scale.max() <= 1.3
    # A share of 0.1 of the side is 0.2 of the span from -1 to 1.
    assert 0.19 < move.abs().max() <= 0.2
    mirrored = (linear.det() < 0).double().mean()
    assert 0.4 < mirrored < 0.6  # one flip of the two, each by chance a half; SD 0.025


def test_shrinking_is_as_likely_as_growing() -> None:
    drawn = matrices(0, 0, MANY, replace(STILL, scale=(0.5, 2.0)))
    grown = (drawn[:, 0, 0] < 1).double().mean()
    assert 0.4 < grown < 0.6


def test_turns_go_all_around() -> None:
    drawn = matrices(0, 0, MANY, replace(STILL, rotate_deg=180))
    quarters = torch.atan2(drawn[:, 1, 0], drawn[:, 0, 0]) // (math.pi / 2)
    shares = [(quarters == q).double().mean().item() for q in (-2, -1, 0, 1)]
    assert all(0.15 < share < 0.35 for share in shares)
    assert torch.allclose(drawn[:, :, :2].det(), torch.ones(len(MANY)))  # and nothing else


def test_flips_can_be_certain() -> None:
    drawn = matrices(0, 0, range(5), replace(STILL, flip=1))
    assert drawn.tolist() == maps([[-1, 0, 0], [0, -1, 0]], 5).tolist()


def test_shear_leans_and_keeps_the_area() -> None:
    drawn = matrices(0, 0, MANY, replace(STILL, shear_deg=8))
    assert torch.allclose(drawn[:, 1], torch.tensor([0.0, 1, 0]))
    assert drawn[:, 0, 1].abs().max() <= math.tan(math.radians(8)) + 1e-7
    assert drawn[:, 0, 1].abs().max() > 0.13

"""Pieces: where they come from, that they are what a whole picture would show, and their budget."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from mobileseg.data.augmentation.geometry import augment, piece_matrix, window
from mobileseg.data.config import AugmentRanges
from mobileseg.errors import BadInput
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.piece_sampler import JITTER, PieceSampler
from mobileseg.training.steps import Pieces, WholePictures, sampler

CPU = torch.device("cpu")
SIDE = 256
STILL = AugmentRanges(rotate_deg=0, scale=(1, 1), translate=0, shear_deg=0, flip=0)


@pytest.fixture(scope="module")
def two_lesions() -> PictureSet:
    """Six pictures of noise; the first lesion one pixel in three of them, the second a square.

    The square is in all of them, and has 400 pixels.
    """
    drawn = torch.Generator().manual_seed(1)
    levels = torch.randint(0, 256, (6, 3, SIDE, SIDE), generator=drawn, dtype=torch.uint8)
    masks = torch.zeros(6, 2, SIDE, SIDE, dtype=torch.uint8)
    masks[:, 1, 180:200, 30:50] = 1
    for picture in (1, 3, 4):
        masks[picture, 0, 60, 200] = 1
    bright = levels.amax(1, keepdim=True)
    return PictureSet([f"p{i}" for i in range(6)], levels, bright, masks, CPU)


def middles(maps: torch.Tensor) -> np.ndarray:
    """(n, 2) the pixel (x, y) that comes to each piece's middle."""
    return ((maps[:, :, 2].numpy() + 1) * SIDE - 1) / 2


@pytest.mark.parametrize("seed", range(8))
def test_a_piece_read_from_a_window_is_the_piece_of_the_whole_picture(two_lesions, seed):
    """Wherever it lies, half outside or wholly; to the rounding of a coordinate in float32."""
    rng = np.random.default_rng(seed)
    centre = tuple(rng.uniform(-1.6, 1.6, 2))
    map_ = torch.from_numpy(piece_matrix(rng, AugmentRanges(), centre, 0.25).astype(np.float32))
    ours = two_lesions.moved([2], map_[None], 64)
    theirs = augment(*two_lesions.batch([2]), map_[None], 64)
    # A coordinate is off by 256 · 2^-23 or so, times the steepest slope of noise, 255 a pixel.
    assert (ours[0] - theirs[0]).abs().max() < 0.05
    assert (ours[1] != theirs[1]).float().mean() < 0.001
    seen = window(map_, SIDE)
    assert (seen.rows.stop - seen.rows.start) * (seen.columns.stop - seen.columns.start) < SIDE**2


def test_a_piece_far_outside_is_black_and_a_still_one_is_cut_to_the_pixel(two_lesions):
    rng = np.random.default_rng(0)
    away = piece_matrix(rng, STILL, (5.0, -4.0), 0.25)
    # The middle between pixels 95 and 96: pixels 64 to 127.
    there = piece_matrix(rng, STILL, (96 * 2 / SIDE - 1,) * 2, 0.25)
    maps = torch.from_numpy(np.stack([away, there]).astype(np.float32))
    pictures, masks = two_lesions.moved([0, 1], maps, 64)
    assert not pictures[0].any() and not masks[0].any()
    enhanced, truth = two_lesions.batch([1])
    assert torch.allclose(pictures[1], enhanced[0, :, 64:128, 64:128], atol=0.01)
    assert torch.equal(masks[1], truth[0, :, 64:128, 64:128])


def drawn(pictures, count=4000, epoch=0, errors=None, **given):
    choices = TrainConfig(pieces=64, **given)
    return PieceSampler(choices, pictures.masks).draw(epoch, count, errors)


@pytest.mark.parametrize(
    ("how", "share"), [("uniform", 0.5), ("area", 3 / 2403), ("rarity", 28.28 / 29.28)]
)
def test_pieces_lie_near_lesions_and_each_lesion_has_its_share(two_lesions, how, share):
    """3 pixels of one, 2,400 of the other; by rarity they are as 1/√3 to 1/√2400."""
    found = drawn(two_lesions, piece_lesion=how, piece_lesion_share=1.0)
    middle = middles(found.maps)
    first = np.abs(middle - [200, 60]).max(axis=1) < JITTER * 64 + 0.01
    second = (np.abs(middle - [39.5, 189.5]) < JITTER * 64 + 10.01).all(axis=1)
    assert (first | second).all() and not (first & second).any()
    # Four standard deviations of 4,000 draws.
    assert first.mean() == pytest.approx(share, abs=4 * (share * (1 - share) / 4000) ** 0.5)
    assert {found.pictures[i] for i in np.flatnonzero(first)} <= {1, 3, 4}


def test_the_rest_comes_from_anywhere_and_from_every_picture_alike(two_lesions):
    found = drawn(two_lesions, count=600, piece_lesion_share=0.0)
    assert set(Counter(found.pictures).values()) == {100}
    middle = middles(found.maps)
    assert middle.min() >= -0.51 and middle.max() <= SIDE - 0.49
    quarters = np.histogram2d(*middle.T, bins=2)[0]
    assert quarters.min() > 100  # of 150 expected; 100 is five standard deviations below


def test_hard_pieces_come_from_where_the_network_was_wrong(two_lesions):
    errors = torch.zeros(6, 32, 32)
    errors[5, 20, 3] = 3.0  # rows 160 to 167, columns 24 to 31
    errors[2, 0, 31] = 1.0
    found = drawn(
        two_lesions, piece_lesion_share=0.0, piece_hard_share=1.0, errors=errors, count=2000
    )
    there = Counter(found.pictures)
    assert there.keys() == {2, 5}
    assert there[5] / 2000 == pytest.approx(0.75, abs=0.04)  # four standard deviations
    middle = middles(found.maps)[np.array(found.pictures) == 5]
    assert (np.abs(middle - [27.5, 163.5]) < JITTER * 64 + 4.01).all()
    # Not known yet, or nothing wrong anywhere: from anywhere.
    for nothing in (None, torch.zeros(6, 32, 32)):
        how = {"piece_lesion_share": 0.0, "piece_hard_share": 1.0, "errors": nothing}
        assert len(set(drawn(two_lesions, count=60, **how).pictures)) == 6


def test_shares_hold_in_every_epoch_and_draws_depend_on_seed_and_epoch_alone(two_lesions):
    how = {"count": 40, "piece_lesion_share": 0.75}
    one, again = drawn(two_lesions, **how), drawn(two_lesions, **how)
    assert one.pictures == again.pictures and torch.equal(one.maps, again.maps)
    for other in (drawn(two_lesions, epoch=1, **how), drawn(two_lesions, seed=1, **how)):
        assert not torch.equal(one.maps, other.maps)


def test_a_lesion_that_no_picture_has_is_not_drawn(two_lesions):
    bare = PictureSet(
        two_lesions.names,
        two_lesions.levels,
        two_lesions.brightness,
        two_lesions.masks * torch.tensor([0, 1], dtype=torch.uint8).reshape(1, 2, 1, 1),
        CPU,
    )
    middle = middles(drawn(bare, count=50, piece_lesion_share=1.0).maps)
    assert (np.abs(middle - [39.5, 189.5]) < JITTER * 64 + 10.01).all()


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("batch", [4, 8, 16])
def test_an_epoch_has_as_many_pixels_as_the_pictures(two_lesions, share, batch):
    choices = TrainConfig(pieces=128, batch=batch, whole_share=share)
    made = sampler(choices, two_lesions)
    assert isinstance(made, Pieces)
    steps = made.steps(3, None)
    assert len(steps) == made.per_epoch
    worth = max(step.weight for step in steps)
    assert sum(step.weight for step in steps) == pytest.approx(6, abs=worth / 2 + 1e-9)
    whole = [step.size_px == SIDE for step in steps]
    assert sum(whole) == pytest.approx(share * len(steps), abs=0.5)
    assert {step.weight for step in steps} == {batch / 4}  # a step costs the same, whole or not
    assert len({step.key for step in steps}) == len(steps)
    for step in steps:
        assert (
            len(step.pictures) == len(step.maps) == (batch // 4 if step.size_px == SIDE else batch)
        )


def test_whole_pictures_are_spread_over_the_epoch_and_alike_in_all_runs(two_lesions):
    def whole(seed, epoch):
        choices = TrainConfig(pieces=64, batch=4, whole_share=0.25, seed=seed)
        return [step.size_px == SIDE for step in sampler(choices, two_lesions).steps(epoch, None)]

    places = np.flatnonzero(whole(0, 0))
    assert {b - a for a, b in pairwise(places)} <= {3, 4, 5}
    assert whole(0, 0) == whole(7, 3)  # runs in a stack have steps of one size


@pytest.mark.parametrize("pieces", [0, 256, 512])
def test_a_piece_as_large_as_the_side_is_the_whole_picture(two_lesions, pieces):
    choices = TrainConfig(pieces=pieces, batch=4)
    made = sampler(choices, two_lesions)
    assert isinstance(made, WholePictures)
    plain = sampler(TrainConfig(batch=4), two_lesions)
    for ours, theirs in zip(made.steps(2, None), plain.steps(2, None), strict=True):
        assert ours.pictures == theirs.pictures and torch.equal(ours.maps, theirs.maps)


PIECES = {
    "variant": "narrow", "side": 128, "pieces": 64, "batch": 4, "whole_share": 0.25,
    "piece_hard_share": 0.25,
}  # fmt: skip
EVERYTHING = PIECES | {
    "photometric": 1.0, "prior": True, "ema": 0.9, "precise_bn": True, "warmup": 0.2,
    "schedule": "cosine-step", "validate_every": 2, "epochs": 5, "keep": "last",
}  # fmt: skip


@pytest.mark.parametrize("after", [1, 2, 3])
def test_stopping_changes_no_bit_with_everything_on(narrow, tiny, tmp_path, same, stopped, after):
    """Stopped before the first validation, at one, and after it."""
    whole = tiny(tmp_path / "whole", **EVERYTHING).run()
    stopped(tmp_path / "stopped", after, **EVERYTHING)
    resumed = tiny(tmp_path / "stopped", **EVERYTHING)
    assert resumed.committed == after
    found = resumed.run()
    assert same(found.network, whole.network)
    assert same(found.average["weights"], whole.average["weights"])
    assert torch.equal(found.errors, whole.errors)
    for name in ("best.safetensors", "metrics.csv", "config.json"):
        ours, theirs = (tmp_path / run / name for run in ("stopped", "whole"))
        assert ours.read_bytes() == theirs.read_bytes(), name


def test_errors_are_what_the_kept_network_gets_wrong(narrow, tiny, tmp_path):
    trainer = tiny(tmp_path / "run", epochs=1, **PIECES)
    state = trainer.run()
    assert state.errors.shape == (3, 32, 32)
    enhanced, masks = trainer.train.batch([1])
    with torch.no_grad():
        answer = torch.sigmoid(trainer.network(trainer.feed.normalised(enhanced))[0])
    wrong = (answer - masks).abs()[0, 0]
    # Cells of 4 px; an error counts by the lesion's area in all pictures.
    cell = wrong[8:12, 20:24].mean() / trainer.train.masks.sum()
    assert state.errors[1, 2, 5].item() == pytest.approx(cell.item(), rel=1e-4)
    assert torch.equal(
        torch.load(tmp_path / "run" / "last.pt", weights_only=True)["errors"], state.errors
    )


def test_pieces_learn_where_whole_pictures_would(narrow, tiny, tmp_path):
    """The loss falls, on pieces and on whole pictures of validation alike."""
    rows = tiny(tmp_path / "run", epochs=8, pictures=4, lr=1e-2, **PIECES).run().rows
    assert rows[-1]["train_loss"] < 0.8 * rows[0]["train_loss"]
    assert rows[-1]["validation_loss"] < rows[0]["validation_loss"]


@pytest.mark.parametrize(
    "odd",
    [torch.zeros(3, 32), torch.zeros(3, 32, 32).long(), -torch.ones(3, 32, 32)],
    ids=["flat", "whole", "below"],
)
def test_a_damaged_map_of_errors_is_one_line(narrow, tiny, tmp_path, odd):
    tiny(tmp_path / "run", epochs=1, **PIECES).run()
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    torch.save(state | {"errors": odd}, tmp_path / "run" / "last.pt")
    with pytest.raises(BadInput, match=r"errors: expected \(3, 32, 32\) numbers, 0 or more"):
        tiny(tmp_path / "run", epochs=2, **PIECES)

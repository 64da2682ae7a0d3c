"""The way back from the network's pixels to the photo's."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from mobileseg.data.idrid import MASKS, ROOT, SPLITS, read_idrid
from mobileseg.data.images import read_mask, read_photo
from mobileseg.errors import BadInput
from mobileseg.evaluation.original_resolution import locate_all, onto_photo, taps, walk_photos
from mobileseg.evaluation.score import evaluate_original
from mobileseg.lesions import LESIONS
from mobileseg.preprocess.reference import Crop
from mobileseg.runs import open_run, pretrained_run


def test_one_axis_by_hand():
    """8 photo pixels shrunk to 4 of the frame; the crop is frame pixels 1..3, seen as 4 pixels."""
    found = taps(photo_px=8, fitted_px=4, start=1, length=2, side_px=4)
    # Photo centres 2.5, 3.5, 4.5, 5.5 -> frame 1.25, 1.75, 2.25, 2.75 -> network 0, 1, 2, 3.
    assert found.inside == slice(2, 6)
    assert (found.below + found.part).tolist() == [0, 1, 2, 3]


def test_where_photo_frame_and_crop_are_one_nothing_changes():
    probability = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    assert (onto_photo(probability, Crop(0, 0, 8, 8, True), (8, 8), (32, 32)) == probability).all()


@pytest.mark.parametrize("photo_hw", [(48, 64), (10, 9)])
def test_a_plain_enlargement_is_torchs_bilinear(photo_hw):
    probability = np.random.default_rng(1).random((16, 16)).astype(np.float32)
    h, w = photo_hw
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(probability)[None, None], size=photo_hw, mode="bilinear"
    )
    found = onto_photo(probability, Crop(0, 0, w, h, True), photo_hw, (64, 64))
    assert found == pytest.approx(expected.numpy()[0, 0], abs=1e-6)


def test_what_the_network_has_not_seen_is_0():
    """A photo of 40x60 fits the frame; the crop is its columns 20..39 and reaches above it."""
    ones = np.ones((32, 32), np.float32)
    found = onto_photo(
        ones, Crop(left=20, top=-5, width=20, height=20, found=True), (40, 60), (64, 64)
    )
    expected = np.zeros((40, 60))
    expected[:15, 20:40] = 1
    assert (found == expected).all()


def test_a_crop_beside_the_photo_leaves_nothing():
    found = onto_photo(np.ones((32, 32), np.float32), Crop(50, 0, 10, 10, True), (20, 40), (64, 64))
    assert (found == 0).all()


def test_a_slope_stays_a_slope_through_frame_and_crop():
    """Bilinear between half-pixel centres repeats what is linear, but for the rims."""
    photo_hw, frame_hw = (300, 400), (64, 96)  # shrunk to 64 x 85
    crop = Crop(left=5, top=3, width=70, height=56, found=True)
    side = 32
    y = crop.top + (np.arange(side) + 0.5) * crop.height / side  # frame pixels
    x = crop.left + (np.arange(side) + 0.5) * crop.width / side
    slope = lambda y, x: 0.002 * y[:, None] + 0.004 * x[None, :]  # noqa: E731
    found = onto_photo(slope(y, x).astype(np.float32), crop, photo_hw, frame_hw)
    photo_y = (np.arange(300) + 0.5) * 64 / 300
    photo_x = (np.arange(400) + 0.5) * 85 / 400
    rows = (photo_y > y[0]) & (photo_y < y[-1])
    columns = (photo_x > x[0]) & (photo_x < x[-1])
    inner = np.ix_(rows, columns)
    assert rows.sum() > 200 and columns.sum() > 300
    assert found[inner] == pytest.approx(slope(photo_y, photo_x)[inner], abs=1e-6)
    assert (found[photo_y < crop.top] == 0).all()


@pytest.fixture
def fine_phantoms(phantoms, tmp_path) -> Path:
    """The shared phantoms; a copy that may be damaged."""
    return Path(shutil.copytree(phantoms, tmp_path / "data"))


def test_pictures_are_scored_on_their_own_pixels_against_untouched_masks(fine_phantoms):
    run = open_run(pretrained_run())
    (folder,) = (fine_phantoms / ROOT / MASKS / SPLITS["test"]).glob(LESIONS["EX"].folder)
    next(iter(sorted(folder.iterdir()))).unlink()  # one picture without the lesion
    samples = read_idrid(fine_phantoms).split("test", ("EX",))
    ticks = []
    (found,) = evaluate_original(run, fine_phantoms, samples, tick=lambda: ticks.append(1))
    assert len(ticks) == 3 * len(samples) == 9
    assert (found.pictures, found.with_lesion) == (3, 2)
    assert found.undefined == (samples[0].name,)

    truth, probability = [], []
    for answer, sample in zip(locate_all(run, fine_phantoms, samples), samples, strict=True):
        photo_hw = read_photo(sample.picture).shape[:2]
        probability.append(
            onto_photo(answer.probabilities[0], answer.crop, photo_hw, (1024, 1024)).ravel()
        )
        path = sample.masks.get("EX")
        truth.append(read_mask(path).ravel() if path else np.zeros(photo_hw, bool).ravel())
    exact = average_precision_score(np.concatenate(truth), np.concatenate(probability))
    assert found.pooled.exact == pytest.approx(exact, abs=1e-4)
    assert 0 < found.uncertainty < 1e-4
    each = [
        average_precision_score(t, p) for t, p in zip(truth, probability, strict=True) if t.any()
    ]
    assert found.per_image.exact == pytest.approx(np.mean(each), abs=1e-4)


def test_every_bad_file_is_named_before_any_scoring(fine_phantoms):
    run = open_run(pretrained_run())
    samples = read_idrid(fine_phantoms).split("test", ("EX",))
    samples[0].picture.write_bytes(b"no picture")
    mask = samples[1].masks["EX"]
    from PIL import Image

    Image.fromarray(np.zeros((9, 9), np.uint8)).save(mask)
    with pytest.raises(BadInput, match=r"2 file\(s\) cannot be used") as error:
        evaluate_original(run, fine_phantoms, samples)
    assert str(samples[0].picture) in str(error.value)
    assert f"{mask}: found 9x9 pixels; expected the picture's 256x256" in str(error.value)


@pytest.mark.slow
def test_a_camera_picture_is_within_1e_4_of_scikit_learn(idrid_fullres):
    run = open_run(pretrained_run())
    samples = read_idrid(idrid_fullres).split("train", ("EX",))[:1]
    (found,) = evaluate_original(run, idrid_fullres, samples)
    (answer,) = locate_all(run, idrid_fullres, samples)
    (picture,) = walk_photos([answer], "EX", 0, run.config.preprocess.frame_hw)
    assert picture.truth.shape == picture.probability.shape == (2848, 4288)
    exact = average_precision_score(picture.truth.ravel(), picture.probability.ravel())
    assert found.pooled.exact == pytest.approx(exact, abs=1e-4)

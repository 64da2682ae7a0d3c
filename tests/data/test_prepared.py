"""Masks follow their picture, and every bad file is named before anything begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mobileseg.data.idrid import MASKS, PICTURES, ROOT, SPLITS, read_idrid
from mobileseg.data.images import read_mask
from mobileseg.data.prepared import faults, prepare, prepare_all, read_frame
from mobileseg.errors import BadInput
from mobileseg.lesions import LESIONS
from mobileseg.preprocess.reference import Crop, preprocess
from mobileseg.spec import PreprocessSpec

SPEC = PreprocessSpec(32, (64, 80), finder=1)


def retina() -> NDArray[np.uint8]:
    """64x80, grey from row 16 to 47 and column 24 to 55: a crop of 32x32, its own size."""
    picture = np.zeros((64, 80, 3), np.uint8)
    picture[16:48, 24:56] = 100
    return picture


def lesion(rows: slice, columns: slice, shape: tuple[int, int] = (64, 80)) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


def test_a_mask_follows_the_crop_of_its_picture(write_set) -> None:
    marked = lesion(slice(16, 20), slice(24, 34))
    folder = write_set({"a": retina()}, {("a", "EX"): marked})
    (sample,) = read_idrid(folder).split("train", ("EX",))
    done = prepare(sample, ("EX",), SPEC)
    assert done.name == "a"
    assert done.picture.crop == Crop(24, 16, 32, 32, True)
    assert done.masks.shape == (1, 32, 32)
    assert np.array_equal(done.masks[0], lesion(slice(4), slice(10), (32, 32)))


def test_the_picture_is_the_references(write_set) -> None:
    folder = write_set({"a": retina()}, {("a", "EX"): lesion(slice(0), slice(0))})
    (sample,) = read_idrid(folder).split("train", ("EX",))
    assert np.array_equal(read_frame(sample.picture, SPEC), retina())
    done, expected = prepare(sample, ("EX",), SPEC).picture, preprocess(retina(), SPEC)
    assert np.array_equal(done.enhanced, expected.enhanced)
    assert (done.crop, done.retina) == (expected.crop, expected.retina)


def test_a_lesion_outside_the_crop_is_cut_off(write_set) -> None:
    folder = write_set({"a": retina()}, {("a", "EX"): lesion(slice(16), slice(24))})
    (sample,) = read_idrid(folder).split("train", ("EX",))
    assert not prepare(sample, ("EX",), SPEC, "any").masks.any()


def test_channels_are_in_the_order_asked_for_and_an_absent_lesion_is_empty(write_set) -> None:
    masks = {
        ("a", "EX"): lesion(slice(16, 17), slice(24, 56)),
        ("a", "SE"): lesion(slice(47, 48), slice(24, 56)),
        ("b", "MA"): lesion(slice(20, 21), slice(30, 31)),
    }
    folder = write_set({"a": retina(), "b": retina()}, masks)
    sample = read_idrid(folder).split("train", ("MA", "EX", "SE"))[0]
    exudates, soft = np.arange(32) == 0, np.arange(32) == 31  # their rows in the crop
    for codes, rows in (
        (("SE", "EX"), [soft, exudates]),
        (("MA", "EX"), [np.zeros(32, bool), exudates]),
    ):
        done = prepare(sample, codes, SPEC).masks
        assert [channel.all(axis=1).tolist() for channel in done] == [r.tolist() for r in rows]
        assert done.sum() == 32 * sum(r.sum() for r in rows)


@pytest.mark.parametrize(("rule", "kept"), [("half", False), ("any", True)])
def test_a_lesion_of_one_camera_pixel_stays_only_if_any_of_it_counts(
    write_set, rule: str, kept: bool
) -> None:
    picture = np.full((128, 160, 3), 100, np.uint8)  # shrunk to half on the way into the frame
    picture[:, :32] = 0
    folder = write_set(
        {"a": picture}, {("a", "MA"): lesion(slice(50, 51), slice(90, 91), (128, 160))}
    )
    (sample,) = read_idrid(folder).split("train", ("MA",))
    done = prepare(sample, ("MA",), SPEC, rule)
    assert done.picture.crop == Crop(16, 0, 64, 64, True)
    found = np.argwhere(done.masks[0]).tolist()
    # Frame pixel (25, 45) is (25, 29) in the crop, which is halved again.
    assert found == ([[12, 14]] if kept else [])


def break_files(folder: Path) -> list[Path]:
    """Truncate a picture, make a mask unreadable: both named, in the order of the report."""
    root = folder / ROOT
    truncated = root / PICTURES / SPLITS["train"] / "truncated.png"
    truncated.write_bytes(truncated.read_bytes()[:-40])
    unreadable = root / MASKS / SPLITS["train"] / LESIONS["EX"].folder / "unreadable_EX.tif"
    unreadable.write_text("no picture")
    return [truncated, unreadable]


@pytest.fixture
def broken(write_set) -> Path:
    """Four pictures: one good, one truncated, two with bad masks."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    good = lesion(slice(20, 30), slice(30, 40))
    folder: Path = write_set(
        {"good": noise, "other_size": noise, "truncated": noise, "unreadable": noise},
        {
            ("good", "EX"): good,
            ("other_size", "EX"): good[:, :79],
            ("other_size", "SE"): good[:40],
            ("truncated", "EX"): good,
            ("unreadable", "EX"): good,
        },
    )
    break_files(folder)
    return folder


def test_every_bad_file_is_named_in_one_report(broken: Path) -> None:
    samples = read_idrid(broken).split("train", ("EX", "SE"))
    with pytest.raises(BadInput) as refusal:
        prepare_all(broken, samples, ("EX", "SE"), SPEC)
    head, *lines = str(refusal.value).splitlines()
    assert head == f"{broken}: 4 file(s) cannot be used:"
    masks = broken / ROOT / MASKS / SPLITS["train"]
    hard, soft = masks / LESIONS["EX"].folder, masks / LESIONS["SE"].folder
    pictures = broken / ROOT / PICTURES / SPLITS["train"]
    assert lines[0] == (
        f"  {hard / 'other_size_EX.tif'}: found 79x64 pixels; expected the picture's 80x64"
    )
    assert lines[1] == (
        f"  {soft / 'other_size_SE.tif'}: found 80x40 pixels; expected the picture's 80x64"
    )
    assert lines[2].startswith(f"  {pictures / 'truncated.png'}: cannot be read as a picture")
    assert lines[3].startswith(f"  {hard / 'unreadable_EX.tif'}: cannot be read as a picture")
    assert len(lines) == 4


def test_picture_and_mask_of_one_sample_are_both_named(broken: Path) -> None:
    sample = next(s for s in read_idrid(broken).samples["train"] if s.name == "truncated")
    sample.masks["EX"].write_text("no picture")
    found = faults(sample, ("EX",))
    assert [text.split(": ")[0] for text in found] == [str(sample.picture), str(sample.masks["EX"])]
    assert faults(sample, ()) == found[:1]


def test_a_mask_that_is_not_asked_for_is_not_opened(broken: Path) -> None:
    samples = [s for s in read_idrid(broken).samples["train"] if s.name != "truncated"]
    done = prepare_all(broken, samples, ("MA",), SPEC)
    assert [p.name for p in done] == ["good", "other_size", "unreadable"]


def test_samples_stay_in_order_and_each_one_ticks(write_set) -> None:
    names = [f"p{n}" for n in range(6)]
    folder = write_set({n: retina() for n in names}, {("p3", "EX"): lesion(slice(20), slice(40))})
    samples = read_idrid(folder).split("train", ("EX",))
    ticks: list[None] = []
    done = prepare_all(folder, samples, ("EX",), SPEC, tick=lambda: ticks.append(None))
    assert [p.name for p in done] == names
    assert len(ticks) == 6


def test_nothing_to_prepare_is_nothing_prepared(tmp_path: Path) -> None:
    assert prepare_all(tmp_path, [], ("EX",), SPEC) == []


def test_a_real_masks_area_survives_the_way_to_the_network(idrid_fullres: Path) -> None:
    spec = PreprocessSpec(512)
    sample = read_idrid(idrid_fullres).split("train", ("EX",))[0]
    done = prepare(sample, ("EX",), spec)
    mask = read_mask(sample.masks["EX"])
    scale = 1024 / mask.shape[1] * 512 / done.picture.crop.width  # camera pixel -> network pixel
    # No exudate lies outside the crop; deciding by half drops the thinnest: here it leaves 0.98.
    assert done.masks.sum() / (mask.sum() * scale**2) == pytest.approx(1, abs=0.05)

"""Phantoms: laid out as IDRiD, the same again for the same seed, and their masks tell the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mobileseg.data.idrid import read_idrid
from mobileseg.data.phantom.generate import Phantom, PhantomSet, make_phantom, write_phantoms
from mobileseg.errors import BadInput
from mobileseg.lesions import LESIONS

COUNT = 9
ORIGINALS = "A. Segmentation/1. Original Images"
TRUTHS = "A. Segmentation/2. All Segmentation Groundtruths"
# Green levels by which a lesion's mean must at least differ from the ring around it: about half of
# the weakest among 40 phantoms each of 128, 256 and 512 px (MA 7.5, HE 7.5, EX 7.9, SE 12.7).
LEAST_CONTRAST = {"MA": -3.7, "HE": -3.7, "EX": 3.9, "SE": 6.0}


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return [make_phantom(0, 256, index=index) for index in range(24)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PhantomSet]:
    folder = tmp_path_factory.mktemp("phantoms") / "set"
    return folder, write_phantoms(folder, COUNT, 128, 0)


def files(folder: Path) -> dict[str, bytes]:
    paths = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


def test_pictures_lie_where_idrid_has_them(written: tuple[Path, PhantomSet]) -> None:
    folder, _ = written
    training = sorted((folder / ORIGINALS / "a. Training Set").iterdir())
    testing = sorted((folder / ORIGINALS / "b. Testing Set").iterdir())
    assert [p.name for p in training] == [f"phantom_{n:02d}.jpg" for n in range(1, 7)]
    assert [p.name for p in testing] == [f"phantom_{n:02d}.jpg" for n in range(7, 10)]
    with Image.open(training[0]) as picture:
        assert (picture.mode, picture.size) == ("RGB", (128, 128))


def test_the_projects_own_reader_takes_the_folder(written: tuple[Path, PhantomSet]) -> None:
    folder, said = written
    samples = read_idrid(folder).samples
    assert (len(samples["train"]), len(samples["test"])) == (said.training, said.testing)


def test_masks_lie_where_idrid_has_them(written: tuple[Path, PhantomSet]) -> None:
    folder, _ = written
    known = {
        f"{TRUTHS}/{split}/{lesion.folder}"
        for split in ("a. Training Set", "b. Testing Set")
        for lesion in LESIONS.values()
    }
    masks = list((folder / TRUTHS).rglob("*.tif"))
    assert {str(p.parent.relative_to(folder)) for p in masks} <= known
    assert all(p.parent.name == LESIONS[p.stem.rsplit("_", 1)[1]].folder for p in masks)


def test_masks_are_palette_files_with_index_1(written: tuple[Path, PhantomSet]) -> None:
    for path in (written[0] / TRUTHS).rglob("*.tif"):
        with Image.open(path) as mask:
            assert mask.mode == "P"
            assert mask.getpalette()[:6] == [0, 0, 0, 255, 0, 0]  # type: ignore[index]
            assert set(np.unique(np.asarray(mask))) == {0, 1}


@pytest.mark.parametrize("code", LESIONS)
def test_an_absent_lesion_has_no_file(written: tuple[Path, PhantomSet], code: str) -> None:
    folder, said = written
    found = {p.stem for p in (folder / TRUTHS).rglob(f"*_{code}.tif")}
    expected = {
        f"phantom_{index + 1:02d}_{code}"
        for index in range(COUNT)
        if make_phantom(0, 128, index=index).masks[code].any()
    }
    assert found == expected
    assert said.pictures_with[code] == len(found)


def test_some_picture_has_no_soft_exudate_and_some_has(written: tuple[Path, PhantomSet]) -> None:
    assert 0 < written[1].pictures_with["SE"] < COUNT


def test_one_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_phantoms(tmp_path / name, 2, 96, seed)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    picture = f"{ORIGINALS}/a. Training Set/phantom_01.jpg"
    assert files(tmp_path / "a")[picture] != files(tmp_path / "c")[picture]


def test_one_seed_gives_one_eye_at_every_size() -> None:
    small, large = make_phantom(1, 128).picture, make_phantom(1, 256).picture
    halved = large.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - small).mean() < 4  # noise and the sharper detail of the larger one


def test_masks_lie_inside_the_retina(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        assert set(phantom.masks) == set(LESIONS)
        bright = phantom.picture.max(axis=-1) > 25  # the project's own rule for retina
        for mask in phantom.masks.values():
            assert mask.shape == phantom.retina.shape
            assert not (mask & ~phantom.retina).any()
            assert not (mask & ~bright).any()


def test_what_lies_around_the_retina_is_black(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        outside = ~ndimage.binary_dilation(phantom.retina, iterations=3)
        assert phantom.picture[outside].max() <= 25


def test_no_pixel_belongs_to_two_lesions(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        assert np.sum(list(phantom.masks.values()), axis=0).max() == 1


@pytest.mark.parametrize(("code", "least"), LEAST_CONTRAST.items())
def test_lesions_differ_from_what_surrounds_them(
    phantoms: list[Phantom], code: str, least: float
) -> None:
    shown = [phantom for phantom in phantoms if phantom.masks[code].any()]
    contrasts = [green_contrast(phantom, code) for phantom in shown]
    weakest = min(contrasts, key=lambda value: value * np.sign(least))
    assert weakest * np.sign(least) >= abs(least), f"{code}: {np.round(contrasts, 1)}"


def green_contrast(phantom: Phantom, code: str) -> float:
    """Mean green inside the mask less that of a ring around it that no lesion touches."""
    near = ndimage.binary_dilation(phantom.masks[code], iterations=5)
    others: NDArray[np.bool_] = np.any(list(phantom.masks.values()), axis=0)
    ring = near & phantom.retina & ~ndimage.binary_dilation(others, iterations=2)
    green = phantom.picture[..., 1].astype(float)
    return float(green[phantom.masks[code]].mean() - green[ring].mean())


def test_a_threshold_on_brightness_does_not_find_the_exudates(phantoms: list[Phantom]) -> None:
    best = []
    for phantom in phantoms:
        green, truth = phantom.picture[..., 1], phantom.masks["EX"]
        dices = [dice(green > level, truth) for level in range(60, 250, 5)]
        best.append(max(dices) if truth.any() else np.nan)
    assert np.nanmean(best) < 0.35  # 0.21 measured, with each picture's own best level


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (found & truth).sum() / max(1, found.sum() + truth.sum()))


def test_the_smallest_microaneurysms_are_two_pixels_wide(phantoms: list[Phantom]) -> None:
    sizes = []
    for phantom in phantoms:
        assert phantom.masks["MA"].any()  # every eye has one
        labels, _ = ndimage.label(phantom.masks["MA"], np.ones((3, 3)))
        sizes += [max(s.stop - s.start for s in box) for box in ndimage.find_objects(labels)]
    assert sizes.count(2) >= 10


def test_exudates_go_from_a_handful_to_many(phantoms: list[Phantom]) -> None:
    counts = [ndimage.label(p.masks["EX"], np.ones((3, 3)))[1] for p in phantoms]
    assert min(counts) <= 14  # the 5th percentile of IDRiD's pictures
    assert max(counts) >= 80


def test_a_wide_frame_has_the_cameras_shape() -> None:
    phantom = make_phantom(0, 96, aspect=1.5)
    assert phantom.picture.shape == (96, 144, 3)
    assert phantom.masks["MA"].shape == (96, 144)


def test_a_folder_that_holds_something_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="exists already; choose another place"):
        write_phantoms(tmp_path, 2, 64, 0)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert write_phantoms(tmp_path / "new", 2, 64, 0).testing == 1
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("count", "side", "seed", "share", "says"),
    [
        (1, 128, 0, 0.3, "1 phantoms; expected at least 2"),
        (4, 63, 0, 0.3, "phantoms of 63 px; expected at least 64 px"),
        (4, 64, -1, 0.3, "seed -1; expected 0 or more"),
        (4, 64, 0, 1.5, "a test share of 1.5; expected 0 to 1"),
    ],
)
def test_numbers_out_of_range_are_refused(
    tmp_path: Path, count: int, side: int, seed: int, share: float, says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        write_phantoms(tmp_path / "new", count, side, seed, test_share=share)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("share", "testing"), [(0.0, 1), (1.0, 2)])
def test_both_sets_get_a_picture(tmp_path: Path, share: float, testing: int) -> None:
    written = write_phantoms(tmp_path / "new", 3, 64, 0, test_share=share)
    assert (written.training, written.testing) == (3 - testing, testing)


def test_a_stop_half_way_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantoms(tmp_path / "new", 4, 64, 0, on_picture=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_aspect_out_of_range_is_refused() -> None:
    with pytest.raises(BadInput, match=r"3 times as wide as high; expected 1.0 to 2.0"):
        make_phantom(0, 64, aspect=3)

"""Folders as IDRiD unpacks them: absent is not the same as not labelled, and nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobileseg.data.idrid import MASKS, PICTURES, ROOT, SPLITS, read_idrid, report
from mobileseg.errors import BadInput
from mobileseg.lesions import LESIONS, TASKS, task_lesions


def touch(root: Path, *names: str) -> None:
    """Empty files: nothing is opened before it is used."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def picture(name: str, split: str = "train") -> str:
    return f"{ROOT}/{PICTURES}/{SPLITS[split]}/{name}"


def mask(name: str, code: str, split: str = "train") -> str:
    return f"{ROOT}/{MASKS}/{SPLITS[split]}/{LESIONS[code].folder}/{name}"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    touch(
        tmp_path,
        picture("IDRiD_02.jpg"),
        picture("IDRiD_01.jpg"),
        picture("IDRiD_55.jpg", "test"),
        mask("IDRiD_01_EX.tif", "EX"),
        mask("IDRiD_02_EX.tif", "EX"),
        mask("IDRiD_02_SE.tif", "SE"),
        mask("IDRiD_55_EX.tif", "EX", "test"),
    )
    return tmp_path


def test_samples_come_in_order_with_the_masks_they_have(small: Path) -> None:
    first, second = read_idrid(small).split("train", ("EX",))
    assert (first.name, second.name) == ("IDRiD_01", "IDRiD_02")
    assert first.picture == small / picture("IDRiD_01.jpg")
    assert first.masks == {"EX": small / mask("IDRiD_01_EX.tif", "EX")}
    assert set(second.masks) == {"EX", "SE"}


def test_the_splits_are_apart(small: Path) -> None:
    collection = read_idrid(small)
    assert [s.name for s in collection.split("test", ("EX",))] == ["IDRiD_55"]
    assert len(collection.split("train", ("EX",))) == 2


def test_the_folder_itself_or_the_one_around_it_may_be_named(small: Path) -> None:
    assert read_idrid(small / ROOT).samples == read_idrid(small).samples


def test_a_missing_mask_is_an_absent_lesion(small: Path) -> None:
    first, second = read_idrid(small).split("train", ("EX", "SE"))
    assert "SE" not in first.masks
    assert "SE" in second.masks


def test_a_missing_folder_is_a_lesion_nobody_labelled(small: Path) -> None:
    collection = read_idrid(small)
    assert collection.labelled == {"train": {"EX", "SE"}, "test": {"EX"}}
    with pytest.raises(BadInput) as refusal:
        collection.split("test", ("EX", "SE"))
    assert str(refusal.value) == (
        f"{small}: no folder {MASKS}/b. Testing Set/4. Soft Exudates; "
        "the test set is not labelled for SE: choose another task"
    )


def test_an_empty_mask_folder_is_labelled_and_has_none(small: Path) -> None:
    (small / mask("", "MA")).mkdir(parents=True)
    samples = read_idrid(small).split("train", ("MA",))
    assert not any("MA" in sample.masks for sample in samples)


def test_a_split_without_pictures_is_named(tmp_path: Path) -> None:
    touch(tmp_path, picture("a.jpg"), mask("a_EX.tif", "EX"))
    with pytest.raises(BadInput) as refusal:
        read_idrid(tmp_path).split("test", ("EX",))
    assert str(refusal.value) == (
        f"{tmp_path}: found no pictures in {PICTURES}/b. Testing Set; "
        "expected the test set of an IDRiD folder"
    )


def test_every_mask_without_a_picture_is_named(small: Path) -> None:
    strays = [
        mask("IDRiD_99_EX.tif", "EX"),  # of no picture
        mask("IDRiD_01.tif", "EX"),  # without its lesion
        mask("IDRiD_01_SE.tif", "EX"),  # in another lesion's folder
        mask("IDRiD_01_EX.tif", "EX", "test"),  # in the other split
    ]
    touch(small, *strays)
    with pytest.raises(BadInput) as refusal:
        read_idrid(small)
    lines = str(refusal.value).splitlines()
    assert lines[0] == f"{small}: 4 file(s) cannot be used:"
    assert sorted(lines[1:]) == sorted(
        f"  {small / stray}: belongs to no picture; expected <picture>_EX" for stray in strays
    )


def test_two_pictures_of_one_name_are_named(small: Path) -> None:
    touch(small, picture("IDRiD_01.png"))
    with pytest.raises(BadInput, match="1 file") as refusal:
        read_idrid(small)
    jpg, png = small / picture("IDRiD_01.jpg"), small / picture("IDRiD_01.png")
    assert f"{png}: a second picture of that name beside {jpg}" in str(refusal.value)


def test_other_files_and_shadow_files_are_passed_over(small: Path) -> None:
    touch(
        small,
        picture("._IDRiD_01.jpg"),
        picture("Thumbs.db"),
        mask("._IDRiD_01_EX.tif", "EX"),
        mask("notes.txt", "EX"),
    )
    assert len(read_idrid(small).split("train", ("EX",))) == 2


def test_suffixes_may_be_written_in_capitals(tmp_path: Path) -> None:
    touch(tmp_path, picture("a.JPG"), picture("b.PNG"), mask("a_MA.TIF", "MA"))
    first, second = read_idrid(tmp_path).split("train", ("MA",))
    assert set(first.masks) == {"MA"}
    assert not second.masks


def test_another_layout_is_answered_with_what_is_there_and_what_should_be(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.jpg", "masks/a.png")
    with pytest.raises(BadInput) as refusal:
        read_idrid(tmp_path)
    assert str(refusal.value) == (
        f"{tmp_path}: found ['images', 'masks']; expected {ROOT}/{PICTURES} and {ROOT}/{MASKS}, "
        "as IDRiD unpacks (mobileseg phantom writes an example)"
    )


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refusal:
        read_idrid(tmp_path / "nowhere")
    assert str(refusal.value).startswith(f"{tmp_path / 'nowhere'}: found no folder; expected")


def test_a_report_without_problems_is_silent(tmp_path: Path) -> None:
    report(tmp_path, [])


def test_phantoms_are_laid_out_the_same(phantoms: Path) -> None:
    collection = read_idrid(phantoms)
    for task in TASKS:
        assert len(collection.split("train", task_lesions(task))) == 6
        assert len(collection.split("test", task_lesions(task))) == 3


@pytest.mark.parametrize(
    ("split", "pictures", "with_lesion"),
    [
        ("train", 54, {"MA": 54, "HE": 53, "EX": 54, "SE": 25}),
        ("test", 27, {"MA": 27, "HE": 27, "EX": 27, "SE": 14}),
    ],
)
def test_the_real_set_has_the_pictures_and_masks_it_is_known_for(
    idrid512: Path, split: str, pictures: int, with_lesion: dict[str, int]
) -> None:
    samples = read_idrid(idrid512).split(split, tuple(LESIONS))
    assert len(samples) == pictures
    counts = {code: sum(code in sample.masks for sample in samples) for code in LESIONS}
    assert counts == with_lesion


def test_a_set_with_one_lesion_is_labelled_for_it_alone(idrid_fullres: Path) -> None:
    collection = read_idrid(idrid_fullres)
    assert collection.labelled["train"] == {"EX"}
    samples = collection.split("train", ("EX",))
    assert [sample.name for sample in samples] == [f"IDRiD_{n:02}" for n in range(1, 21)]
    assert all("EX" in sample.masks for sample in samples)
    with pytest.raises(BadInput, match="not labelled for MA"):
        collection.split("train", ("MA",))

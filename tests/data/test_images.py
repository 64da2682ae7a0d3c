"""Files as people have them: upright and whole, or refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mobileseg.data.images import read_mask, read_photo, write_png
from mobileseg.errors import BadInput


def photo(height: int = 40, width: int = 50) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_a_colour_picture_comes_back_in_rgb(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(photo()).save(tmp_path / f"a.{suffix}", **options)
    assert np.array_equal(read_photo(tmp_path / f"a.{suffix}"), photo())


def test_a_written_picture_comes_back_in_rgb(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", photo())
    assert np.array_equal(read_photo(tmp_path / "a.png"), photo())
    assert np.array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], photo())


def test_a_grey_picture_gives_three_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(photo()[..., 0]).save(tmp_path / "a.png")
    assert np.array_equal(read_photo(tmp_path / "a.png"), photo()[..., [0, 0, 0]])


# EXIF's tag 0x0112: how the stored picture must be turned to stand upright, as NumPy turns.
TURNS = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: np.rot90(p),
}


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", TURNS)
def test_a_picture_stands_as_its_exif_says(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(photo()).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    assert np.array_equal(read_photo(tmp_path / f"a.{suffix}"), TURNS[orientation](photo()))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(photo()).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_photo(tmp_path / "a.png"), photo())


def test_a_camera_jpeg_is_turned_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    half = np.zeros((64, 48, 3), np.uint8)
    half[:32] = 255  # the stored top is the upright right
    Image.fromarray(half).save(tmp_path / "a.jpg", exif=exif)
    upright = read_photo(tmp_path / "a.jpg")
    assert upright.shape == (48, 64, 3)
    assert upright[:, :28].max() < 10  # JPEG rings a little beside the edge
    assert upright[:, 36:].min() > 245


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.bmp", "a.webp"])
def test_a_truncated_picture_is_refused_by_name(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    Image.fromarray(photo()).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for read in (read_photo, read_mask):
        with pytest.raises(BadInput) as refusal:
            read(path)
        text = str(refusal.value)
        assert text.startswith(f"{path}: cannot be read as a picture (")
        assert text.endswith("); replace it with a whole file")
        assert "\n" not in text


NO_HEADER = "no whole header of JPEG, PNG, TIFF, BMP, WEBP in it"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<html>404</html>", NO_HEADER),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n", NO_HEADER),  # runs a program
        (b"GIF89a\x32\0\x32\0\0\0\0", NO_HEADER),  # a decoder nobody asked for
    ],
    ids=["empty", "html", "eps", "gif"],
)
def test_something_else_is_no_picture(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(BadInput) as refusal:
        read_photo(path)
    assert str(refusal.value) == (
        f"{path}: cannot be read as a picture ({reason}); replace it with a whole file"
    )


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    Image.fromarray(photo()).save(tmp_path / "a.jpg", "PNG")
    assert np.array_equal(read_photo(tmp_path / "a.jpg"), photo())


NO_FILES = {
    "missing.jpg": "no such file; expected a picture",
    "folder.jpg": "found a folder; expected a picture",
    "pipe.jpg": "found no ordinary file; expected a picture",  # opened, it would wait for ever
    "nul\0.jpg": "cannot be opened (embedded null byte); expected a picture",
    "a" * 300: "cannot be opened (File name too long); expected a picture",
}


@pytest.mark.parametrize("name", NO_FILES, ids=lambda name: name[:11])
def test_what_is_no_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    path = tmp_path / name
    for read in (read_photo, read_mask):
        with pytest.raises(BadInput) as refusal:
            read(path)
        assert str(refusal.value) == f"{path}: {NO_FILES[name]}"


def test_floats_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 50), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(BadInput, match="found mode F; expected 8 bits a channel"):
        read_photo(tmp_path / "a.tif")


def test_a_thumbnail_is_refused(tmp_path: Path) -> None:
    Image.fromarray(photo(31, 50)).save(tmp_path / "a.png")
    with pytest.raises(BadInput) as refusal:
        read_photo(tmp_path / "a.png")
    expected = f"{tmp_path / 'a.png'}: found 50x31 pixels; expected at least 32 each way"
    assert str(refusal.value) == expected
    Image.fromarray(photo(32, 32)).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").shape == (32, 32, 3)


LESION = np.zeros((6, 8), bool)
LESION[2:4, 1:7] = True


def test_a_palette_mask_is_read_by_index_and_not_by_colour(tmp_path: Path, palette_mask) -> None:
    path = tmp_path / "a.tif"
    palette_mask(path, LESION)
    assert np.array_equal(read_mask(path), LESION)
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert set(np.unique(grey)) == {0, 76}  # what a threshold at half would call background


def test_a_palette_that_shows_lesions_black_changes_nothing(tmp_path: Path) -> None:
    image = Image.fromarray(LESION.astype(np.uint8))
    image.putpalette([255, 255, 255, 0, 0, 0])
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_mask(tmp_path / "a.png"), LESION)


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(LESION),
        Image.fromarray(LESION.astype(np.uint8)),  # 0 and 1, almost black to look at
        Image.fromarray(LESION.astype(np.uint8) * np.uint8(255)),
        Image.fromarray(LESION.astype(np.uint16) * np.uint16(65535)),
        Image.fromarray(
            np.dstack([LESION * np.uint8(255), LESION * 0, LESION * 0]).astype(np.uint8)
        ),
    ],
    ids=lambda image: f"{image.mode} up to {max(image.tobytes())}",
)
def test_a_mask_is_lesion_wherever_it_is_not_nought(tmp_path: Path, image: Image.Image) -> None:
    image.save(tmp_path / "a.png")
    mask = read_mask(tmp_path / "a.png")
    assert mask.dtype == bool
    assert np.array_equal(mask, LESION)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_the_opacity_of_a_mask_is_no_lesion(tmp_path: Path, mode: str) -> None:
    opaque = np.full(LESION.shape, 255, np.uint8)
    colours = [LESION * np.uint8(255)] * (3 if mode == "RGBA" else 1)
    Image.fromarray(np.dstack([*colours, opaque])).save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == mode
    assert np.array_equal(read_mask(tmp_path / "a.png"), LESION)


def test_a_mask_is_turned_like_its_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(LESION.astype(np.uint8)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_mask(tmp_path / "a.png"), np.rot90(LESION, -1))


def test_a_real_mask_is_read_as_the_data_set_means_it(idrid512: Path) -> None:
    path = next(idrid512.rglob("IDRiD_01_EX.tif"))
    mask = read_mask(path)
    assert mask.shape == (512, 512)
    assert 0 < mask.mean() < 0.2
    assert np.array_equal(mask, cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) == 76)

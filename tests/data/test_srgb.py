"""Depth, opacity, inks and colour profiles: the right colours, or refused by name."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from mobileseg.data.images import read_mask, read_photo
from mobileseg.errors import BadInput

HW = (40, 50)
RNG = np.random.default_rng(3)
COLOURS = RNG.integers(0, 256, (*HW, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (*HW, 4), dtype=np.uint16)


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as refused:
        read_photo(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_of_sixteen_bits_the_upper_eight_are_taken(
    tmp_path: Path, channels: int, suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    deep = DEEP[..., :channels]
    assert cv2.imwrite(str(path), deep)
    upper = (deep >> 8).astype(np.uint8)[..., ::-1]  # OpenCV writes BGR
    assert np.array_equal(read_photo(path), np.broadcast_to(upper, (*HW, 3)))
    if suffix == "png":  # OpenCV rounds a colour TIFF's instead
        assert np.array_equal(read_photo(path), cv2.imread(str(path))[..., ::-1])


@pytest.mark.parametrize(
    ("channels", "suffix"), [(1, "png"), (1, "tif"), (3, "png"), (3, "tif"), (4, "png")]
)
@pytest.mark.parametrize(("brightest", "said"), [(0x0FFF, 4095), (0x3FFF, 16383), (0x7FFF, 32767)])
def test_twelve_bits_in_sixteen_are_not_taken_for_a_dark_picture(
    tmp_path: Path, channels: int, suffix: str, brightest: int, said: int
) -> None:
    path = tmp_path / f"a.{suffix}"
    deep = np.full((*HW, channels), brightest, np.uint16)
    if channels == 4:
        deep[..., 3] = 65535  # opacity is no brightness
    assert cv2.imwrite(str(path), deep)
    assert refusal(path) == (
        f"found 16 bits a channel, none of them over {said} of 65535; "
        "expected a picture that uses its range, or 8 bits a channel: convert it"
    )
    deep[0, 0, :3] = 0x8000
    assert cv2.imwrite(str(path), deep)
    assert read_photo(path).max() == 128


def test_a_mask_of_sixteen_bit_colours_is_refused(tmp_path: Path) -> None:
    """Its upper half would say that 1 is nothing."""
    assert cv2.imwrite(str(tmp_path / "a.png"), np.ones((*HW, 3), np.uint16))
    with pytest.raises(BadInput, match="found 16 bits a channel; expected a mask of one channel"):
        read_mask(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["CMYK", "LAB"])
def test_a_mask_of_inks_is_refused(tmp_path: Path, mode: str) -> None:
    """Paper without ink is nought there, and white."""
    Image.new(mode, HW).save(tmp_path / "a.tif")
    with pytest.raises(BadInput, match=f"found mode {mode}; expected a mask of one channel"):
        read_mask(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["LAB", "F", "I"])
def test_what_is_no_picture_of_eight_bits_is_refused(tmp_path: Path, mode: str) -> None:
    Image.new(mode, HW).save(tmp_path / "a.tif")
    assert refusal(tmp_path / "a.tif") == (
        f"found mode {mode}; expected 8 bits a channel: convert it"
    )


def over_black(colours: NDArray[np.uint8], opacity: NDArray[np.uint8]) -> NDArray[np.uint8]:
    product = colours.astype(np.float64) * opacity[..., None] / 255
    return np.floor(product + 0.5).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_clear_is_black_and_half_clear_half_as_bright(tmp_path: Path, suffix: str) -> None:
    opacity = RNG.integers(0, 256, HW, dtype=np.uint8)
    opacity[:4] = 0
    opacity[4:8] = 255
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    Image.fromarray(np.dstack([COLOURS, opacity])).save(path, **options)
    assert np.array_equal(read_photo(path), over_black(COLOURS, opacity))
    assert np.array_equal(read_photo(path)[4:8], COLOURS[4:8])  # solid: not a level changed


def test_opacity_of_grey_and_of_a_palette(tmp_path: Path) -> None:
    opacity = RNG.integers(0, 256, HW, dtype=np.uint8)
    grey = COLOURS[..., :1]
    Image.fromarray(np.dstack([grey, opacity])).save(tmp_path / "grey.png")
    expected = over_black(np.repeat(grey, 3, axis=2), opacity)
    assert np.array_equal(read_photo(tmp_path / "grey.png"), expected)
    palette = Image.fromarray(np.arange(2000, dtype=np.uint16).reshape(HW).astype(np.uint8) % 4)
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 200, 200, 200])
    palette.save(tmp_path / "palette.png", transparency=bytes([255, 0, 128, 255]))
    shown = np.array([[255, 0, 0], [0, 0, 0], [0, 0, 128], [200, 200, 200]], np.uint8)
    assert np.array_equal(read_photo(tmp_path / "palette.png"), shown[np.asarray(palette)])


def test_one_colour_that_is_declared_clear_is_black(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.png", transparency=tuple(map(int, COLOURS[0, 0])))
    expected = COLOURS.copy()
    expected[(COLOURS[0, 0] == COLOURS).all(axis=2)] = 0
    assert np.array_equal(read_photo(tmp_path / "a.png"), expected)


def test_a_clear_colour_of_sixteen_bits_makes_no_other_clear(tmp_path: Path) -> None:
    """Its 5 is next to black; an upper half of 5 is another colour."""
    path = tmp_path / "a.png"
    deep = DEEP[..., :3].copy()
    deep[0, 0] = 5 << 8
    assert cv2.imwrite(str(path), deep)
    key = b"tRNS" + struct.pack(">3H", 5, 5, 5)
    chunk = struct.pack(">I", 6) + key + struct.pack(">I", zlib.crc32(key))
    content = path.read_bytes()
    path.write_bytes(content[:33] + chunk + content[33:])  # behind the header
    assert Image.open(path).info["transparency"] == (5, 5, 5)
    assert np.array_equal(read_photo(path), (deep[..., ::-1] >> 8).astype(np.uint8))


def test_a_palette_picture_has_its_colours(tmp_path: Path) -> None:
    image = Image.fromarray(COLOURS).quantize(200)
    for name in ("a.png", "a.tif", "a.bmp"):
        image.save(tmp_path / name)
        assert np.array_equal(read_photo(tmp_path / name), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_black_and_white_is_black_and_white(tmp_path: Path, name: str) -> None:
    white = RNG.random(HW) < 0.5
    Image.fromarray(white).save(tmp_path / name)
    assert np.array_equal(read_photo(tmp_path / name), np.repeat(white[..., None], 3, 2) * 255)


INKS = np.array([[[0, 0, 0, 0]], [[255, 0, 0, 0]], [[0, 128, 0, 0]], [[0, 0, 0, 200]]], np.uint8)
PRINTED = np.array([[255, 255, 255], [0, 255, 255], [255, 127, 255], [55, 55, 55]])


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_inks_are_printed_on_white(tmp_path: Path, name: str) -> None:
    """A JPEG's inks lie inverted in the file (Adobe's way); read plainly it is a negative."""
    path = tmp_path / name
    pixels = np.repeat(np.repeat(INKS, 16, axis=0), 64, axis=1)  # whole JPEG blocks
    Image.fromarray(pixels, "CMYK").save(path, quality=100)
    found = read_photo(path)[8::16, 8].astype(int)
    assert np.abs(found - PRINTED).max() <= 1  # the quantisation of JPEG at its best, and rounding
    if name == "a.jpg":
        other = cv2.imread(str(path))[8::16, 8, ::-1].astype(int)
        assert np.abs(found - other).max() <= 2  # another decoder: its products are rounded down


# Colours of Adobe RGB (1998) and sRGB as their profiles have them, adapted to D50; X, Y, Z.
# Source: Adobe RGB (1998) colour image encoding, 2005; IEC 61966-2-1.
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
ADOBE_GAMMA = 563 / 256


def fixed(values: tuple[float, ...]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(v * 65536) for v in values))


def power(gamma: float) -> bytes:
    return b"curv" + struct.pack(">IIHxx", 0, 1, round(gamma * 256))


def srgb_table(entries: int) -> bytes:
    """sRGB's curve as a table, the way most makers write it down."""
    shown = np.linspace(0, 1, entries)
    light = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    table = np.round(light * 65535).astype(">u2").tobytes()
    return b"curv" + struct.pack(">II", 0, entries) + table


def icc_profile(space: bytes, colours: tuple[tuple[float, ...], ...], curve: bytes) -> bytes:
    """A display profile of version 2: three colours, or grey, and a curve."""
    tags = {b"wtpt": b"XYZ " + bytes(4) + fixed((0.9642, 1.0, 0.8249))}
    tags[b"desc"] = b"desc" + bytes(4) + struct.pack(">I", 2) + b"a\0" + bytes(78)
    tags[b"cprt"] = b"text" + bytes(4) + b"none\0\0\0\0"
    names = (b"r", b"g", b"b") if colours else (b"k",)
    tags |= {n + b"TRC": curve for n in names}
    tags |= {
        n + b"XYZ": b"XYZ " + bytes(4) + fixed(c) for n, c in zip(names, colours, strict=False)
    }
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    whole = table + data
    head = struct.pack(">I4xI4s4s4s", 128 + len(whole), 0x02100000, b"mntr", space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + fixed((0.9642, 1.0, 0.8249))
    return head + bytes(128 - len(head)) + whole


def adobe_in_srgb(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """By the standards' formulas, in double precision; what sRGB lacks is cut off."""
    light = (pixels / 255.0) ** ADOBE_GAMMA
    linear = light @ np.array(ADOBE) @ np.linalg.inv(np.array(SRGB))
    linear = np.clip(linear, 0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * curve


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_a_wide_gamut_picture_is_seen_as_its_profile_means_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    smooth = cv2.resize(COLOURS[:4, :5], HW[::-1], interpolation=cv2.INTER_CUBIC)
    options = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}
    profile = icc_profile(b"RGB ", ADOBE, power(ADOBE_GAMMA))
    Image.fromarray(smooth).save(path, icc_profile=profile, **options.get(suffix, {}))
    stored = np.asarray(Image.open(path))
    seen = read_photo(path)
    # The engine's tables in 8 bits, steepest where sRGB's curve meets the dark.
    assert np.abs(seen - adobe_in_srgb(stored)).max() <= 1.6
    assert np.abs(seen.astype(int) - stored).max() > 20  # it was worth converting


def test_srgb_by_any_name_changes_no_level(tmp_path: Path) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    near = tuple(tuple(v + 1e-4 for v in colour) for colour in SRGB)
    named = {
        "own": own,
        "table": icc_profile(b"RGB ", SRGB, srgb_table(1024)),
        "coarse": icc_profile(b"RGB ", SRGB, srgb_table(26)),
        "near": icc_profile(b"RGB ", near, srgb_table(1024)),
    }
    for name, profile in named.items():
        Image.fromarray(COLOURS).save(tmp_path / f"{name}.png", icc_profile=profile)
        assert np.array_equal(read_photo(tmp_path / f"{name}.png"), COLOURS), name
    # sRGB's colours with a plain power curve are another thing.
    other = icc_profile(b"RGB ", SRGB, power(1.8))
    Image.fromarray(COLOURS).save(tmp_path / "c.png", icc_profile=other)
    assert not np.array_equal(read_photo(tmp_path / "c.png"), COLOURS)


def test_a_grey_picture_may_have_a_grey_or_a_colour_profile(tmp_path: Path) -> None:
    grey = np.tile(np.arange(256, dtype=np.uint8), (40, 1))
    profiles = {"grey": icc_profile(b"GRAY", (), power(ADOBE_GAMMA))}
    profiles["colour"] = icc_profile(b"RGB ", ADOBE, power(ADOBE_GAMMA))
    expected = adobe_in_srgb(np.repeat(grey[..., None], 3, axis=2))
    for name, profile in profiles.items():
        Image.fromarray(grey).save(tmp_path / f"{name}.png", icc_profile=profile)
        seen = read_photo(tmp_path / f"{name}.png")
        assert np.abs(seen - expected).max() <= 1.6, name
        assert np.ptp(seen, axis=2).max() <= 1, name


def test_a_clear_picture_is_put_on_black_before_its_profile(tmp_path: Path) -> None:
    clear = np.dstack([COLOURS, np.zeros(HW, np.uint8)])
    profile = icc_profile(b"RGB ", ADOBE, power(ADOBE_GAMMA))
    Image.fromarray(clear).save(tmp_path / "a.png", icc_profile=profile)
    assert read_photo(tmp_path / "a.png").max() == 0


BROKEN = {
    "cut off": (icc_profile(b"RGB ", ADOBE, power(2.2))[:200], "cannot open profile from string"),
    "no profile": (b"not a profile at all", "cannot open profile from string"),
    "of inks": (icc_profile(b"CMYK", ADOBE, power(2.2)), "the picture is RGB, the profile CMYK"),
    "of grey": (icc_profile(b"GRAY", (), power(2.2)), "the picture is RGB, the profile L"),
    "without colours": (icc_profile(b"RGB ", (), power(2.2)), "cannot build transform"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_profile_that_cannot_be_followed_is_refused(tmp_path: Path, name: str) -> None:
    profile, reason = BROKEN[name]
    Image.fromarray(COLOURS).save(tmp_path / "a.png", icc_profile=profile)
    assert refusal(tmp_path / "a.png") == (
        f"its colour profile cannot be followed ({reason}); "
        "save the picture as sRGB, or without a profile"
    )

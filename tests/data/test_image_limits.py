"""What a hostile or damaged file may cost: one line, little memory, nothing on the terminal."""

from __future__ import annotations

import io
import logging
import os
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mobileseg.data.image_limits import LARGEST_BYTES, MOST_JPEG_SCANS
from mobileseg.data.images import read_mask, read_photo
from mobileseg.errors import BadInput

COLOURS = np.random.default_rng(5).integers(0, 256, (64, 80, 3), dtype=np.uint8)
SHORT, LONG = 3, 4  # TIFF's types


def refusal(path: Path) -> str:
    texts = set()
    for read in (read_photo, read_mask):
        with pytest.raises(BadInput) as refused:
            read(path)
        texts.add(str(refused.value))
    (text,) = texts
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    whole = b"\x89PNG\r\n\x1a\n"
    for name, content in (*chunks, (b"IEND", b"")):
        check = struct.pack(">I", zlib.crc32(name + content))
        whole += struct.pack(">I", len(content)) + name + content + check
    return whole


def png_header(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def tiff(tags: dict[int, tuple[int, list[int]]], data: bytes) -> bytes:
    """One page: an entry per tag (type, values), then the data; offset 0 in tag 273 finds it."""
    entries, extra = b"", b""
    start = 8 + 2 + 12 * len(tags) + 4
    lengths = sum(len(v) * (2 if t == SHORT else 4) for t, v in tags.values() if len(v) > 1)
    for tag, (kind, values) in sorted(tags.items()):
        values = [start + lengths] if tag == 273 and values == [0] else values
        packed = struct.pack(f"<{len(values)}{'H' if kind == SHORT else 'I'}", *values)
        if len(packed) > 4:
            extra, packed = extra + packed, struct.pack("<I", start + len(extra))
        entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    extra = extra.ljust(lengths, b"\0")
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + extra + data


def plain_tags(width: int, height: int) -> dict[int, tuple[int, list[int]]]:
    return {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [8, 8, 8]),
        259: (SHORT, [1]),
        262: (SHORT, [2]),
        273: (LONG, [0]),
        277: (SHORT, [3]),
        278: (LONG, [height]),
        279: (LONG, [width * height * 3 % 2**32]),
    }


def test_a_hand_written_tiff_is_read_so_that_the_wrong_ones_are_wrong_for_their_reason(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(plain_tags(80, 64), COLOURS.tobytes()))
    assert np.array_equal(read_photo(path), COLOURS)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def jpeg_of(width: int, height: int) -> bytes:
    content = saved(Image.fromarray(COLOURS), "JPEG")
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def bmp_of(width: int, height: int) -> bytes:
    content = saved(Image.fromarray(COLOURS), "BMP")
    return content[:18] + struct.pack("<ii", width, height) + content[26:]


def webp_of(width: int, height: int) -> bytes:
    content = saved(Image.fromarray(COLOURS), "WEBP")
    at = content.index(b"\x9d\x01\x2a") + 3
    return content[:at] + struct.pack("<HH", width, height) + content[at + 4 :]


CLAIMS: dict[str, Callable[[int, int], bytes]] = {
    "png": lambda w, h: png(png_header(w, h), (b"IDAT", zlib.compress(bytes(1000)))),
    "jpg": jpeg_of,
    "bmp": bmp_of,
    "tif": lambda w, h: tiff(plain_tags(w, h), bytes(1000)),
    "webp": webp_of,
}


@pytest.mark.parametrize("suffix", CLAIMS)
def test_a_header_is_not_believed_beyond_100_million_pixels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(CLAIMS[suffix](10_001, 10_000))
    assert refusal(path) == (
        "found 10001x10000 pixels; expected at most 100 million: save it smaller"
    )
    side = 16_383 if suffix == "webp" else 60_000  # as far as the format goes, or 3.6 billion
    path.write_bytes(CLAIMS[suffix](side, side))
    assert refusal(path) == (
        f"found {side * side:,} pixels; expected at most 100 million: save it smaller"
    )
    if suffix != "jpg":  # which would be read: libjpeg makes grey of what is missing
        path.write_bytes(CLAIMS[suffix](10_000, 10_000))
        assert "million" not in refusal(path)  # not one pixel too strict


def test_a_file_of_too_many_bytes_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.touch()
    os.truncate(path, LARGEST_BYTES + 1)  # a hole: takes no room
    assert refusal(path) == (
        "found 400,000,001 bytes; expected at most 400,000,000: save it smaller"
    )


PIXELS = (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in COLOURS)))


@lru_cache(1)
def bombs() -> dict[str, bytes]:
    """Small files that ask for much, by what is wrong with them."""
    header = png_header(80, 64)
    much = zlib.compress(bytes(200_000_000))  # 200 kB
    text = (b"zTXt", b"a\0\0" + much)
    tiles = plain_tags(80, 64) | {322: (LONG, [60_000]), 323: (LONG, [60_000])}
    many = plain_tags(80, 64) | {273: (LONG, [8] * 50_000), 279: (LONG, [2**32 - 1] * 50_000)}
    samples = plain_tags(80, 64) | {277: (LONG, [2**31])}
    strip = plain_tags(80, 64) | {278: (LONG, [2**32 - 1]), 259: (SHORT, [5])}
    claimed = tiff(plain_tags(80, 64), b"")
    return {
        "text.png": png(header, text, PIXELS),
        "profile.png": png(header, (b"iCCP", b"a\0\0" + much), PIXELS),
        "pixels.png": png(header, (b"IDAT", much)),
        "tiles.tif": tiff(tiles, COLOURS.tobytes()),
        "strips.tif": tiff(many, COLOURS.tobytes()),
        "samples.tif": tiff(samples, COLOURS.tobytes()),
        "rows.tif": tiff(strip, bytes(100)),
        # The header says that the strip offsets are 4 billion numbers.
        "count.tif": claimed.replace(
            struct.pack("<HHI", 273, LONG, 1), b"\x11\x01\4\0" + b"\xff" * 4
        ),
        "canvas.webp": webp_of(16_383, 6_000),
        "wide.jpg": jpeg_of(65_000, 300),
        "wide.png": CLAIMS["png"](10_000, 10_000),
        "wide.bmp": bmp_of(10_000, 10_000),
    }


PROBE = """
import resource, sys, time
from pathlib import Path
from mobileseg.data.images import read_mask, read_photo
from mobileseg.errors import BadInput
limit = 1 << 30  # bytes of addresses, the libraries' own 0.4 GB among them
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sorted(Path(sys.argv[1]).iterdir()):
    for read in (read_photo, read_mask):
        began = time.process_time()
        try:
            said = f"read {read(path).shape}"
        except BadInput as error:
            said = str(error)
        print(f"{path.name}|{time.process_time() - began:.3f}|{said}")
peak = next(x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM:" in x)
print(int(peak.split()[1]))  # getrusage would tell what the parent had at its fork
"""


@pytest.mark.skipif(sys.platform != "linux", reason="not run: /proc tells the memory")
def test_bombs_cost_little_time_and_memory_and_say_nothing_else(tmp_path: Path) -> None:
    """In a process of its own that the system lets have 1 GiB: a picture of 100 million fits."""
    folder = tmp_path / "bombs"
    folder.mkdir()
    for name, content in bombs().items():
        (folder / name).write_bytes(content)
        assert len(content) < 1_000_000
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", PROBE, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    *lines, peak_kb = done.stdout.splitlines()
    assert len(lines) == 2 * len(bombs())
    for line in lines:
        name, seconds, said = line.split("|", 2)
        assert float(seconds) < 5, line
        assert said.startswith(("read (", f"{folder / name}: ")), line
    # As many pixels as are allowed, the way Pillow holds them: 400 MB; 80 for Python, and strips.
    assert int(peak_kb) < 480_000


def test_a_tiff_tile_larger_than_any_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(bombs()["tiles.tif"])
    assert refusal(tmp_path / "a.tif") == (
        "found 60000x60000 pixels; expected at most 100 million: save it smaller"
    )


def frames(count: int) -> list[Image.Image]:
    return [Image.fromarray(np.roll(COLOURS, n, axis=0)) for n in range(count)]


@pytest.mark.parametrize(
    ("form", "what"), [("TIFF", "pages"), ("PNG", "frames"), ("WEBP", "frames")]
)
def test_several_pictures_in_one_are_refused(tmp_path: Path, form: str, what: str) -> None:
    first, *more = frames(3)
    (tmp_path / "a").write_bytes(saved(first, form, save_all=True, append_images=more))
    assert refusal(tmp_path / "a") == (
        f"found several {what}; expected one picture: save the one that counts"
    )
    (tmp_path / "a").write_bytes(saved(first, form, save_all=True, lossless=True))
    assert np.array_equal(read_photo(tmp_path / "a"), COLOURS)


def test_a_phones_photo_with_a_second_picture_behind_it_is_the_first(tmp_path: Path) -> None:
    first, *more = frames(3)
    (tmp_path / "a.jpg").write_bytes(saved(first, "MPO", save_all=True, append_images=more))
    assert Image.open(tmp_path / "a.jpg").format == "MPO"
    (tmp_path / "b.jpg").write_bytes(saved(first, "JPEG"))
    assert np.array_equal(read_photo(tmp_path / "a.jpg"), read_photo(tmp_path / "b.jpg"))


def with_subfile_types(kinds: list[int]) -> bytes:
    """A TIFF of pages that each say what they are: 0 a picture, 1 a smaller copy."""
    pages = []
    for page, kind in zip(frames(len(kinds)), kinds, strict=True):
        page.encoderinfo = {"tiffinfo": {254: kind}}  # where Pillow looks for a page's own tags
        pages.append(page)
    return saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], tiffinfo={254: kinds[0]})


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ([0, 1, 1, 1], None),
        ([0, 1, 0], "found several pages; expected one picture: save the one that counts"),
        ([0] + [1] * 20, "found several pages; expected one picture: save the one that counts"),
        (
            [1],
            "found a preview in the place of the picture, as raw files have it; "
            "expected the picture: export it as TIFF or PNG",
        ),
    ],
)
def test_smaller_copies_behind_a_tiffs_picture_are_left_alone(
    tmp_path: Path, kinds: list[int], said: str | None
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(with_subfile_types(kinds))
    if said:
        assert refusal(path) == said
    else:
        assert np.array_equal(read_photo(path), COLOURS)


SIXTEEN = {"apart": ({284: (SHORT, [2])}, 3), "white": ({262: (SHORT, [0])}, 1)}
MISREAD = {
    "apart": "found 16 bits a channel, each channel apart; expected them side by side: convert it",
    "white": "found 16 bits with white as 0; expected black as 0: convert it",
}


@pytest.mark.parametrize("name", SIXTEEN)
def test_sixteen_bits_that_pillow_misreads_are_refused(tmp_path: Path, name: str) -> None:
    changed, channels = SIXTEEN[name]
    tags = plain_tags(80, 64) | {258: (SHORT, [16] * channels), 277: (SHORT, [channels])} | changed
    tags |= {273: (LONG, [0]), 279: (LONG, [80 * 64 * 2 * channels])}
    (tmp_path / "a.tif").write_bytes(tiff(tags, bytes(80 * 64 * 2 * channels)))
    assert refusal(tmp_path / "a.tif") == MISREAD[name]


def progressive(scans_more: int) -> bytes:
    content = saved(Image.fromarray(COLOURS), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * scans_more + content[-2:]


def test_a_jpeg_of_endless_scans_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(progressive(0))
    assert read_photo(path).shape == COLOURS.shape
    path.write_bytes(progressive(1000))
    assert refusal(path) == (
        f"found 1010 scans in a JPEG; expected at most {MOST_JPEG_SCANS}: save it anew"
    )


def test_what_lies_around_a_jpegs_picture_is_not_counted_as_its_scans(tmp_path: Path) -> None:
    """A maker's note before it, a phone's short film behind it: any bytes may occur there."""
    content = progressive(0)
    note = b"\xff\xe5" + struct.pack(">H", 2 + 4000) + b"\xff\xda\0\0" * 1000
    film = b"\xff\xda\0\0" * 1000
    (tmp_path / "a.jpg").write_bytes(content[:2] + note + content[2:] + film)
    (tmp_path / "b.jpg").write_bytes(content)
    assert np.array_equal(read_photo(tmp_path / "a.jpg"), read_photo(tmp_path / "b.jpg"))


def talkative() -> dict[str, bytes]:
    """Files over which Pillow warns or logs."""
    broken = Image.Exif()
    broken[0x0110] = "a camera"
    exif = broken.tobytes()
    samples = plain_tags(80, 64) | {277: (LONG, [1000])}
    cut = tiff(plain_tags(80, 64), COLOURS.tobytes())
    return {
        "exif.jpg": saved(Image.fromarray(COLOURS), "JPEG", exif=exif[:-12]),
        "samples.tif": tiff(samples, COLOURS.tobytes()),
        "cut.tif": cut[:60],
    }


def test_pillow_talks_over_these_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """So that the next test's silence is ours."""
    said = 0
    for name, content in talkative().items():
        (tmp_path / name).write_bytes(content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with suppress(OSError):
                Image.open(tmp_path / name).getexif()
        said += bool(caught) or any(r.levelno >= logging.WARNING for r in caplog.records)
        caplog.clear()
    assert said == len(talkative())


def test_nothing_is_heard_of_pillows_warnings(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, content in talkative().items():
        (tmp_path / name).write_bytes(content)
    before = list(warnings.filters), list(logging.getLogger("PIL").handlers)
    names = [name for name in talkative() for _ in range(20)]

    def attempt(name: str) -> None:
        with suppress(BadInput):
            read_photo(tmp_path / name)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(attempt, names))
        assert caught == []
        warnings.warn("ours is heard again", stacklevel=1)
        assert len(caught) == 1
    assert capfd.readouterr() == ("", "")
    assert (list(warnings.filters), list(logging.getLogger("PIL").handlers)) == before

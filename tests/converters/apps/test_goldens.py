"""tests/goldens is what the package answers, by rules that a few loops repeat here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from converters.apps.goldens import colours, manifests, masks, photos, qualities
from converters.apps.goldens.manifests_2 import LENIENT
from converters.apps.goldens.manifests_3 import NO_NUMBERS
from converters.apps.texts import LANGUAGES, TEXTS
from mobileseg.cli.goldens import command
from mobileseg.evaluation.picture_flags import BY_VALUES, FLAGS, SENTENCES, judge_quality
from mobileseg.lesions import LESIONS

GOLDENS = Path(__file__).parents[2] / "goldens"
INDEX = json.loads((GOLDENS / "index.json").read_text(encoding="utf-8"))


def run(*arguments: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(command, list(map(str, arguments)))
    return found.exit_code, found.output + str(found.exception)


def pixels(place: Path, name: str, *shape: int) -> NDArray[np.uint8]:
    return np.fromfile(place / name, np.uint8).reshape(shape)


def differing(write: Callable[[Path], Any], folder: Path) -> list[str]:
    """Which of the files that a part writes are not the goldens'."""
    write(folder)
    made = [p for p in folder.rglob("*") if p.is_file()]
    assert made
    names = [p.relative_to(folder).as_posix() for p in made]
    return [n for n in names if (GOLDENS / n).read_bytes() != (folder / n).read_bytes()]


def test_the_goldens_are_what_the_package_writes():
    code, said = run("-o", GOLDENS, "--check")
    assert (code, said) == (0, f"{GOLDENS}: as mobileseg goldens writes it\nNone")


def test_a_changed_missing_or_extra_golden_is_named(tmp_path):
    own = shutil.copytree(GOLDENS, tmp_path / "goldens")
    (own / "texts.json").write_text("{}")
    (own / "thresholds" / "half" / "mask.u8").unlink()
    (own / "more").touch()
    code, said = run("-o", own, "--check")
    assert code == 1
    assert [Path(line.split(": ")[0]).name for line in said.splitlines()[:3]] == [
        "more",
        "texts.json",
        "mask.u8",
    ]


def test_goldens_replace_only_goldens(tmp_path):
    own = tmp_path / "goldens"
    own.mkdir()
    (own / "thesis.tex").touch()
    for arguments in (["-o", own], ["-o", own, "--force"]):
        code, said = run(*arguments)
        assert code == 1 and str(own) in said  # a MobilesegError, which `main` makes a line of
    assert [p.name for p in own.iterdir()] == ["thesis.tex"]


def test_check_wants_goldens(tmp_path):
    none = tmp_path / "none"
    code, said = run("-o", none, "--check")
    assert (code, said) == (
        1,  # of the test's runner; `main` makes it a line, and exit 2
        f"{none}: no index.json in it; expected goldens: mobileseg goldens -o {none}",
    )


def rounds_down(picture, mask, colour, opacity):
    tinted = (picture.astype(np.int32) * (255 - opacity) + np.array(colour) * opacity) // 255
    return np.where(mask[..., None], tinted, picture).astype(np.uint8)


def without_flags(quality, lesions, spec, raised):
    return judge_quality(quality, lesions, spec)


@pytest.mark.parametrize(
    ("part", "name", "planted", "shown_by"),
    [
        (masks, "blend", rounds_down, "overlays/rectangle/overlay.rgb"),
        (masks, "mask_on_frame", lambda m, c, hw: np.resize(m, hw), "overlays/shrunk/overlay.rgb"),
        (masks, "AREA_STEPS", 1000, "overlays/crop-inside/case.json"),
        (photos, "upright", lambda photo, _: photo, "photo_to_frame/orientation-2/frame.rgb"),
        (photos, "photo_to_frame", lambda p, hw: np.resize(p, (*hw, 3)), "photo_to_frame/wide-odd"),
        (colours, "PRIMARIES", dict.fromkeys(colours.PRIMARIES, (0.3, 0.3, 0.3)), "colours/"),
        (manifests, "dumped", lambda values: "{}", "manifests/onnx.json"),
        (qualities, "judge_quality", without_flags, "quality/too-small.json"),
    ],
)
def test_a_planted_fault_shows(part, name, planted, shown_by, monkeypatch, tmp_path):
    monkeypatch.setattr(photos, "LARGE", {})
    monkeypatch.setattr(part, name, planted)
    assert any(found.startswith(shown_by) for found in differing(part.write, tmp_path))


@pytest.mark.parametrize("name", INDEX["overlays"])
def test_an_overlay_follows_its_rules_pixel_by_pixel(name):
    place = GOLDENS / "overlays" / name
    case = json.loads((place / "case.json").read_text())
    (frame_h, frame_w), (height, width) = case["frame_hw"], case["content_hw"]
    side, (left, top, crop_w, crop_h) = case["side"], case["crop"]
    frame = pixels(place, "frame.rgb", frame_h, frame_w, 3).astype(int)
    p = np.fromfile(place / "probabilities.f32", "<f4").reshape(-1, side, side)
    for y in range(height):
        row = (y - top) * side // crop_h
        for x in range(width):
            column = (x - left) * side // crop_w
            if not (0 <= row < side and 0 <= column < side):
                continue
            for c, lesion in enumerate(case["lesions"]):
                if lesion["shown"] and p[c, row, column] >= np.float32(lesion["threshold"]):
                    a, colour = case["opacity"], np.array(lesion["colour"])
                    frame[y, x] = (frame[y, x] * (255 - a) + colour * a + 127) // 255
    assert (frame[:height, :width] == pixels(place, "overlay.rgb", height, width, 3)).all()


def test_halves_of_a_mean_are_rounded_up():
    place = GOLDENS / "photo_to_frame" / "half-each-way"
    photo = pixels(place, "photo.rgb", 96, 128, 3).astype(int)
    sums = photo.reshape(48, 2, 64, 2, 3).sum((1, 3))
    assert (sums % 4 == 2).sum() > 1000
    assert ((sums + 2) // 4 == pixels(place, "frame.rgb", 48, 64, 3)).all()


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda p: p),
        (2, lambda p: p[:, ::-1]),
        (3, lambda p: p[::-1, ::-1]),
        (4, lambda p: p[::-1]),
        (5, lambda p: p.swapaxes(0, 1)),
        (6, lambda p: np.rot90(p, -1)),
        (7, lambda p: p.swapaxes(0, 1)[::-1, ::-1]),
        (8, lambda p: np.rot90(p)),
    ],
)
def test_orientations_are_exifs(orientation, turned):
    photo = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert (photos.upright(photo, orientation) == turned(photo)).all()


def test_the_cases_are_telling():
    """Every lesion is found and missed, in pieces and whole; every warning is given once."""
    cases = [json.loads(p.read_text()) for p in GOLDENS.glob("overlays/*/case.json")]
    found = [one for case in cases for one in case["expected"]["lesions"].values()]
    assert {len(case["lesions"]) for case in cases} == {1, 2, 4}
    assert {bool(one["count"]) for one in found} == {True, False}
    assert len({one["basis_points"] for one in found}) > 15
    flags = {flag for case in cases for flag in case["expected"]["flags"]}
    assert flags == set(FLAGS) - set(BY_VALUES)
    codes = {case["problem"]["code"] for case in INDEX["manifests"] if "problem" in case}
    assert codes == {"not-json", "schema", "schema-newer", "target", "entry"}


def test_the_cases_of_quality_are_telling():
    """Every flag is raised and left, every sentence said, in both languages."""
    cases = [json.loads((GOLDENS / "quality" / f"{n}.json").read_text()) for n in INDEX["quality"]]
    expected = [case["expected"] for case in cases]
    assert {flag for one in expected for flag in one["flags"]} == set(FLAGS)
    for language in LANGUAGES:
        said = {sentence for one in expected for sentence in one["sentences"][language]}
        assert said == {sentence[language] for sentence in SENTENCES.values()}
    assert {one["usable"] for one in expected if one["flags"]} == {True, False}
    assert {bool(one["flags"]) for one in expected if not one["usable"]} == {True, False}
    assert any(None in case["output"] for case in cases)


@pytest.mark.parametrize(
    ("start", "replaced"), [("bad-lenient", LENIENT), ("bad-3-no-number", NO_NUMBERS)]
)
def test_what_is_replaced_in_a_manifest_is_there(start, replaced):
    for name, (_, other) in replaced.items():
        text = (GOLDENS / "manifests" / f"{start}-{name}.json").read_text(encoding="utf-8")
        assert other in text, name


def test_wide_gamut_colours_move_and_grey_does_not():
    pairs = [(one["from"], one["to"]) for one in INDEX["colours"]]
    for stored, seen in pairs:
        grey = len(set(stored)) == 1
        assert (stored == seen) is grey
        # Display P3's primaries: red grows, green shrinks, in a retina's colours.
        assert grey or seen[0] >= stored[0] or seen[1] > stored[1]


def test_every_text_is_in_every_language_with_the_same_places():
    for key, by_language in TEXTS.items():
        assert list(by_language) == list(LANGUAGES), key
        places = {tuple(p for p in "0123" if f"{{{p}}}" in text) for text in by_language.values()}
        assert len(places) == 1, key
        assert all(text and text == text.strip() for text in by_language.values()), key
    assert {f"lesion_{code.lower()}" for code in LESIONS} <= set(TEXTS)

"""`predict` on a batch: what is good is drawn and counted, what is not is named."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mobileseg.data.phantom.generate import make_phantom
from mobileseg.evaluation.picture_flags import NO_RETINA


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Two pictures of one name, one without a retina, one that is no picture."""
    folder = tmp_path_factory.mktemp("photos")
    for name, height, aspect in (("left", 1100, 1.5), ("right", 300, 1.0)):
        (folder / name).mkdir()
        Image.fromarray(make_phantom(6, height, aspect=aspect).picture).save(
            folder / name / "eye.png"
        )
    Image.fromarray(np.zeros((90, 120, 3), np.uint8)).save(folder / "dark.png")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    (folder / "._dark.png").write_bytes(b"what macOS leaves beside a file")
    (folder / "notes.txt").write_text("not a picture, and not named as one")
    return folder


@pytest.fixture(scope="module")
def batch(mobileseg, bundles, photos, tmp_path_factory):
    """One call for what follows: a folder and two files, one picture unreadable."""
    folder = tmp_path_factory.mktemp("batch")
    given = (photos, photos / "left" / "eye.png", photos / "right" / "eye.png")
    done = mobileseg("predict", bundles / "torchscript", *given, "-o", "out", "--json", cwd=folder)
    return done, folder / "out"


def test_one_unreadable_picture_is_named_exits_1_and_stops_no_other(batch, photos):
    done, out = batch
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"mobileseg: {photos / 'broken.jpg'}: cannot be read as a picture")
    assert sorted(p.name for p in out.iterdir()) == [
        "dark-overlay.png",
        "eye-2-overlay.png",
        "eye-overlay.png",
        "predictions.csv",
        "predictions.json",
    ]
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_an_overlay_is_as_large_as_the_picture_fitted_into_the_frame(batch):
    _, out = batch
    sizes = {p.name: Image.open(p).size for p in out.glob("*.png")}
    assert sizes == {
        "eye-overlay.png": (1024, 683),  # 1650x1100, its long side fitted
        "eye-2-overlay.png": (300, 300),  # never enlarged
        "dark-overlay.png": (120, 90),
    }


def test_two_pictures_of_one_name_are_both_kept_and_told_apart(batch, photos):
    _, out = batch
    rows = {r["name"]: r for r in json.loads((out / "predictions.json").read_text())["pictures"]}
    assert list(rows) == ["dark", "eye", "eye-2"]
    assert rows["eye"]["picture"] == str(photos / "left" / "eye.png")
    assert rows["eye-2"]["picture"] == str(photos / "right" / "eye.png")
    assert rows["eye"]["crop"] != rows["eye-2"]["crop"]


def test_json_csv_and_what_is_printed_agree(batch, photos):
    done, out = batch
    kept = json.loads((out / "predictions.json").read_text())
    assert kept["model"] == "torchscript (torchscript fp32)"
    assert kept["unreadable"] == [
        {
            "picture": str(photos / "broken.jpg"),
            "why": "cannot be read as a picture (no whole header of JPEG, PNG, TIFF, BMP, WEBP "
            "in it); replace it with a whole file",
        }
    ]
    assert json.loads(done.stdout) == kept["pictures"]
    lines = list(csv.DictReader(io.StringIO((out / "predictions.csv").read_text())))
    assert len(lines) == len(kept["pictures"])  # one lesion each
    for line, row in zip(lines, kept["pictures"], strict=True):
        found = row["lesions"]["EX"]
        assert (line["name"], line["picture"], line["lesion"]) == (
            row["name"],
            row["picture"],
            "EX",
        )
        assert (int(line["count"]), int(line["pixels"])) == (found["count"], found["pixels"])
        # As many digits as the file has.
        assert float(line["area"]) == pytest.approx(found["area"], abs=5e-7)
        assert float(line["retina"]) == pytest.approx(row["retina"], abs=5e-5)
        assert line["flags"] == "; ".join(row["flags"])
        if row["retina"]:
            share = found["pixels"] / (row["retina"] * 128 * 128)
            assert found["area"] == pytest.approx(share, abs=1e-12)


def test_a_picture_without_a_retina_is_flagged_and_has_no_area(batch):
    _, out = batch
    rows = {r["name"]: r for r in json.loads((out / "predictions.json").read_text())["pictures"]}
    assert rows["dark"]["flags"] == [NO_RETINA]
    assert (rows["dark"]["retina"], rows["dark"]["lesions"]["EX"]["area"]) == (0, 0)
    assert rows["eye"]["flags"] == rows["eye-2"]["flags"] == []


def test_a_run_answers_people_in_sentences(mobileseg, trained_run, photos, tmp_path):
    given = (photos / "dark.png", photos / "right" / "eye.png")
    done = mobileseg("predict", trained_run, *given, "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    dark, eye, last = done.stdout.splitlines()
    assert dark == "dark: No retina found. Not usable; its counts are in predictions.json."
    assert eye.startswith("eye: EX ") and eye.endswith(" % of the retina)")
    assert last == "out: 2 overlay(s). Not a medical device: for research and prototypes only."


def refused(done) -> str:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("mobileseg: ")
    return done.stderr.splitlines()[-1].removeprefix("mobileseg: ")


def test_nothing_readable_writes_nothing_and_exits_2(mobileseg, bundles, photos, tmp_path):
    bundle = bundles / "torchscript"
    done = mobileseg("predict", bundle, photos / "broken.jpg", "no.jpg", "-o", "out", cwd=tmp_path)
    assert refused(done) == "none of 2 picture(s) could be read; nothing was written"
    assert "no.jpg: no such file; expected a picture" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_refused(mobileseg, bundles, photos, batch, tmp_path):
    bundle = bundles / "torchscript"
    picture = photos / "dark.png"
    shutil.copytree(batch[1], tmp_path / "out")
    done = mobileseg("predict", bundle, picture, "-o", "out", cwd=tmp_path)
    assert refused(done) == "out: exists already; choose another place, or add --force"
    assert len(list((tmp_path / "out").iterdir())) == 5
    # A folder of photos is not an old result: no --force replaces it.
    shutil.copytree(photos, tmp_path / "photos")
    done = mobileseg("predict", bundle, "photos", "-o", "photos", "--force", cwd=tmp_path)
    assert refused(done).startswith("photos: exists already and holds no predictions.json")
    assert (tmp_path / "photos" / "dark.png").is_file()
    done = mobileseg("predict", bundle, picture, "-o", "out", "--force", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_model_that_cannot_answer_here_is_refused(mobileseg, bundles, photos, tmp_path):
    picture = photos / "dark.png"
    done = mobileseg(
        "predict", bundles / "onnx", picture, "-o", "out", cwd=tmp_path, without="onnxruntime"
    )
    assert "model.onnx cannot run here: onnxruntime is not installed" in refused(done)
    done = mobileseg("predict", photos, picture, "-o", "out", cwd=tmp_path)
    assert refused(done) == (
        f"{photos}: neither config.json nor model.json in it; expected a run or a bundle folder"
    )
    assert list(tmp_path.iterdir()) == []

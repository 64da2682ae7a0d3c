"""Members' disagreement, and what it is worth."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest

from mobileseg.cli import main
from mobileseg.data.decoding import SUFFIXES
from mobileseg.data.images import read_photo
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.ensembling.combine import combine
from mobileseg.errors import BadInput
from mobileseg.evaluation.disagreement import LARGEST, disagreement, refuse_lone, worth
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.preprocess.reference import preprocess
from mobileseg.runs import Run, open_run
from mobileseg.spec import PreprocessSpec, photo_to_frame


@pytest.fixture(scope="module")
def three(make_run, phantoms, tmp_path_factory) -> tuple[list[Run], Run]:
    """Two runs for EX and one for SE, and what is made of them: EX averaged, SE beside it."""
    folder = tmp_path_factory.mktemp("three")
    pictures = {"train": ["phantom_01"], "validation": ["phantom_02"]}
    runs = [
        make_run(folder / name, seed=seed, task=task, pictures=pictures)
        for name, seed, task in (("one", 1, "EX"), ("two", 2, "EX"), ("soft", 3, "SE"))
    ]
    return runs, combine(runs, folder / "whole", data=phantoms)


@pytest.fixture(scope="module")
def picture():
    frame = photo_to_frame(make_phantom(3, 120, aspect=1.2).picture, (128, 160))
    return preprocess(frame, PreprocessSpec(64, (128, 160)))


def test_it_is_the_sd_of_the_members_answers(three, picture):
    (one, two, _), whole = three
    answers = [reference_probabilities(run, picture)[0] for run in (one, two)]
    found = disagreement(whole, picture)
    assert found.shape == (2, 64, 64) and found.dtype == np.float32
    # Of two numbers the SD is half their distance; float32 sums.
    assert np.allclose(found[0], np.abs(answers[0] - answers[1]) / 2, atol=1e-6)
    assert found.max() > 0.1 and found.max() <= LARGEST
    assert (found[1] == 0).all()  # a lone member agrees with itself
    assert (found[:, ~picture.disc] == 0).all()


def test_one_network_cannot_disagree(three):
    with pytest.raises(BadInput, match="one network for each lesion; expected an ensemble"):
        refuse_lone(three[0][0])


def test_what_it_is_worth_is_counted():
    wrong = np.zeros(1000, bool)
    wrong[:20] = True
    sure = np.linspace(1, 0, 1000, dtype=np.float32)  # knows it all: the first are least certain
    found = worth(wrong, sure)
    assert (found.wrong, found.wrong_among, found.caught) == (0.02, 20 / 50, 1.0)
    assert worth(wrong, sure[::-1].copy()).wrong_among == 0
    assert worth(np.zeros(10, bool), sure[:10]).to_json() == {
        "wrong": 0,
        "wrong_among": 0,
        "caught": 0,
    }


def call(monkeypatch, capsys, *arguments: object) -> tuple[object, str, str]:
    monkeypatch.setattr(sys, "argv", ["mobileseg", "predict", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


def test_predict_draws_it_beside_the_overlay(three, phantoms, tmp_path, monkeypatch, capsys):
    photos = sorted(p for p in phantoms.rglob("*.jpg") if p.suffix in SUFFIXES)[:2]
    out = tmp_path / "out"
    whole = three[1].path
    asked = (*photos, "-o", out, "--uncertainty", "--json")
    code, said, err = call(monkeypatch, capsys, whole, *asked)
    assert code == 0, err
    rows = json.loads(said)
    for row, photo in zip(rows, photos, strict=True):
        found = row["uncertainty"]
        assert set(found) == {"EX", "SE"} and found["SE"] == {"mean_sd": 0, "largest_sd": 0}
        assert 0 < found["EX"]["mean_sd"] < found["EX"]["largest_sd"] <= LARGEST
        drawn, plain = (
            read_photo(out / f"{photo.stem}-{kind}.png") for kind in ("uncertainty", "overlay")
        )
        assert drawn.shape == plain.shape
        grey = (drawn == drawn[..., :1]).all(axis=2)
        assert grey.any() and not grey.all()  # a colour where they disagree, and only there
    plain = tmp_path / "plain"
    assert call(monkeypatch, capsys, whole, *photos, "-o", plain)[0] == 0
    assert not list(plain.glob("*uncertainty*"))
    for name in ("overlay.png",):
        first = f"{photos[0].stem}-{name}"
        assert (plain / first).read_bytes() == (out / first).read_bytes()


def test_predict_refuses_where_there_is_none(three, phantoms, tmp_path, monkeypatch, capsys):
    photo = next(phantoms.rglob("*.jpg"))
    run = three[0][0].path
    code, _, err = call(monkeypatch, capsys, run, photo, "-o", tmp_path / "a", "--uncertainty")
    assert code == 2 and "expected an ensemble" in err and not (tmp_path / "a").exists()
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "model.json").write_text("{}")  # asked before anything of it is read
    code, _, err = call(monkeypatch, capsys, bundle, photo, "-o", tmp_path / "b", "--uncertainty")
    assert code == 2 and "gives the members' mean alone" in err and err.count("\n") == 1


def test_a_calibrated_ensemble_has_the_same(three, picture, tmp_path):
    """The calibration is the mean's; runs that are combined lose theirs."""
    from mobileseg.files.atomic import write_json
    from mobileseg.platt import Calibration

    (one, two, _), whole = three
    folder = shutil.copytree(whole.path, tmp_path / "whole")
    constants = {"EX": Calibration(0.5, 1), "SE": Calibration(2, 0)}
    write_json(folder / "config.json", whole.config.calibrated(constants).to_json())
    calibrated = open_run(folder)
    assert np.array_equal(disagreement(calibrated, picture), disagreement(whole, picture))
    assert not np.allclose(
        reference_probabilities(calibrated, picture), reference_probabilities(whole, picture)
    )
    for run in (one, two):
        shutil.copytree(run.path, tmp_path / run.path.name)
        config = run.config.calibrated({"EX": Calibration(0.5, 1)})
        write_json(tmp_path / run.path.name / "config.json", config.to_json())
    soft = three[0][2]
    again = combine(
        [open_run(tmp_path / "one"), soft], tmp_path / "side-by-side"
    )  # nothing averaged: thresholds are the runs' own, as before they were calibrated
    assert again.config.calibration == {}
    assert again.config.thresholds == {"EX": 0.5, "SE": 0.5}

"""The run that ships is a trained one, whole, and does on real pictures what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mobileseg import load
from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import prepare_all
from mobileseg.errors import BadInput
from mobileseg.evaluation.score import score_run
from mobileseg.runs import open_run, pretrained_run, shipped_runs

# Variant, data, and a floor under the exact AUPR on its test set; measured: 0.845 and 0.693.
SHIPPED = {"xs-ex": ("xs", "idrid", 0.84), "s-ex": ("s", "idrid512", 0.65)}


def test_nothing_ships_that_is_not_looked_at_here():
    assert set(SHIPPED) == set(shipped_runs())
    assert pretrained_run().name == "xs-ex"


@pytest.mark.parametrize("name", SHIPPED)
def test_it_opens_and_names_what_it_was_trained_on(name):
    run = open_run(shipped_runs()[name])
    assert run.config.variant == SHIPPED[name][0]
    assert run.config.lesions == ("EX",)
    assert not set(run.config.pictures["train"]) & set(run.config.pictures["validation"])
    assert 0 < run.config.thresholds["EX"] < 1
    assert run.network is not None
    record = json.loads((run.path / "run.json").read_text())
    assert record["data"] == SHIPPED[name][1]
    assert record["epochs"] == run.config.training["epochs"]


@pytest.mark.parametrize("name", SHIPPED)
def test_it_finds_exudates_on_test_pictures_it_never_saw(name, request):
    _, data, floor = SHIPPED[name]
    folder = request.getfixturevalue(data)
    run = open_run(shipped_runs()[name])
    samples = read_idrid(folder).split("test", run.config.lesions)
    seen = set(run.config.pictures["train"]) | set(run.config.pictures["validation"])
    assert not seen & {s.name for s in samples}
    rule = run.config.training["mask_rule"]
    prepared = prepare_all(folder, samples, run.config.lesions, run.config.preprocess, rule)
    (score,) = score_run(run, prepared)
    assert score.pictures == 27
    assert score.aupr >= floor


def test_the_default_says_what_a_picture_is_worth():
    """Finder 2, photometry, quality, and a calibration of each form."""
    run = pretrained_run()
    config = open_run(run).config
    assert config.preprocess.finder == 2
    assert config.training["photometric"] > 0
    assert config.quality is not None
    assert set(config.calibration) == set(config.lesions)
    int8 = json.loads((run / "quantized.json").read_text())["probability_calibration"]
    assert set(int8) == set(config.lesions)


@pytest.mark.parametrize("name", sorted(shipped_runs()))
def test_a_shipped_run_opens_by_its_name_alone(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_run(Path(name)).path == shipped_runs()[name]
    found = load(name).predict(np.zeros((64, 64, 3), np.uint8))
    assert found.flags == ("no-retina",)


def test_a_folder_goes_before_a_shipped_run_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xs-ex").mkdir()
    with pytest.raises(BadInput, match=r"^xs-ex: no config\.json in it"):
        open_run(Path("xs-ex"))


def test_a_wrong_name_lists_what_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"runs that ship: .*xs-ex"):
        open_run(Path("xl-ex"))

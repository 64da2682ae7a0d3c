"""The run that ships is a trained one, whole, and does on real pictures what is said of it."""

from __future__ import annotations

import json

from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import prepare_all
from mobileseg.evaluation.score import score_run
from mobileseg.runs import open_run, pretrained_run


def test_it_opens_and_names_what_it_was_trained_on():
    run = open_run(pretrained_run())
    assert run.config.variant == "xs"
    assert run.config.lesions == ("EX",)
    assert not set(run.config.pictures["train"]) & set(run.config.pictures["validation"])
    assert 0 < run.config.thresholds["EX"] < 1
    assert run.network is not None
    record = json.loads((run.path / "run.json").read_text())
    assert record["data"] == "idrid512"
    assert record["epochs"] == run.config.training["epochs"]


def test_it_finds_exudates_on_test_pictures_it_never_saw(idrid512):
    run = open_run(pretrained_run())
    samples = read_idrid(idrid512).split("test", run.config.lesions)
    seen = set(run.config.pictures["train"]) | set(run.config.pictures["validation"])
    assert not seen & {s.name for s in samples}
    rule = run.config.training["mask_rule"]
    prepared = prepare_all(idrid512, samples, run.config.lesions, run.config.preprocess, rule)
    (score,) = score_run(run, prepared)
    assert score.pictures == 27
    # What the demo promises on these pictures within its budget of minutes; measured 0.65.
    assert score.aupr >= 0.55

"""A run's scores: pooled over pictures, at the run's own threshold."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import prepare_all
from mobileseg.evaluation.score import evaluate_run, evaluation_json, score_lesion, score_run
from mobileseg.protocols import PROTOCOLS
from mobileseg.runs import Run, open_run, pretrained_run


def test_pixels_are_pooled_over_pictures_and_not_averaged():
    truth = np.zeros((2, 1, 4), bool)
    truth[0, 0, :2] = True  # the second picture has none
    probability = np.float32([[[0.9, 0.2, 0.1, 0.1]], [[0.8, 0.1, 0.1, 0.1]]])
    score = score_lesion("EX", truth, probability, threshold=0.8)
    assert (score.lesion, score.pictures, score.with_lesion) == ("EX", 2, 1)
    # Hit, the other picture's pixel, hit: 1/2 · 1 + 1/2 · 2/3.
    assert score.aupr == pytest.approx(5 / 6)
    assert score.dice == 2 * 1 / (2 + 2)
    assert score.threshold == 0.8


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7, 0.8])
def test_a_pixel_exactly_at_the_threshold_counts(value):
    """0.1, 0.3, 0.7 and 0.8 are no float32: compared in float64, half of them would be below."""
    probability = np.float32([[[value, 0]]])
    truth = np.array([[[True, False]]])
    for threshold in (value, float(np.float32(value))):
        assert score_lesion("EX", truth, probability, threshold).dice == 1
    above = float(np.nextafter(np.float32(value), np.float32(1)))
    assert score_lesion("EX", truth, probability, above).dice == 0


def test_a_set_without_the_lesion_has_no_aupr():
    score = score_lesion("EX", np.zeros((1, 2, 2), bool), np.zeros((1, 2, 2), np.float32), 0.5)
    assert math.isnan(score.aupr)
    assert math.isnan(score.dice)
    assert score.with_lesion == 0


@torch.no_grad()
def test_a_runs_score_is_that_of_all_its_pixels_in_one_row(trained_run, phantoms):
    run = open_run(trained_run)
    samples = read_idrid(phantoms).split("test", ("EX",))
    prepared = prepare_all(phantoms, samples, ("EX",), run.config.preprocess)
    ticks = []
    (score,) = score_run(run, prepared, lambda: ticks.append(1))
    assert len(ticks) == score.pictures == 3

    truth, probability = [], []
    mean, sd = (np.float32(v) for v in (run.config.normalisation.mean, run.config.normalisation.sd))
    for sample in prepared:
        x = (sample.picture.enhanced / 255 - mean) / sd  # side side 3
        logits = run.network(torch.from_numpy(x.transpose(2, 0, 1)[None]))[0]
        probability.append(torch.sigmoid(logits).numpy().ravel())
        truth.append(sample.masks[0].ravel())
    every_truth, every_probability = np.concatenate(truth), np.concatenate(probability)
    # Normalised in another order: float32 noise may swap pixels of nearly equal probability.
    by_hand = average_precision_score(every_truth, every_probability)
    assert score.aupr == pytest.approx(by_hand, abs=1e-4)
    assert score.aupr != pytest.approx(average_precision_score(~every_truth, every_probability))
    found = every_probability >= score.threshold
    dice = 2 * (found & every_truth).sum() / (found.sum() + every_truth.sum())
    assert score.dice == pytest.approx(dice, abs=1e-3)
    assert score.threshold == run.config.thresholds["EX"]


def test_the_best_epochs_weights_repeat_the_validation_score(trained_run, phantoms):
    """What training wrote down about its best epoch is what evaluation finds in it."""
    import csv
    import json

    run = open_run(trained_run)
    names = run.config.pictures["validation"]
    samples = [s for s in read_idrid(phantoms).split("train", ("EX",)) if s.name in names]
    prepared = prepare_all(phantoms, samples, ("EX",), run.config.preprocess)
    (score,) = score_run(run, prepared)
    record = json.loads((trained_run / "run.json").read_text())
    assert score.aupr == pytest.approx(record["best_validation_aupr"], abs=1e-4)  # as above
    rows = list(csv.DictReader((trained_run / "metrics.csv").read_text().splitlines()))
    column = [float(row["validation_aupr_EX"]) for row in rows]
    validated = [value for value in column if value == value]  # not every epoch is
    assert max(validated) >= record["best_validation_aupr"] == column[record["best_epoch"] - 1]


AT_THRESHOLD = {
    "threshold", "dice", "precision", "recall", "hausdorff", "hausdorff_95",
    "lesion_recall", "false_positives_per_image",
}  # fmt: skip


@pytest.fixture(scope="module")
def small_set(phantoms):
    """The trained run that ships, and the phantoms' test pictures at its side."""
    run = open_run(pretrained_run())
    samples = read_idrid(phantoms).split("test", ("EX",))
    return run, prepare_all(phantoms, samples, ("EX",), run.config.preprocess)


def test_the_json_keeps_to_the_contract_with_its_readers(small_set):
    run, prepared = small_set
    ticks = []
    found = evaluation_json(
        run, prepared, data="phantoms", split="test", tick=lambda: ticks.append(1)
    )
    assert len(ticks) == len(prepared)
    (lesion,) = found.pop("lesions")
    assert found == {
        "run": str(run.path),
        "data": "phantoms",
        "split": "test",
        "resolution": "network",
        "side_px": 256,
        "protocol": "clean",
        "leaks": [],
    }
    assert lesion.keys() == AT_THRESHOLD | {
        "lesion", "pictures", "with_lesion", "aupr", "aupr_33", "aupr_11", "aupr_per_image",
        "oracle", "interval_95",
    }  # fmt: skip
    assert lesion["oracle"].keys() == AT_THRESHOLD
    assert lesion["aupr_per_image"].keys() == {"exact", "33", "11", "undefined"}
    assert lesion["interval_95"].keys() == {"aupr", "dice", "lesion_recall"}
    for low, high in lesion["interval_95"].values():
        assert 0 <= low <= high <= 1
    assert lesion["threshold"] == run.config.thresholds["EX"] != lesion["oracle"]["threshold"]
    json.dumps(lesion, allow_nan=False)


def test_the_few_figures_and_all_of_them_are_the_same(small_set):
    run, prepared = small_set
    (few,), (every,) = score_run(run, prepared), evaluate_run(run, prepared)
    assert few.aupr == pytest.approx(every.pooled.exact, abs=1e-12)
    assert (few.dice, few.threshold) == (every.chosen.dice, every.chosen.threshold)
    assert (few.lesion, few.pictures, few.with_lesion) == ("EX", 3, every.with_lesion)


def test_what_is_undefined_is_null_and_named(small_set):
    run, prepared = small_set
    without = [replace(p, masks=p.masks & False) for p in prepared]
    found = evaluation_json(run, without, data="d", split="test")
    (lesion,) = json.loads(json.dumps(found, allow_nan=False))["lesions"]
    assert lesion["aupr"] is lesion["aupr_11"] is lesion["recall"] is None
    assert lesion["aupr_per_image"] == {
        "exact": None, "33": None, "11": None, "undefined": [p.name for p in prepared],
    }  # fmt: skip
    assert lesion["interval_95"]["aupr"] == [None, None]


@pytest.mark.parametrize("protocol", ["paper", "of another version"])
def test_a_protocols_leaks_stand_beside_its_figures(small_set, protocol):
    run, prepared = small_set
    training = {**run.config.training, "protocol": protocol}
    leaking = Run(run.path, replace(run.config, training=training))
    found = evaluation_json(leaking, prepared[:1], data="d", split="test")
    assert found["protocol"] == protocol
    known = PROTOCOLS.get(protocol)
    assert found["leaks"] == (list(known.leaks) if known else [])
    assert bool(found["leaks"]) == (protocol == "paper")

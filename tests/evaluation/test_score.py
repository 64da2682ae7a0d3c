"""A run's scores: pooled over pictures, at the run's own threshold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import prepare_all
from mobileseg.evaluation.score import score_lesion, score_run
from mobileseg.runs import open_run


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
    assert max(column) == record["best_validation_aupr"] == column[record["best_epoch"] - 1]

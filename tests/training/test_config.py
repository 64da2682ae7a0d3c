"""Choices of a training: the paper's by default, refused where they make no sense."""

from __future__ import annotations

import json

import pytest

from mobileseg.data.config import AugmentRanges
from mobileseg.errors import BadInput, UnknownName
from mobileseg.lesions import TASKS
from mobileseg.training.config import KnownRun, TrainConfig

# Siebert & Rostalski 2022, section 5: epochs and patience by the number of lesions.
PAPER = {1: (400, 15), 2: (600, 30), 4: (800, 50)}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_the_papers_length(task):
    choices = TrainConfig.for_task(task)
    assert (choices.epochs, choices.plateau_patience) == PAPER[len(TASKS[task])]
    assert (choices.lr, choices.weight_decay, choices.plateau_factor) == (5e-4, 1e-4, 0.75)
    assert (choices.alpha, choices.gamma, choices.schedule) == (0.75, 1.0, "plateau")


def test_what_is_given_goes_before_the_papers_length():
    assert TrainConfig.for_task("all", epochs=7).epochs == 7
    assert TrainConfig.for_task("all", epochs=7).plateau_patience == 50


def test_lesions_are_shown_at_the_scale_that_the_shipped_crop_gives_them():
    low, high = AugmentRanges().scale
    assert low <= 0.7
    assert high >= 1.3


def test_it_survives_json_and_an_older_versions_lacks_nothing():
    choices = TrainConfig(seed=3, augment=AugmentRanges(rotate_deg=20, scale=(0.8, 1.1)))
    values = json.loads(json.dumps(choices.to_json()))
    assert TrainConfig.from_json(values) == choices
    for newer in ("supervision", "precision", "class_weight_power", "commit_every"):
        del values[newer]
    assert TrainConfig.from_json(values) == choices


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"epochs": 0}, "epochs 0: expected 1 or more"),
        ({"batch": -1}, "batch -1: expected 1 or more"),
        ({"lr": 0.0}, "lr 0.0: expected a number above 0"),
        ({"lr": float("nan")}, "lr nan: expected a number above 0"),
        ({"dice_smooth": 0.0}, "dice smooth 0.0: expected a number above 0"),
        ({"seed": -1}, "seed -1: expected 0 or more"),
        ({"split_seed": 10**18}, "split seed 1000000000000000000: expected below 10**18"),
        ({"alpha": 1.5}, "alpha 1.5: expected 0 to 1"),
        ({"validation_share": -0.1}, "validation share -0.1: expected 0 to 1"),
        ({"prune": 1.0}, "prune 1.0: expected 0 or more, below 1"),
        ({"settle": -1}, "settle -1: expected 0 to the 400 epochs"),
        ({"settle": 9, "epochs": 8}, "settle 9: expected 0 to the 8 epochs"),
        ({"settle": 1, "devices": 2}, "devices 2: not tried with settle; expected 1"),
        ({"distil_weight": 1.5}, "distil weight 1.5: expected 0 to 1"),
        ({"distil_blend": -0.1}, "distil blend -0.1: expected 0 to 1"),
        ({"devices": 0}, "devices 0: expected 1 or more"),
        ({"pieces": 100}, "pieces 100: expected 0, or a multiple of 32 from 64 on"),
        ({"pieces": 32}, "pieces 32: expected 0, or a multiple of 32 from 64 on"),
        ({"pieces": -64}, "pieces -64: expected 0 or more"),
        (
            {"piece_hard_share": 0.5},
            "piece lesion share 0.75, piece hard share 0.5: expected no more than 1 together",
        ),
        ({"whole_share": 1.1}, "whole share 1.1: expected 0 to 1"),
        ({"photometric": 2.0}, "photometric 2.0: expected 0 to 1"),
        ({"ema": 1.0}, "ema 1.0: expected 0 or more, below 1"),
        ({"warmup": 1.0}, "warmup 1.0: expected 0 or more, below 1"),
        ({"epoch_share": 0.0}, "epoch share 0.0: expected above 0, up to 1"),
        ({"validate_every": 0}, "validate every 0: expected 1 or more"),
        ({"minutes": -1.0}, "minutes -1.0: expected 0 or more"),
        ({"minutes": float("inf")}, "minutes inf: expected 0 or more"),
        ({"ema": 0.9, "devices": 2}, "devices 2: not tried with ema; expected 1"),
        (
            {"ema": 0.9, "prune": 0.5},
            "prune, ema: averages of weights that were set to 0 are none; leave one",
        ),
        (
            {"validate_every": 2},
            "validate every 2: a plateau is seen in every epoch's validation loss; expected "
            "another schedule, or --plateau-watch 'training loss'",
        ),
        (
            {"devices": 2, "batch": 3},
            "batch 3, devices 2: one picture a process is too few for batch norm; "
            "expected a batch of 4 or more",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(given, text):
    with pytest.raises(BadInput) as caught:
        TrainConfig(**given)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "given",
    [
        {"schedule": "steps"},
        {"supervision": "none"},
        {"target_scaling": "nearest"},
        {"keep": "first"},
        {"protocol": "dirty"},
        {"precision": "int8"},
        {"plateau_watch": "moon"},
        {"distil_loss": "dice"},
        {"piece_lesion": "largest"},
    ],
)
def test_unknown_choices_are_refused_with_the_known_ones(given):
    with pytest.raises(UnknownName, match="choose from"):
        TrainConfig(**given)


@pytest.mark.parametrize(
    "given",
    [{"scale": (1.3, 0.7)}, {"scale": (0, 1)}, {"rotate_deg": 181}, {"flip": 2}, {"translate": -1}],
)
def test_ranges_that_are_none_are_refused(given):
    with pytest.raises(BadInput, match="expected"):
        AugmentRanges(**given)


def test_what_a_training_does_without_is_not_told():
    plain = TrainConfig().to_json()
    assert (
        not {"teacher", "start", "prune", "settle", "distil_weight", "distil_loss", "distil_blend"}
        & plain.keys()
    )
    teacher = KnownRun("a", "0")
    for given in (
        {"prune": 0.5, "settle": 5},
        {"teacher": teacher, "start": teacher},
        {"distil_weight": 0.75, "distil_loss": "masks", "distil_blend": 0.5},
    ):
        told = TrainConfig(**given)
        assert told.to_json().keys() >= given.keys()
        assert TrainConfig.from_json(json.loads(json.dumps(told.to_json()))) == told
    assert TrainConfig(teacher=teacher).to_json()["distil_weight"] == 0.5

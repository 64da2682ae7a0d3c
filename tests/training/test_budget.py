"""Minutes that become epochs: the arithmetic, the measurement, and that resuming asks no clock."""

from __future__ import annotations

import json
import time

import pytest
import torch

from mobileseg.errors import BadInput
from mobileseg.runs import open_run
from mobileseg.spec import PreprocessSpec
from mobileseg.training import budget
from mobileseg.training.budget import FEWEST_EPOCHS, RESERVE, Costs, costs, within_minutes
from mobileseg.training.config import TrainConfig
from mobileseg.training.session import begin, chosen, resume

CPU = torch.device("cpu")


def test_epochs_are_what_fits_beside_validation():
    choices = TrainConfig(minutes=10, validate_every=4, schedule="cosine")
    found = Costs(step_s=0.5, validation_s=8.0)
    fitted = within_minutes(choices, found, per_epoch=40)
    # 600 s less the reserve; an epoch is 20 s and a quarter of a validation.
    assert fitted.epochs == int(600 * (1 - RESERVE) / 22)
    assert (fitted.minutes, fitted.epoch_share) == (10, 1.0)
    assert within_minutes(choices, Costs(0.5, 80.0), 40).epochs < fitted.epochs


@pytest.mark.parametrize("per_epoch", [100, 10_000])
def test_where_few_fit_they_are_shortened_and_still_end_in_time(per_epoch):
    choices = TrainConfig(minutes=2, validate_every=5, schedule="cosine")
    found = Costs(step_s=0.5, validation_s=10.0)
    fitted = within_minutes(choices, found, per_epoch)
    assert fitted.epochs == FEWEST_EPOCHS
    assert 0 < fitted.epoch_share < 1
    steps = round(fitted.epoch_share * per_epoch)
    took = FEWEST_EPOCHS * steps * 0.5 + 2 * 10
    # A step of each epoch is the finest that it can be fitted to.
    assert took == pytest.approx(120 * (1 - RESERVE), abs=FEWEST_EPOCHS * 0.5)


def test_a_budget_below_a_step_is_a_step_and_too_few_epochs_to_settle_are_refused():
    assert within_minutes(TrainConfig(minutes=0.001), Costs(5, 5), 40).epoch_share == 1 / 40
    with pytest.raises(BadInput, match="settle 30: expected 0 to the 10 epochs"):
        within_minutes(TrainConfig(minutes=1, settle=30), Costs(1, 1), 40)


def test_costs_are_of_steps_with_their_pictures_and_of_every_picture(narrow, tiny, tmp_path):
    """What takes long is planted, so that the clock can be held to something."""
    how = {"variant": narrow, "pictures": 4, "piece_hard_share": 0.2, "side": 128, "pieces": 64}
    trial = tiny(tmp_path / "run", precise_bn=True, **how)
    moved, ready = trial.feed.moved, trial.ready

    def slow_moved(step):
        time.sleep(0.05)
        return moved(step)

    def slow_ready():
        time.sleep(0.2)
        return ready()

    trial.feed.moved, trial.ready = slow_moved, slow_ready
    found = costs(trial, train=40, validation=3)
    # Of 4 training pictures, each 0.05 s: of 40 they take 2 s. A busy machine only adds to it.
    assert 0.05 < found.step_s < 1
    assert 2 < found.validation_s < 20
    assert not (tmp_path / "run").exists()


@pytest.fixture
def given(narrow, phantoms):
    """What a run of phantoms is begun with, by `begin`; call it with choices."""

    def how(**choices):
        fixed = {"batch": 4, "minutes": 0.02, "schedule": "cosine-step", "warmup": 0.1, **choices}
        spec = PreprocessSpec(64, (128, 128))
        choices = TrainConfig(**fixed)
        common = {"variant": narrow, "task": "EX", "preprocess": spec, "device": CPU}
        return common | {"choices": choices}

    return how


def test_a_run_writes_what_was_asked_for_and_what_it_became(given, phantoms, tmp_path):
    trainer = begin(tmp_path / "run", phantoms, **given())
    config = json.loads((tmp_path / "run" / "config.json").read_text())["training"]
    assert config["minutes"] == 0.02
    assert config["epochs"] == trainer.choices.epochs >= FEWEST_EPOCHS
    assert config["epochs"] != TrainConfig().epochs
    measured = json.loads((tmp_path / "run" / "run.json").read_text())["measured"]
    assert measured.keys() == {"step_s", "validation_s"} and min(measured.values()) > 0
    assert trainer.scheduler.total == config["epochs"] * trainer.sampler.per_epoch


def test_resuming_measures_nothing_and_ends_to_the_bit(
    given, phantoms, tmp_path, monkeypatch, same
):
    found = Costs(step_s=0.05, validation_s=0.05)
    monkeypatch.setattr(budget, "costs", lambda *_: found)
    extra = {"ema": 0.9, "precise_bn": True, "photometric": 0.5, "minutes": 0.05}
    whole = begin(tmp_path / "whole", phantoms, **given(**extra)).run()
    stopped = begin(tmp_path / "stopped", phantoms, **given(**extra))

    def stop(row):
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.run(stop)

    def clock(*_):
        raise AssertionError("a run that is gone on with was measured again")

    monkeypatch.setattr(budget, "costs", clock)
    resumed = resume(tmp_path / "stopped", phantoms, device=CPU)
    assert resumed.choices.epochs == chosen(tmp_path, open_run(tmp_path / "whole").config).epochs
    state = resumed.run()
    assert same(state.best_network, whole.best_network)
    assert state.rows == whole.rows


def test_it_ends_about_when_it_should(given, phantoms, tmp_path):
    """Six seconds, reading apart: the clock of a busy machine is trusted to a factor of two."""
    trainer = begin(tmp_path / "run", phantoms, **given(minutes=0.1))
    begun = time.monotonic()
    trainer.run()
    assert 3 < time.monotonic() - begun < 12

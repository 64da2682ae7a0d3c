"""Recipes: sets of choices that anything said goes before, and that no stored run asks for."""

from __future__ import annotations

import json
import sys

import pytest

from mobileseg.cli import main
from mobileseg.cli.training_options import given_choices
from mobileseg.errors import UnknownName
from mobileseg.training.config import PIECES, SWITCHES, TrainConfig
from mobileseg.training.recipes import DEFAULT_RECIPE, RECIPES, recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_a_training_and_survives_json(name):
    choices = TrainConfig(**recipe(name))
    assert TrainConfig.from_json(json.loads(json.dumps(choices.to_json()))) == choices


def test_the_papers_recipe_is_what_a_configuration_is_that_names_nothing():
    assert TrainConfig(**recipe("paper")) == TrainConfig()
    told = TrainConfig().to_json()
    assert not {*SWITCHES, *PIECES} & told.keys()


def test_what_is_given_goes_before_the_recipe():
    given = {"recipe": "pieces", "pieces": 128, "lr": None, "precise_bn": False, "flip": 0.0}
    choices = TrainConfig(**given_choices(given))
    assert (choices.pieces, choices.precise_bn, choices.augment.flip) == (128, False, 0.0)
    assert (choices.lr, choices.ema) == (RECIPES["pieces"]["lr"], RECIPES["pieces"]["ema"])
    assert given_choices({"recipe": None}) == recipe(DEFAULT_RECIPE)


def test_an_unknown_one_is_refused_with_those_that_are():
    with pytest.raises(UnknownName, match=r"no recipe 'soup'; choose from paper, pieces"):
        given_choices({"recipe": "soup"})


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["mobileseg", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code


def test_the_command_writes_the_choices_and_a_resumed_run_keeps_them(
    narrow, phantoms, tmp_path, monkeypatch, capsys
):
    train = ("train", "--data", phantoms, "-o", tmp_path / "run")
    small = ("--variant", narrow, "--side", 128, "--frame", "256x256", "--pieces", 64)
    how = ("--recipe", "pieces", "--epochs", 10, "--validate-every", 4, "--ema", 0.9)
    assert run(monkeypatch, *train, *small, *how) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())["training"]
    assert "recipe" not in config
    wanted = {**RECIPES["pieces"], "pieces": 64, "epochs": 10, "validate_every": 4, "ema": 0.9}
    assert {name: config[name] for name in wanted} == wanted
    said = capsys.readouterr()
    assert said.out.startswith(f"{tmp_path / 'run'}: 10 epochs, best validation AUPR ")
    assert "epoch 10 of 10: loss " in said.err and " pictures/s" in said.err

    again = (*train, "--resume")
    assert run(monkeypatch, *again) == 0
    asked = ("--recipe", "pieces", "--pieces", 64, "--epochs", 10, "--validate-every", 4)
    assert run(monkeypatch, *again, *asked, "--ema", 0.9) == 0
    assert run(monkeypatch, *again, *asked) == 2  # the recipe's own average is another
    assert "was begun with ema 0.9, now 0.998 is asked for" in capsys.readouterr().err


def test_minutes_stand_in_the_configuration_and_are_said(
    narrow, phantoms, tmp_path, monkeypatch, capsys
):
    train = ("train", "--data", phantoms, "-o", tmp_path / "run", "--variant", narrow)
    how = ("--side", 64, "--frame", "128x128", "--recipe", "pieces", "--minutes", 0.03)
    assert run(monkeypatch, *train, *how) == 0
    epochs = json.loads((tmp_path / "run" / "config.json").read_text())["training"]["epochs"]
    said = capsys.readouterr()
    assert f"0.03 minutes are {epochs} epochs, " in said.err
    assert said.out.startswith(f"{tmp_path / 'run'}: {epochs} epochs, ")
    assert run(monkeypatch, *train, *how, "--resume") == 0  # the same words go on, whatever fits
    assert run(monkeypatch, *train, "--resume", "--minutes", 5) == 2
    assert "was begun with minutes 0.03, now 5.0 is asked for" in capsys.readouterr().err
    assert run(monkeypatch, *train, "--resume", "--epochs", epochs + 1) == 2
    assert f"was begun with epochs {epochs}, now {epochs + 1} is" in capsys.readouterr().err


def test_minutes_and_epochs_are_not_both_asked_for(phantoms, tmp_path, monkeypatch, capsys):
    how = ("--data", phantoms, "-o", tmp_path / "run", "--minutes", 5, "--epochs", 3)
    for verb in ("train", "demo"):
        assert run(monkeypatch, verb, *how) == 2
        said = "mobileseg: --minutes 5 --epochs 3: expected one of them"
        assert capsys.readouterr().err.strip() == said
    assert not (tmp_path / "run").exists()

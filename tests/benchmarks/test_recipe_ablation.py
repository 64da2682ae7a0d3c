"""The ablation trains every arm and fold once, and tells of pictures no network learned from."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path

import pytest
import recipe_ablation
from click.testing import CliRunner
from recipe_ablation import Plan

from mobileseg.runs import open_run

PLAN = """
variant = "xs"
tasks = ["EX"]
side_px = 64
folds = 2
[common]
recipe = "pieces"
pieces = 64
batch = 2
epochs = 1
[arms.plain]
[arms.no-prior]
prior = false
"""


@pytest.mark.slow  # four trainings
def test_arms_and_folds_are_trained_once_and_told(phantoms: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    out, told = tmp_path / "runs", tmp_path / "told.json"
    words = [str(tmp_path / "plan.toml"), "--data", str(phantoms), "-o", str(out), "--results"]
    command = [*words, str(told)]
    only = CliRunner().invoke(recipe_ablation.main, [*command, "--arm", "plain"])
    assert only.exit_code == 0, only.output
    assert [row["arm"] for row in json.loads(told.read_text())] == ["plain"]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("best.safetensors")}
    assert CliRunner().invoke(recipe_ablation.main, command, catch_exceptions=False).exit_code == 0
    rows = json.loads(told.read_text())
    assert [row["arm"] for row in rows] == ["plain", "no-prior"]
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    held = [open_run(path.parent).config.pictures["validation"] for path in before]
    assert len(before) == 2
    assert not set(held[0]) & set(held[1])
    for row in rows:
        assert row["minutes"] >= 0
        assert all(0 <= value <= 1 for value in row["aupr_mean"].values())
        assert math.isclose(row["mean"], row["aupr_mean"]["EX"])


def test_the_shipped_plan_is_of_equal_budgets() -> None:
    """An arm that steps on fewer or more pixels takes more or fewer steps."""
    # Epochs are of pixels seen.
    file = Path(recipe_ablation.__file__).with_suffix(".toml")
    plan = Plan(**tomllib.loads(file.read_text("utf-8")))
    for arm in plan.arms:
        choices = plan.choices(arm, plan.tasks[0], 0, 0)
        assert choices.epochs == plan.common["epochs"]
        assert choices.epoch_share == 1
        pixels = choices.batch * (choices.pieces or plan.side_px) ** 2
        assert 0.95 <= pixels / plan.side_px**2 <= 2

"""The learning rate of every step; the schedules by the epoch are PyTorch's own, to the bit."""

from __future__ import annotations

import math

import pytest
import torch

from mobileseg.training.config import TrainConfig
from mobileseg.training.schedule import Schedule


def rates(epochs=4, per_epoch=5, watched=1.0, **given):
    """(epochs, steps) the rate of every step."""
    choices = TrainConfig(epochs=epochs, lr=0.1, **given)
    optimiser = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = Schedule(optimiser, choices, per_epoch)
    seen = []
    for epoch in range(epochs):
        seen.append([])
        for step in range(per_epoch):
            schedule.begin_step(epoch, step)
            seen[-1].append(optimiser.param_groups[0]["lr"])
            optimiser.step()
        assert schedule.lr == seen[-1][-1]
        schedule.end_epoch(watched)
    return seen


def pytorchs(make, epochs=4):
    optimiser = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule, seen = make(optimiser), []
    for _ in range(epochs):
        seen.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step(*([1.0] if "Plateau" in type(schedule).__name__ else []))
    return seen


def test_by_the_epoch_it_is_pytorchs_own():
    lr_scheduler = torch.optim.lr_scheduler
    cosine = pytorchs(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=4))
    plateau = pytorchs(lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=0.75, patience=0))
    assert rates(schedule="cosine") == [[rate] * 5 for rate in cosine]
    assert rates(schedule="plateau", plateau_patience=0) == [[rate] * 5 for rate in plateau]
    assert plateau[-1] < 0.1


def test_by_the_step_it_falls_with_every_one():
    flat = [rate for epoch in rates(schedule="cosine-step") for rate in epoch]
    expected = [0.05 * (1 + math.cos(math.pi * t / 20)) for t in range(20)]
    assert flat == pytest.approx(expected, rel=1e-12)
    assert flat[0] == 0.1 and flat[-1] > 0


@pytest.mark.parametrize("schedule", ["plateau", "cosine", "cosine-step"])
def test_the_first_steps_rise_and_the_rest_is_as_without(schedule):
    plain = rates(schedule=schedule)
    warm = rates(schedule=schedule, warmup=0.3)  # six steps: into the second epoch
    ratios = [
        w / p for ws, ps in zip(warm, plain, strict=True) for w, p in zip(ws, ps, strict=True)
    ]
    assert ratios == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1] + [1] * 14)


@pytest.mark.parametrize("schedule", ["plateau", "cosine-step"])
def test_stopping_in_the_warm_up_changes_no_bit(narrow, tiny, tmp_path, same, stopped, schedule):
    how = {
        "variant": narrow,
        "epochs": 3,
        "schedule": schedule,
        "warmup": 0.5,
        "plateau_patience": 0,
    }
    whole = tiny(tmp_path / "whole", **how).run()
    stopped(tmp_path / "stopped", 1, **how)
    resumed = tiny(tmp_path / "stopped", **how).run()
    assert same(resumed.network, whole.network)
    assert resumed.rows == whole.rows

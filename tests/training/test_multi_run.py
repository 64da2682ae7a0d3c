"""Runs trained together come out as if each had been alone."""

from __future__ import annotations

import copy
import json
import math

import pytest
import torch

from mobileseg.data.config import AugmentRanges
from mobileseg.errors import BadInput, UnknownName
from mobileseg.training.multi_run import epoch_in_turns, stacked_epoch, train_together
from mobileseg.training.stacked_adam import StackedAdam

# Nothing is brought in from outside: in a black border all pixels tie in max pooling, a rounding
# decides whose gradient flows, and two sums in another order part ways for good.
UNBORDERED = AugmentRanges(rotate_deg=0, scale=(1, 1), translate=0, shear_deg=0)


def several(tiny, folder, count=2, dtype=torch.float32, **given):
    """Runs that differ in seed and learning rate."""
    how = {"pictures": 8, "batch": 4, "epochs": 10, "augment": UNBORDERED} | given
    made = [tiny(folder / str(i), seed=i, lr=5e-4 / (i + 1), **how) for i in range(count)]
    for trainer in made:
        trainer.network.to(dtype)
    return made


def furthest(ones, others):
    """The largest difference of any weight or statistic, over all runs."""
    pairs = [
        (a.double(), b.double())
        for one, other in zip(ones, others, strict=True)
        for a, b in zip(
            one.network.state_dict().values(), other.network.state_dict().values(), strict=True
        )
    ]
    return max((a - b).abs().max().item() for a, b in pairs)


def test_20_steps_in_float64_give_each_runs_own_weights(tiny, tmp_path):
    # 96 px: below, the deepest maps have so few values that batch norm magnifies every rounding.
    together = several(tiny, tmp_path / "a", dtype=torch.float64, side=96)
    alone = several(tiny, tmp_path / "b", dtype=torch.float64, side=96)
    start = copy.deepcopy(together[0].network.state_dict())
    for _ in range(10):  # of two steps each
        ours, theirs = stacked_epoch(together), epoch_in_turns(alone)
        assert ours == pytest.approx(theirs, abs=1e-9)
        for trainer in (*together, *alone):
            trainer.state.epoch += 1
    assert furthest(together, alone) < 1e-9
    moved = [(start[k] - v).abs().max() for k, v in together[0].network.state_dict().items()]
    assert max(moved) > 1e-3  # there was something to get wrong
    for one, other in zip(together, alone, strict=True):
        ours, theirs = (t.optimiser.state_dict()["state"] for t in (one, other))
        assert all(ours[i]["step"] == theirs[i]["step"] == 20 for i in theirs)


def test_in_float32_the_difference_is_that_of_another_order_of_sums(tiny, tmp_path):
    """Adam divides by a gradient's own size, so a rounding of a gradient near nothing is a step.

    The measure is therefore what another memory layout does to a run that is alone.
    """
    together, alone, relaid = (
        several(tiny, tmp_path / name, channels_last=name == "c") for name in "abc"
    )
    ours, theirs, others = stacked_epoch(together), epoch_in_turns(alone), epoch_in_turns(relaid)
    noise = max(abs(a - b) for a, b in zip(others, theirs, strict=True))
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 5 * noise
    assert furthest(together, alone) < 5 * furthest(relaid, alone)
    assert noise > 0


@pytest.mark.parametrize("form", ["stacked", "turns"])
def test_every_run_is_written_as_if_alone(tiny, tmp_path, form):
    rows = {}
    group = several(tiny, tmp_path / "a", epochs=2, pictures=3, batch=2)
    lost = train_together(
        group, lambda t, row: rows.setdefault(t.folder, []).append(row), form=form
    )
    assert lost == {}
    for trainer in group:
        assert [r["epoch"] for r in rows[trainer.folder]] == [1, 2]
        assert {p.name for p in trainer.folder.iterdir()} == {
            *("last.pt", "best.safetensors", "metrics.csv", "config.json")
        }
        assert trainer.state.seconds > 0
    # Each can be gone on with alone.
    alone = tiny(group[1].folder, epochs=2, pictures=3, batch=2, seed=1, lr=2.5e-4)
    assert alone.committed == 2


def test_in_turns_each_run_is_alone_to_the_bit(tiny, tmp_path, same):
    group = several(tiny, tmp_path / "a", epochs=2)
    alone = several(tiny, tmp_path / "b", epochs=2)
    train_together(group, form="turns")
    for one, other in zip(group, alone, strict=True):
        assert same(one.state.network, other.run().network)


@pytest.mark.parametrize("form", ["stacked", "turns"])
def test_a_run_that_diverges_is_left_and_the_others_go_on(tiny, tmp_path, form):
    group = several(tiny, tmp_path / "a", count=3, epochs=2, pictures=3, batch=2)
    group[1].feed.mean.fill_(math.nan)
    before = {k: v.clone() for k, v in group[1].network.state_dict().items()}
    lost = train_together(group, form=form)
    assert list(lost) == [group[1].folder]
    assert "the loss is nan in epoch 1" in str(lost[group[1].folder])
    assert json.loads((group[1].folder / "diverged.json").read_text())["epoch"] == 1
    assert [t.state.epoch for t in group] == [2, 0, 2]
    if form == "stacked":  # its numbers were never handed back
        after = group[1].network.state_dict()
        assert all(torch.equal(before[k], after[k]) for k in before)
    reference = several(tiny, tmp_path / "b", count=1, epochs=2, pictures=3, batch=2)
    train_together(reference, form=form)
    ours, theirs = group[0].state.rows[-1], reference[0].state.rows[-1]
    assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=0.02)


def test_runs_at_different_epochs_and_of_different_length_train_together(tiny, tmp_path):
    ahead = tiny(tmp_path / "a", epochs=2, pictures=3)
    ahead.end_epoch(ahead.train_epoch(0), 0.0)
    behind = tiny(tmp_path / "b", epochs=3, pictures=3, seed=1)
    assert train_together([ahead, behind], form="stacked") == {}
    assert (ahead.state.epoch, behind.state.epoch) == (2, 3)
    assert [row["epoch"] for row in ahead.state.rows] == [1, 2]


def test_runs_that_are_not_alike_are_refused(tiny, tmp_path):
    one = tiny(tmp_path / "one", batch=2)
    for i, other in enumerate(({"batch": 1}, {"pictures": 4}, {"alpha": 0.5})):
        with pytest.raises(BadInput, match=r"differs from .* in more than seed, split"):
            train_together([one, tiny(tmp_path / f"other{i}", **other)], form="stacked")
    with pytest.raises(UnknownName, match=r"choose from stacked, turns"):
        train_together([one], form="magic")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"precision": "bf16"}, "a stacked step computes in fp32, not in bf16"),
        ({"precision": "fp16"}, "a stacked step computes in fp32, not in fp16"),
        ({"channels_last": True}, "a stacked step lays its maps out by runs"),
        ({"compile": True}, "torch.compile takes a network without the axis of runs"),
        ({"settle": 1, "epochs": 2}, "settle stops each run's batch norms"),
    ],
    ids=str,
)
def test_what_a_stacked_step_would_drop_is_refused(choice, said, tiny, tmp_path):
    group = [tiny(tmp_path / name, seed=i, **choice) for i, name in enumerate("ab")]
    with pytest.raises(BadInput, match=said):
        train_together(group, form="stacked")


def test_stacked_adam_steps_like_pytorchs_own():
    drawn = torch.Generator().manual_seed(2)
    how = {"generator": drawn, "dtype": torch.float64}
    layers = [[torch.randn(4, 3, **how) for _ in range(2)] for _ in "ab"]
    for run in layers:
        for p in run:
            p.requires_grad_()
    alone = [
        torch.optim.Adam(run, lr=lr, weight_decay=0.1)
        for run, lr in zip(layers, (1e-2, 3e-2), strict=True)
    ]
    copies = [[p.detach().clone().requires_grad_() for p in run] for run in layers]
    owners = [
        torch.optim.Adam(run, lr=lr, weight_decay=0.1)
        for run, lr in zip(copies, (1e-2, 3e-2), strict=True)
    ]
    stacked = StackedAdam(owners)
    for _ in range(20):
        gradient = torch.randn(2, 24, **how)
        stacked.step(gradient)
        for run, optimiser, row in zip(layers, alone, gradient, strict=True):
            for p, part in zip(run, row.split(12), strict=True):
                p.grad = part.reshape(4, 3).clone()
            optimiser.step()
    expected = torch.stack([torch.cat([p.detach().reshape(-1) for p in run]) for run in layers])
    torch.testing.assert_close(stacked.parameters, expected, rtol=1e-13, atol=1e-13)
    stacked.hand_back(1, owners[1])
    for p, q in zip(layers[1], copies[1], strict=True):
        for name in ("exp_avg", "exp_avg_sq", "step"):
            torch.testing.assert_close(
                owners[1].state[q][name], alone[1].state[p][name], rtol=1e-13, atol=1e-15
            )

"""Settled batch norms: averages of all pictures, held while the rest learns, stopped or not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mobileseg.errors import BadInput
from mobileseg.training import multi_run as together
from mobileseg.training.frozen_bn import Settler
from mobileseg.training.multi_run import train_together


def statistics(network: nn.Module) -> list[torch.Tensor]:
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    return [t.clone() for norm in norms for t in (norm.running_mean, norm.running_var)]


def equal(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(some, others, strict=True))


def test_the_averages_are_those_of_all_pictures_and_of_nothing_before():
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1))
    with torch.no_grad():
        network[0].weight.fill_(2.0)
        network(torch.full((2, 1, 2, 2), 100.0))  # what training has left in the averages
    seen = [
        torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1),
        torch.tensor([6.0, 3.0]).reshape(2, 1, 1, 1),
    ]
    network.train()
    settler = Settler(network, settled=2, epochs=5)
    settler.begin(2, seen)
    assert network[1].training and network[1].running_mean > 10  # not yet
    settler.begin(3, seen)
    # Twice the pictures: means 3 and 9, variances (one degree of freedom) 2 and 18.
    assert network[1].running_mean.item() == pytest.approx((3 + 9) / 2)
    assert network[1].running_var.item() == pytest.approx((2 + 18) / 2)
    assert not network[1].training and network[0].training
    network.train()
    settler.begin(4, [torch.full((2, 1, 1, 1), 9.0)])  # held, not taken anew
    assert network[1].running_mean.item() == pytest.approx(6) and not network[1].training
    assert network[1].momentum == 0.1  # as it was: a training that goes on from here gathers again


def test_they_hold_in_the_last_epochs_while_the_weights_learn(tiny, tmp_path):
    trainer = tiny(tmp_path / "run", pictures=4, epochs=4, settle=2)
    norms, weights = [], []

    def look(row):
        norms.append(statistics(trainer.network))
        weights.append(trainer.network.encoder[0].first.conv.weight.detach().clone())

    trainer.run(look)
    assert not equal(norms[0], norms[1]) and not equal(norms[1], norms[2])
    assert equal(norms[2], norms[3])
    assert not torch.equal(weights[2], weights[3])


def test_what_a_settled_step_scores_is_what_ships(tiny, tmp_path):
    """The same maps in training as in evaluation; without settling they differ."""
    for settle in (0, 1):
        trainer = tiny(tmp_path / str(settle), pictures=4, epochs=1, settle=settle)
        trainer.train_epoch(0)
        pictures, _ = trainer.feed.batch(1, trainer.sampler.step(1, [0, 3]))
        with torch.no_grad():
            trained = trainer.learner.maps(pictures)[0]  # in the mode that the epoch has left
            trainer.network.eval()
            shipped = trainer.learner.maps(pictures)[0]
        assert torch.equal(trained, shipped) == bool(settle)


def test_an_unsettled_epoch_is_never_the_one_that_is_kept(tiny, tmp_path):
    trainer = tiny(tmp_path / "run", pictures=2, epochs=4, settle=2)
    truth = trainer.validation.masks.float()
    answers = iter([truth, truth, 0.9 * truth, 1 - truth])
    trainer.validate = lambda: (0.1, next(answers))
    best = []
    trainer.run(lambda row: best.append(trainer.state.best_epoch))
    assert best == [1, 2, 3, 3]  # though the first was as good as can be


def test_no_picture_is_looked_at_alone_and_each_once(tiny, tmp_path):
    for pictures, groups in ((3, [3]), (5, [5]), (9, [5, 4]), (13, [5, 4, 4])):
        trainer = tiny(tmp_path / str(pictures), pictures=pictures, settle=1)
        assert [len(some) for some in trainer.feed.every_picture(0)] == groups


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_stopping_changes_no_bit_of_a_settled_run(tiny, tmp_path, same, stopped, stop_after):
    how = {"pictures": 2, "epochs": 4, "settle": 2, "keep": "last"}
    whole = tiny(tmp_path / "whole", **how).run()
    stopped(tmp_path / "stopped", stop_after, **how)
    resumed = tiny(tmp_path / "stopped", **how).run()
    assert same(resumed.network, whole.network)
    assert resumed.rows == whole.rows


def test_a_stack_of_runs_is_refused_with_settling_and_turns_are_not(tiny, tmp_path, monkeypatch):
    runs = [tiny(tmp_path / str(i), pictures=2, epochs=1, seed=i, settle=1) for i in range(2)]
    with pytest.raises(BadInput, match="settle stops each run's batch norms; train the runs apart"):
        train_together(runs, form="stacked")
    monkeypatch.setattr(together, "fastest_form", lambda device: "stacked")  # as on a GPU
    assert train_together(runs) == {}  # unasked, what the runs allow is taken
    assert all(run.state.epoch == 1 for run in runs)

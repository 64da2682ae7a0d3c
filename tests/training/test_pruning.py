"""Pruned weights: as many as asked for, plain zeros in the file, and none comes back."""

from __future__ import annotations

import itertools
import json

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from mobileseg.errors import BadInput
from mobileseg.training.multi_run import train_together
from mobileseg.training.pruning import Pruner, zero_share
from mobileseg.training.session import finish

SHARE = 0.6


def test_the_smallest_of_the_whole_network_go_first():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([0.1, -5.0]).reshape(2, 1, 1, 1))
        network[1].weight.copy_(torch.tensor([-0.3, 2.0, 0.2, 4.0]).reshape(2, 2, 1, 1))
        network[0].bias.fill_(1e-9)
    Pruner(network, 0.5, 1).begin(0)
    assert network[0].weight.flatten().tolist() == [0, -5]
    assert network[1].weight.flatten().tolist() == [0, 2, 0, 4]
    assert network[0].bias.tolist() == pytest.approx([1e-9] * 2)  # no convolution's weight
    assert zero_share(network.state_dict()) == 0.5


def test_the_share_grows_over_the_first_half_and_then_stays():
    pruner = Pruner(nn.Conv2d(1, 1, 1), SHARE, 20)
    shares = [pruner.share_in(epoch) for epoch in range(20)]
    assert 0 < shares[0] < 0.5 * SHARE
    assert all(a < b for a, b in itertools.pairwise(shares[:10]))
    assert shares[9:] == [SHARE] * 11
    assert Pruner(nn.Conv2d(1, 1, 1), SHARE, 1).share_in(0) == SHARE


def test_what_is_written_has_the_zeros_and_they_hold_while_the_rest_learns(tiny, tmp_path):
    trainer = tiny(tmp_path / "run", pictures=4, epochs=4, prune=SHARE, keep="last")
    shares, before = [], []

    def look(row):
        network = trainer.state.network
        shares.append(zero_share(network))
        out = [network[k] == 0 for k in network if network[k].ndim == 4]
        assert all((a <= b).all() for a, b in zip(before, out, strict=False))
        before[:] = out

    first = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.run(look)
    assert shares == sorted(shares)
    assert shares[0] < shares[1]
    assert shares[1:] == pytest.approx([SHARE] * 3, abs=1e-4)
    written = load_file(tmp_path / "run" / "best.safetensors")
    assert written.keys() == first.keys()  # plain tensors: no mask of its own, no other name
    assert zero_share(written) == shares[-1]
    alive = written["outconv.weight"] != 0
    assert (written["outconv.weight"] != first["outconv.weight"])[alive].any()
    (tmp_path / "run" / "run.json").write_text('{"data_sha256": "0"}')
    finish(tmp_path / "run", trainer)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["zero_share"] == shares[-1]


def test_an_epoch_with_too_few_zeros_is_never_the_one_that_is_kept(tiny, tmp_path):
    trainer = tiny(tmp_path / "run", pictures=2, epochs=4, prune=SHARE)
    trainer.validate = lambda: (0.1, next(perfect_then_not))
    truth = trainer.validation.masks.float()
    perfect_then_not = iter([truth, 0.9 * truth, 1 - truth, 0.6 * torch.ones_like(truth)])
    best = []
    trainer.run(lambda row: best.append(trainer.state.best_epoch))
    assert best[:2] == [1, 2]  # though the first was as good as can be
    assert best[2:] == [2, 2]
    assert zero_share(trainer.state.best_network) == pytest.approx(SHARE, abs=1e-4)


@pytest.mark.parametrize("stop_after", [1, 2])
def test_stopping_changes_no_bit_of_a_pruned_run(tiny, tmp_path, same, stopped, stop_after):
    how = {"pictures": 2, "epochs": 3, "prune": SHARE, "keep": "last"}
    whole = tiny(tmp_path / "whole", **how).run()
    stopped(tmp_path / "stopped", stop_after, **how)
    resumed = tiny(tmp_path / "stopped", **how).run()
    assert same(resumed.network, whole.network)
    assert resumed.rows == whole.rows


def test_a_stack_of_runs_is_refused_with_pruning_and_turns_are_not(tiny, tmp_path):
    runs = [tiny(tmp_path / str(i), pictures=2, epochs=1, seed=i, prune=SHARE) for i in range(2)]
    with pytest.raises(BadInput, match="prune chooses zeros in each run; train the runs apart"):
        train_together(runs, form="stacked")
    train_together(runs, form="turns")
    assert [zero_share(run.state.network) for run in runs] == pytest.approx([SHARE] * 2, abs=1e-4)

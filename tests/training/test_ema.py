"""Averaged weights: their arithmetic, whose statistics they have, that they are what is kept."""

from __future__ import annotations

import copy

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from mobileseg.errors import BadInput
from mobileseg.training.ema import Ema
from mobileseg.training.multi_run import train_together


def norms(network):
    found = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    return torch.cat([t.flatten() for m in found for t in (m.running_mean, m.running_var)])


def test_a_young_average_is_mostly_its_newest_weights_and_an_old_one_is_slow():
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(1.0)
        ema = Ema(network, 0.25)
        expected = 1.0
        for step, value in enumerate((5.0, -3.0, 2.0, 8.0, 0.0), start=1):
            network.weight.fill_(value)
            ema.update(network)
            decay = min(0.25, (1 + step) / (10 + step))  # 2/11, then from the second step on 1/4
            expected = decay * expected + (1 - decay) * value
            assert ema.network.weight.item() == pytest.approx(expected)
    assert decay == 0.25


def test_the_average_is_validated_and_kept_and_training_goes_on_with_its_own(
    narrow, tiny, tmp_path, same
):
    averaged = tiny(tmp_path / "averaged", variant=narrow, epochs=2, ema=0.9, keep="last")
    plain = tiny(tmp_path / "plain", variant=narrow, epochs=2, keep="last")
    state, other = averaged.run(), plain.run()
    assert same(state.network, other.network)  # what trains does not know of the average
    assert [r["train_loss"] for r in state.rows] == [r["train_loss"] for r in other.rows]
    assert state.rows[-1]["validation_loss"] != other.rows[-1]["validation_loss"]
    written = load_file(tmp_path / "averaged" / "best.safetensors")
    weights = state.average["weights"]
    assert all(torch.equal(written[name], weights[name]) for name in weights)
    assert not torch.equal(written["outconv.weight"], state.network["outconv.weight"])
    # Without its own statistics it has the trained network's.
    for name in written.keys() - weights.keys():
        assert torch.equal(written[name], state.network[name])


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_statistics_of_what_is_kept_are_of_whole_pictures_as_they_are(narrow, tiny, tmp_path, ema):
    how = {"variant": narrow, "epochs": 1, "pictures": 5, "precise_bn": True, "ema": ema}
    trainer = tiny(tmp_path / "run", **how)
    state = trainer.run()
    expected = copy.deepcopy(trainer.network)
    expected.load_state_dict(state.best_network)
    for norm in (m for m in expected.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.reset_running_stats()
        norm.momentum = None
    with torch.no_grad():
        expected.train()(trainer.feed.normalised(trainer.train.batch(range(5))[0]))
    found = {k: v for k, v in state.best_network.items() if "running" in k}
    theirs = expected.state_dict()
    for name, tensor in found.items():
        assert torch.allclose(tensor, theirs[name], rtol=1e-5, atol=1e-6), name
    # The network that trains goes on with what it gathered on the way.
    assert any(not torch.equal(state.network[name], tensor) for name, tensor in found.items())


def test_settled_statistics_are_the_averages_too(narrow, tiny, tmp_path):
    """Weights that were trained to held statistics are not given others."""
    how = {
        "variant": narrow,
        "epochs": 2,
        "pictures": 3,
        "precise_bn": True,
        "ema": 0.9,
        "settle": 1,
    }
    trainer = tiny(tmp_path / "run", **how)
    trainer.run()
    assert torch.equal(norms(trainer.shown), norms(trainer.network))


def test_a_stack_averages_as_each_run_alone_would(narrow, tiny, tmp_path):
    """In float64, where another order of sums is nothing: see test_together."""
    how = {"variant": narrow, "pictures": 4, "batch": 2, "epochs": 2, "ema": 0.9}
    runs = {
        name: [tiny(tmp_path / name / str(i), seed=i, **how) for i in range(2)] for name in "ab"
    }
    for trainer in (t for some in runs.values() for t in some):
        trainer.network.to(torch.float64)
        trainer.ema.network.to(torch.float64)
    train_together(runs["a"], form="stacked")
    train_together(runs["b"], form="turns")
    for ours, theirs in zip(runs["a"], runs["b"], strict=True):
        assert ours.ema.steps == theirs.ema.steps == 4
        for one, other in zip(
            ours.ema.network.parameters(), theirs.ema.network.parameters(), strict=True
        ):
            assert torch.allclose(one, other, rtol=0, atol=1e-9)


def test_a_state_without_the_average_that_the_run_asks_for_is_refused(narrow, tiny, tmp_path):
    run = tmp_path / "run"
    tiny(run, variant=narrow, epochs=1, ema=0.9).run()
    state = torch.load(run / "last.pt", weights_only=True)
    del state["average"]["weights"]["outconv.weight"]
    torch.save(state, run / "last.pt")
    with pytest.raises(BadInput, match=r"average: no tensor 'outconv.weight' \(1 missing\)"):
        tiny(run, variant=narrow, epochs=2, ema=0.9)
    del state["average"]
    torch.save(state, run / "last.pt")
    with pytest.raises(BadInput, match="no average of its weights; expected the file that this"):
        tiny(run, variant=narrow, epochs=2, ema=0.9)
    assert tiny(run, variant=narrow, epochs=2).run().epoch == 2  # a run that never asked for one

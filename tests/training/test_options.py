"""What a run may choose about how it is computed, and about the test set."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import torch

from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import prepare_all
from mobileseg.evaluation.metrics import best_threshold
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.preprocess.batched import preprocess_batch
from mobileseg.preprocess.reference import preprocess
from mobileseg.runs import open_run
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet, retina_statistics
from mobileseg.training.session import begin, finish

CPU = torch.device("cpu")
SPEC = PreprocessSpec(side_px=64, frame_hw=(256, 256))


@pytest.mark.parametrize(
    "how",
    [{"precision": "bf16"}, {"channels_last": True}, {"supervision": "enlarge"}],
    ids=lambda how: next(iter(how)),
)
def test_an_option_changes_the_arithmetic_a_little(tiny, tmp_path, how):
    plain = tiny(tmp_path / "plain", epochs=1).run().rows[-1]["train_loss"]
    other = tiny(tmp_path / "other", epochs=1, **how).run().rows[-1]["train_loss"]
    assert other != plain
    assert other == pytest.approx(plain, rel=0.1)


def test_a_step_can_be_compiled(tiny, tmp_path, monkeypatch):
    """Captured as one graph with its gradients; the C++ that is made of it takes minutes.

    What the compiled code itself answers is measured by benchmarks/same_quality.py.
    """
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    trainer = tiny(tmp_path / "run", pictures=2, epochs=1, compile=True)
    plain = tiny(tmp_path / "plain", pictures=2, epochs=1)
    assert trainer.run().rows[0]["train_loss"] == pytest.approx(
        plain.run().rows[0]["train_loss"], rel=1e-4
    )


@pytest.mark.parametrize("how", [{"precision": "bf16"}, {"channels_last": True}])
def test_stopping_changes_no_bit_with_options_either(tiny, tmp_path, same, how):
    whole = tiny(tmp_path / "whole", epochs=2, **how).run()

    def stop(row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny(tmp_path / "stopped", epochs=2, **how).run(stop)
    resumed = tiny(tmp_path / "stopped", epochs=2, **how).run()
    assert same(resumed.network, whole.network)
    assert resumed.rows == whole.rows


def test_fp16_scales_its_gradients_and_keeps_the_scale(tiny, tmp_path):
    trainer = tiny(tmp_path / "run", pictures=2, epochs=1, precision="fp16")
    state = trainer.run()
    assert state.scaler["scale"] > 1
    again = tiny(tmp_path / "run", pictures=2, epochs=1, precision="fp16")
    assert again.scaler.state_dict() == state.scaler


def test_states_are_written_as_often_as_chosen_and_at_the_end(tiny, tmp_path):
    trainer = tiny(tmp_path / "run", pictures=1, epochs=5, commit_every=2)
    seen = []
    trainer.run(lambda row: seen.append(trainer.committed))
    assert seen == [0, 2, 2, 4, 5]


def test_a_batch_of_frames_on_a_device_is_the_reference_in_every_bit(phantoms):
    samples = read_idrid(phantoms).split("train", ("EX",))[:3]
    from mobileseg.data.prepared import read_frame

    frames = [read_frame(s.picture, SPEC) for s in samples]
    frames.append(np.zeros_like(frames[0]))  # no retina
    for ours, frame in zip(preprocess_batch(frames, SPEC, CPU), frames, strict=True):
        theirs = preprocess(frame, SPEC)
        assert (ours.crop, ours.retina) == (theirs.crop, theirs.retina)
        assert np.array_equal(ours.levels, theirs.levels)
        assert np.array_equal(ours.enhanced, theirs.enhanced)


@pytest.fixture(scope="module")
def dual(tmp_path_factory, phantoms):
    """A dual-task run under the paper's protocol, with its leaks."""
    folder = tmp_path_factory.mktemp("dual") / "run"
    choices = TrainConfig.for_task("EX,SE", epochs=2, batch=3, seed=5, protocol="paper")
    trainer = begin(
        folder,
        phantoms,
        variant="xs",
        task="EX,SE",
        preprocess=SPEC,
        choices=choices,
        device=CPU,
    )
    trainer.run()
    finish(folder, trainer)
    return open_run(folder)


def test_a_dual_task_scores_and_keeps_both_lesions(dual):
    assert dual.config.lesions == ("EX", "SE")
    header, *rows = (dual.path / "metrics.csv").read_text().splitlines()
    assert header.endswith("validation_aupr_EX,validation_aupr_SE")
    assert len(rows) == 2


def test_the_papers_protocol_normalises_by_the_test_pictures(dual, phantoms):
    samples = read_idrid(phantoms).split("test", ("EX", "SE"))
    test = prepare_all(phantoms, samples, ("EX", "SE"), SPEC)
    assert dual.config.normalisation == retina_statistics(test, SPEC.retina_threshold)


def test_the_papers_protocol_takes_thresholds_from_the_test_pictures(dual, phantoms):
    samples = read_idrid(phantoms).split("test", ("EX", "SE"))
    test = prepare_all(phantoms, samples, ("EX", "SE"), SPEC)
    probability = np.stack([reference_probabilities(dual, p.picture) for p in test])
    for c, code in enumerate(("EX", "SE")):
        truth = np.stack([p.masks[c] for p in test])
        expected = best_threshold(truth, probability[:, c])
        # The same network in batches of other sizes may round a probability differently.
        assert dual.config.thresholds[code] == pytest.approx(expected, abs=1e-5)


def test_the_papers_protocol_draws_its_split_from_the_runs_own_seed(dual):
    assert dual.config.training["split_seed"] == 5
    assert json.loads((dual.path / "run.json").read_text())["seed"] == 5


def test_pictures_stay_bytes(phantoms):
    samples = read_idrid(phantoms).split("train", ("EX",))
    read = prepare_all(phantoms, samples, ("EX",), SPEC)
    made = PictureSet.of(read, CPU)
    kept = sum(t.numel() * t.element_size() for t in (made.levels, made.brightness, made.masks))
    assert kept == len(read) * 64 * 64 * (3 + 1 + 1)

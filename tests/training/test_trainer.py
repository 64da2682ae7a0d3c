"""One training: what it learns, what it depends on, and that stopping it changes nothing."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch

from mobileseg.data.config import AugmentRanges
from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import Prepared, prepare_all
from mobileseg.errors import BadInput, Diverged
from mobileseg.preprocess.reference import Crop, Preprocessed
from mobileseg.spec import PreprocessSpec
from mobileseg.training.device_dataset import PictureSet, retina_statistics

STILL = AugmentRanges(rotate_deg=0, scale=(1, 1), translate=0, shear_deg=0, flip=0)


def prepared(levels: list[list[int]], enhanced: list[list[float]]) -> Prepared:
    """A picture of one row; each pixel is its R, G, B."""
    picture = Preprocessed(
        crop=Crop(0, 0, len(levels), 1, found=True),
        retina=1.0,
        levels=np.array([levels], np.uint8),
        enhanced=np.array([enhanced], np.float32),
    )
    return Prepared("p", picture, np.zeros((1, 1, len(levels)), bool))


def test_mean_and_sd_are_of_retina_pixels_by_hand():
    one = prepared([[0, 0, 26], [25, 25, 25]], [[51, 0, 102], [255, 255, 255]])  # 1st is retina
    two = prepared([[200, 9, 9]], [[153, 0, 204]])
    found = retina_statistics([one, two], threshold=25)
    # Red 0.2, 0.6: mean 0.4, SD 0.2. Green 0, 0. Blue 0.4, 0.8.
    assert found.mean == pytest.approx((0.4, 0.0, 0.6))
    assert found.sd == pytest.approx((0.2, 1 / 255, 0.2))  # 1/255: green has no spread


def test_pictures_without_a_retina_are_refused():
    with pytest.raises(BadInput, match="found no retina in any training picture"):
        retina_statistics([prepared([[25, 0, 0]], [[1, 1, 1]])], threshold=25)


def test_a_picture_set_gives_the_references_pictures_to_the_bit(phantoms):
    """It keeps bytes: levels before CLAHE and brightness after it."""
    spec = PreprocessSpec(64, (256, 256))
    samples = read_idrid(phantoms).split("train", ("EX", "SE"))[:3]
    read = prepare_all(phantoms, samples, ("EX", "SE"), spec)
    made = PictureSet.of(read, torch.device("cpu"))
    assert {t.dtype for t in (made.levels, made.brightness, made.masks)} == {torch.uint8}
    pictures, masks = made.batch([2, 0])
    for i, p in enumerate((read[2], read[0])):
        assert np.array_equal(pictures[i].numpy(), p.picture.enhanced.transpose(2, 0, 1))
        assert np.array_equal(masks[i].numpy() > 0, p.masks)
    assert pictures.dtype == masks.dtype == torch.float32
    assert masks.any()  # there was something to compare


def test_one_picture_is_learnt_by_heart(tiny, tmp_path):
    trainer = tiny(
        tmp_path / "run", pictures=1, epochs=30, augment=STILL, lr=1e-2, target_scaling="area"
    )
    losses = [trainer.train_epoch(epoch) for epoch in range(30)]
    # Seven maps; each starts near 0.75 · 0.35 + 0.25 · 0.9. Learnt means an eighth of that.
    assert losses[0] > 2.5
    assert losses[-1] < losses[0] / 4
    trainer.network.train()
    answer = trainer.network(trainer.feed.normalised(trainer.train.batch([0])[0]))[0] > 0
    truth = trainer.train.masks > 0
    assert (answer & truth).sum() / (answer | truth).sum() > 0.8


def test_a_seed_fixes_every_weight_and_another_seed_changes_them(tiny, tmp_path, same):
    first, again, other = (
        tiny(tmp_path / name, epochs=1, seed=seed).run()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert same(first.network, again.network)
    assert first.rows == again.rows
    assert not same(first.network, other.network)


def test_order_depends_on_seed_and_epoch_only(tiny, tmp_path):
    def orders(seed):
        trainer = tiny(tmp_path / f"run{seed}", pictures=7, seed=seed)
        return [[list(step.pictures) for step in trainer.steps(epoch)] for epoch in (0, 1)]

    first = orders(3)
    torch.rand(5)  # whatever else draws random numbers
    assert orders(3) == first
    assert first[0] != first[1]
    assert orders(4) != first
    for batches in first:
        assert sorted(i for batch in batches for i in batch) == list(range(7))
        assert [len(batch) for batch in batches] == [2, 2, 2, 1]


def test_a_picture_is_moved_by_seed_epoch_and_picture_whatever_its_batch(tiny, tmp_path):
    """Three pictures in batches of 1, 2 and 3: each sees the same map in the same epoch."""
    seen = {}
    for batch in (1, 2, 3):
        trainer = tiny(tmp_path / f"run{batch}", batch=batch)
        seen[batch] = {
            (epoch, i): m.flatten().tolist()
            for epoch in (0, 1)
            for step in trainer.steps(epoch)
            for i, m in zip(step.pictures, step.maps, strict=True)
        }
    assert seen[1] == seen[2] == seen[3]
    assert len({tuple(m) for m in seen[1].values()}) == 6  # all different from each other


@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
@pytest.mark.parametrize("stop", [1, 2])
def test_stopping_after_an_epoch_and_going_on_changes_no_bit(tiny, tmp_path, same, schedule, stop):
    # No patience: the plateau schedule has a state that matters from the second epoch on.
    how = {"schedule": schedule, "plateau_patience": 0, "lr": 2e-2}
    whole = tiny(tmp_path / "whole", **how).run()

    def after(row):
        if row["epoch"] == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny(tmp_path / "stopped", **how).run(after)
    resumed = tiny(tmp_path / "stopped", **how)
    assert resumed.committed == resumed.state.epoch == stop
    resumed.run()
    assert resumed.committed == 3
    assert same(resumed.state.network, whole.network)
    assert same(resumed.state.best_network, whole.best_network)
    assert resumed.state.rows == whole.rows
    assert resumed.state.scheduler == whole.scheduler
    for name in ("best.safetensors", "metrics.csv", "config.json"):
        ours, theirs = (tmp_path / run / name for run in ("stopped", "whole"))
        assert ours.read_bytes() == theirs.read_bytes(), name


def test_resuming_without_the_optimisers_state_would_show(tiny, tmp_path, same):
    """The comparison above can fail: forgetting Adam's moments changes the weights."""
    whole = tiny(tmp_path / "whole", epochs=2).run()
    half = tiny(tmp_path / "half", epochs=2)
    half.choices = tiny(tmp_path / "other", epochs=1).choices
    half.run()
    forgetful = tiny(tmp_path / "half", epochs=2)
    forgetful.optimiser.state.clear()
    assert not same(forgetful.run().network, whole.network)


def test_a_finished_run_has_nothing_left_to_do(tiny, tmp_path, same):
    done = tiny(tmp_path / "run", epochs=1).run()
    reports = []
    again = tiny(tmp_path / "run", epochs=1).run(reports.append)
    assert reports == []
    assert same(again.network, done.network)


def test_the_best_epoch_is_the_one_with_the_highest_validation_score(tiny, tmp_path, monkeypatch):
    trainer = tiny(tmp_path / "run", epochs=3)
    truth = trainer.validation.masks.numpy()
    scores, weights = [], []
    for right in (0.6, 1.0, 0.8):  # an AUPR that rises, then falls
        probability = np.where(np.arange(64) < right * 64, truth, 1 - truth).astype(np.float32)
        trainer.state.epoch += 1  # as end_epoch does
        trainer.keep(1e-3, 0.0, 0.0, torch.from_numpy(probability))
        scores.append(trainer.state.rows[-1]["validation_aupr_EX"])
        weights.append(trainer.state.network)
    assert scores[1] == 1 > max(scores[0], scores[2])
    assert (trainer.state.best_epoch, trainer.state.best_score) == (2, 1.0)
    assert trainer.state.best_network is weights[1]
    assert trainer.state.thresholds == {"EX": 1.0}


def test_validation_without_a_lesion_keeps_the_first_epoch_and_goes_on(tiny, tmp_path):
    trainer = tiny(tmp_path / "run", epochs=2)
    trainer.validation.masks.zero_()
    state = trainer.run()
    assert (state.epoch, state.best_epoch, state.best_score) == (2, 1, 0.0)
    assert state.thresholds == {"EX": 0.5}
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))
    assert [row["validation_aupr_EX"] for row in rows] == ["nan", "nan"]


def test_a_loss_that_is_not_a_number_names_the_pictures_and_keeps_the_state(tiny, tmp_path):
    folder = tmp_path / "run"
    trainer = tiny(folder, batch=3)
    trainer.choices = tiny(tmp_path / "other", epochs=1).choices
    trainer.run()
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    bad = tiny(folder, batch=3)
    bad.feed.mean.fill_(float("nan"))
    with pytest.raises(Diverged) as caught:
        bad.run()
    text = str(caught.value)
    assert text.startswith(f"{folder}: the loss is nan in epoch 2 (pictures ")
    assert all(name in text for name in ("t0", "t1", "t2"))
    assert text.endswith("kept in diverged.json); the state after epoch 1 is kept: lower --lr")
    record = json.loads((folder / "diverged.json").read_text())
    assert (record["epoch"], record["loss"]) == (2, "nan")
    assert sorted(record["pictures"]) == ["t0", "t1", "t2"]
    (folder / "diverged.json").unlink()
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_weights_spoilt_by_the_last_step_are_noticed_in_validation(tiny, tmp_path):
    """The loss before the step is fine; the step itself makes every weight infinite or NaN."""
    trainer = tiny(tmp_path / "run", batch=3, lr=1e30)
    with pytest.raises(Diverged, match=r"the loss is \S+ in epoch 1 \(pictures v0; "):
        trainer.run()
    assert not (tmp_path / "run" / "last.pt").exists()

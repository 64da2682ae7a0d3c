"""Training pictures as other cameras would have taken them: which, when, and what stays clean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mobileseg.data.augmentation.geometry import augment
from mobileseg.data.augmentation.photometry import spoil
from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import prepare_all
from mobileseg.preprocess.reference import clahe_scaled
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.multi_run import train_together
from mobileseg.training.spoiled import STREAM, SpoiledPictures
from mobileseg.training.steps import sampler

CPU = torch.device("cpu")
SPEC = PreprocessSpec(128, (256, 256))


@pytest.fixture(scope="module")
def train(phantoms) -> PictureSet:
    samples = read_idrid(phantoms).split("train", ("EX", "SE"))
    return PictureSet.of(prepare_all(phantoms, samples, ("EX", "SE"), SPEC), CPU)


def begun(train, epoch=0, **given):
    choices = TrainConfig(**{"photometric": 1.0, "pieces": 64, "batch": 2, **given})
    spoiled = SpoiledPictures(train, choices, SPEC)
    steps = sampler(choices, train).steps(epoch, None)
    spoiled.begin(epoch, steps)
    return spoiled, steps


def test_a_piece_is_cut_from_the_spoiled_picture_after_clahe_and_its_mask_from_the_clean(train):
    spoiled, steps = begun(train, epoch=3, seed=5)
    for step in steps[:4]:
        pictures, masks = spoiled.moved(step)
        for i, picture in enumerate(step.pictures):
            levels = np.ascontiguousarray(train.levels[picture].numpy().transpose(1, 2, 0))
            rng = np.random.default_rng([5, 3, 1 + picture, STREAM])
            kept = train.discs[picture, 0].numpy()[..., None]
            enhanced = clahe_scaled(
                spoil(levels, rng, 1.0) * kept, SPEC.clahe_clip, SPEC.clahe_tiles
            )
            whole = torch.from_numpy(enhanced.transpose(2, 0, 1))[None]
            expected, _ = augment(whole, train.batch([picture])[1], step.maps[i : i + 1], 64)
            # The window's coordinates are rounded otherwise, see test_pieces.
            assert torch.allclose(pictures[i], expected[0], atol=0.1)
        _, clean = train.moved(step.pictures, step.maps, step.size_px)
        assert torch.equal(masks, clean)


def test_every_picture_is_spoiled_once_an_epoch_and_otherwise_in_the_next(train):
    (first, _), (again, _), (later, _), (other, _) = (
        begun(train, epoch, seed=seed) for epoch, seed in ((0, 0), (0, 0), (1, 0), (0, 1))
    )

    def levels(spoiled):
        return {i: made.result()[0] for i, made in spoiled.made.items()}

    ours = levels(first)
    assert all(torch.equal(ours[i], tensor) for i, tensor in levels(again).items())
    for different in (levels(later), levels(other)):
        assert sum(not torch.equal(ours[i], different[i]) for i in ours.keys() & different) > 2
    clean = sum(torch.equal(tensor, train.levels[i]) for i, tensor in ours.items())
    assert clean < len(ours)  # a quarter are left as they are; of six hardly all


def test_without_strength_nothing_is_changed(train):
    spoiled, steps = begun(train, photometric=1e-12)
    step = steps[0]
    assert torch.equal(
        spoiled.moved(step)[0], train.moved(step.pictures, step.maps, step.size_px)[0]
    )


def test_an_epoch_that_was_broken_off_leaves_nothing_to_the_next(train):
    spoiled, steps = begun(train)
    spoiled.begin(1, steps)  # at once: what waits for epoch 0 is dropped
    fresh, _ = begun(train, epoch=1)
    for i, made in spoiled.made.items():
        assert torch.equal(made.result()[0], fresh._picture(1, i)[0])


@pytest.mark.parametrize("form", ["stacked", "turns"])
def test_runs_that_are_trained_together_have_pieces_and_cameras_of_their_own(
    narrow, tiny, tmp_path, form
):
    """In float64, where another order of sums is nothing: each comes out as if alone."""
    how = {
        "variant": narrow, "pictures": 4, "side": 128, "pieces": 64, "batch": 4, "epochs": 3,
        "whole_share": 0.25, "piece_hard_share": 0.25, "photometric": 1.0, "prior": True,
        "ema": 0.9, "precise_bn": True, "schedule": "cosine-step", "warmup": 0.2,
        "validate_every": 2, "keep": "last",
    }  # fmt: skip
    group, alone = (
        [tiny(tmp_path / name / str(i), seed=i, lr=5e-4 * (i + 1), **how) for i in range(2)]
        for name in ("together", "alone")
    )
    for trainer in (*group, *alone):
        trainer.network.to(torch.float64)
        trainer.ema.network.to(torch.float64)
    assert train_together(group, form=form) == {}
    for ours, theirs in zip(group, alone, strict=True):
        theirs.run()
        assert torch.equal(ours.state.errors, theirs.state.errors) or form == "stacked"
        for name, tensor in theirs.state.best_network.items():
            assert torch.allclose(ours.state.best_network[name], tensor, rtol=0, atol=1e-7), name
    assert not torch.equal(
        group[0].state.network["outconv.weight"], group[1].state.network["outconv.weight"]
    )


def test_a_student_learns_pieces_of_spoiled_pictures_from_a_teacher(
    narrow, tiny, tmp_path, make_run
):
    """The teacher is asked about the very piece."""
    from mobileseg.training.distillation import Teacher

    teacher = Teacher(make_run(tmp_path / "teacher"), CPU, torch.contiguous_format)
    how = {"variant": narrow, "side": 128, "pieces": 64, "batch": 4, "photometric": 1.0}
    more = {"distil_blend": 0.5, "settle": 1, "epochs": 2, "keep": "last"}
    trainer = tiny(tmp_path / "run", teacher=teacher, **how, **more)
    step = trainer.steps(0)[0]
    _, _, soft, *_ = trainer.feed.batch(0, step)
    assert soft.shape == (4, 1, 64, 64)
    blends = {trainer.feed.batch(0, s)[1] is None for s in trainer.steps(0)}
    assert blends <= {True, False}
    assert trainer.run().epoch == 2

"""Learning from a teacher: what is compared with what, and that stopping changes nothing."""

from __future__ import annotations

import math

import pytest
import torch

from mobileseg.data.augmentation.geometry import augment, matrices
from mobileseg.data.config import AugmentRanges
from mobileseg.errors import BadInput
from mobileseg.training.distillation import Distillation, Teacher
from mobileseg.training.losses import (
    DeepSupervision,
    dice_loss,
    semimetric_dice_loss,
    soft_cross_entropy,
)
from mobileseg.training.multi_run import epoch_in_turns, stacked_epoch, train_together

CPU = torch.device("cpu")
STILL = AugmentRanges(rotate_deg=0, scale=(1, 1), translate=0, shear_deg=0, flip=0)


@pytest.fixture(scope="module")
def taught(tmp_path_factory, make_run):
    """An ensemble of two networks with a mean and SD each, as a run; and its teacher."""
    folder = tmp_path_factory.mktemp("teacher")
    runs = [make_run(folder / str(i), seed=i, mean=(0.2 + 0.2 * i,) * 3) for i in range(2)]
    both = _ensemble(folder / "both", runs)
    return both, Teacher(both, CPU, torch.contiguous_format)


def _ensemble(folder, runs):
    """As `combine` writes it, without pictures to find a threshold on."""
    from mobileseg.ensembling.merge import merge
    from mobileseg.files.atomic import write_json
    from mobileseg.runs import WEIGHTS, open_run, save_members

    config, networks = merge(runs, {"EX": 0.5})
    folder.mkdir()
    save_members(networks, folder / WEIGHTS)
    write_json(folder / "config.json", config.to_json())
    return open_run(folder)


def test_the_teacher_answers_to_the_very_picture_that_the_student_is_shown(tiny, tmp_path, taught):
    run, teacher = taught
    trainer = tiny(tmp_path / "run", teacher=teacher, distil_weight=0.5)
    pictures, masks, soft, *sides = trainer.feed.batch(4, trainer.sampler.step(4, [2, 0]))
    moves = matrices(trainer.choices.seed, 4, [2, 0], trainer.choices.augment)
    enhanced, moved = augment(*trainer.train.batch([2, 0]), moves)
    with torch.no_grad():
        expected = run.ensemble(enhanced)
    # Folding batch norm rounds otherwise, up to 1.4e-5 in these random weights.
    assert torch.allclose(soft, expected, atol=1e-4)
    assert torch.equal(masks, moved)
    student = [m.shape for m in trainer.learner.maps(pictures)]
    assert [m.shape for m in (soft, *sides)] == student  # a map for each that is supervised
    assert expected.std() > 0.05  # the answers differ from place to place
    with torch.no_grad():  # the student's batch would be another question
        assert (run.ensemble(pictures) - expected).abs().max() > 0.05
    assert not soft.requires_grad


def test_a_teacher_never_learns_and_is_in_evaluation_mode(tiny, tmp_path, taught):
    _, teacher = taught
    before = {k: v.clone() for k, v in teacher.network.state_dict().items()}
    tiny(tmp_path / "run", epochs=1, teacher=teacher).run()
    after = teacher.network.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert not any(m.training for m in teacher.network.modules())
    assert not any(p.requires_grad for p in teacher.network.parameters())


def test_cross_entropy_with_a_probability_is_least_at_that_probability():
    target = torch.full((1, 1, 2, 2), 0.3)
    logits = torch.logit(torch.linspace(0.05, 0.95, 181)).reshape(-1, 1, 1, 1)
    values = [soft_cross_entropy(z.expand(1, 1, 2, 2), target).item() for z in logits]
    least = torch.sigmoid(logits[values.index(min(values))]).item()
    assert least == pytest.approx(0.3, abs=0.006)
    assert min(values) == pytest.approx(-0.3 * math.log(0.3) - 0.7 * math.log(0.7), abs=1e-5)


@pytest.mark.parametrize("supervision", ["shrink", "enlarge"])
def test_the_loss_mixes_masks_and_teacher_at_every_side(supervision):
    torch.manual_seed(0)
    maps = [torch.randn(2, 1, n, n) for n in (8, 8, 4)]
    masks = (torch.rand(2, 1, 8, 8) > 0.5).float()
    soft = torch.rand(2, 1, 8, 8)
    paper = DeepSupervision(supervision=supervision)

    def of_teacher(logits):
        if supervision == "enlarge":
            logits = torch.nn.functional.interpolate(logits, size=(8, 8), mode="bilinear")
        to = torch.nn.functional.adaptive_max_pool2d(soft, logits.shape[2:])
        p = torch.sigmoid(logits)
        return -(to * p.log() + (1 - to) * (1 - p).log()).mean()

    expected = sum(of_teacher(m) for m in maps)
    assert Distillation(paper, 0.0)(maps, masks, soft) == pytest.approx(paper(maps, masks).item())
    assert Distillation(paper, 1.0)(maps, masks, soft).item() == pytest.approx(expected.item())
    mixed = 0.25 * paper(maps, masks) + 0.75 * expected
    assert Distillation(paper, 0.75)(maps, masks, soft).item() == pytest.approx(mixed.item())


def test_the_teacher_may_stand_in_for_the_masks():
    torch.manual_seed(0)
    maps = [torch.randn(2, 1, n, n) for n in (8, 4)]
    masks, soft = (torch.rand(2, 1, 8, 8) > 0.5).float(), torch.rand(2, 1, 8, 8)
    paper = DeepSupervision()
    mixed = 0.25 * paper(maps, masks) + 0.75 * paper(maps, soft)
    assert Distillation(paper, 0.75, "masks")(maps, masks, soft) == pytest.approx(mixed.item())


@pytest.mark.parametrize("pool_batch", [True, False])
def test_semimetric_dice_is_dice_for_masks_and_least_at_the_probability_for_others(pool_batch):
    torch.manual_seed(0)
    how = {"smooth": 1.0, "pool_batch": pool_batch}
    logits = torch.randn(3, 2, 5, 5)
    masks = (torch.rand(3, 2, 5, 5) > 0.6).float()
    assert torch.allclose(
        semimetric_dice_loss(logits, masks, **how), dice_loss(logits, masks, **how)
    )
    soft = torch.full((1, 1, 4, 4), 0.3)
    least = {}
    for loss in (semimetric_dice_loss, dice_loss):
        tried = torch.linspace(0.02, 0.98, 97)
        values = [loss(torch.logit(p).expand(1, 1, 4, 4), soft, **how).item() for p in tried]
        least[loss] = tried[values.index(min(values))].item()
    assert least[semimetric_dice_loss] == pytest.approx(0.3, abs=0.006)
    assert least[dice_loss] > 0.9  # why the plain one will not do


@pytest.mark.parametrize("supervision", ["shrink", "enlarge"])
def test_a_side_learns_from_the_teachers_own_or_from_its_answer_where_it_has_none(supervision):
    torch.manual_seed(0)
    maps = [torch.randn(2, 1, n, n) for n in (8, 8, 4)]
    answer, side = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8)
    paper = DeepSupervision(alpha=0.5, supervision=supervision)
    loss = Distillation(paper, 1.0, "semimetric")

    def one(logits, wanted):
        dice = semimetric_dice_loss(logits, wanted, smooth=1.0, pool_batch=True)
        return 0.5 * (soft_cross_entropy(logits, wanted) + dice).mean()

    fitted = paper.fitted(maps[2], answer)
    expected = one(maps[0], answer) + one(maps[1], side) + one(*fitted)
    for theirs in ([answer, side], [answer, side, torch.rand(2, 1, 3, 3)]):  # none, or unlike
        assert loss(maps, None, *theirs).item() == pytest.approx(expected.item())


def test_blends_are_the_teachers_alone_and_come_in_the_share_that_was_asked_for(
    tiny, tmp_path, taught
):
    run, teacher = taught
    half = tiny(tmp_path / "half", pictures=4, teacher=teacher, distil_blend=0.5)
    never = tiny(tmp_path / "never", pictures=4, teacher=teacher)
    blends = 0
    for epoch in range(40):
        pictures, masks, soft, *_ = half.feed.batch(epoch, half.sampler.step(epoch, [1, 3]))
        plain, drawn, _, *_ = never.feed.batch(epoch, never.sampler.step(epoch, [1, 3]))
        if masks is not None:
            assert torch.equal(pictures, plain) and torch.equal(masks, drawn)
            continue
        blends += 1
        # One weight for both: the two blends add up to the two pictures.
        assert torch.allclose(pictures.sum(0), plain.sum(0), atol=1e-3)
        assert not torch.allclose(pictures, plain, atol=1e-3)
        with torch.no_grad():
            expected = run.ensemble(pictures * half.feed.sd + half.feed.mean)
        assert torch.allclose(soft, expected, atol=1e-3)
    assert 10 <= blends <= 30
    again = half.sampler.step(7, [1, 3])  # drawn from seed and epoch, not from what came before
    assert torch.equal(half.feed.batch(7, again)[0], half.feed.batch(7, again)[0])
    alone = tiny(tmp_path / "always", pictures=4, teacher=teacher, distil_blend=1.0)
    lone = alone.sampler.step(0, [2])
    assert alone.feed.batch(0, lone)[1] is not None  # one picture has nothing to be blended with


def test_a_student_of_blends_trains_and_a_stack_of_them_is_refused(tiny, tmp_path, taught):
    how = {"teacher": taught[1], "distil_blend": 1.0, "distil_loss": "semimetric", "epochs": 1}
    runs = [tiny(tmp_path / str(i), pictures=2, seed=i, **how) for i in range(2)]
    with pytest.raises(BadInput, match="blends are each run's own; train the runs apart"):
        train_together(runs, form="stacked")
    assert train_together(runs, form="turns") == {}
    assert all(run.state.epoch == 1 for run in runs)


def test_a_student_comes_nearer_to_its_teacher_than_one_without(tiny, tmp_path, taught):
    _, teacher = taught
    how = {"epochs": 6, "augment": STILL, "keep": "last"}
    plain = tiny(tmp_path / "plain", **how)
    student = tiny(tmp_path / "student", teacher=teacher, distil_weight=1.0, **how)
    enhanced, _ = plain.train.batch([0, 1, 2])
    wanted = teacher(enhanced)[0]

    def distance(trainer):
        trainer.run()
        with torch.no_grad():
            answer = torch.sigmoid(trainer.network(trainer.feed.normalised(enhanced))[0])
        return (answer - wanted).abs().mean()

    assert distance(student) < 0.8 * distance(plain)


def test_validation_tells_the_loss_on_masks_alone(tiny, tmp_path, taught):
    plain = tiny(tmp_path / "plain")
    student = tiny(tmp_path / "student", teacher=taught[1], distil_weight=1.0)
    assert student.validate()[0] == plain.validate()[0]


@pytest.mark.parametrize(
    "learnt", [{}, {"distil_blend": 0.7, "distil_loss": "semimetric"}], ids=str
)
def test_stopping_changes_no_bit_with_a_teacher_and_a_start(
    learnt, tiny, tmp_path, same, stopped, taught, make_run
):
    started = make_run(tmp_path / "first", seed=7).network.state_dict()
    how = learnt | {"epochs": 2, "teacher": taught[1], "schedule": "cosine", "keep": "last"}
    whole = tiny(tmp_path / "whole", start=started, **how)
    assert same(whole.network.state_dict(), started)
    whole.run()
    stopped(tmp_path / "stopped", 1, start=started, **how)
    resumed = tiny(tmp_path / "stopped", **how).run()  # its start is behind it
    assert same(resumed.network, whole.state.network)
    assert resumed.rows == whole.state.rows


def test_a_stacked_step_asks_the_teacher_for_every_runs_pictures(tiny, tmp_path, taught):
    how = {"pictures": 8, "batch": 4, "side": 64, "augment": STILL, "teacher": taught[1]}
    groups = [
        [tiny(tmp_path / f"{name}{i}", seed=i, lr=5e-4, **how) for i in range(2)] for name in "ab"
    ]
    for trainer in (*groups[0], *groups[1]):
        trainer.network.to(torch.float64)
    ours, theirs = stacked_epoch(groups[0]), epoch_in_turns(groups[1])
    # The teacher itself stays in float32, where a batch of another size rounds otherwise.
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert ours[0] != pytest.approx(ours[1], abs=1e-3)

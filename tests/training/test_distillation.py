"""Learning from a teacher: what is compared with what, and that stopping changes nothing."""

from __future__ import annotations

import math

import pytest
import torch

from mobileseg.data.augment import augment, matrices
from mobileseg.data.choices import AugmentRanges
from mobileseg.training.distillation import Distillation, Teacher
from mobileseg.training.losses import DeepSupervision, soft_cross_entropy
from mobileseg.training.together import epoch_in_turns, stacked_epoch

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
    from mobileseg.evaluation.merging import merge
    from mobileseg.files import write_json
    from mobileseg.runs import WEIGHTS, open_run, save_members

    config, networks = merge(runs, {"EX": 0.5})
    folder.mkdir()
    save_members(networks, folder / WEIGHTS)
    write_json(folder / "config.json", config.to_json())
    return open_run(folder)


def test_the_teacher_answers_to_the_very_picture_that_the_student_is_shown(tiny, tmp_path, taught):
    run, teacher = taught
    trainer = tiny(tmp_path / "run", teacher=teacher, distil_weight=0.5)
    pictures, masks, soft = trainer.batch(4, [2, 0])
    moves = matrices(trainer.choices.seed, 4, [2, 0], trainer.choices.augment)
    enhanced, moved = augment(*trainer.train.batch([2, 0]), moves)
    with torch.no_grad():
        expected = run.ensemble(enhanced)
    # Folding batch norm rounds otherwise, up to 1.4e-5 in these random weights.
    assert torch.allclose(soft, expected, atol=1e-4)
    assert torch.equal(masks, moved)
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


def test_a_student_comes_nearer_to_its_teacher_than_one_without(tiny, tmp_path, taught):
    _, teacher = taught
    how = {"epochs": 6, "augment": STILL, "keep": "last"}
    plain = tiny(tmp_path / "plain", **how)
    student = tiny(tmp_path / "student", teacher=teacher, distil_weight=1.0, **how)
    enhanced, _ = plain.train.batch([0, 1, 2])
    wanted = teacher(enhanced)

    def distance(trainer):
        trainer.run()
        with torch.no_grad():
            answer = torch.sigmoid(trainer.network(trainer._normalised(enhanced))[0])
        return (answer - wanted).abs().mean()

    assert distance(student) < 0.8 * distance(plain)


def test_validation_tells_the_loss_on_masks_alone(tiny, tmp_path, taught):
    plain = tiny(tmp_path / "plain")
    student = tiny(tmp_path / "student", teacher=taught[1], distil_weight=1.0)
    assert student.validate()[0] == plain.validate()[0]


def test_stopping_changes_no_bit_with_a_teacher_and_a_start(tiny, tmp_path, same, taught, make_run):
    started = make_run(tmp_path / "first", seed=7).network.state_dict()
    how = {"epochs": 2, "teacher": taught[1], "schedule": "cosine", "keep": "last"}
    whole = tiny(tmp_path / "whole", start=started, **how)
    assert same(whole.network.state_dict(), started)
    whole.run()

    def stop(row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny(tmp_path / "stopped", start=started, **how).run(stop)
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

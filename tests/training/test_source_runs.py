"""Which runs a training may lean on, that they are written down, and named again on resuming."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from mobileseg.errors import BadInput
from mobileseg.files.atomic import sha256
from mobileseg.runs import open_run
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import KnownRun, TrainConfig
from mobileseg.training.session import begin, finish, resume
from mobileseg.training.source_runs import NO_OTHERS, Others
from mobileseg.training.trainer import Trainer

CPU = torch.device("cpu")
SPEC = PreprocessSpec(side_px=64, frame_hw=(256, 256))


def start(folder: Path, data: Path, *, others: Others = NO_OTHERS, **given: Any) -> Trainer:
    new = {"variant": "xs", "task": "EX", "preprocess": SPEC}
    new |= {name: given.pop(name) for name in list(given) if name in new}
    choices = TrainConfig(**{"epochs": 2, "batch": 3, "keep": "last"} | given)
    return begin(folder, data, choices=choices, device=CPU, others=others, **new)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, phantoms):
    """A run of two epochs, which is a teacher and a start to others."""
    folder = tmp_path_factory.mktemp("plain") / "first"
    trainer = start(folder, phantoms)
    trainer.run()
    finish(folder, trainer)
    return open_run(folder)


@pytest.fixture
def changed(plain, tmp_path):
    """The same run with something else in its config.json; weights as they are."""

    def change(**entries: Any):
        folder = Path(shutil.copytree(plain.path, tmp_path / "changed"))
        config = json.loads((folder / "config.json").read_text())
        for name, value in entries.items():
            config[name] = config[name] | value if isinstance(value, dict) else value
        (folder / "config.json").write_text(json.dumps(config))
        return open_run(folder)

    return change


def test_a_run_begins_at_anothers_weights_mean_and_sd(plain, changed, phantoms, tmp_path, same):
    first = changed(normalisation={"mean": [0.5, 0.25, 0.125]})
    trainer = start(tmp_path / "run", phantoms, others=Others(start=first), seed=9)
    assert same(trainer.network.state_dict(), plain.network.state_dict())
    assert trainer.config.normalisation.mean == (0.5, 0.25, 0.125)


def test_the_others_are_written_down_by_name_and_sum_without_a_path(plain, phantoms, tmp_path):
    both = Others(teacher=plain, start=plain)
    trainer = start(tmp_path / "run", phantoms, others=both, distil_weight=0.75)
    text = (tmp_path / "run" / "config.json").read_text()
    training = json.loads(text)["training"]
    assert (
        training["teacher"]
        == training["start"]
        == {
            "name": "first",
            "weights_sha256": sha256(plain.path / "best.safetensors"),
        }
    )
    assert training["distil_weight"] == 0.75
    assert str(plain.path.parent) not in text
    assert trainer.choices.teacher == KnownRun("first", training["teacher"]["weights_sha256"])
    # A run of an older version names none.
    del training["teacher"], training["start"]
    assert TrainConfig.from_json(training).teacher is None


@pytest.mark.parametrize("name", ["teacher", "start"])
@pytest.mark.parametrize(
    ("entries", "given", "text"),
    [
        ({}, {"task": "SE"}, "found lesions EX, expected those of task SE"),
        (
            {},
            {"preprocess": PreprocessSpec(96, (256, 256))},
            "found side_px 64 there and 96 here; both are shown the same picture",
        ),
        (
            {"training": {"protocol": "paper"}},
            {},
            "was trained by protocol paper, this run goes by clean",
        ),
        ({}, {"split_seed": 1}, "of this run's 1 validation pictures"),
    ],
    ids=["task", "side", "protocol", "leak"],
)
def test_what_does_not_fit_is_refused(changed, phantoms, tmp_path, name, entries, given, text):
    run = changed(**entries)
    with pytest.raises(BadInput) as caught:
        start(tmp_path / "run", phantoms, others=Others(**{name: run}), **given)
    assert str(caught.value).startswith(f"--{name} {run.path}: ")
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_teacher_whose_members_saw_a_validation_picture_is_refused(
    changed, plain, phantoms, tmp_path
):
    """An ensemble's own list holds what any member was trained on."""
    kept = plain.config.pictures["validation"]
    leaky = changed(pictures={"train": [*plain.config.pictures["train"], *kept]})
    with pytest.raises(BadInput, match=f"trained on 1 of this run's 1 .*{kept[0]}"):
        start(tmp_path / "run", phantoms, others=Others(teacher=leaky))


def test_the_papers_protocol_leaks_by_name_and_refuses_nothing(changed, phantoms, tmp_path):
    run = changed(training={"protocol": "paper"})
    start(tmp_path / "run", phantoms, others=Others(teacher=run), protocol="paper", seed=1)


def test_another_variant_and_an_ensemble_are_no_start(changed, plain, phantoms, tmp_path):
    with pytest.raises(BadInput, match="found variant xs, expected s-sep"):
        start(tmp_path / "run", phantoms, others=Others(start=plain), variant="s-sep")
    member = {
        "name": "a",
        "variant": "xs",
        "task": "EX",
        "weights_sha256": "0" * 64,
        "mean": [0.1] * 3,
        "sd": [0.1] * 3,
        "training": {},
        "pictures": {},
    }
    with pytest.raises(BadInput, match="found 2 members; expected one network to start at"):
        start(tmp_path / "run", phantoms, others=Others(start=changed(members=[member] * 2)))


def test_a_resumed_run_has_the_teacher_it_began_with(plain, phantoms, tmp_path):
    folder = tmp_path / "run"
    start(folder, phantoms, others=Others(teacher=plain))
    other = Path(shutil.copytree(plain.path, tmp_path / "other"))
    again = Path(shutil.copytree(plain.path, tmp_path / "moved"))
    weights = (other / "best.safetensors").read_bytes()
    (other / "best.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(BadInput, match="was begun with --teacher first; name that run again"):
        resume(folder, phantoms, device=CPU)
    with pytest.raises(BadInput, match=f"--teacher first, {other} has other weights"):
        resume(folder, phantoms, device=CPU, others=Others(teacher=open_run(other)))
    others = Others(teacher=open_run(again))
    assert resume(folder, phantoms, device=CPU, others=others).feed.teacher


def test_a_resumed_run_without_a_teacher_gets_none(plain, phantoms, tmp_path):
    start(tmp_path / "run", phantoms)
    with pytest.raises(BadInput, match="was begun without --teacher; leave it out"):
        resume(tmp_path / "run", phantoms, device=CPU, others=Others(teacher=plain))


def test_a_start_is_needed_until_the_first_epoch_is_kept(plain, phantoms, tmp_path, same):
    folder = tmp_path / "run"
    start(folder, phantoms, others=Others(start=plain), seed=5)
    with pytest.raises(BadInput, match="was begun with --start first; name that run again"):
        resume(folder, phantoms, device=CPU)
    trainer = resume(folder, phantoms, device=CPU, others=Others(start=plain))
    assert same(trainer.network.state_dict(), plain.network.state_dict())
    trainer.end_epoch(trainer.train_epoch(0), 0.0)
    gone_on = resume(folder, phantoms, device=CPU)
    assert gone_on.state.epoch == 1
    assert same(gone_on.network.state_dict(), trainer.network.state_dict())


def test_several_devices_do_without():
    with pytest.raises(BadInput, match="devices 2: not tried with teacher; expected 1"):
        TrainConfig(devices=2, teacher=KnownRun("t", "0"))

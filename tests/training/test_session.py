"""Setting a run up from a data folder: what is refused, and what is written down."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mobileseg.data.idrid import MASKS, PICTURES, ROOT, SPLITS
from mobileseg.errors import BadInput, UnknownName
from mobileseg.lesions import LESIONS
from mobileseg.spec import PreprocessSpec
from mobileseg.training import session
from mobileseg.training.config import TrainConfig
from mobileseg.training.session import begin, finish, pick_device, resume
from mobileseg.training.trainer import Trainer

CPU = torch.device("cpu")
TRAIN = SPLITS["train"]


def start(folder: Path, data: Path, **given: Any) -> Trainer:
    spec = PreprocessSpec(side_px=given.pop("side_px", 64), frame_hw=(128, 128))
    names = {k: given.pop(k, default) for k, default in (("variant", "xs"), ("task", "EX"))}
    choices = TrainConfig(**{"epochs": 1, "batch": 3} | given)
    return begin(folder, data, **names, preprocess=spec, choices=choices, device=CPU)


@pytest.fixture
def data(tmp_path) -> Path:
    """Five bright discs of 96 px; the first four have a square of EX in their middle."""
    root = tmp_path / "data" / ROOT
    pictures, masks = root / PICTURES / TRAIN, root / MASKS / TRAIN / LESIONS["EX"].folder
    for folder in (pictures, masks):
        folder.mkdir(parents=True)
    y, x = np.mgrid[:96, :96] - 47.5
    for i in range(5):
        picture = np.uint8([90, 60, 40]) * (np.hypot(y, x) < 46)[..., None]
        picture[40:56, 40:56] += np.uint8(20 * i)
        Image.fromarray(picture).save(pictures / f"p{i}.png")
        mask = np.zeros((96, 96), np.uint8)
        mask[40:56, 40:56] = 255
        if i < 4:
            Image.fromarray(mask).save(masks / f"p{i}_EX.tif")
    return tmp_path / "data"


def test_a_run_begins_with_everything_that_was_chosen(data, tmp_path):
    trainer = start(tmp_path / "run", data, seed=6, lr=0.25)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["training"] == {**TrainConfig().to_json(), "epochs": 1, "batch": 3} | {
        "seed": 6,
        "lr": 0.25,
    }
    assert config["preprocess"]["side_px"] == 64
    assert (config["variant"], config["task"], config["thresholds"]) == ("xs", "EX", {})
    train, validation = config["pictures"]["train"], config["pictures"]["validation"]
    assert sorted(train + validation) == ["p0", "p1", "p2", "p3", "p4"]
    assert len(validation) == 1
    assert (trainer.train.names, trainer.validation.names) == (train, validation)


def test_the_record_says_with_what_and_on_what_it_was_trained(data, tmp_path):
    folder = tmp_path / "run"
    trainer = start(folder, data, seed=6)
    record = json.loads((folder / "run.json").read_text())
    assert record["versions"].keys() == set(session.RECORDED_VERSIONS)
    assert record["versions"]["torch"] == torch.__version__.partition("+")[0] or (
        record["versions"]["torch"] == torch.__version__
    )
    assert record["python"] == platform.python_version()
    assert (record["seed"], record["data"], record["gpu"]) == (6, "data", None)
    assert len(record["data_sha256"]) == 64
    assert {"started", "machine", "system", "threads", "git_revision"} <= record.keys()
    assert "finished" not in record

    trainer.run()
    finish(folder, trainer)
    finished = json.loads((folder / "run.json").read_text())
    assert record.items() <= finished.items()
    assert (finished["epochs"], finished["best_epoch"]) == (1, 1)
    assert finished["wall_s"] == round(trainer.state.seconds, 1)
    assert 0 < trainer.state.seconds < 60
    assert finished["best_validation_aupr"] == trainer.state.best_score
    assert finished["finished"] >= finished["started"]


def test_one_split_seed_gives_one_split_whatever_the_seed(data, tmp_path):
    splits = [
        start(tmp_path / f"run{seed}{split}", data, seed=seed, split_seed=split).config.pictures
        for seed, split in ((0, 0), (9, 0), (0, 1))
    ]
    assert splits[0] == splits[1] != splits[2]


def test_an_existing_run_is_refused_before_anything_is_read(data, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").touch()
    with pytest.raises(BadInput) as caught:
        start(tmp_path / "run", tmp_path / "no such data")
    assert str(caught.value) == (
        f"{tmp_path / 'run'}: exists already; choose another place, or go on with a run: --resume"
    )


def test_an_empty_folder_is_taken_and_so_is_what_a_kill_left_of_a_beginning(data, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    (tmp_path / "run" / ".config.json.k2j4").touch()
    start(tmp_path / "run", data)
    with pytest.raises(BadInput, match="exists already"):
        start(tmp_path / "run", data)


def test_an_unknown_variant_or_task_lists_the_choices(data, tmp_path):
    with pytest.raises(UnknownName, match=r"no variant 'xxs'; choose from .*\bxs\b"):
        start(tmp_path / "run", data, variant="xxs")
    with pytest.raises(UnknownName, match="no task 'XE'; choose from MA, HE, EX, SE"):
        start(tmp_path / "run", data, task="XE")
    assert not (tmp_path / "run").exists()


def test_a_task_whose_lesion_has_no_masks_is_refused(data, tmp_path):
    with pytest.raises(BadInput, match="the train set is not labelled for SE: choose another task"):
        start(tmp_path / "run", data, task="EX,SE")


def test_a_lesion_that_the_data_is_not_labelled_for_is_refused(data, tmp_path):
    with pytest.raises(BadInput, match="the train set is not labelled for MA: choose another task"):
        start(tmp_path / "run", data, task="MA")


def test_data_in_which_no_picture_has_the_lesion_is_refused(data, tmp_path):
    for mask in (data / ROOT / MASKS / TRAIN / LESIONS["EX"].folder).iterdir():
        mask.unlink()
    with pytest.raises(BadInput) as caught:
        start(tmp_path / "run", data)
    assert str(caught.value) == (
        f"{data}: no training picture has any EX at this resolution; "
        "expected some to learn from (--mask-rule any keeps the smallest)"
    )
    assert not (tmp_path / "run").exists()


def test_a_lesion_of_one_pixel_is_kept_by_the_rule_that_the_message_names(data, tmp_path):
    for mask in (data / ROOT / MASKS / TRAIN / LESIONS["EX"].folder).iterdir():
        dot = np.zeros((96, 96), np.uint8)
        dot[48, 48] = 255
        Image.fromarray(dot).save(mask)
    with pytest.raises(BadInput, match="--mask-rule any"):
        start(tmp_path / "run", data, side_px=32, batch=2)
    assert start(tmp_path / "run", data, side_px=32, batch=2, mask_rule="any").train.masks.any()


def test_a_picture_alone_at_32_pixels_is_refused_for_there_is_nothing_to_normalise_by(
    data, tmp_path
):
    with pytest.raises(BadInput, match=r"side 32: 4 training pictures, 3 a step, leave one alone"):
        start(tmp_path / "run", data, side_px=32)
    with pytest.raises(BadInput, match=r"side 32: 4 training pictures, 1 a step"):
        start(tmp_path / "run", data, side_px=32, batch=1)
    start(tmp_path / "run", data, side_px=32, batch=2).train_epoch(0)
    start(tmp_path / "run64", data, side_px=64, batch=3).train_epoch(0)  # 3 and 1


def test_going_on_with_the_same_data_takes_the_choices_from_the_run(data, tmp_path):
    begun = start(tmp_path / "run", data, seed=6)
    begun.run()
    again = resume(tmp_path / "run", data, device=CPU)
    assert again.choices == begun.choices
    assert again.state.epoch == 1
    assert again.config.pictures == begun.config.pictures


def changed_picture(data: Path) -> None:
    path = data / ROOT / PICTURES / TRAIN / "p0.png"
    picture = np.array(Image.open(path))
    picture[50, 50] += 1
    Image.fromarray(picture).save(path)


def renamed_picture(data: Path) -> None:
    (data / ROOT / PICTURES / TRAIN / "p4.png").rename(data / ROOT / PICTURES / TRAIN / "q.png")


def fewer_masks(data: Path) -> None:
    (data / ROOT / MASKS / TRAIN / LESIONS["EX"].folder / "p2_EX.tif").unlink()


@pytest.mark.parametrize("change", [changed_picture, renamed_picture, fewer_masks])
def test_going_on_with_other_data_is_refused(data, tmp_path, change):
    start(tmp_path / "run", data)
    elsewhere = Path(shutil.copytree(data, tmp_path / "elsewhere"))
    resume(tmp_path / "run", elsewhere, device=CPU)  # the place does not matter
    change(elsewhere)
    with pytest.raises(BadInput) as caught:
        resume(tmp_path / "run", elsewhere, device=CPU)
    assert str(caught.value) == (
        f"{elsewhere}: not the data that {tmp_path / 'run'} began with (other files or contents); "
        "name that data, or another output"
    )


@pytest.mark.parametrize("text", ["{}", "[]", '{"data": "x"}'])
def test_a_record_without_a_fingerprint_is_named(data, tmp_path, text):
    start(tmp_path / "run", data)
    (tmp_path / "run" / "run.json").write_text(text)
    with pytest.raises(BadInput, match=r"run\.json: no data_sha256 in it; expected"):
        resume(tmp_path / "run", data, device=CPU)


@pytest.mark.parametrize(
    "change", [{"epochs": "many"}, {"augment": None}, {"pace": 3}, {"schedule": "step"}], ids=str
)
def test_choices_that_were_tampered_with_are_named(data, tmp_path, change):
    start(tmp_path / "run", data)
    path = tmp_path / "run" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"training": config["training"] | change}))
    with pytest.raises(BadInput, match=r"config\.json: its training entry cannot be used \(.+\)"):
        resume(tmp_path / "run", data, device=CPU)


@pytest.mark.parametrize(("names", "found"), [(["int8"], "'int8'"), ([], "none")])
def test_pictures_that_the_data_have_not_are_named(data, tmp_path, names, found):
    start(tmp_path / "run", data)
    path = tmp_path / "run" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"pictures": config["pictures"] | {"train": names}}))
    with pytest.raises(BadInput) as caught:
        resume(tmp_path / "run", data, device=CPU)
    assert str(caught.value) == (
        f"{path}: found picture {found}; expected names of the data's pictures"
    )


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device() == pick_device("cpu") == CPU
    with pytest.raises(BadInput) as caught:
        pick_device("cuda")
    assert str(caught.value) == "--device cuda: PyTorch finds no GPU; use --device cpu"


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.skipif(not shutil.which("git"), reason="not run: no git")
def test_the_revision_is_of_the_checkout_that_holds_the_code(tmp_path):
    (tmp_path / "ours.py").touch()
    git(tmp_path, "init")
    git(tmp_path, "add", "ours.py")
    git(tmp_path, "commit", "-m", "Begin")
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "session.py").touch()
    assert session._git_revision(tmp_path / "ours.py") == git(tmp_path, "rev-parse", "HEAD")
    # Installed somewhere inside another project's checkout: that project's revision says nothing.
    assert session._git_revision(tmp_path / "site-packages" / "session.py") is None


def test_without_git_there_is_no_revision_and_no_error(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert session._git_revision(Path(session.__file__)) is None

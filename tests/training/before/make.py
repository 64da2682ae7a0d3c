"""Made before.zip beside it, at commit a57b2f4, when a training knew of no pieces yet.

    git worktree add OLD a57b2f4
    PYTHONPATH=OLD OMP_NUM_THREADS=1 python make.py DIR && (cd DIR && zip -r9 before.zip *)

DIR/data      five made-up pictures of 96 px with hard exudates
DIR/plain     a run by the paper's choices, stopped after the first of its three epochs
DIR/settled   likewise, with a cosine and settled batch norms
DIR/study     a study of two runs: the first stopped after its first epoch, the second waiting
DIR/expected.json   what that code made of each when it went on, and on what machine

Run again on other code it would overwrite what that code has to be held to.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mobileseg.data.idrid import MASKS, PICTURES, ROOT, SPLITS
from mobileseg.lesions import LESIONS
from mobileseg.models.variants import VARIANTS, Stage, U2NetPlan, Variant
from mobileseg.spec import PreprocessSpec
from mobileseg.study.folder import begin_study
from mobileseg.study.jobs import Job
from mobileseg.study.plan import read_plan
from mobileseg.study.worker import work
from mobileseg.training.config import TrainConfig
from mobileseg.training.session import begin, resume

# 2 kB of weights, so that a state on disk is small: it holds them four times.
NARROW = Variant(
    "narrow",
    "U²-Net of two narrow stages",
    U2NetPlan((Stage(3, 2, 4), Stage(3, 2, 4, dilated=True)), (Stage(3, 2, 4),)),
    0,
    "For tests.",
    "Made up.",
)
CPU = torch.device("cpu")
SPEC = PreprocessSpec(side_px=64, frame_hw=(128, 128))
RUNS: dict[str, dict[str, Any]] = {
    # No patience, and a large step: the schedule has a state that matters.
    "plain": {"plateau_patience": 0, "lr": 2e-2},
    "settled": {"schedule": "cosine", "lr": 1e-2, "settle": 1, "keep": "last"},
}
STUDY = """
name = "before"
[preprocess]
side_px = 64
frame = "128x128"
[training]
epochs = 3
batch = 2
lr = 1e-2
validation_share = 0.25
[[runs]]
variants = ["narrow"]
tasks = ["EX"]
runs = 2
"""


def pictures(root: Path) -> None:
    """Discs of 96 px, the lesion a bright square somewhere in each; the last two are for tests."""
    drawn = np.random.default_rng(3)
    y, x = np.mgrid[:96, :96] - 47.5
    for i in range(7):
        split = SPLITS["train" if i < 5 else "test"]
        folders = [root / ROOT / PICTURES / split]
        folders.append(root / ROOT / MASKS / split / LESIONS["EX"].folder)
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        picture = np.uint8([90, 60, 40]) * (np.hypot(y, x) < 46)[..., None]
        top, left = drawn.integers(24, 56, 2)
        picture[top : top + 14, left : left + 14] += np.uint8(60)
        mask = np.zeros((96, 96), np.uint8)
        mask[top : top + 14, left : left + 14] = 255
        Image.fromarray(picture).save(folders[0] / f"p{i}.png")
        Image.fromarray(mask).save(folders[1] / f"p{i}_EX.tif", compression="tiff_deflate")


class Stop(Exception):
    """Somebody presses Ctrl-C."""


def stop(row: dict[str, float]) -> None:
    raise Stop


def until_stopped(trainer: Any) -> None:
    try:
        trainer.run(stop)
    except Stop:
        return


def ended(folder: Path) -> dict[str, Any]:
    """What a finished run is known by."""
    state = torch.load(folder / "last.pt", weights_only=True)
    return {
        "weights_sha256": weights_sum(state["network"]),
        "best_weights_sha256": weights_sum(state["best_network"]),
        "metrics": (folder / "metrics.csv").read_text(),
    }


def weights_sum(network: dict[str, torch.Tensor]) -> str:
    whole = hashlib.sha256()
    for name in sorted(network):
        whole.update(name.encode())
        whole.update(network[name].numpy().tobytes())
    return whole.hexdigest()


def machine() -> dict[str, str]:
    """What decides the last bits of a convolution."""
    return {"torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability()}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    VARIANTS[NARROW.name] = NARROW
    data = folder / "data"
    pictures(data)
    expected: dict[str, Any] = {"machine": machine()}
    for name, how in RUNS.items():
        choices = TrainConfig(**{"epochs": 3, "batch": 2, "validation_share": 0.25, **how})
        common = {"variant": NARROW.name, "task": "EX", "preprocess": SPEC, "choices": choices}
        until_stopped(begin(folder / name, data, device=CPU, **common))
        whole = shutil.copytree(folder / name, folder / "whole" / name)
        resume(whole, data, device=CPU).run()
        expected[name] = ended(whole)
    (folder / "study.toml").write_text(STUDY)
    plan = read_plan(folder / "study.toml")
    study = begin_study(folder / "study", plan, data)
    first = plan.runs[0]
    run = study.run_folder(first.name)
    common = {"variant": first.variant, "task": first.task, "preprocess": plan.preprocess}
    until_stopped(begin(run, data, device=CPU, choices=first.choices, **common))
    study.note_attempt(first.name)
    whole = shutil.copytree(folder / "study", folder / "whole" / "study")
    assert work(Job(whole, data, tuple(r.name for r in plan.runs), "cpu")) == 0
    for planned in plan.runs:
        expected[planned.name] = ended(whole / "runs" / planned.name)
    shutil.rmtree(folder / "whole")
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

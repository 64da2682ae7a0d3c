"""Whole run folders, ensembles, trainings that stopped and studies, of the network that ships."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from converters.parity.tolerances import TOLERANCES
from mobileseg.data.phantom.generate import write_phantoms
from mobileseg.files.atomic import write_json
from mobileseg.quantization.calibration import calibrate
from mobileseg.quantization.quantized_run import Quantized, folded_networks, save_quantized
from mobileseg.run_config import Member, RunConfig
from mobileseg.runs import Run, open_run, pretrained_run, save_members
from mobileseg.spec import Normalisation, PreprocessSpec
from mobileseg.study.plan import SHIPPED
from mobileseg.training.checkpoint import TrainState, commit
from mobileseg.training.config import TrainConfig
from mobileseg.training.session import begin

DATA = ".data"  # beside specimens: the pictures that they were trained on
VARIANT = "xs"  # of the run that ships
FRAME_HW = (128, 160)
SPEC = PreprocessSpec(64, FRAME_HW)
NORMAL = Normalisation((0.4, 0.25, 0.1), (0.2, 0.12, 0.08))


def _config(variant: str, **given: Any) -> RunConfig:
    defaults: dict[str, Any] = {
        "task": "EX",
        "preprocess": SPEC,
        "normalisation": NORMAL,
        "thresholds": {"EX": 0.5},
        "training": TrainConfig(epochs=2).to_json(),
        "pictures": {"train": ["phantom_01", "phantom_02"], "validation": ["phantom_03"]},
    }
    return RunConfig(variant=variant, **(defaults | given))


@torch.no_grad()
def network(seed: int = 0) -> torch.nn.Module:
    """The network that ships, each seed's moved a little: one that is trained converts as such."""
    trained = open_run(pretrained_run()).network
    torch.manual_seed(seed)
    for parameter in trained.parameters():
        parameter += 1e-4 * seed * torch.randn_like(parameter)
    return trained


def write_run(folder: Path, seed: int = 0, spec: PreprocessSpec = SPEC) -> Run:
    """A run as `mobileseg train` leaves it, `last.pt` and all."""
    trained = network(seed)
    optimiser = torch.optim.Adam(trained.outconv.parameters(), lr=1e-3)
    trained.outconv.weight.sum().backward()
    optimiser.step()
    weights = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    rows = [{"epoch": e, "train_loss": 1 / e, "validation_aupr_EX": 0.1 * e} for e in (1, 2)]
    state = TrainState(
        epoch=2,
        network=weights,
        optimiser=optimiser.state_dict(),
        best_epoch=1,
        best_score=0.1,
        best_network=weights,
        thresholds={"EX": 0.5},
        rows=rows,
        seconds=1.5,
    )
    commit(folder, state, _config(VARIANT, preprocess=spec))
    write_json(folder / "run.json", {"best_validation_aupr": 0.1, "data": "d", "finished": "now"})
    return open_run(folder)


def write_ensemble(folder: Path) -> None:
    """Two members, averaged."""
    members = tuple(Member(VARIANT, "EX", NORMAL, name=f"run-{i}") for i in range(2))
    config = _config(f"{VARIANT},{VARIANT}", ensemble=members)
    write_json(folder / "config.json", config.to_json())
    save_members([network(0), network(1)], folder / "best.safetensors")


def quantize(run: Run) -> Quantized:
    """An int8 form, calibrated on noise."""
    torch.manual_seed(1)
    seen = [torch.randn(1, 3, SPEC.side_px, SPEC.side_px) for _ in range(8)]
    networks = folded_networks(run)
    ranges = tuple(calibrate(network, seen, SPEC.side_px) for network in networks)
    return Quantized("ptq", ("outconv",), ranges, networks, ("a",))


def runs(root: Path) -> None:
    """Two runs with their int8 forms, one of them fine-tuned, and an ensemble."""
    calibrated, tuned = (write_run(root / name) for name in ("calibrated", "fine-tuned"))
    form = quantize(calibrated)
    save_quantized(form, calibrated, calibrated.path)
    save_quantized(replace(form, method="qat"), tuned, tuned.path)
    write_ensemble(root / "ensemble")


def stopped(root: Path) -> None:
    """Trainings that were stopped after one epoch of two, and their data."""
    write_phantoms(root / DATA, 6, 64, 0)
    for seed in range(2):
        folder = root / f"stopped-{seed}"
        trainer = begin(
            folder,
            root / DATA,
            variant=VARIANT,
            task="EX",
            preprocess=SPEC,
            choices=TrainConfig(epochs=2, seed=seed, batch=2),
            device=torch.device("cpu"),
        )
        trainer.end_epoch(trainer.train_epoch(0), time.monotonic())


def plans(root: Path) -> None:
    """The studies that ship."""
    for path in sorted(SHIPPED.glob("*.toml")):
        (root / path.stem).mkdir(parents=True)
        (root / path.stem / path.name).write_bytes(path.read_bytes())


def gates(root: Path) -> None:
    """A gate that overrides every tolerance, and a short one."""
    short = "[fp32]\nwritten = 2e-5\n[pictures]\nlabelled = 8\ncropped = 4\n"
    sections = (
        [f"[{precision}]", *(f"{key} = {limit.most}" for key, limit in row.items())]
        for precision, row in TOLERANCES.items()
    )
    whole = "\n".join(line for section in sections for line in section) + "\n"
    for name, text in (("short", short), ("whole", whole)):
        (root / name).mkdir()
        (root / name / "gate.toml").write_text(text)


def _evaluation(seed: int) -> dict[str, Any]:
    figures = {"aupr": 0.5 + seed / 10, "dice": 0.4, "threshold": 0.5, "precision": 0.5}
    row = {"lesion": "EX", **figures, "recall": 0.3, "interval_95": {"aupr": [0.4, 0.6]}}
    asked = {"data": "d", "split": "test", "resolution": "network", "side_px": 64}
    return {**asked, "protocol": "clean", "leaks": [], "lesions": [row]}


def studies(root: Path) -> None:
    """A study's folder with two runs, one of them scored."""
    for name in ("one", "two"):
        folder = root / name
        for seed in range(2):
            run = folder / "runs" / f"{VARIANT}-EX-{seed}"
            write_json(run / "config.json", _config(VARIANT).to_json())
            write_json(run / "run.json", {"finished": "now"})
            table = "epoch,train_loss,validation_aupr_EX\n1,0.5,0.1\n2,0.4,0.2\n"
            (run / "metrics.csv").write_text(table)
        write_json(folder / "runs" / f"{VARIANT}-EX-0" / "evaluation.json", _evaluation(0))
        states = {"state": "failed", "attempts": 3, "error": "died", "host": "h", "pid": 1}
        write_json(folder / "states" / f"{VARIANT}-EX-1.json", states)
        (folder / "study.json").write_text(json.dumps(_study()))


def _study() -> dict[str, Any]:
    choices = TrainConfig(epochs=2).to_json()
    rows = [
        {"name": f"{VARIANT}-EX-{s}", "variant": VARIANT, "task": "EX"} | choices | {"seed": s}
        for s in range(3)
    ]
    best = {"name": f"{VARIANT}-EX-best2", "variant": VARIANT, "task": "EX", "best": 2}
    side_by_side = {"name": f"{VARIANT}-single-combination", "variant": VARIANT, "of": "single"}
    return {
        "schema": 1,
        "name": "study",
        "date": "2026-01-01",
        "data": "d",
        "data_sha256": "0",
        "approximate": ["MA"],
        "protocol": "clean",
        "preprocess": SPEC.to_json(),
        "runs": rows,
        "distilled": [],
        "ensembles": [best],
        "combinations": [side_by_side | {"tasks": ["MA", "HE", "EX", "SE"]}],
    }

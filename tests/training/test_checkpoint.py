"""What is on disk after a kill, a full disk or a damaged file, and that going on repairs it."""

from __future__ import annotations

import copy
import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mobileseg.errors import BadInput
from mobileseg.runs import open_run
from mobileseg.training import checkpoint
from mobileseg.training.checkpoint import TrainState, refuse_other_optimiser, restore

FILES = ("best.safetensors", "metrics.csv", "config.json")

# Trains the same run again and again, each time killed somewhere else and then gone on with.
# One process that forks, so that PyTorch is imported once. The hook counts the files as they are
# written, three epochs long: 1 run.json, 2 config.json, then 3 last.pt, 4 config.json,
# 5 best.safetensors, 6 metrics.csv of the first epoch, 7-10 and 11-14 of the next two. What is
# kept is the last epoch's, so that there are new weights to write in each.
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import TrainConfig
from mobileseg.training.session import begin, finish, resume

data, runs = map(Path, sys.argv[1:])
cpu = torch.device("cpu")
torch.set_num_threads(1)
# First uses import much: once here, not in every child.
import sklearn.metrics
from PIL import Image
torch.optim.Adam([torch.zeros(1)])
Image.init()
real = {name: getattr(Path, name) for name in ("write_bytes", "write_text", "replace")}
count = 0

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def watch(moment, at):
    def written(name):
        def write(path, content, **how):
            global count
            count += 1
            if count == at and moment == "half":
                real[name](path, content[: len(content) // 2], **how)
                kill()
            return real[name](path, content, **how)
        return write
    def replace(path, target):
        if count == at and moment == "before":
            kill()
        done = real["replace"](path, target)
        if count == at and moment == "after":
            kill()
        return done
    Path.write_bytes, Path.write_text = written("write_bytes"), written("write_text")
    Path.replace = replace

def train(folder):
    if (folder / "config.json").exists():
        trainer = resume(folder, data, device=cpu)
    else:
        choices = TrainConfig(epochs=3, batch=3, lr=5e-3, schedule="cosine", seed=4, keep="last")
        spec = PreprocessSpec(side_px=64, frame_hw=(256, 256))
        trainer = begin(
            folder, data, variant="xs", task="EX", preprocess=spec, choices=choices, device=cpu
        )
    trainer.run()
    finish(folder, trainer)

def child(action):
    begun, pid = time.monotonic(), os.fork()
    if pid == 0:
        try:
            action()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid, begun

def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

pid, begun = child(lambda: train(runs / "whole"))
assert wait(pid) == 0
seconds = time.monotonic() - begun
for moment, at in POINTS:
    folder = runs / f"{moment}-{at}"
    def interrupted():
        watch(moment, at)
        train(folder)
    assert wait(child(interrupted)[0]) == -signal.SIGKILL, (moment, at)
    os.system(f"cp -r '{folder}' '{runs}/killed-{moment}-{at}'")
    assert wait(child(lambda: train(folder))[0]) == 0, (moment, at)
dice = random.Random(1)
for i in range(RANDOM):  # twice killed at whatever moment, then left alone
    folder = runs / f"random-{i}"
    for _ in range(2):
        pid, _ = child(lambda: train(folder))
        time.sleep(dice.uniform(0.1, 0.8) * seconds)
        os.kill(pid, signal.SIGKILL)
        wait(pid)
    assert wait(child(lambda: train(folder))[0]) == 0, i
"""
POINTS = [
    ("half", 2),  # nothing of the run is there but run.json
    ("half", 3),  # in its first epoch: no state yet
    ("after", 3),  # a state, and nothing that follows from it
    ("half", 7),  # in the middle of last.pt
    ("before", 7),  # last.pt is written but has not its name yet
    ("after", 7),  # last.pt is an epoch ahead of the other files
    ("half", 9),  # in the middle of best.safetensors
    ("after", 9),  # the metrics are an epoch behind
    ("after", 14),  # all is committed, run.json is not completed
]
RANDOM = 2
NAMES = [f"{moment}-{at}" for moment, at in POINTS] + [f"random-{i}" for i in range(RANDOM)]


@pytest.fixture(scope="module")
def killed(tmp_path_factory, phantoms) -> Path:
    """Run folders: "whole", one per kill, and "killed-…" as the kill left it."""
    runs = tmp_path_factory.mktemp("killed")
    script = KILLER.replace("POINTS", repr(POINTS)).replace("RANDOM", str(RANDOM))
    done = subprocess.run(
        [sys.executable, "-c", script, str(phantoms), str(runs)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return runs


def state_of(run: Path) -> dict:
    """Everything in last.pt but the time it took."""
    values = torch.load(run / "last.pt", weights_only=True)
    del values["seconds"]
    return values


def flat(values: object, name: str = "") -> dict[str, object]:
    """Nested dicts and lists as one dict of leaves, tensors as their bytes."""
    if isinstance(values, dict):
        return {k: v for key in values for k, v in flat(values[key], f"{name}/{key}").items()}
    if isinstance(values, list | tuple):
        return flat(dict(enumerate(values)), name)
    return {name: values.numpy().tobytes() if isinstance(values, torch.Tensor) else values}


@pytest.mark.parametrize("name", NAMES)
def test_a_training_that_was_killed_ends_as_if_nothing_had_happened(killed, name):
    whole, run = killed / "whole", killed / name
    assert flat(state_of(run)) == flat(state_of(whole))
    for file in FILES:
        assert (run / file).read_bytes() == (whole / file).read_bytes(), file
    finished = json.loads((run / "run.json").read_text())
    assert finished["epochs"] == 3
    assert {p.name for p in run.iterdir()} == {p.name for p in whole.iterdir()}  # no litter


def test_the_kills_came_where_they_were_meant(killed):
    """Otherwise the tests above would compare runs that nothing had happened to."""

    def epoch(point):
        return state_of(killed / f"killed-{point}")["epoch"]

    def files(point):
        return {p.name for p in (killed / f"killed-{point}").iterdir() if p.name[0] != "."}

    assert files("half-2") == {"run.json"}
    assert files("half-3") == {"run.json", "config.json"}
    assert files("after-3") == {"run.json", "config.json", "last.pt"}
    assert [epoch(p) for p in ("half-7", "before-7", "after-7", "half-9", "after-14")] == [
        *(1, 1, 2, 2),
        3,
    ]
    for point, lines in (("after-9", 2), ("after-14", 4)):  # a header, a line per epoch
        assert (killed / f"killed-{point}" / "metrics.csv").read_text().count("\n") == lines
    assert list((killed / "killed-half-7").glob(".last.pt.*"))  # litter, until it goes on


@pytest.mark.parametrize("point", ["half-7", "before-7", "after-7", "half-9", "after-9"])
def test_what_a_kill_leaves_can_be_opened_at_once(killed, point):
    from mobileseg.runs import open_run

    run = open_run(killed / f"killed-{point}")
    assert run.config.thresholds.keys() == {"EX"}
    assert all(p.isfinite().all() for p in run.network.parameters())


def test_the_best_weights_are_the_same_in_both_files(killed):
    state, best = state_of(killed / "whole"), load_file(killed / "whole" / "best.safetensors")
    assert flat(state["best_network"]) == flat(best)
    config = json.loads((killed / "whole" / "config.json").read_text())
    assert config["thresholds"] == state["thresholds"]


def test_the_metrics_are_a_row_per_epoch(killed):
    header, *rows = (killed / "whole" / "metrics.csv").read_text().splitlines()
    assert header == "epoch,lr,train_loss,validation_loss,validation_aupr_EX"
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3"]
    assert rows[0].split(",")[1] == "0.005"


@pytest.fixture
def run(tiny, tmp_path) -> Path:
    """A run with one epoch committed."""
    tiny(tmp_path / "run", epochs=1).run()
    return tmp_path / "run"


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_the_state_loads_without_running_any_code(run):
    values = torch.load(run / "last.pt", weights_only=True)
    assert TrainState(**values).epoch == 1


def test_the_other_files_are_cut_back_to_the_state(run, tiny):
    before = contents(run)
    for name in FILES[:2]:
        (run / name).write_bytes(b"from an epoch that was not committed")
    (run / ".last.pt.x7f3a9").write_bytes(b"half")
    tiny(run, epochs=1)
    assert contents(run) == before


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.999])
def test_a_truncated_state_is_one_clear_error(run, tiny, share):
    path = run / "last.pt"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(BadInput) as caught:
        tiny(run)
    text = str(caught.value)
    assert text.startswith(f"{path}: cannot be read as a training's state (")
    assert "\n" not in text


@pytest.mark.parametrize(
    "content",
    [b"hello\n", b"\x80\x02.", b"PK\x03\x04" + bytes(100), b"\x80\x02N.", b"\x80\x02]."],
    ids=["text", "empty pickle", "empty zip", "None", "list"],
)
def test_another_file_under_its_name_is_one_clear_error(run, tiny, content):
    (run / "last.pt").write_bytes(content)
    with pytest.raises(BadInput, match=r"last\.pt: cannot be read as a training's state \(.+\)$"):
        tiny(run)


@pytest.mark.parametrize(
    "value", [[1, 2], {"epoch": 1}, {"epochs": 1}, TrainState], ids=["list", "few", "other", "code"]
)
def test_another_savefile_under_its_name_is_one_clear_error(run, tiny, value):
    torch.save(value, run / "last.pt")
    with pytest.raises(BadInput, match=r"last\.pt: "):
        tiny(run)


def test_the_state_of_another_network_is_one_clear_error(run, tiny):
    values = torch.load(run / "last.pt", weights_only=True)
    values["network"].pop("outconv.bias")
    torch.save(values, run / "last.pt")
    with pytest.raises(
        BadInput,
        match=r"not the state of a xs for EX: no tensor 'outconv\.bias' \(1 missing\); exp",
    ):
        tiny(run)


def changed(values: dict, place: tuple, to: object) -> dict:
    """A state with an entry set, however deep; `to` may be made of what stands there."""
    values = copy.deepcopy(values)
    inside = values
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = to(inside[place[-1]]) if callable(to) else to
    return values


def as_float64(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double()


def with_nan(tensor: torch.Tensor) -> torch.Tensor:
    return torch.full_like(tensor, torch.nan)


def shorter(tensor: torch.Tensor) -> torch.Tensor:
    return tensor[:0]


BIAS = "outconv.bias"
WRONG = [
    (("epoch",), "1", "epoch: found '1', expected a whole number"),
    (("epoch",), 1.0, "epoch: found 1.0"),
    (("epoch",), 7, "1 rows for 7 epochs"),
    (("best_epoch",), None, "best_epoch: found None"),
    (("best_score",), "high", "best_score: found 'high'"),
    (("seconds",), -1, "seconds: found -1"),
    (("rows",), {}, "rows: found {}"),
    (("rows",), [[1]], "rows[0]: found [1]"),
    (("rows", 0, "lr"), "a", "rows[0].lr: found 'a'"),
    (("thresholds",), {"EX": "x"}, "thresholds.EX: found 'x'"),
    (("thresholds",), {}, "thresholds of none"),
    (("thresholds",), {"MA": 0.5}, "thresholds of MA"),
    (("network",), [], "network: found []"),
    (("network", BIAS), 3, f"'{BIAS}' is no tensor"),
    (("network", BIAS), shorter, f"'{BIAS}' has shape (0,)"),
    (("network", BIAS), as_float64, f"'{BIAS}' holds torch.float64"),
    (("best_network", BIAS), shorter, f"'{BIAS}' has shape (0,)"),
    (("best_network", BIAS), with_nan, f"'{BIAS}' holds NaN"),
    (("added",), 3, "unknown entry 'added'"),
]


def test_a_state_that_this_run_cannot_have_written_leaves_the_other_files(run):
    config, whole = open_run(run).config, torch.load(run / "last.pt", weights_only=True)
    for place, to, said in WRONG:
        torch.save(changed(whole, place, to), run / "last.pt")
        before = contents(run)
        with pytest.raises(BadInput) as caught:
            restore(run, config)
        assert str(caught.value).startswith(f"{run / 'last.pt'}: ") and said in str(caught.value)
        assert "\n" not in str(caught.value)
        assert contents(run) == before


UNLIKE = [
    (
        ("optimiser", "state", 0, "exp_avg"),
        shorter,
        "optimiser.state.0.exp_avg: found a tensor (0,",
    ),
    (("optimiser", "state", 0, "exp_avg_sq"), as_float64, "optimiser.state.0.exp_avg_sq: found"),
    (("optimiser", "state", 0, "step"), 3, "optimiser.state.0.step: found 3"),
    (("optimiser", "state", 0), {}, "optimiser.state.0.step: found None"),
    (("optimiser", "state"), {9999: {}}, "optimiser.state: found {9999: {}}"),
    (("optimiser", "param_groups"), [], "optimiser.param_groups: found []"),
    (("optimiser", "param_groups", 0, "lr"), "fast", "param_groups[0].lr: found 'fast'"),
    (("optimiser", "param_groups", 0, "betas"), (0.9,), "param_groups[0].betas: found (0.9,)"),
    (("optimiser", "param_groups", 0, "params"), [0], "param_groups[0].params: found [0]"),
    (("scheduler",), {"step": 3}, "scheduler: found {'step': 3}"),
    (("scheduler", "factor"), "x", "scheduler.factor: found 'x'"),
    (("scaler",), {"scale": 1.0}, "scaler: found {'scale': 1.0}"),
]


def test_a_state_that_training_could_not_go_on_with_is_refused(run, tiny):
    trainer, path = tiny(run, epochs=1), run / "last.pt"
    own = trainer.optimiser, trainer.scheduler, trainer.scaler
    whole = torch.load(path, weights_only=True)
    for place, to, said in UNLIKE:
        with pytest.raises(BadInput) as caught:
            refuse_other_optimiser(TrainState(**changed(whole, place, to)), *own, path)
        assert str(caught.value).startswith(f"{path}: ") and said in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_a_state_of_its_own_is_taken(tiny, tmp_path, schedule):
    trainer = tiny(tmp_path / "run", epochs=1, schedule=schedule)
    fresh = trainer.optimiser, trainer.scheduler, trainer.scaler
    trainer.run()
    again = tiny(tmp_path / "run", epochs=2, schedule=schedule)
    values = TrainState(**torch.load(tmp_path / "run" / "last.pt", weights_only=True))
    refuse_other_optimiser(values, *fresh, tmp_path / "run" / "last.pt")
    assert again.committed == 1


def full_disk(path: Path, content: bytes) -> int:
    with path.open("wb") as file:
        file.write(content[:10])
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_keeps_the_previous_state(run, tiny, monkeypatch):
    trainer = tiny(run, epochs=1)
    before = contents(run)
    trainer.choices = replace(trainer.choices, epochs=2)
    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(BadInput) as caught:
        trainer.run()
    assert str(caught.value) == (
        f"{run}: cannot be written (No space left on device); the last whole epoch is kept: "
        "make room there, and --resume goes on"
    )
    assert trainer.committed == 1
    monkeypatch.undo()
    assert contents(run) == before  # nor is anything left behind


def test_a_disk_that_fills_up_after_the_state_is_repaired_by_going_on(run, tiny, monkeypatch):
    def full_for_the_table(path, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    trainer = tiny(run, epochs=2)
    monkeypatch.setattr(checkpoint, "write_text", full_for_the_table)
    with pytest.raises(BadInput, match="No space left"):
        trainer.run()
    monkeypatch.undo()
    assert (run / "metrics.csv").read_text().count("\n") == 2
    assert tiny(run, epochs=2).committed == 2
    assert (run / "metrics.csv").read_text().count("\n") == 3


LIMITED = """
import resource, sys
from pathlib import Path
import torch
from mobileseg.errors import BadInput
from mobileseg.runs import open_run
from mobileseg.training.checkpoint import TrainState, commit
run = Path(sys.argv[1])
state = TrainState(**torch.load(run / "last.pt", weights_only=True))
state.epoch = 2
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # bytes; last.pt has a million
try:
    commit(run, state, open_run(run).config)
except BadInput as error:
    sys.exit(0 if "cannot be written (File too large)" in str(error) else str(error))
"""


def test_a_limit_of_the_system_itself_keeps_the_previous_state(run):
    """No stand-in: the operating system refuses to write, wherever PyTorch or we write."""
    pytest.importorskip("resource", reason="not run: no resource limits on this system")
    before = contents(run)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(run)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(run) == before


def test_a_folder_that_may_not_be_written_is_named(run, tiny, monkeypatch):
    """A stand-in for the permission: tests may run as root, who may write everywhere."""

    def denied(prefix, dir):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), f"{dir}/{prefix}")

    trainer = tiny(run, epochs=2)
    before = contents(run)
    monkeypatch.setattr("mobileseg.files.atomic.tempfile.mkstemp", denied)
    with pytest.raises(BadInput, match=r"run: cannot be written \(Permission denied\)"):
        trainer.run()
    assert contents(run) == before

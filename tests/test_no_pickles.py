"""Nothing here opens what could run code: not in the packages' source, and not by any verb."""

from __future__ import annotations

import ast
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from mobileseg.cli import main

REPOSITORY = Path(__file__).parent.parent
# Modules whose loading is executing, or whose safe use is easily got wrong.
NEVER = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml"}
CODE = {"eval", "exec", "compile"}


def faults(source: str) -> Iterator[str]:
    """Every import and call in a module that could run what a file says."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = []
        for name in names:
            if name.split(".")[0] in NEVER or name in ("torch.load", "torch.jit.load"):
                yield f"line {node.lineno}: imports {name}"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called == "torch.load" and given.get("weights_only") != "True":
                yield f"line {node.lineno}: torch.load without weights_only=True"
            if called in ("torch.jit.load", "torch.package.PackageImporter") or called in CODE:
                yield f"line {node.lineno}: {called}"
            if given.get("allow_pickle", "False") != "False":
                yield f"line {node.lineno}: allow_pickle"


def sources() -> list[Path]:
    folders = ("mobileseg", "converters", "benchmarks")
    return sorted(p for name in folders for p in (REPOSITORY / name).rglob("*.py"))


def test_no_module_opens_what_could_run_code():
    assert len(sources()) > 100
    found = [
        f"{path.relative_to(REPOSITORY)}, {fault}"
        for path in sources()
        for fault in faults(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load('a.pt')",
        "torch.load('a.pt', weights_only=False)",
        "torch.load('a.pt', weights_only=safe)",
        "from torch import load",
        "import pickle",
        "def f():\n    from pickle import loads",
        "import joblib",
        "np.load('a.npy', allow_pickle=True)",
        "torch.jit.load('a.pt')",
        "eval(text)",
    ],
)
def test_a_planted_opening_is_found(source):
    assert len(list(faults(source))) == 1


@pytest.mark.parametrize(
    "source",
    ["torch.load('a.pt', weights_only=True)", "import pickletools", "np.load('a.npz')"],
)
def test_what_runs_no_code_is_not_found(source):
    assert list(faults(source)) == []


# Pickles on the command line.


class Planted:
    """Unpickling it makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


def as_torch_saves(path: Path, mark: Path) -> None:
    torch.save({"state_dict": Planted(mark)}, path)


def as_torch_saved(path: Path, mark: Path) -> None:
    torch.save({"state_dict": Planted(mark)}, path, _use_new_zipfile_serialization=False)


def as_pickle_dumps(path: Path, mark: Path) -> None:
    path.write_bytes(pickle.dumps(Planted(mark)))


PICKLES = (as_torch_saves, as_torch_saved, as_pickle_dumps)


@pytest.mark.parametrize("write", PICKLES, ids=lambda w: w.__name__)
def test_the_pickles_would_run_if_they_were_opened(write, tmp_path):
    """Otherwise the tests below would prove nothing."""
    write(tmp_path / "it.pt", tmp_path / "ran")
    with suppress(RuntimeError):  # no checkpoint, says PyTorch, once the harm is done
        torch.load(tmp_path / "it.pt", weights_only=False)
    assert (tmp_path / "ran").is_dir()


def arguments(model: Path, data: Path, folder: Path) -> dict[str, list[str | Path]]:
    """Every verb that takes a run, given this one."""
    new = ["train", "--data", data, "--variant", "xs", "--task", "EX", "--side", "64"]
    new += ["--frame", "128x160", "--epochs", "1", "-o", folder / "new"]
    return {
        "convert": ["convert", model, "--target", "torchscript", "-o", folder / "b"],
        "evaluate": ["evaluate", model, "--data", data],
        "predict": ["predict", model, next(data.rglob("*.jpg")), "-o", folder / "out"],
        "parity": ["parity", model],
        "ensemble": ["ensemble", model, model, "--data", data, "-o", folder / "e"],
        "quantize": ["quantize", model, "--data", data, "-o", folder / "q"],
        "train --start": [*new, "--start", model],
        "train --teacher": [*new, "--teacher", model],
        "train --resume": ["train", "--data", data, "--resume", "-o", model],
    }


def refused(given: list[str | Path], monkeypatch, capsys) -> str:
    """The one line of a command that exits 2."""
    monkeypatch.setattr(sys, "argv", ["mobileseg", *map(str, given)])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr()
    assert stop.value.code == 2, said.err
    assert said.out == ""
    *_, line = said.err.splitlines()
    assert line.startswith("mobileseg: ") and "Traceback" not in said.err
    return line.removeprefix("mobileseg: ")


VERBS = (
    *("convert", "evaluate", "predict", "parity", "ensemble", "quantize"),
    *("train --start", "train --teacher", "train --resume"),
)


@pytest.mark.parametrize("verb", VERBS)
def test_a_pickle_in_place_of_a_run_is_named_and_not_opened(
    verb, phantoms, tmp_path, monkeypatch, capsys
):
    for number, write in enumerate(PICKLES):
        model = tmp_path / ("u2net.pth" if number else "u2net")  # with its usual name, and without
        write(model, tmp_path / "ran")
        given = arguments(model, phantoms, tmp_path)[verb]
        said = refused(given, monkeypatch, capsys)
        assert said.startswith(f"{model}: a pickled checkpoint, which can run code when opened")
        assert said.endswith("docs/weights.md shows how to turn its numbers into one")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "verb", ["convert", "evaluate", "predict", "quantize", "train --start", "train --teacher"]
)
def test_a_pickle_inside_a_run_is_named_and_not_opened(
    verb, make_run, phantoms, tmp_path, monkeypatch, capsys
):
    run = make_run(tmp_path / "run", pictures={"train": ["other"], "validation": ["another"]}).path
    as_torch_saves(run / "best.safetensors", tmp_path / "ran")
    said = refused(arguments(run, phantoms, tmp_path)[verb], monkeypatch, capsys)
    assert said.startswith(f"{run / 'best.safetensors'}: a pickled checkpoint")
    assert not (tmp_path / "ran").exists()


def test_a_pickle_in_place_of_a_state_is_named_and_not_opened(
    phantoms, tmp_path, monkeypatch, capsys
):
    run = tmp_path / "run"
    new = arguments(run, phantoms, tmp_path)["train --start"][:-4]
    monkeypatch.setattr(sys, "argv", ["mobileseg", *map(str, new), "-o", str(run)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0, capsys.readouterr().err
    capsys.readouterr()
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    resume = ["train", "--data", phantoms, "--resume", "-o", run]
    for write in PICKLES:
        write(run / "last.pt", tmp_path / "ran")
        said = refused(resume, monkeypatch, capsys)
        start = f"{run / 'last.pt'}: cannot be read as a training's state ("
        assert said.startswith(start) and "eights" not in said.removeprefix(start)  # PyTorch's hint
        assert not (tmp_path / "ran").exists()
        kept = {path.name: path.read_bytes() for path in run.iterdir() if path.name != "last.pt"}
        assert kept == {name: before[name] for name in kept} and len(kept) == len(before) - 1


# docs/weights.md.


def snippets() -> list[str]:
    page = (REPOSITORY / "docs" / "weights.md").read_text(encoding="utf-8")
    return [part.split("```")[0] for part in page.split("```python\n")[1:]]


def test_the_documented_way_makes_a_run_to_start_at(phantoms, tmp_path):
    from mobileseg.models.build import build
    from mobileseg.models.weights import qin_names
    from mobileseg.runs import open_run

    network = build("m", classes=1)
    tensors = network.state_dict()
    qins = {theirs: tensors[ours] for ours, theirs in qin_names(network).items()}
    torch.save(qins, tmp_path / "checkpoint.pth")
    first, second = snippets()
    for script in (first, second):
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    made = open_run(tmp_path / "u2netp").network.state_dict()
    assert all(torch.equal(made[name], tensors[name]) for name in tensors)


def test_the_documented_way_runs_no_code_either(tmp_path):
    as_torch_saves(tmp_path / "checkpoint.pth", tmp_path / "ran")
    asked = [sys.executable, "-c", snippets()[0]]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Weights only load failed" in done.stderr
    assert not (tmp_path / "ran").exists()

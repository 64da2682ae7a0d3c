"""`mobileseg bundle-apps` as a user types it: a line per demo, or one line why not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mobileseg.cli import main

for package in ("onnx", "onnxscript"):
    pytest.importorskip(package, reason=f"not run: {package} is not installed")

Call = Callable[..., tuple[Any, str, str]]


@pytest.fixture
def call(monkeypatch, capsys) -> Call:
    """Run a command line in this process; returns the exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["mobileseg", "bundle-apps", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def demos(tmp_path, monkeypatch) -> Path:
    """A folder with a web demo, which is the current one."""
    (tmp_path / "web_demo").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_line_says_what_went_where_and_what_comes_next(call, demos, onnx_bundle):
    code, out, err = call(onnx_bundle)
    assert (code, err) == (0, "")
    assert out == (
        f"web_demo: {onnx_bundle}: model.onnx, model.json in web_demo/model; sample pictures in "
        f"web_demo/samples. Next: mobileseg serve {onnx_bundle}\n"
    )
    artifact = demos / "web_demo" / "model" / "model.onnx"
    assert artifact.read_bytes() == (onnx_bundle / "model.onnx").read_bytes()


def test_for_a_machine_it_is_a_list(call, demos, onnx_bundle):
    code, out, err = call(onnx_bundle, "--json")
    assert (code, err) == (0, "")
    (told,) = json.loads(out)
    assert told["demo"] == "web_demo" and told["bundle"] == str(onnx_bundle)
    assert [part["folder"] for part in told["parts"]] == ["web_demo/model", "web_demo/samples"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'BUNDLES...'"),
        (["nowhere"], "nowhere: no such folder; expected a bundle"),
        (["{bundle}", "{bundle}"], "found target onnx, as"),
        (["{bundle}", "--demos", "elsewhere"], "elsewhere: none of android_demo, ios_demo,"),
        (["{bundle}", "--verify-key", "no.pem"], "no.pem"),
    ],
    ids=str,
)
def test_misuse_is_one_line_and_writes_nothing(call, demos, onnx_bundle, arguments, said):
    code, out, err = call(*(one.format(bundle=onnx_bundle) for one in arguments))
    assert (code, out) == (2, "")
    assert said in err and err.startswith("mobileseg: ") and err.count("\n") == 1
    assert not any((demos / "web_demo").iterdir())

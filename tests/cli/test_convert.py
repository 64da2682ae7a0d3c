"""`convert` as a person meets it: one folder or none, and one line that says why none."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

TORCHSCRIPT = ("--target", "torchscript", "--frame", "128x160")


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of an error, without its prefix."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("mobileseg: ")
    return line.removeprefix("mobileseg: ")


def test_a_bundle_is_written_and_the_line_says_where(mobileseg, trained_run, tmp_path):
    done = mobileseg("convert", trained_run, *TORCHSCRIPT, "-o", "b/ex", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith("b/ex: model.ptl, ") and line.endswith(
        " kB, 4 check(s) of the file hold"
    )
    calibration, quality, *checks, operators = done.stderr.splitlines()
    assert calibration == "the run is not calibrated: probabilities stay what the network says"
    assert quality.startswith("the run has no quality: ")
    assert checks[0] == "  bytecode 4 to 9: 8" and len(checks) == 4
    assert operators.startswith("  operators: ") and "aten::_convolution, " in operators
    manifest = json.loads((tmp_path / "b" / "ex" / "model.json").read_text())
    assert manifest["frames"] == [[128, 160]]
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == ["ex"]  # nothing hidden either


def test_the_name_is_made_of_run_target_and_precision(mobileseg, trained_run, tmp_path):
    run = shutil.copytree(trained_run, tmp_path / "ex")
    arguments = ("convert", ".", "--target", "torchscript", "--frame", "128x128")
    done = mobileseg(*arguments, cwd=run)
    assert done.returncode == 0, done.stderr
    assert (run / "ex-torchscript-fp32" / "model.ptl").is_file()
    # Again: kept as it is.
    assert refused(mobileseg(*arguments, cwd=run)) == (
        "ex-torchscript-fp32: exists already; choose another place, or add --force"
    )
    done = mobileseg(*arguments, "--force", cwd=run)
    assert done.returncode == 0, done.stderr


def test_an_old_spelling_works_and_the_new_one_is_named(mobileseg, trained_run, tmp_path):
    arguments = ("convert", trained_run, *TORCHSCRIPT, "-o", "b", "--ensembling", "grouped")
    done = mobileseg(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = "--ensembling is called --member-execution now, and goes with the next release"
    assert done.stderr.splitlines()[0] == said
    manifest = json.loads((tmp_path / "b" / "model.json").read_text())
    assert manifest["member_execution"] == "grouped"
    both = mobileseg(*arguments, "--force", "--member-execution", "serial", cwd=tmp_path)
    assert refused(both) == (
        "--ensembling: found --member-execution too, its new name; expected one of them"
    )
    shown = mobileseg("convert", "--help", cwd=tmp_path).stdout
    assert "--head" in shown and "--answer" not in shown and "--ensembling" not in shown


def test_without_a_run_the_one_that_ships_is_taken(mobileseg, tmp_path):
    done = mobileseg("convert", "--target", "torchscript", "--frame", "256x256", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "xs-ex-torchscript-fp32" / "model.ptl").is_file()


def test_unknown_names_list_the_choices(mobileseg, tmp_path):
    done = mobileseg("convert", "--target", "tflite", cwd=tmp_path)
    assert refused(done) == "no target 'tflite'; choose from executorch, torchscript, coreml, onnx"
    done = mobileseg("convert", "--target", "torchscript", "-p", "fp16", cwd=tmp_path)
    assert refused(done) == "no torchscript precision 'fp16'; choose from fp32"
    done = mobileseg("convert", "-t", "coreml", "-p", "int4", cwd=tmp_path)
    assert refused(done) == (
        "no coreml precision 'int4'; choose from fp32, fp16, int8w, pal8w, pal6w"
    )
    done = mobileseg("convert", "-t", "onnx", "--backend", "vulkan", cwd=tmp_path)
    assert refused(done) == "target onnx has no choice of backend; executorch has"
    done = mobileseg("convert", "-t", "executorch", "--frame", "64x64,96x96", cwd=tmp_path)
    assert "expected one: executorch takes one size" in refused(done)
    assert "Missing option '-t' / '--target'" in refused(mobileseg("convert", cwd=tmp_path))


def test_frames_that_are_none_are_refused(mobileseg, trained_run, tmp_path):
    arguments = ("convert", trained_run, "--target", "torchscript", "-o", "b", "--frame")
    said = refused(mobileseg(*arguments, "abc", cwd=tmp_path))
    assert "'abc' is not a frame size; expected HxW, as in 1024x1024" in said
    for frame in ("10x10", "9000x9000"):
        said = refused(mobileseg(*arguments, frame, cwd=tmp_path))
        assert said.startswith(f"frame {frame}: expected 32..4096 pixels each way")
    assert list(tmp_path.iterdir()) == []


def truncated(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:1000])


def with_nan(weights: Path) -> None:
    tensors = load_file(weights)
    tensors["outconv.bias"] = torch.full_like(tensors["outconv.bias"], float("nan"))
    save_file(tensors, weights)


def missing(weights: Path) -> None:
    weights.unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncated, "not a readable safetensors file"),
        (with_nan, "'outconv.bias' holds NaN or infinity; train again or use a backup"),
        (missing, "not a readable safetensors file (No such file or directory"),
    ],
)
def test_a_damaged_run_is_named_and_nothing_is_written(
    damage, said, mobileseg, trained_run, tmp_path
):
    run = shutil.copytree(trained_run, tmp_path / "run")
    damage(run / "best.safetensors")
    line = refused(mobileseg("convert", "run", *TORCHSCRIPT, "-o", "b", cwd=tmp_path))
    assert line.startswith("run/best.safetensors: ")
    assert said in line
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_what_is_no_run_is_refused(mobileseg, trained_run, tmp_path):
    line = refused(mobileseg("convert", "nowhere", *TORCHSCRIPT, cwd=tmp_path))
    expected = "expected a run folder as mobileseg train writes it"
    assert line.startswith(f"nowhere: no such folder; {expected}")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "eye.jpg").write_bytes(b"x")
    line = refused(mobileseg("convert", "photos", *TORCHSCRIPT, cwd=tmp_path))
    assert line.startswith(f"photos: no config.json in it; {expected}")
    # And no folder of other things is replaced, whatever is forced.
    arguments = (trained_run, *TORCHSCRIPT, "-o", "photos", "--force")
    line = refused(mobileseg("convert", *arguments, cwd=tmp_path))
    assert line.startswith("photos: exists already and holds no model.json")
    assert (tmp_path / "photos" / "eye.jpg").is_file()


def test_ctrl_c_leaves_no_half_of_a_bundle(trained_run, tmp_path):
    pytest.importorskip("executorch", reason="not run: executorch is not installed")
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", "from mobileseg.cli import main; main()"),
            *("convert", str(trained_run), "--target", "executorch", "-o", "b"),
        ],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs tests in the background lets its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    try:
        for _ in range(1200):  # 2 min: until it has begun to write beside the bundle's place
            if any(tmp_path.iterdir()):
                break
            time.sleep(0.1)
        time.sleep(4)  # well into the lowering, which takes half a minute
        assert process.poll() is None
        assert [p.name.split(".")[1] for p in tmp_path.iterdir()] == ["b"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)  # a busy machine
    finally:
        process.kill()
    assert process.returncode == 130
    assert (out, err.strip()) == ("", "mobileseg: stopped")  # on a line after the terminal's ^C
    assert list(tmp_path.iterdir()) == []

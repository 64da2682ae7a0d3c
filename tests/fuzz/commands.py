"""Whole commands on damaged files: what a person sees on the terminal, and the exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fuzz import bundles, pictures, runs
from fuzz.case import make_case
from fuzz.kinds import KINDS
from fuzz.runs import DATA
from fuzz.specimens import made

TIMEOUT_S = 120.0  # importing PyTorch takes seconds; nothing here trains or compares for longer
EXITS = (0, 1, 2, 3)
SHIPPED = "xs-ex"


@dataclass(frozen=True, slots=True)
class Row:
    """A command and the case that it is given."""

    name: str
    kind: str
    number: int
    # {folder}, {file}: the case's; {whole}, {bundle}, {data}: whole ones; {out}: a new name
    arguments: tuple[str, ...]
    lines: int = 1  # of reason at exit 2, at most


def _rows() -> tuple[Row, ...]:
    predict, parity = ("predict", "-o", "{out}"), ("parity",)
    convert, on_data = ("convert", "--target", "torchscript"), ("--data", "{data}")
    return (
        # The picture's own line, and that there was no other.
        Row("predict a picture", "photos", 0, (*predict, SHIPPED, "{file}"), lines=2),
        Row("open a bundle", "manifests", 0, (*predict, "{folder}", "{whole}")),
        Row("list a plan", "plans", 0, ("study", "{file}", "--list")),
        Row("predict one of two", "photos", 1, (*predict, SHIPPED, "{whole}", "{file}")),
        Row("predict with a run", "runs", 0, (*predict, "{folder}", "{whole}")),
        Row("gate a bundle", "gates", 0, (*parity, "{bundle}", "--gate", "{file}")),
        Row("compare a bundle", "manifests", 1, (*parity, "{folder}", "--json")),
        Row("compare a folder", "bundles", 0, (*parity, "{folder}")),
        Row("a forged .ptl", "artifacts-torchscript", 0, (*predict, "{folder}", "{whole}")),
        Row("a forged .pte", "artifacts-executorch", 0, (*predict, "{folder}", "{whole}")),
        Row("a forged .onnx", "artifacts-onnx", 0, (*parity, "{folder}")),
        Row("import from a Mac", "evidence", 0, (*parity, "{folder}", "--import", "{file}")),
        Row("convert a run", "weights", 0, (*convert, "{folder}", "-o", "{out}")),
        Row("a forged package", "artifacts-coreml", 0, (*predict, "{folder}", "{whole}")),
        Row("quantize a run", "runs", 2, ("quantize", "{folder}", *on_data, "-o", "{out}")),
        Row("average runs", "weights", 1, ("ensemble", "{folder}", SHIPPED, "-o", "{out}")),
        Row("go on training", "checkpoints", 0, ("train", "--resume", *on_data, "-o", "{folder}")),
        Row("train on a folder", "idrid", 0, (*_TRAIN, "--data", "{folder}", "-o", "{out}")),
        Row("score on a folder", "idrid", 1, ("evaluate", SHIPPED, "--data", "{folder}")),
        Row("report a study", "reports", 0, ("report", "{folder}", "-o", "{out}")),
    )


_TRAIN = ("train", "--variant", "xs", "--task", "EX", "--side", "64", "--epochs", "1")
ROWS = _rows()


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    name: str
    code: int | None  # None: it was stopped
    seconds: float
    fault: str  # empty: none


def run_command(row: Row, root: Path, seed: int) -> Ran:
    """Make the row's case and run `mobileseg` on it, in a process as a person would."""
    kind = KINDS[row.kind]
    folder = root / f"command-{row.name.replace(' ', '-')}"
    spot = make_case(kind, made(kind.specimens, root), seed, row.number, folder / "it")
    whole = made(pictures.photos, root) / "plain-jpg" / "plain.jpg"
    data = made(runs.stopped, root) / DATA
    given = {
        "folder": spot.folder,
        "file": spot.file,
        "whole": whole,
        "data": data,
        "bundle": made(bundles.torchscript, root) / "torchscript-0",
        "out": folder / "out",
    }
    arguments = [a.format(**given) for a in row.arguments]
    start = time.monotonic()
    done = _run(arguments, folder)
    seconds = time.monotonic() - start
    if done is None:
        return Ran(row.name, None, seconds, f"HANG: still at work after {TIMEOUT_S:.0f} s")
    return Ran(row.name, done.returncode, seconds, fault(done.returncode, done.stderr, row.lines))


def _run(arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str] | None:
    start = "from mobileseg.cli import main; main()"
    try:
        return subprocess.run(
            [sys.executable, "-c", start, *arguments],
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None


def fault(code: int, stderr: str, lines: int = 1) -> str:
    """What is wrong with how a command ended; empty: nothing."""
    said = [line for line in stderr.splitlines() if line.startswith("mobileseg: ")]
    if "Traceback (most recent call last)" in stderr:
        return f"TRACEBACK: {stderr.strip().splitlines()[-1]}"
    if code < 0:
        return f"DIED: signal {-code}"
    if code not in EXITS:
        return f"exit {code}, of no meaning: {stderr.strip()[-200:]}"
    if code == 2 and not 1 <= len(said) <= lines:
        return f"exit 2 with {len(said)} lines of reason: {stderr.strip()[-200:]}"
    return ""

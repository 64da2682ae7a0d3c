"""Studies small enough to run: xs at 64 px on the phantoms."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mobileseg.study.plan import read_plan
from mobileseg.study.planned import Plan

Planned = Callable[..., Plan]

# As many processes as cores: one thread each. On maps this small a second one only waits.
WORKERS = os.cpu_count() or 1

HEAD = """
name = "small"
[preprocess]
side_px = 64
frame = "256x256"
[training]
lr = 2e-3
epochs = {epochs}
"""
BLOCK = """
[[runs]]
variants = ["xs"]
tasks = ["EX"]
"""


@pytest.fixture(scope="session")
def planned() -> Planned:
    """Call it with a folder for the file and lines of TOML; returns the plan."""

    def plan(folder: Path, more: str, epochs: int = 2) -> Plan:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "small.toml"
        file.write_text(HEAD.format(epochs=epochs) + more)
        return read_plan(file)

    return plan


@pytest.fixture(scope="session")
def workers() -> int:
    """Processes at a time that leave each one thread."""
    return WORKERS


@pytest.fixture(scope="session")
def block() -> str:
    """A block of runs, to be completed: xs for EX."""
    return BLOCK


@pytest.fixture(scope="session")
def kill_in_mid_run() -> Callable[[Path, str], threading.Thread]:
    """Kill the process of a study's run, once, as soon as two of its epochs are on disk."""

    def begin(folder: Path, name: str) -> threading.Thread:
        holder = "distilled" if "distilled" in name else "runs"
        rows = folder / holder / name / "metrics.csv"
        state = folder / "states" / f"{name}.json"
        deadline = time.monotonic() + 900  # a machine may be busy; only a failure waits so long

        def wait_and_kill() -> None:
            while time.monotonic() < deadline:
                if rows.is_file() and len(rows.read_text().splitlines()) > 2:
                    os.kill(json.loads(state.read_text())["pid"], signal.SIGKILL)
                    return
                time.sleep(0.005)

        thread = threading.Thread(target=wait_and_kill)
        thread.start()
        return thread

    return begin

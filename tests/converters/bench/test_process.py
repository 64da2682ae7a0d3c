"""A lane's memory is its own, whatever the process held that started it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from converters.bench.process import environment, peak_bytes, percentiles

HEAVY = 400 << 20  # bytes; a bare Python holds a twentieth of it


@pytest.mark.skipif(sys.platform != "linux", reason="not run: /proc is Linux's")
def test_the_parents_memory_is_not_the_childs() -> None:
    held = np.ones(HEAVY, np.uint8)
    probe = "from converters.bench.process import peak_bytes; print(peak_bytes())"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert peak_bytes() > held.nbytes
    assert 0 < int(done.stdout) < HEAVY  # PyTorch alone is imported there


@pytest.mark.skipif(sys.platform != "linux", reason="not run: /proc is Linux's")
def test_the_peak_stays_when_the_memory_has_gone() -> None:
    """In a process of its own: one of many tests may have given memory back meanwhile."""
    probe = (
        "import numpy as np\n"
        "from converters.bench.process import peak_bytes, resident_bytes\n"
        f"before = resident_bytes(); held = np.ones({HEAVY}, np.uint8); del held\n"
        "print(before, resident_bytes(), peak_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    before, after, peak = map(int, done.stdout.split())
    assert peak > before + 0.9 * HEAVY
    assert after < before + 0.5 * HEAVY


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("KEPT", "before")
    monkeypatch.delenv("NEW", raising=False)
    with environment({"KEPT": "inside", "NEW": "inside"}):
        assert (os.environ["KEPT"], os.environ["NEW"]) == ("inside", "inside")
    assert os.environ["KEPT"] == "before"
    assert "NEW" not in os.environ


def test_percentiles_are_of_all_times() -> None:
    assert percentiles([float(i) for i in range(101)]) == {
        "p10_ms": 10,
        "median_ms": 50,
        "p90_ms": 90,
    }

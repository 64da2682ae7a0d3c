"""Every arm of the CPU benchmark takes the same steps, each in a process of its own."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest
import training_cpu
from click.testing import CliRunner
from training_cpu import ARMS, Step, Taken, ratios

from converters.bench.results import FIELDS

RESULTS = Path(training_cpu.__file__).parent / "results" / "training-cpu.json"


@pytest.mark.slow  # four processes that each load PyTorch
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not run: not the GNU C library")
def test_the_arms_take_the_same_steps_at_a_tiny_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_cpu, "WARM_UP", 1)
    out = tmp_path / "rows.json"
    small = ("--sides", "32", "--batch", "2", "--rounds", "2", "--threads", "1")
    done = CliRunner().invoke(training_cpu.main, [*small, "-o", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows = json.loads(out.read_text())
    assert [row["arm"] for row in rows] == list(ARMS)
    plain, *others = rows
    for row in rows:
        assert row["images_per_s"] > 0
        assert (row["rounds"], row["side"], row["batch"]) == (2, 32, 2)
    for row in others:
        # One start, one picture: bfloat16 keeps 8 bits, float32 in another order some 20.
        assert row["loss_last"] == pytest.approx(plain["loss_last"], rel=0.05)
    assert plain["ratio_to_plain"] == {"median": 1.0, "p10": 1.0, "p90": 1.0}


def test_ratios_are_of_rounds_and_above_1_is_faster() -> None:
    def steps(*seconds: float) -> Taken:
        return Taken([Step(s, 2 * s, 0, 1.0, 0.0) for s in seconds])

    # A round that is slow for both says nothing: 2, 2, 4 times.
    found = ratios(steps(2, 20, 4), steps(1, 10, 1), "wall_s")
    assert found == {"median": 2.0, "p10": 2.0, "p90": 3.6}
    assert ratios(steps(1), steps(2), "cpu_s")["median"] == 0.5


def test_the_result_names_what_a_reader_must_know() -> None:
    rows = json.loads(RESULTS.read_text())
    assert {(row["side"], row["arm"]) for row in rows} == {(s, a) for s in (256, 512) for a in ARMS}
    for row in rows:
        assert list(row)[: len(FIELDS)] == list(FIELDS)
        assert row["date"] and row["machine"] and row["versions"]
        assert "training_cpu.py" in row["command"]
        assert row["ratio_to_plain"]["p10"] <= row["ratio_to_plain"]["p90"]
        assert row["rounds"] >= 5

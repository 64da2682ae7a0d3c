"""benchmarks/README.md says what the results say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import speed_report

from converters.bench.results import FIELDS

RESULTS = sorted(speed_report.RESULTS.glob("*.json"))
# Rows of this benchmark; the older results have forms of their own.
SPEED = (
    "artifacts-cpu.json",
    "lean-cpu.json",
    "scale-cpu.json",
    "predict-scale-cpu.json",
    "metrics-speed-cpu.json",
    "training-speed-cpu.json",
    "training-speed.json",
    "gpu.json",
)


def test_the_page_is_what_the_results_say() -> None:
    assert speed_report.PAGE.read_text(encoding="utf-8") == speed_report.page(), (
        "run python benchmarks/speed_report.py"
    )


@pytest.mark.parametrize("name", SPEED)
def test_every_row_names_what_a_reader_must_know(name: str) -> None:
    rows: list[dict[str, Any]] = speed_report.rows_of(name)
    assert rows, f"{name}: no rows; make bench or make bench-gpu writes them"
    for row in rows:
        assert set(FIELDS) <= set(row)
        assert row["date"] and row["machine"] and row["versions"] and row["command"]
        assert (row["not_measured"] is None) or len(row["not_measured"]) > 10


def test_a_changed_result_changes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = speed_report.page()
    for path in RESULTS:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    rows = json.loads((tmp_path / "metrics-speed-cpu.json").read_text())
    rows[0]["ratio"] = 123.45
    (tmp_path / "metrics-speed-cpu.json").write_text(json.dumps(rows))
    monkeypatch.setattr(speed_report, "RESULTS", tmp_path)
    assert "123.5" in speed_report.page() or "123.4" in speed_report.page()
    assert speed_report.page() != before


def test_the_fit_finds_a_power() -> None:
    assert speed_report._slope([1.0, 2.0, 4.0], [3.0, 12.0, 48.0]) == pytest.approx(2)

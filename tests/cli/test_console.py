"""A bar on a terminal; in a log a line now and then, with how far it is and how long it takes."""

from __future__ import annotations

import pytest

from mobileseg.cli import console


def told(capsys: pytest.CaptureFixture[str], total: int | None, note: str = "") -> list[str]:
    with console.progress() as bar:
        task = bar.add_task("reading", total=total, note=note)
        for _ in range(3):
            bar.advance(task)
        bar.update(task, completed=4, description="scoring")
    return capsys.readouterr().err.splitlines()


def test_a_log_is_told_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "TOLD_EVERY_S", 0)
    lines = told(capsys, total=5)
    assert lines[0].startswith("reading: 1 of 5")
    assert lines[-1] == "scoring: 4 of 5, 1 min left"
    assert told(capsys, total=5, note="loss 1.5")[-1] == "scoring: 4 of 5, 1 min left, loss 1.5"
    assert told(capsys, total=4)[-1] == "scoring: 4 of 4"  # nothing is left
    assert told(capsys, total=None)[-1] == "scoring: 4"


def test_what_takes_less_than_a_minute_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, total=5) == []

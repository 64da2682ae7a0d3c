"""A study of hundreds of runs is shown on a screen, one of a few run by run."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from mobileseg.files.atomic import write_json
from mobileseg.study.folder import EVALUATION, Reached, State, begin_study
from mobileseg.study.plan import read_plan, shipped
from mobileseg.study.progress_table import (
    Pace,
    Standing,
    Watch,
    duration,
    group_rows,
    run_row,
    standing,
    study_table,
)


def stands(name: str, state: str, epoch: int = 0, aupr: float = math.nan, **more) -> Standing:
    variant, task, _ = name.split("-")
    of = State(state, more.pop("attempts", 1))
    return Standing(name, variant, task, 4, of, Reached(epoch, aupr), **more)


def test_a_run_shows_state_epoch_score_and_time_left():
    one = stands("xs-EX-0", "running", 3, 0.7654, left_s=60.0)
    assert run_row(one) == ("xs-EX-0", "running", "3/4", "0.765", "60 s")
    again = stands("xs-EX-0", "running", attempts=2)
    assert run_row(again) == ("xs-EX-0", "running, attempt 2", "0/4", "", "")


def test_a_group_counts_its_runs_and_averages_the_complete_ones():
    ones = [
        stands("xs-EX-0", "complete", 4, 0.6),
        stands("xs-EX-1", "complete", 4, 0.8),
        stands("xs-EX-2", "running", 1, 0.1),
        stands("xs-EX-3", "failed"),
        stands("s-EX-0", "waiting"),
    ]
    assert group_rows(ones) == [
        ("xs EX", "2 of 4 complete, 1 running, 1 failed", "9/16", "0.700", ""),
        ("s EX", "0 of 1 complete", "0/4", "", ""),
    ]


def drawn(title: str, standings: list[Standing]) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(study_table(title, standings))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_papers_study_fits_a_screen_and_names_what_is_at_work_or_failed():
    runs = read_plan(shipped()["paper"]).runs
    states = {"xs-EX-3": "running", "m-SE-9": "failed", "s-all-0": "diverged"}
    text = drawn(
        "paper",
        [
            Standing(
                r.name, r.variant, r.task, 400, State(states.get(r.name, "waiting")), Reached()
            )
            for r in runs
        ],
    )
    first = text.splitlines()[0].rstrip()
    assert first == "paper: 390 runs: 1 diverged, 1 failed, 1 running, 387 waiting"
    assert text.count("\n") < 60
    assert all(name in text for name in states)
    assert "xs-EX-4" not in text
    assert "s MA,HE" in text
    assert text.index("m-SE-9") < text.index("xs EX")  # a short screen cuts the end off


def test_a_few_runs_are_all_shown():
    text = drawn("few", [stands(f"xs-EX-{seed}", "waiting") for seed in range(24)])
    assert all(f"xs-EX-{seed} " in text for seed in range(24))


def test_the_time_left_is_what_the_epochs_seen_took():
    pace = Pace()
    assert pace.left("a", 10, 100, now=0) is None  # resumed at 10: nothing has been seen yet
    assert pace.left("a", 10, 100, now=5) is None
    assert pace.left("a", 12, 100, now=8) == (100 - 12) * 8 / 2
    pace.forget("a")
    assert pace.left("a", 12, 100, now=9) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5300, "88 min"), (7500, "2 h 05 min")],
)
def test_a_duration_is_no_more_exact_than_an_estimate_may_look(seconds, text):
    assert duration(seconds) == text


def test_a_watch_follows_the_folder(tmp_path, planned, block, phantoms):
    study = begin_study(tmp_path / "study", planned(tmp_path, block + "runs = 2"), phantoms)
    out = io.StringIO()
    with Watch(study, Console(file=out, force_terminal=True, width=100)) as watch:
        watch.look({"xs-EX-0"})
        study.note_attempt("xs-EX-0")
        write_json(study.run_folder("xs-EX-1") / EVALUATION, {})
        watch.say("xs-EX-0: [begun]")  # brackets are no markup
    assert "xs-EX-0: [begun]" in out.getvalue()
    assert "2 runs: 2 waiting" in out.getvalue()
    assert "2 runs: 1 complete, 1 running" in out.getvalue()
    assert standing(study, "xs-EX-0", Pace(), 0).state.state == "running"


def test_off_a_terminal_there_is_a_line_per_event_and_no_table(tmp_path, planned, block, phantoms):
    study = begin_study(tmp_path / "study", planned(tmp_path, block + "runs = 2"), phantoms)
    out = io.StringIO()
    with Watch(study, Console(file=out)) as watch:
        watch.look(set(study.runs))
        watch.say("xs-EX-0: " + "long " * 40)
    assert out.getvalue().count("\n") == 1

"""`mobileseg study` from the outside: what it lists, refuses, and leaves when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mobileseg.cli import main

COMMAND = Path(sys.executable).parent / "mobileseg"
SMALL = """
name = "small"
[preprocess]
side_px = 64
frame = "256x256"
[training]
epochs = {epochs}
[[runs]]
variants = ["xs"]
tasks = ["EX"]
runs = 1
"""


@pytest.fixture
def called(monkeypatch, capsys):
    """Run a command line in this process; returns exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mobileseg", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return call


@pytest.fixture
def small(tmp_path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(SMALL.format(epochs=100_000))
    return file


def test_the_papers_study_is_listed_from_the_wheel(mobileseg, tmp_path):
    done = mobileseg("study", "paper", "--list", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    # Table 3: nine variants x four lesions, and S in dual (two) and multi task, ten runs each.
    assert len(listed["runs"]) == (9 * 4 + 2 + 1) * 10
    assert len(listed["ensembles"]) == 3 * 4
    assert {run["state"] for run in listed["runs"]} == {"waiting"}
    lengths = {(run["task"], run["epochs"]) for run in listed["runs"]}
    assert lengths >= {("EX", 400), ("EX,SE", 600), ("all", 800)}


def test_a_list_for_a_person_counts_by_variant_and_task(called, tmp_path):
    code, out, err = called("study", "paper", "--list", "-o", tmp_path / "none", "--approximate=MA")
    assert code == 0
    assert "paper: 390 runs, protocol clean; 12 ensembles" in " ".join(out.split())
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines()]
    assert ["xs", "EX", "400", "10", "0", "10"] in rows
    assert ["s", "all", "800", "10", "0", "10"] in rows
    assert err == "approximate masks: MA\n"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("papers", "--list"), "papers: no such file, and no study of that name comes with mob"),
        (("{small}", "-o", "s"), "nothing said where; expected --data DIR (or --list)"),
        (("{small}", "--data", "{phantoms}"), "nothing said where; expected -o FOLDER (or --list)"),
        (("{small}", "--data", "nowhere", "-o", "s"), "nowhere: found no folder; expected A. Segm"),
        (("{small}", "--list", "--approximate", "XX"), "approximate: no lesion 'XX'; choose from"),
        (("{small}", "--data", "{phantoms}", "-o", "{here}"), "exists already and holds no study"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_misuse_is_one_line_and_makes_nothing(
    called, small, phantoms, tmp_path, monkeypatch, arguments, text
):
    monkeypatch.chdir(tmp_path)
    places = {"small": small, "phantoms": phantoms, "here": tmp_path}
    code, out, err = called("study", *(a.format(**places) for a in arguments))
    assert (code, out) == (2, "")
    assert text in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [small]


def begin(*arguments: object) -> subprocess.Popen[str]:
    # A shell that runs tests in the background lets its children ignore Ctrl-C; these must not.
    return subprocess.Popen(
        [COMMAND, "study", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )


def epochs_beyond(run: Path, epochs: int) -> int:
    """Wait until a run has more epochs on disk; returns how many."""
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        rows = run / "metrics.csv"
        found = len(rows.read_text().splitlines()) - 1 if rows.is_file() else 0
        if found > epochs:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{run}: no more than {epochs} epochs")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # a zombie has ended, if nobody has asked yet
    return not (stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 300
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def test_however_it_is_stopped_no_process_is_left_and_the_same_command_goes_on(
    small, phantoms, tmp_path, called
):
    study = tmp_path / "study"
    one_thread = ("--device", "cpu", "--workers", os.cpu_count())
    command = (small, "--data", phantoms, "-o", study, *one_thread)
    run, state = study / "runs" / "xs-EX-0", study / "states" / "xs-EX-0.json"

    process = begin(*command)
    epochs_beyond(run, 0)
    code, _, err = called("study", *command)  # a second one meanwhile
    assert code == 2
    assert f"{study}: process {process.pid} on " in err
    assert "is at work on this study; wait for it or stop it" in err
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, "")
    assert err.split("\n") == [
        "xs-EX-0: begun",
        f"{study}: stopped; every run keeps its last whole epoch: the same command goes on",
        *("", "mobileseg: stopped", ""),  # the empty one ends the line that ^C stands on
    ]
    first = json.loads(state.read_text())
    assert not is_alive(first["pid"])
    reached = epochs_beyond(run, 0)

    process = begin(*command)  # the lock of the one before bars nobody
    epochs_beyond(run, reached)
    second = json.loads(state.read_text())
    assert (second["state"], second["attempts"]) == ("running", 2)
    process.send_signal(signal.SIGKILL)  # it cannot stop its worker, which must see it go
    process.communicate(timeout=300)
    assert ends(second["pid"])

    listed = json.loads(called("study", *command, "--list", "--json")[1])
    assert [run["state"] for run in listed["runs"]] == ["running"]


def test_a_list_says_who_is_taught_by_whom(called):
    code, out, _ = called("study", "distillation", "--list")
    assert code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines()]
    assert ["xs", "EX", "400", "3", "0", "3", "–"] in rows
    assert ["xs", "EX", "160", "3", "0", "3", "xs-EX-best3"] in rows
    listed = json.loads(called("study", "distillation-cpu", "--list", "--json")[1])
    assert [r["taught_by"] for r in listed["runs"] if "taught_by" in r] == ["xs-EX-best3"] * 3

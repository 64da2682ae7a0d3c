"""`ensemble` as a person and a script meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mobileseg.cli import cli, ensemble, predict
from mobileseg.errors import BadInput
from mobileseg.runs import open_run


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(ensemble.command, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def runs(make_run, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    tasks = {"a": "EX", "b": "EX", "c": "EX", "se": "SE", "early": "MA,HE"}
    return {
        name: make_run(folder / name, seed=i, task=task, score=0.5 + i / 10).path
        for i, (name, task) in enumerate(tasks.items())
    }


def test_a_table_says_who_answers_for_which_lesion(runs, phantoms, tmp_path):
    into = tmp_path / "both"
    done = run(runs["se"], runs["a"], runs["b"], "-o", into, "--data", phantoms)
    assert done.exit_code == 0, done.output
    rows = [line.split("│")[1:-1] for line in done.stdout.splitlines() if line.startswith("│")]
    cells = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
    threshold = open_run(into).config.thresholds["EX"]
    assert cells["EX"][:3] == ["a, b", f"{threshold:.4f}", "validation pictures"]
    assert cells["SE"] == ["se", "0.5000", "its own run", "–"]
    assert open_run(into).config.task == "EX,SE"


def test_who_was_taken_is_shown_and_printed_for_a_machine(runs, tmp_path):
    given = (runs["a"], runs["b"], runs["c"], runs["se"], "--best", 1)
    done = run(*given, "-o", tmp_path / "one")
    assert done.exit_code == 0, done.output
    assert "By AUPR on validation pictures" in done.stdout
    taken = [line.split()[1::2] for line in done.stdout.splitlines() if "yes" in line]
    assert [row[0] for row in taken] == ["c", "se"]
    done = run(*given, "-o", tmp_path / "two", "--json")
    record = json.loads(done.stdout)
    assert (record["task"], record["best"]) == ("EX,SE", 1)
    assert [(c["name"], c["chosen"]) for c in record["candidates"]] == [
        ("a", False),
        ("b", False),
        ("c", True),
        ("se", True),
    ]
    assert [m["name"] for m in record["members"]] == ["c", "se"]


def test_prediction_shows_every_lesion_of_a_combination(runs, phantoms, tmp_path):
    into = tmp_path / "four"
    assert run(runs["early"], runs["a"], runs["se"], "-o", into).exit_code == 0
    picture = next(phantoms.rglob("phantom_07.jpg"))
    arguments = [str(into), str(picture), "-o", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(predict.command, arguments)
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    assert list(row["lesions"]) == ["MA", "HE", "EX", "SE"]
    assert (tmp_path / "out" / "phantom_07-overlay.png").is_file()


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (("a", "nowhere"), (), "nowhere: no such folder; expected a run folder"),
        (("a",), (), "found 1 run(s); expected two or more to combine"),
        (("a", "b"), (), "which needs validation pictures; name their folder: --data DIR"),
        (("a", "b", "c"), ("--best", 4), "the best 4 of 3 run(s) of task EX: expected 1..3"),
        (("a", "se"), ("-o", "taken"), "taken: exists already and holds no config.json"),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_one_line(
    names, options, said, runs, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "photo.jpg").write_bytes(b"x")
    arguments = [runs.get(name, Path(name)) for name in names]
    done = run(*arguments, "-o", "out", "--force", *options)
    assert isinstance(done.exception, BadInput)
    assert said in str(done.exception) and "\n" not in str(done.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_the_exit_code_is_two_and_no_traceback_is_shown(runs, tmp_path):
    script = "import sys; from mobileseg.cli import main; sys.argv[0] = 'mobileseg'; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "ensemble", runs["a"], runs["a"], "-o", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line == f"mobileseg: {runs['a']}: the same weights as {runs['a']}; name each run once"


def test_neither_runs_nor_an_output_is_misuse():
    assert CliRunner().invoke(cli, ["ensemble"]).exit_code == 2
    assert CliRunner().invoke(cli, ["ensemble", "a", "b"]).exit_code == 2
    assert CliRunner().invoke(cli, ["ensemble", "a", "b", "-o", "c", "--best", "0"]).exit_code == 2

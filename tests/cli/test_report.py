"""`mobileseg report` from the outside."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from mobileseg.cli import main
from mobileseg.runs import open_run, pretrained_run


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command line in this process: exit code, stdout, stderr."""

    def run_main(*arguments: object) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["mobileseg", "report", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, *capsys.readouterr()

    return run_main


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with the run that ships, scored, and a copy of it that is not."""
    folder = tmp_path / "runs-of-mine"
    for name in ("scored", "trained"):
        shutil.copytree(pretrained_run(), folder / name)
    lesion = {"lesion": "EX", "aupr": 0.646, "dice": 0.597, "threshold": 0.768}
    evaluation = {
        "data": "idrid512",
        "split": "test",
        "resolution": "network",
        "side_px": 256,
        "protocol": "clean",
        "lesions": [lesion],
    }
    (folder / "scored" / "evaluation.json").write_text(json.dumps(evaluation))
    return folder


def test_the_table_goes_to_stdout_and_what_is_missing_to_stderr(study, call):
    old = study / "report"
    old.mkdir()
    (old / "report.md").write_text("an earlier one")
    code, out, err = call(study)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "add --force" in err
    code, out, err = call(study, "--force")
    assert code == 0
    assert "0.646 n=1" in out and "0.774 (0.057)" in out
    assert str(old / "report.md") in out
    epochs = open_run(pretrained_run()).config.training["epochs"]
    assert f"trained: trained (epoch {epochs} of {epochs}), not scored" in err
    assert "no study.json; 2 run folder(s) found" in err  # the report is none


def test_json_is_all_there_is_on_stdout(study, tmp_path, call):
    code, out, _ = call(study, "-o", tmp_path / "out", "--approximate", "MA,SE", "--json")
    assert code == 0
    answer = json.loads(out, parse_constant=pytest.fail)
    assert answer["complete"] == ["scored"]
    assert answer["approximate"] == ["MA", "SE"]
    assert answer["rows"][0]["aupr"]["EX"]["all"] == {"n": 1, "mean": 0.646, "sd": None}
    assert all((tmp_path / "out" / name).is_file() for name in answer["files"])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nowhere",), "nowhere: no such folder"),
        (("{study}", "--approximate", "HX"), "no lesion 'HX'; choose from MA, HE, EX, SE"),
        (("{study}", "--data", "nowhere"), "nowhere: found no folder"),
    ],
)
def test_misuse_is_one_line(study, call, arguments, text):
    code, out, err = call(*(a.format(study=study) for a in arguments))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert text in err
    assert not (study / "report").exists()


def test_a_damaged_evaluation_is_named_in_one_line(study, call):
    (study / "scored" / "evaluation.json").write_text("{")
    code, out, err = call(study)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert str(study / "scored" / "evaluation.json") in err

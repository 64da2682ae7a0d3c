"""`mobileseg phantom` from the outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from mobileseg.cli.phantom import command
from mobileseg.errors import BadInput


def test_it_writes_a_set_and_says_so_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    result = CliRunner().invoke(command, ["-o", str(folder), "--count", "3", "--side", "64"])
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    assert f"3 phantoms in {folder} (2 training, 1 testing)" in result.stdout
    assert "MA " in result.stdout
    assert len(list(folder.rglob("*.jpg"))) == 3


def test_a_full_folder_is_named_in_the_refusal(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    result = CliRunner().invoke(command, ["-o", str(tmp_path)])
    assert isinstance(result.exception, BadInput)
    assert str(tmp_path) in str(result.exception)


def test_help_shows_an_example_and_the_defaults() -> None:
    help_text = CliRunner().invoke(command, ["--help"]).stdout
    assert "mobileseg phantom -o phantoms --count 24 --side 512 --seed 0" in help_text
    assert "[default: 512]" in help_text


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'cv2', 'torch'} & set(sys.modules)"
    probe = f"import sys; import mobileseg.cli.phantom; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0

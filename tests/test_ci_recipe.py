"""The recipe that others copy into their CI: linted, and its Linux part run as it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

RECIPE = Path(__file__).parents[1] / "docs" / "ci"
TOOLS = Path(sys.executable).parent


def lint(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    found = shutil.which(tool, path=f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"not run: {tool} is not installed")
    command = [found, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_shell_script_is_clean_and_a_planted_fault_is_not(tmp_path):
    script = RECIPE / "parity.sh"
    done = lint("shellcheck", "--severity=style", script)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "parity.sh"
    broken.write_text(script.read_text().replace('"$OUT/bundles"', "$OUT/bundles", 1))
    assert "SC2086" in lint("shellcheck", broken).stdout


def test_the_workflow_is_one_and_a_planted_fault_is_not(tmp_path):
    schema = ("--builtin-schema", "vendor.github-workflows")
    workflow = RECIPE / "github-actions.yml"
    done = lint("check-jsonschema", *schema, workflow)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "w.yml"
    broken.write_text(workflow.read_text().replace("runs-on:", "run-on:", 1))
    assert lint("check-jsonschema", *schema, broken).returncode != 0


def test_what_the_workflow_calls_is_there():
    text = (RECIPE / "github-actions.yml").read_text()
    assert "sh parity.sh" in text and (RECIPE / "parity.sh").is_file()
    from converters.coreml import converter as coreml_program

    (script,) = coreml_program.SHIPS
    assert f"coreml-fp32/{script}" in text
    from mobileseg.cli.parity import command

    options = {name for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"(--[a-z]+) macos.json", text)) <= {"--import", "--output"} <= options


@pytest.fixture
def recipe(installed, tmp_path):
    """Run parity.sh as a CI server does."""

    def run(run: Path, **settings: str) -> subprocess.CompletedProcess[str]:
        path = f"{installed / 'bin'}{os.pathsep}{TOOLS}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1", **settings}
        return subprocess.run(
            ["sh", str(RECIPE / "parity.sh"), str(run)],
            cwd=tmp_path,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_linux_part_converts_and_gates(recipe, trained_run, phantoms, tmp_path):
    files = "torchscript:fp32 coreml:fp32"
    done = recipe(trained_run, FILES=files, DATA=str(phantoms), FRAME="256x256", OUT="out")
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "out" / "parity" / "parity.json").read_text())
    words = [bundle["in_words"] for bundle in results["bundles"]]
    assert words == ["agrees (Linux evaluation)", "agrees"]
    suites = Xml.parse(tmp_path / "out" / "parity" / "parity.xml").getroot()
    assert (suites.get("failures"), suites.get("skipped"), len(suites)) == ("0", "0", 2)


def test_what_it_cannot_convert_is_its_exit_code(recipe, tmp_path):
    done = recipe(tmp_path / "nowhere", FILES="torchscript:fp32")
    assert done.returncode == 2 and "Traceback" not in done.stderr

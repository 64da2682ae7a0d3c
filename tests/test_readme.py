"""The README says what was measured, and names what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from mobileseg.cli import VERBS

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_the_figures_are_those_in_the_results_folder():
    check = [sys.executable, "benchmarks/readme_results.py", "--check"]
    assert subprocess.run(check, cwd=REPOSITORY, check=False).returncode == 0


def test_every_verb_in_the_readme_exists():
    named = set(re.findall(r"^mobileseg ([\w-]+)", README, flags=re.MULTILINE))
    assert named and named <= set(VERBS)


# A name stands at the start of its line, or after the gap before a second column.
NAME = re.compile(r"(?:^\s*|\s{3,})([\w/.]+(?:/|\.py))(?=\s{2,}|$)")


def test_every_file_in_the_tree_exists():
    tree = README.split("## The tree")[1].split("```")[1].strip("\n")
    folder, found = REPOSITORY, []
    for line in tree.splitlines():
        indented = line.startswith(" ")
        for name in NAME.findall(line):
            place = (folder if indented else REPOSITORY) / name
            assert place.exists(), f"{place} is named in the README"
            folder = folder if indented else place
            found.append(name)
    assert len(found) >= 15, found  # were the pattern wrong, nothing would be looked at


def test_the_warning_stands_where_a_reader_sees_it():
    assert "Not a medical device" in README.split("## Two commands")[0]


def test_every_picture_is_there():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)|src=\"([^\"]+)", README):
        assert (REPOSITORY / "".join(path)).is_file()

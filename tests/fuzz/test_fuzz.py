"""Damaged files are used or refused in one line, and the harness that says so can be trusted."""

from __future__ import annotations

import json
import shutil
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from converters.targets import TARGETS
from fuzz import bundles as whole_bundles
from fuzz import planted
from fuzz.__main__ import faults, main, summary
from fuzz.case import make_case
from fuzz.commands import ROWS, fault, run_command
from fuzz.harness import SEED, Limits, tally
from fuzz.kinds import KINDS, WHOLE
from fuzz.outcome import FAULTS, End
from fuzz.specimens import made

CASES = 200  # over all kinds, as many of each as in a whole run
COMMANDS = 3
# Their runtimes take longer to import than all the cases here take: `make fuzz` has them.
LONG = ("artifacts-executorch", "artifacts-coreml")
SHORT = Limits(seconds=0.3, mib=256)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where whole files are written once for all tests."""
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def specimens(bundles: Path, root: Path) -> Path:
    """The same with the demo's bundles in it: converting others takes a minute."""
    for name in TARGETS:
        shutil.copytree(bundles / name, root / f"bundles-{name}" / f"{name}-0")
    whole_bundles.measured(root / "bundles-coreml" / "coreml-0")
    return root


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_used_or_refused_in_one_line(name: str, specimens: Path) -> None:
    if name in LONG:
        pytest.skip("not run: importing its runtime takes ten seconds; make fuzz runs it")
    kind = KINDS[name]
    found = tally(kind, specimens, SEED, max(1, round(CASES * kind.share / WHOLE)))
    if found.not_run:
        pytest.skip(f"not run: {found.not_run}")
    assert not faults([found]), "\n".join(faults([found]))


@pytest.mark.parametrize("row", ROWS[:COMMANDS], ids=lambda row: row.name)
def test_a_whole_command_ends_in_one_line(row, specimens: Path) -> None:
    assert run_command(row, specimens, SEED).fault == ""


def test_there_is_a_whole_command_for_every_kind_of_file_that_a_verb_opens() -> None:
    assert len(ROWS) == 20
    # A mask is read where a folder of data is, a study's own record where it is gone on with.
    assert {row.kind for row in ROWS} >= set(KINDS) - {"masks", "studies"}
    assert WHOLE >= 10_000


def contents(folder: Path) -> dict[str, str]:
    """Path -> sum of every file of a case."""
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest() for p in sorted(files)}


@pytest.mark.parametrize("name", ["photos", "plans", "reports", "idrid"])
def test_a_case_is_made_again_from_its_number(name: str, root: Path, tmp_path: Path) -> None:
    kind, whole = KINDS[name], made(KINDS[name].specimens, root)
    before = contents(whole)
    cases = []
    for number in (*range(8), *range(8)):
        spot = make_case(kind, whole, SEED, number, tmp_path / "case" / "it")
        cases.append((spot.file.name, contents(spot.folder)))
    assert cases[:8] == cases[8:]
    assert len({str(case) for case in cases}) > 4  # and numbers differ
    assert contents(whole) == before  # no change went through a link


@pytest.mark.parametrize(
    ("ask", "end", "text"),
    [
        (planted.raises, End.TRACEBACK, "IndexError: 'file' at planted.py:"),
        (planted.says_two_lines, End.TRACEBACK, "not one printable line"),
        (planted.says_no_file, End.TRACEBACK, "names no file"),
        (planted.says_too_much, End.TRACEBACK, "characters long"),
        (planted.loops, End.HANG, "TooSlow"),
        (planted.waits, End.HANG, "TooSlow"),
        (planted.hangs_natively, End.HANG, "in native code"),
        (planted.swallows, End.MEMORY, "MemoryError"),
        (planted.dies, End.DIED, "SIGSEGV"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_planted_fault_is_found(ask, end: End, text: str, tmp_path: Path) -> None:
    if end is End.MEMORY and sys.platform == "darwin":
        pytest.skip("not run: macOS bounds no process's memory")
    found = tally(planted.kind(ask), tmp_path, SEED, 1, SHORT)
    assert found.counts[end] == 1
    assert text in found.faults[0].text
    assert len(faults([found])) == 1 and summary([found], [], SEED, 1.0)["faults"] == 1


def test_a_refusal_is_none(tmp_path: Path) -> None:
    found = tally(planted.kind(planted.refuses), tmp_path, SEED, 3, SHORT)
    assert found.counts[End.REFUSED] == 3 and not faults([found])


def test_a_death_is_the_cases_own_and_the_others_go_on(tmp_path: Path) -> None:
    found = tally(planted.kind(planted.on_poison), tmp_path, SEED, 20, SHORT)
    dead, alive = found.counts[End.DIED], found.counts[End.ACCEPTED]
    assert dead + alive == 20 and dead > 2 and alive > 2
    kind, whole = planted.kind(planted.on_poison), made(planted.small, tmp_path)
    for number in range(20):
        spot = make_case(kind, whole, SEED, number, tmp_path / "case" / "it")
        assert (b"poison" in spot.file.read_bytes()) == (number in found.faults)


def test_a_toolkits_abort_is_counted_apart(tmp_path: Path) -> None:
    found = tally(planted.kind(planted.dies, may_die=True), tmp_path, SEED, 2, SHORT)
    assert found.counts[End.DIED_NATIVE] == 2 and not faults([found])
    assert End.DIED_NATIVE not in FAULTS


@pytest.mark.parametrize(
    ("code", "stderr", "text"),
    [
        (1, "Traceback (most recent call last):\n  File x\nKeyError: 'a'\n", "TRACEBACK: KeyError"),
        (-11, "", "DIED: signal 11"),
        (120, "odd", "exit 120"),
        (2, "a remark\n", "0 lines of reason"),
        (2, "mobileseg: a\nmobileseg: b\n", "2 lines of reason"),
    ],
)
def test_a_command_at_fault_is_found(code: int, stderr: str, text: str) -> None:
    assert text in fault(code, stderr)


@pytest.mark.parametrize(
    ("code", "stderr"), [(0, ""), (2, "mobileseg: a: b; c\n"), (1, "a remark")]
)
def test_a_command_that_ends_well_is_not(code: int, stderr: str) -> None:
    assert fault(code, stderr) == ""


def test_the_command_writes_what_it_found(tmp_path: Path, monkeypatch, capsys) -> None:
    asked = ["--kind", "plans", "--cases", "100", "--commands", "0"]
    monkeypatch.setattr(sys, "argv", ["fuzz", *asked, "--json", str(tmp_path / "fuzz.json")])
    assert main() == 0
    written = json.loads((tmp_path / "fuzz.json").read_text())
    assert written["faults"] == 0 and written["kinds"]["plans"]["refused"] > 0
    assert written["cases"] == round(100 * KINDS["plans"].share / WHOLE)
    assert "0 at fault; slowest case" in capsys.readouterr().out


def test_the_command_fails_on_a_fault_and_names_the_case(monkeypatch, capsys) -> None:
    monkeypatch.setitem(KINDS, "raises", planted.kind(planted.raises))
    monkeypatch.setattr(sys, "argv", ["fuzz", "--kind", "raises", "--commands", "0"])
    assert main() == 1
    assert "raises:0 TRACEBACK: IndexError" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["fuzz", "--case", "raises:0"])
    assert main() == 1
    assert "raises:0: TRACEBACK" in capsys.readouterr().out

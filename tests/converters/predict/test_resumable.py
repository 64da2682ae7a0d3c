"""A folder in the making survives a kill at any step: nothing is lost, mixed, or half there."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from converters.predict.resumable import unfinished, work_folder
from mobileseg.errors import BadInput

MARK = "whole.txt"
PIECES = {"a": "in/a", "b": "in/b", "c": "in/c"}
TWO = {"a": "in/a", "b": "in/b"}
MAKER = {"model": "one"}
# What changes a folder, as Python's audit names it; a kill just before each is a kill anywhere.
STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "fcntl.flock"}


def make(
    folder: Path,
    made: Callable[[str], None] = lambda name: None,
    *,
    maker: dict[str, str] = MAKER,
    pieces: dict[str, str] = PIECES,
    force: bool = False,
) -> None:
    """Make what is not there yet; `made` is told each piece that was made."""
    with unfinished(folder, maker, pieces, force=force, mark=MARK) as work:
        if work.placed:
            return
        for name in pieces:
            if not work.kept(name, f"sum of {name}"):
                made(name)
                text = f"{name} by {maker['model']}"
                write = lambda path, text=text: path.write_text(text)  # noqa: E731
                work.commit(name, f"sum of {name}", f"{name}.txt", write, {"text": text})
        whole = " ".join(work.record(name)["text"] for name in pieces)
        work.place({MARK: whole}, pieces)


def contents(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.iterdir()} if folder.exists() else {}


def whole(maker: str = "one", pieces: Iterable[str] = PIECES) -> dict[str, str]:
    files = {f"{name}.txt": f"{name} by {maker}" for name in pieces}
    return files | {MARK: " ".join(files.values())}


def killed(step: int, action: Callable[[], None]) -> bool:
    """Run something in a process of its own that is killed before its n-th step; was it?"""
    child = os.fork()
    if not child:
        left = step

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            changes = event in STEPS or (event == "open" and "r" not in str(arguments[1]))
            left -= changes
            if changes and left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            action()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("force", [False, True])
def test_a_kill_at_any_step_costs_one_piece_at_most(tmp_path: Path, force: bool) -> None:
    step, last, done = 0, 0, whole(pieces=TWO)
    while True:
        step += 1
        folder = tmp_path / str(step) / "out"
        old = whole("an old one") if force else {}
        if force:
            make(folder, maker={"model": "an old one"})
        log = tmp_path / f"{step}.log"

        def made(name: str, log: Path = log) -> None:
            with log.open("a") as file:
                file.write(name)

        log.touch()
        if not killed(step, lambda f=folder, m=made: make(f, m, pieces=TWO, force=force)):  # type: ignore[misc]
            break
        assert contents(folder) in (old, done) or not folder.exists(), step
        first = log.read_text()
        placed = contents(folder) == done
        if placed and not force and not (work_folder(folder) / "work.json").exists():
            with pytest.raises(BadInput, match="exists already"):  # it had told all it had to tell
                make(folder, made, pieces=TWO)
            last += 1
        else:
            make(folder, made, pieces=TWO, force=force)
        assert contents(folder) == done, step
        assert [p.name for p in folder.parent.iterdir()] == ["out"], step
        again = log.read_text()[len(first) :]
        if not (placed and force):  # then nothing tells it from an old result: it is made anew
            assert len(again) <= len(TWO) - len(first) + 1, step
    assert step > 40  # so many steps there are
    assert last <= 2  # of the last ones, when nothing but the empty work folder is left


def test_an_unfinished_result_is_nowhere_to_be_seen(tmp_path: Path) -> None:
    folder = tmp_path / "out"

    def stop(name: str) -> None:
        assert not folder.exists()
        if name == "b":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(folder, stop)
    assert not folder.exists()
    assert [p.name for p in tmp_path.iterdir()] == [".out.part"]
    again: list[str] = []
    make(folder, again.append)
    assert (again, contents(folder)) == (["b", "c"], whole())


def stopped(folder: Path, before: str, **given: object) -> None:
    def stop(name: str) -> None:
        if name == before:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(folder, stop, **given)  # type: ignore[arg-type]


def test_where_nothing_was_kept_nothing_stays(tmp_path: Path) -> None:
    stopped(tmp_path / "out", "a")
    assert list(tmp_path.iterdir()) == []


def test_another_makers_pieces_are_never_mixed_in(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    stopped(folder, "c")
    other = {"model": "two", "version": "2"}
    with pytest.raises(BadInput) as refusal:
        make(folder, maker=other)
    assert str(refusal.value) == (
        f"{folder}: found 2 result(s) of a stopped run in .out.part with another model, version; "
        "go on with what it was begun with, add --force to throw them away, "
        "or choose another place"
    )
    stopped(folder, "c")  # the refusal cost nothing: c is still the next
    again: list[str] = []
    make(folder, again.append, maker=other, force=True)
    assert (again, contents(folder)) == (["a", "b", "c"], whole("two"))


def test_forced_work_goes_on_by_the_same_command(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    make(folder, maker={"model": "an old one"})
    stopped(folder, "c", force=True)
    assert contents(folder) == whole("an old one")
    again: list[str] = []
    make(folder, again.append, force=True)
    assert (again, contents(folder)) == (["c"], whole())


def test_an_old_result_comes_back_whoever_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    make(folder, maker={"model": "an old one"})
    stopped(folder, "c", force=True)
    folder.replace(work_folder(folder) / "old")  # as a kill between the two renames leaves it
    with pytest.raises(BadInput, match="exists already"):
        make(folder, maker={"model": "two"})
    assert contents(folder) == whole("an old one")


def test_what_is_damaged_is_made_again_and_what_is_not_asked_for_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    stopped(folder, "c")
    work = work_folder(folder)
    (work / "new" / "a.txt").write_text("touched")
    (work / "records" / "b.json").write_text("{")
    (work / "new" / ".c.txt.1234").write_text("half")
    again: list[str] = []
    make(folder, again.append, pieces={"a": "in/a", "b": "in/b"})
    assert again == ["a", "b"]
    assert sorted(contents(folder)) == ["a.txt", "b.txt", MARK]


def test_a_second_process_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    reading, writing = os.pipe()
    child = os.fork()
    if not child:

        def wait(name: str) -> None:
            if name == "b":
                os.write(writing, b".")
                signal.pause()

        try:
            make(folder, wait)
        finally:
            os._exit(0)
    os.read(reading, 1)
    try:
        with pytest.raises(BadInput) as refusal:
            make(folder)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert str(refusal.value).startswith(f"{folder}: process {child} on ")
    assert str(refusal.value).endswith(
        " is at work on it; wait for it or stop it, or choose another place"
    )
    again: list[str] = []
    make(folder, again.append)
    assert (again, contents(folder)) == (["b", "c"], whole())


def test_what_is_not_ours_is_not_removed(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    work_folder(folder).mkdir()
    (work_folder(folder) / "mine.txt").write_text("kept")
    make(folder)
    assert contents(folder) == whole()
    assert contents(work_folder(folder)) == {"mine.txt": "kept"}


def test_a_finished_result_is_refused_as_ever(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    make(folder)
    with pytest.raises(BadInput, match="out: exists already; choose another place, or add --force"):
        make(folder)
    (folder / MARK).unlink()
    with pytest.raises(BadInput, match=f"holds no {MARK}, so nothing replaces it"):
        make(folder, force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]

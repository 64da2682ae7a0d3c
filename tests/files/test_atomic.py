"""What is written is wholly there or not at all."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from mobileseg.errors import BadInput
from mobileseg.files.atomic import (
    read_json,
    refuse_existing,
    sha256,
    staged_file,
    staged_folder,
    write_json,
    write_text,
)


class Interrupted(Exception):
    """Stands for anything that stops a writer half way."""


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden or not."""
    return sorted(p.name for p in folder.iterdir())


def test_a_file_appears_with_its_content_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on the way" / "a.bin"
    with staged_file(path) as staged:
        staged.write_bytes(b"new")
        assert not path.exists()
        assert staged.parent == path.parent  # a rename across file systems is a copy
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["a.bin"]


def test_a_file_is_readable_by_others(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("stop", [Interrupted, KeyboardInterrupt])
def test_a_stopped_writer_leaves_the_old_file_and_nothing_else(tmp_path: Path, stop) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(stop), staged_file(path) as staged:
        staged.write_bytes(b"half of the n")
        raise stop
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_stopped_writer_of_a_new_file_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Interrupted), staged_file(tmp_path / "a.bin") as staged:
        staged.write_bytes(b"half")
        raise Interrupted
    assert names(tmp_path) == []


def test_a_file_in_a_folders_place_fails_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="a"), staged_file(tmp_path / "a") as staged:
        staged.write_bytes(b"new")
    assert names(tmp_path) == ["a"]


def test_a_number_that_json_does_not_know_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"x": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"x": math.nan})
    assert read_json(path) == {"x": 1}
    assert names(tmp_path) == ["a.json"]


def test_json_survives_and_ends_with_a_line_end(tmp_path: Path) -> None:
    value = {"name": "U²-Net", "list": [1, 2.5, None, True]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert (tmp_path / "a.json").read_text(encoding="utf-8").endswith("}\n")


def test_a_missing_json_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refusal:
        read_json(tmp_path / "a.json")
    assert str(refusal.value) == f"{tmp_path / 'a.json'}: no such file"


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe\x00"])
def test_a_file_that_is_not_json_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(BadInput) as refusal:
        read_json(path)
    assert str(refusal.value).startswith(f"{path}: cannot be read as JSON (")


def test_a_folder_in_place_of_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read as JSON"):
        read_json(tmp_path)


def test_a_folder_appears_whole_and_alone(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "set"
    with staged_folder(folder) as staged:
        (staged / "inner").mkdir()
        (staged / "inner" / "a.txt").write_text("new")
        assert not folder.exists()
    assert (folder / "inner" / "a.txt").read_text() == "new"
    assert names(folder.parent) == ["set"]
    assert os.access(folder, os.R_OK | os.X_OK)
    assert folder.stat().st_mode & 0o700 == 0o700


def test_an_empty_folder_is_taken_as_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    with staged_folder(folder) as staged:
        (staged / "a.txt").write_text("new")
    assert names(folder) == ["a.txt"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_there_is_not_touched_without_force(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "set"
    if kind == "folder":
        there.mkdir()
        (there / "mine.txt").touch()
    else:
        there.touch()
    entered = False
    with pytest.raises(BadInput) as refusal, staged_folder(there):
        entered = True  # nothing was begun that would be thrown away
    assert not entered
    assert str(refusal.value) == f"{there}: exists already; choose another place, or add --force"
    assert names(tmp_path) == ["set"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_force_replaces_the_whole_of_it(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "set"
    if kind == "folder":
        there.mkdir()
        (there / "old.txt").touch()
    else:
        there.touch()
    with staged_folder(there, force=True) as staged:
        (staged / "new.txt").touch()
        assert there.exists()  # until the new one is complete
    assert names(there) == ["new.txt"]
    assert names(tmp_path) == ["set"]


@pytest.mark.parametrize("stop", [Interrupted, KeyboardInterrupt])
def test_a_stopped_writer_leaves_the_old_folder_and_nothing_else(tmp_path: Path, stop) -> None:
    there = tmp_path / "set"
    there.mkdir()
    (there / "old.txt").write_text("old")
    with pytest.raises(stop), staged_folder(there, force=True) as staged:
        (staged / "new.txt").touch()
        raise stop
    assert names(tmp_path) == ["set"]
    assert (there / "old.txt").read_text() == "old"
    assert names(there) == ["old.txt"]


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "set"
    there.mkdir()
    (there / "old.txt").touch()
    rename = Path.replace

    def refuse_the_new_one(self: Path, target: Path) -> Path:
        if (self / "new.txt").exists():
            raise PermissionError("in use")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", refuse_the_new_one)
    with (
        pytest.raises(PermissionError, match="in use"),
        staged_folder(there, force=True) as staged,
    ):
        (staged / "new.txt").touch()
    assert names(tmp_path) == ["set"]
    assert names(there) == ["old.txt"]


def test_the_current_folder_may_be_written_to_if_it_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with staged_folder(Path()) as staged:
        (staged / "a.txt").touch()
    assert names(tmp_path / "here") == ["a.txt"]
    assert names(tmp_path) == ["here"]


def test_refusing_by_hand_follows_the_same_rule(tmp_path: Path) -> None:
    refuse_existing(tmp_path / "nothing")
    refuse_existing(tmp_path)  # empty
    (tmp_path / "a").touch()
    refuse_existing(tmp_path, force=True)
    with pytest.raises(BadInput, match="exists already"):
        refuse_existing(tmp_path)


def test_a_digest_is_sha256s(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "a") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_written_json_is_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", [1])
    assert json.loads((tmp_path / "a.json").read_text()) == [1]


def test_json_in_which_lists_never_end_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(BadInput, match="cannot be read as JSON") as refusal:
        read_json(tmp_path / "a.json")
    assert "\n" not in str(refusal.value)

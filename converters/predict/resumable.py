"""A result folder in the making, committed a piece at a time: a kill costs one piece.

Beside the folder `out` lies, until all is done, `.out.part`:

    lock        held by the process that is at work on it
    work.json   what makes the pieces, and which pieces; another model's are never mixed in
    records/    a JSON per piece; it is written last, so where it is, the piece is whole
    new/        what becomes `out`, in one rename
    old/        what `out` was, while it is being replaced
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from mobileseg.errors import BadInput
from mobileseg.files.atomic import (
    is_full,
    leftovers,
    read_json,
    refuse_existing,
    sha256,
    staged_file,
    write_json,
    write_text,
)

LOCK, HEADER, RECORDS, NEW, OLD = "lock", "work.json", "records", "new", "old"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The work on one result folder, of which a process holds the lock.

    Processes that it starts may commit pieces too: this goes to them as it is.
    """

    asked: Path  # the result folder, as the user wrote it
    folder: Path  # the same, resolved
    work: Path
    mark: str  # a file that only whole results of this kind hold
    holder: str  # the process that holds the lock, in words that are in the lock's file

    @property
    def placed(self) -> bool:
        """Whether the result is in its place, and only the traces of the work are left."""
        return not (self.work / NEW).exists() and (self.folder / self.mark).is_file()

    def names(self) -> list[str]:
        """The pieces that have a record."""
        return [path.stem for path in (self.work / RECORDS).glob("*.json")]

    def record(self, name: str) -> dict[str, Any]:
        """What was written with a piece."""
        record: dict[str, Any] = read_json(self.work / RECORDS / f"{name}.json")["record"]
        return record

    def kept(self, name: str, made_from: str) -> bool:
        """Whether a piece is whole, and made from an input of this sum."""
        try:
            found = read_json(self.work / RECORDS / f"{name}.json")
            sums = {found["file"]: found["sha256"], **found.get("beside", {})}
            whole = all(sha256(self.work / NEW / name) == one for name, one in sums.items())
            return bool(found["made_from"] == made_from and whole)
        except (AttributeError, BadInput, KeyError, TypeError, FileNotFoundError):
            return False  # none, or not as it was written: the piece is made again

    def commit(
        self,
        name: str,
        made_from: str,
        file: str,
        write: Callable[[Path], None],
        record: Mapping[str, Any],
        beside: Mapping[str, Callable[[Path], None]] = MappingProxyType({}),
    ) -> None:
        """Write a piece's files, then its record.

        Args:
            made_from: the sum of the piece's input.
            file: its name in the result folder.
            write: writes the file to the path it is given.
            beside: further files of the piece, likewise.

        Raises:
            BadInput: it cannot be written (disk full, no permission), or as `refuse_taken`.
        """
        self.refuse_taken()
        with self._writing():
            for one, written_by in {file: write, **beside}.items():
                with staged_file(self.work / NEW / one) as staged:
                    written_by(staged)
            whole = {"made_from": made_from, "file": file, "record": record}
            whole["sha256"] = sha256(self.work / NEW / file)
            if beside:
                whole["beside"] = {one: sha256(self.work / NEW / one) for one in beside}
            write_json(self.work / RECORDS / f"{name}.json", whole)

    def refuse_taken(self) -> None:
        """Raise BadInput where the work is not to be seen, or no longer its holder's.

        A process may outlive the one that started it, by moments or on another machine; what it
        still has in hand must not fall into the work of whoever goes on.
        """
        try:
            holder = (self.work / LOCK).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise BadInput(f"does not see {self.work}, where the results are made") from None
        if holder != self.holder:
            raise BadInput(f"{self.asked}: {holder or 'another process'} has taken the work over")

    def place(self, texts: Mapping[str, str], pieces: Iterable[str]) -> None:
        """Put the result in its place: the files of these pieces and these texts, nothing else.

        Raises:
            BadInput: as for `commit`.
        """
        with self._writing():
            for name, text in texts.items():
                write_text(self.work / NEW / name, text)
            files = set()
            for name in pieces:
                found = read_json(self.work / RECORDS / f"{name}.json")
                files |= {found["file"], *found.get("beside", {})}
            for path in (self.work / NEW).iterdir():
                if path.name not in {*files, *texts}:
                    path.unlink()  # half written when it was killed, or no longer asked for
            if self.folder.exists():
                self.folder.replace(self.work / OLD)
            (self.work / NEW).replace(self.folder)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = "the disk is full" if is_full(error) else error.strerror or error
            raise BadInput(
                f"{self.asked}: cannot be written ({reason}); {len(self.names())} result(s) are "
                f"kept in {self.work.name}: mend that, and the same command goes on"
            ) from None

    def clean(self) -> None:
        """Remove every trace of the work; the lock last, because it bars others from the rest."""
        if not self.folder.exists() and (self.work / OLD).exists():
            (self.work / OLD).replace(self.folder)
        for name in (NEW, OLD, RECORDS):
            shutil.rmtree(self.work / name, ignore_errors=True)
        for path in (*leftovers(self.work / HEADER), self.work / HEADER, self.work / LOCK):
            path.unlink(missing_ok=True)
        if not any(self.work.iterdir()):
            self.work.rmdir()


def work_folder(folder: Path) -> Path:
    """Where a folder is made."""
    whole = folder.resolve()  # "." has no name to put a folder beside
    return whole.parent / f".{whole.name}.part"


@contextmanager
def unfinished(
    folder: Path, maker: Mapping[str, str], pieces: Mapping[str, str], *, force: bool, mark: str
) -> Iterator[Unfinished]:
    """Begin the work on a result folder, or go on with what a stopped process left.

    On leaving, the traces are removed if the result is in its place, or if nothing was kept.

    Args:
        maker: what fixes the pieces besides their inputs, by name (a model's sums, a version).
        pieces: every piece that is asked for, and its input.
        force: replace an existing result, and throw away what another maker left.
        mark: a file that whole results hold; a folder without it is never replaced.

    Raises:
        BadInput: the folder exists, another process is at work on it, or another maker's work
            lies there.
    """
    work = work_folder(folder)
    with _alone(work, folder) as holder:
        begun = Unfinished(folder, folder.resolve(), work, mark, holder)
        header = {"maker": dict(maker), "pieces": dict(pieces)}
        try:
            if not (begun.placed and not force and _header(work) == header):
                _take_over(begun, header, force=force)
            yield begun
        finally:
            if begun.placed or not begun.names():
                begun.clean()


def _take_over(begun: Unfinished, header: dict[str, Any], *, force: bool) -> None:
    """Make the work folder ready for what is asked."""
    work = begun.work
    if (work / OLD).exists() and not begun.folder.exists():
        (work / OLD).replace(begun.folder)  # killed between the two renames of `place`
    shutil.rmtree(work / OLD, ignore_errors=True)  # or after them
    refuse_existing(begun.asked, force=force, mark=begun.mark)
    left = _header(work)
    if begun.names() and left.get("maker") != header["maker"]:
        if not force:
            raise BadInput(_another(begun, left.get("maker"), header["maker"]))
        shutil.rmtree(work / RECORDS)
    for name in (NEW, RECORDS):
        (work / name).mkdir(exist_ok=True)
    write_json(work / HEADER, header)


def _another(begun: Unfinished, left: Any, now: Mapping[str, str]) -> str:
    was = left if isinstance(left, dict) else {}
    differ = [n for n in sorted({*was, *now}) if was.get(n) != now.get(n)]
    return (
        f"{begun.asked}: found {len(begun.names())} result(s) of a stopped run in "
        f"{begun.work.name} with another {', '.join(differ)}; go on with what it was begun with, "
        "add --force to throw them away, or choose another place"
    )


def _header(work: Path) -> dict[str, Any]:
    """What the work was begun with; nothing, where that cannot be told."""
    try:
        header = read_json(work / HEADER)
    except BadInput:
        return {}
    return header if isinstance(header, dict) else {}


@contextmanager
def _alone(work: Path, asked: Path) -> Iterator[str]:
    """Hold the lock: the system's own, on an open file, gone when its process is."""
    holder = f"process {os.getpid()} on {socket.gethostname()}"
    while not (file := _locked(work, asked)):
        pass  # its holder finished, and removed it, between our opening and locking it
    with file:
        file.truncate(0)
        file.write(f"{holder}\n")
        file.flush()
        os.fsync(file.fileno())  # other machines are to read it while it is open here
        yield holder


def _locked(work: Path, asked: Path) -> TextIO | None:
    """The lock's file, locked; None if it is no longer the one that others see."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        file = (work / LOCK).open("a+", encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), (work / LOCK).stat()):
            return file
    except FileNotFoundError:
        pass
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise BadInput(
            f"{asked}: {holder} is at work on it; wait for it or stop it, or choose another place"
        ) from None
    file.close()
    return None

"""One case: made from (seed, kind, number), put on disk, asked about under limits."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from types import FrameType

from fuzz.kind import Kind
from fuzz.outcome import End, Outcome, refusal_fault
from fuzz.spot import Spot
from mobileseg.errors import MobilesegError

LIMIT_S = 5.0  # of work, a case: a person waits that long without asking what is wrong
WAITING = 4  # times the limit by the clock: who works has ended by then, on a busy machine too
LIMIT_MIB = 1024  # memory a case may add: a phone photo of 50 MP takes half of it
MIB = 1 << 20


class TooSlow(BaseException):
    """The time is over; no Exception, so that nobody takes it for a damaged file."""


def make_case(kind: Kind, specimens: Path, seed: int, number: int, into: Path) -> Spot:
    """Copy a specimen (by links, what is not changed) and damage it.

    Args:
        specimens: the folder that `kind.specimens` wrote.
        into: removed if it exists.
    """
    rng = Random(f"{seed} {kind.name} {number}")
    whole = sorted(p for p in specimens.iterdir() if not p.name.startswith("."))
    specimen, other = rng.choice(whole), rng.choice(whole)
    shutil.rmtree(into.parent, ignore_errors=True)
    shutil.copytree(specimen, into, copy_function=os.link)
    victim = rng.choice(_victims(kind, specimen))
    theirs = rng.choice(_victims(kind, other))
    spot = Spot(into, into / victim.relative_to(specimen), theirs.read_bytes(), specimens)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice(kind.changes)(rng, spot)
    if kind.suffixes and rng.random() < 0.1:
        other_name = spot.file.with_suffix(rng.choice(kind.suffixes))
        spot = replace(spot, file=spot.file.rename(other_name))
    return spot


def _victims(kind: Kind, specimen: Path) -> list[Path]:
    """Files that the kind is about; each of its patterns as often as the others."""
    return [p for pattern in kind.victims for p in sorted(specimen.glob(pattern)) if p.is_file()]


def run_case(kind: Kind, spot: Spot, limit_s: float = LIMIT_S) -> Outcome:
    """Ask the function under test about a case, and judge how that ends."""
    start = time.process_time()
    try:
        with _timed(limit_s):
            kind.ask(spot)
        ended = Outcome(End.ACCEPTED)
    except MobilesegError as error:
        fault = refusal_fault(error, spot.folder, listed=kind.listed)
        text = str(error)
        ended = (
            Outcome(End.TRACEBACK, f"{fault}: {text!r}") if fault else Outcome(End.REFUSED, text)
        )
    except TooSlow:
        ended = Outcome(End.HANG, _where())
    except MemoryError:
        ended = Outcome(End.MEMORY, _where())
    except Exception:
        ended = Outcome(End.TRACEBACK, _where())
    return replace(ended, seconds=time.process_time() - start, peak_mib=peak_mib())


def _where() -> str:
    """The exception at hand, and the last of our own lines on the way to it."""
    kind, error, trace = sys.exc_info()
    frames = [f for f in traceback.extract_tb(trace) if not f.filename.startswith(sys.prefix)]
    ours = frames[-1] if frames else traceback.extract_tb(trace)[-1]
    name = kind.__name__ if kind else ""
    return f"{name}: {str(error)[:200]!r} at {Path(ours.filename).name}:{ours.lineno} {ours.name}"


@contextmanager
def _timed(limit_s: float) -> Iterator[None]:
    """Raise TooSlow after so long at work, or WAITING times as long by the clock."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TooSlow

    timers = {
        signal.SIGPROF: (signal.ITIMER_PROF, limit_s),
        signal.SIGALRM: (signal.ITIMER_REAL, WAITING * limit_s),
    }
    before = {number: signal.signal(number, stop) for number in timers}
    for timer, seconds in timers.values():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def peak_mib() -> float:
    """The most memory that this process has held; bytes on macOS, KiB on Linux."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024


def bound_memory(mib: int = LIMIT_MIB) -> None:
    """Let this process ask for so much memory beyond what it has, and no more.

    macOS has no such limit: there the peak that is reported is all there is.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        (size,) = (line.split()[1] for line in status.read_text().splitlines() if "VmSize" in line)
        resource.setrlimit(resource.RLIMIT_AS, (int(size) * 1024 + mib * MIB,) * 2)

"""Many cases, each in a process of its kind that may crash or hang: this one watches and counts.

Processes are forked from a server that has imported what is under test and done nothing, so that a
new one after a death costs milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

from fuzz.case import LIMIT_MIB, LIMIT_S, WAITING, bound_memory, make_case, peak_mib, run_case
from fuzz.kind import Kind
from fuzz.outcome import FAULTS, End, Outcome
from fuzz.specimens import made

GRACE_S = 3.0  # past the limit: Python code that can be interrupted has been by then
START_S = 60.0  # the server's own start: it imports torch
PRELOADED = ("fuzz.kinds",)
RUNTIMES = "fuzz.runtimes"
# After these a process is not what it was: its memory is full, or its locks are held.
SPENT = (End.HANG, End.MEMORY)
SEED = 20220916  # the day the paper was published


@dataclass(frozen=True, slots=True)
class Limits:
    """What one case may take."""

    seconds: float = LIMIT_S  # at work
    mib: int = LIMIT_MIB


def _serve(
    pipe: Connection, kind: Kind, specimens: Path, seed: int, numbers: list[int], limits: Limits
) -> None:
    """In a process of its own: run cases, and send what became of each."""
    silent = os.open(os.devnull, os.O_WRONLY)  # native loaders speak past Python
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    case = specimens.parent / f"case-of-{kind.name}" / "it"
    bound_memory(limits.mib)
    at_first = peak_mib()
    pipe.send(None)
    for number in numbers:
        try:
            spot = make_case(kind, specimens, seed, number, case)
        except Exception:  # a fault of the harness: told, not counted
            pipe.send(f"{kind.name}:{number} {traceback.format_exc()}")
            return
        outcome = run_case(kind, spot, limits.seconds)
        pipe.send(replace(outcome, added_mib=outcome.peak_mib - at_first))
        if outcome.end in SPENT:
            return


def _receive(pipe: Connection, timeout_s: float) -> Outcome | str | End | None:
    """What a process sends; DIED or HANG where it sends nothing."""
    if not pipe.poll(timeout_s):
        return End.HANG
    try:
        received: Outcome | str | None = pipe.recv()
    except EOFError:
        return End.DIED
    return received


def _died(process: multiprocessing.process.BaseProcess, kind: Kind) -> Outcome:
    process.join()
    code = process.exitcode or 0
    said = signal.Signals(-code).name if code < 0 else f"exit {code}"
    return Outcome(End.DIED_NATIVE if kind.may_die else End.DIED, said)


def start_server(kinds: Iterable[Kind] = ()) -> None:
    """Start the process that cases are forked from, unless it runs.

    Args:
        kinds: what it is to have imported too, if it is started here: the runtimes of these.
    """
    runtimes = [RUNTIMES] if any(kind.needs for kind in kinds) else []
    multiprocessing.set_forkserver_preload([*PRELOADED, *runtimes])
    before = os.environ.get("PYTHONPATH")
    # Where the server finds `fuzz`: CPython 3.11 hands it no `sys.path`.
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def outcomes(
    kind: Kind, specimens: Path, seed: int, numbers: range, limits: Limits = Limits()
) -> Iterator[tuple[int, Outcome]]:
    """Run cases of one kind; each ends in some way, whatever it does."""
    start_server()
    context = multiprocessing.get_context("forkserver")
    todo = list(numbers)
    while todo:
        ours, theirs = context.Pipe(duplex=False)
        arguments = (theirs, kind, specimens, seed, todo, limits)
        process = context.Process(target=_serve, args=arguments, daemon=True)
        process.start()
        theirs.close()
        ready = _receive(ours, START_S)
        if isinstance(ready, End):
            raise RuntimeError(f"{kind.name}: the process did not start ({ready.value})")
        while todo:
            received = _receive(ours, WAITING * limits.seconds + GRACE_S)
            if received is End.DIED:
                received = _died(process, kind)
            elif received is End.HANG:
                received = Outcome(End.HANG, "in native code", limits.seconds)
            if not isinstance(received, Outcome):
                raise RuntimeError(f"the case could not be made: {received}")
            yield todo.pop(0), received
            if received.end in (*SPENT, End.DIED, End.DIED_NATIVE):
                break
        process.kill()
        process.join()


@dataclass
class Tally:
    """What became of a kind's cases."""

    kind: str
    counts: dict[End, int]
    slowest_s: float
    peak_mib: float
    added_mib: float
    faults: dict[int, Outcome]  # by the case's number; native deaths too
    not_run: str = ""


def tally(
    kind: Kind,
    folder: Path,
    seed: int,
    count: int,
    limits: Limits = Limits(),
    tick: Callable[[], None] = lambda: None,
) -> Tally:
    """Make a kind's specimens and run its first cases."""
    result = Tally(kind.name, dict.fromkeys(End, 0), 0.0, 0.0, 0.0, {})
    if kind.needs and find_spec(kind.needs) is None:
        result.not_run = f"{kind.needs} is not installed"
        return result
    specimens = made(kind.specimens, folder)
    for number, outcome in outcomes(kind, specimens, seed, range(count), limits):
        result.counts[outcome.end] += 1
        result.slowest_s = max(result.slowest_s, outcome.seconds)
        result.peak_mib = max(result.peak_mib, outcome.peak_mib)
        result.added_mib = max(result.added_mib, outcome.added_mib)
        if outcome.end in (*FAULTS, End.DIED_NATIVE):
            result.faults[number] = outcome
        tick()
    return result

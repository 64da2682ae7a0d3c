"""Code under test that is at fault in every way there is: what the harness is to find."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from fuzz.kind import Kind
from fuzz.of_bytes import CHANGE
from fuzz.spot import Spot
from mobileseg.errors import BadInput


def small(root: Path) -> None:
    """Files of a few bytes, half of which are poison to `on_poison`."""
    for name, data in (("food", b"food" * 8), ("poison", b"poison" * 8)):
        (root / name).mkdir()
        (root / name / "file").write_bytes(data)


def raises(spot: Spot) -> None:
    raise IndexError(spot.file.name)


def says_two_lines(spot: Spot) -> None:
    raise BadInput(f"{spot.file}: found this\nexpected that")


def says_no_file(_: Spot) -> None:
    raise BadInput("found this; expected that")


def says_too_much(spot: Spot) -> None:
    raise BadInput(f"{spot.file}: found {'x' * 5000}; expected y")


def refuses(spot: Spot) -> None:
    raise BadInput(f"{spot.file}: found this; expected that")


def loops(_: Spot) -> None:
    while True:
        pass


def waits(_: Spot) -> None:
    """For a writer that never comes."""
    time.sleep(3600)


def hangs_natively(_: Spot) -> None:
    """As native code does: no signal comes through."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGPROF})
    time.sleep(3600)


def swallows(spot: Spot) -> None:
    """Asks for memory without end."""
    hoard = []
    while spot:
        hoard.append(b"x" * (1 << 24))


def dies(_: Spot) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def on_poison(spot: Spot) -> None:
    if b"poison" in spot.file.read_bytes():
        os._exit(3)


def kind(ask: object, *, may_die: bool = False) -> Kind:
    """A kind of which every case is asked of `ask`."""
    name = getattr(ask, "__name__", "")
    return Kind(name, small, ("file",), (CHANGE,), ask, 1, may_die=may_die)  # type: ignore[arg-type]

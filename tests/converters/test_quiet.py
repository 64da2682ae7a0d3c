"""Toolkits write past Python, to the descriptors themselves; none of it may reach a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from converters.quiet import quiet
from mobileseg.errors import BadInput

# A child process is the chatter that Python's own sys.stdout never sees.
CHILD = [
    sys.executable,
    "-c",
    "import sys; print('child out'); print('child err', file=sys.stderr)",
]


@pytest.fixture
def terminal(capfd):
    """Call it first: Python's streams are then on descriptors 1 and 2, as outside pytest.

    Not before the test's own call, because pytest puts its own streams in for each phase.
    """
    theirs = sys.stdout, sys.stderr

    def begin() -> None:
        sys.stdout, sys.stderr = (open(fd, "w", closefd=False) for fd in (1, 2))  # noqa: SIM115

    def read() -> tuple[str, str]:
        sys.stdout.flush()
        sys.stderr.flush()
        return tuple(capfd.readouterr())

    read.begin = begin
    yield read
    sys.stdout, sys.stderr = theirs


def chatter() -> None:
    os.write(1, b"raw out\n")
    os.write(2, b"raw err\n")
    print("print out")
    print("print err", file=sys.stderr)
    subprocess.run(CHILD, check=True)
    warnings.warn("a remark", stacklevel=1)


def test_nothing_is_seen_while_all_goes_well(terminal):
    terminal.begin()
    with quiet():
        chatter()
    assert terminal() == ("", "")


def test_without_it_all_of_that_is_seen(terminal):
    terminal.begin()
    with pytest.warns(UserWarning, match="a remark"):
        chatter()
    out, err = terminal()
    assert {"raw out", "print out", "child out"} <= set(out.splitlines())
    assert {"raw err", "print err", "child err"} <= set(err.splitlines())


def test_what_was_said_is_shown_on_stderr_when_it_fails(terminal):
    terminal.begin()
    with pytest.raises(RuntimeError, match="no luck"), quiet():
        os.write(1, b"the reason\n")
        raise RuntimeError("no luck")
    assert terminal() == ("", "the reason\n")


@pytest.mark.parametrize("error", [BadInput("one line"), OSError(28, "disk full")], ids=repr)
def test_an_error_of_ours_or_the_systems_stands_alone_if_nobody_asks_for_more(
    error, terminal, monkeypatch
):
    terminal.begin()
    for asked, seen in (("", ""), ("1", "chatter")):
        monkeypatch.setenv("MOBILESEG_DEBUG", asked)
        with pytest.raises(type(error)), quiet():
            os.write(2, b"chatter")
            raise error
        assert terminal() == ("", seen)


def test_only_the_end_of_a_long_speech_is_shown(terminal):
    terminal.begin()
    with pytest.raises(RuntimeError), quiet():
        os.write(2, b"x" * 50_000 + b"the reason\n")
        raise RuntimeError
    err = terminal()[1]
    assert err.endswith("the reason\n")
    assert len(err) == 4000


def test_the_descriptors_are_the_same_afterwards_and_none_is_left_open(terminal):
    terminal.begin()

    def state():
        return [os.fstat(fd).st_ino for fd in (1, 2)], len(list(Path("/dev/fd").iterdir()))

    before = state()
    with quiet():
        assert state()[0] != before[0]
    assert state() == before
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), quiet():
            raise error
        assert state() == before


def test_what_python_had_not_written_yet_is_neither_lost_nor_mixed_in(terminal):
    terminal.begin()
    print("before")
    with quiet():
        print("inside")
    print("after")
    assert terminal()[0] == "before\nafter\n"


def test_nested_ones_are_quiet_until_the_outermost_ends(terminal):
    terminal.begin()
    with quiet():
        with quiet():
            chatter()
        chatter()
    print("now")
    assert terminal() == ("now\n", "")


def test_a_failure_inside_two_of_them_is_still_shown(terminal):
    terminal.begin()
    with pytest.raises(RuntimeError), quiet(), quiet():
        os.write(1, b"the reason\n")
        raise RuntimeError
    assert terminal() == ("", "the reason\n")


def test_two_threads_leave_the_descriptors_as_they_were(terminal):
    """Each would take the other's hiding place for the terminal and put that back."""
    terminal.begin()
    before = [os.fstat(fd).st_ino for fd in (1, 2)]
    first_is_in, second_waits = threading.Event(), threading.Event()

    def first() -> None:
        with quiet():
            first_is_in.set()
            second_waits.wait(5)
            time.sleep(0.05)  # time for the second to come in, if nothing stopped it

    def second() -> None:
        first_is_in.wait(5)
        second_waits.set()
        with quiet():
            time.sleep(0.2)  # still inside when the first leaves

    threads = [threading.Thread(target=body) for body in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [os.fstat(fd).st_ino for fd in (1, 2)] == before


def test_warnings_are_as_before_afterwards():
    with quiet():
        warnings.warn("not seen", stacklevel=1)
    with pytest.warns(UserWarning, match="seen again"):
        warnings.warn("seen again", stacklevel=1)

"""Keep the toolkits' own chatter off the terminal.

They write warnings, progress bars and processor details to the file descriptors themselves, past
Python. What they wrote is shown when they fail, because then it may be the reason; but an error of
ours or the system's is one line to a person, and the rest is for MOBILESEG_DEBUG=1.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mobileseg.errors import MobilesegError

# The descriptors are the whole process's: a second thread would keep the first one's file as its
# original, and put that back for good. Re-entrant, because one `quiet` may lie within another.
_one_thread = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing written to stdout or stderr inside is seen, unless an exception leaves it.

    One thread at a time is inside; others wait.
    """
    with _one_thread:
        yield from _hidden()


def _hidden() -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(fd, os.dup(fd)) for fd in (1, 2)]
    with tempfile.TemporaryFile() as said, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for fd, _ in kept:
                os.dup2(said.fileno(), fd)
            try:
                yield
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                for fd, copy in kept:
                    os.dup2(copy, fd)
                    os.close(copy)
        except Exception as error:
            if not isinstance(error, MobilesegError | OSError) or os.environ.get("MOBILESEG_DEBUG"):
                said.seek(0)
                os.write(2, said.read()[-4000:])
            raise

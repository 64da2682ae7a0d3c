"""One process at a time works on a study.

The system's own lock on an open file: it goes when its process goes, however that ends, so a
killed study never bars the next one. The file's text is only there to name the holder.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mobileseg.errors import BadInput

LOCK = "study.lock"


@contextmanager
def alone_on(folder: Path) -> Iterator[None]:
    """Hold a folder's lock.

    Raises:
        BadInput: another process holds it, which is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BadInput(
                f"{folder}: {file.read().strip() or 'another process'} is at work on this study; "
                "wait for it or stop it"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield

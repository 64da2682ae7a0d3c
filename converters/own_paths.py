"""Folders of the machine that converts, which no written file may name."""

from __future__ import annotations

import sys
from pathlib import Path

from mobileseg import errors

# Both packages, wherever they are installed, and the environment they run in.
OWN_PATHS = tuple(
    str(folder).encode()
    for folder in (Path(__file__).parent, Path(errors.__file__).parent, sys.prefix)
)

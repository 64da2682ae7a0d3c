"""The scripts import each other by bare names, as they do when one of them is started."""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPTS = str(Path(__file__).parents[2] / "benchmarks")
if SCRIPTS not in sys.path:
    sys.path.append(SCRIPTS)

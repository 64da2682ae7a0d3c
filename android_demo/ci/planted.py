#!/usr/bin/env python3
"""Plant the faults of plants.py in copies of the demo: each must be caught, and by its own check.

Called by planted.sh. What the compiler must catch is planted together and compiled once, each
fault reported by its line; so is what the tests must catch, each by its own test. With --full each
is planted alone (a compile each: minutes).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from plants import PLANTS, Plant

CI = Path(__file__).resolve().parent
DEMO = CI.parent
LEFT_OUT = shutil.ignore_patterns("node_modules", "build", "assets", "__pycache__", ".gradle")
ALONE = ("resources", "files")  # these checks end with the first fault, or cost nothing

# Each is bash with tools.sh sourced; $COPY is the planted demo, $WORK an empty folder and $BUILD
# what check.sh compiled from the demo as it is.
CHECKS = {
    "resources": 'resources "$COPY" "$WORK"',
    "framework": 'python3 "$CI/framework.py" "$COPY/ci/framework.txt" "$DECLARATIONS"'
    ' --min-sdk "$(version minSdk)" -o "$WORK/java"',
    "compiler": 'kotlin "$WORK/app" "$BUILD/core:$JSON:$JUNIT:$BUILD/runtime:$BUILD/framework"'
    ' "$COPY/app/src/main/kotlin"',
    "tests": 'kotlin "$WORK/core" "$JSON:$JUNIT" "$COPY/core/src" && junit "$WORK/core"',
    "files": 'DEMO="$COPY" && junit "$BUILD/core"',
}


def planted(plants: Iterable[Plant], folder: Path) -> dict[Plant, str]:
    """A copy of the demo with these faults; what each check is to say."""
    shutil.copytree(DEMO, folder, ignore=LEFT_OUT)
    told = {}
    for plant in plants:
        path = folder / plant.file
        text = path.read_text("utf-8")
        if text.count(plant.old) != 1:
            sys.exit(
                f"{plant.file}: found {text.count(plant.old)} times {plant.old!r}; expected it "
                "once: mend plants.py"
            )
        path.write_text(text.replace(plant.old, plant.new), "utf-8")
        line = text.partition(plant.old)[0].count("\n") + 1
        told[plant] = plant.told.replace("{line}", str(line))
    return told


def caught(check: str, plants: Sequence[Plant], build: Path) -> list[Plant]:
    """Those of the faults, planted together, that the check told."""
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work, "demo")
        told = planted(plants, copy)
        done = subprocess.run(
            ["bash", "-c", f'. "{CI}/tools.sh"; set -e; {CHECKS[check]}'],
            env={**os.environ, "COPY": str(copy), "WORK": work, "BUILD": str(build)},
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        # A check that says so and then is content has caught nothing.
        found = [p for p in plants if done.returncode != 0 and _says(said, told[p])]
        if len(found) < len(plants):
            print(said[-4000:], file=sys.stderr)
        return found


def _says(said: str, pattern: str) -> bool:
    """Patterns are regular expressions where a check gives columns or cases."""
    return pattern in said or re.search(pattern, said) is not None


def groups(full: bool) -> list[tuple[str, list[Plant]]]:
    """Which faults are planted together."""
    made: list[tuple[str, list[Plant]]] = []
    for check in CHECKS:
        plants = [plant for plant in PLANTS if plant.check == check]
        if full or check in ALONE:
            made += [(check, [plant]) for plant in plants]
        else:
            made.append((check, plants))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="Each fault alone.")
    parser.add_argument("--build", type=Path, default=CI / "build", help="From check.sh.")
    arguments = parser.parse_args()
    missed = 0
    for check, plants in groups(arguments.full):
        found = caught(check, plants, arguments.build.resolve())
        for plant in plants:
            verdict = "caught" if plant in found else "MISSED"
            print(f"{verdict} by {check}: {plant.name} ({plant.file})", flush=True)
        missed += len(plants) - len(found)
    print(f"{len(PLANTS) - missed} of {len(PLANTS)} planted faults were caught")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()

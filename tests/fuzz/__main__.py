"""The command: whole runs, a single case again, and the table that is reported."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fuzz.case import make_case
from fuzz.commands import ROWS, Ran, run_command
from fuzz.harness import SEED, Tally, outcomes, start_server, tally
from fuzz.kinds import KINDS, WHOLE
from fuzz.outcome import FAULTS, End
from fuzz.specimens import made

LONGEST_LINE = 400  # characters of a fault on the terminal; --json has it whole


def main() -> int:
    asked = _arguments()
    root = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        if asked.case:
            return one_case(root, asked.case, asked.seed, asked.keep)
        return whole(root, asked)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="fuzz", description="Damaged files against what opens them."
    )
    parser.add_argument("--cases", type=int, default=WHOLE, help="Over all kinds.")
    parser.add_argument("--kind", choices=KINDS, action="append", help="These alone.")
    parser.add_argument("--commands", type=int, default=len(ROWS), help="Whole commands.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--case", metavar="KIND:N", help="One case again.")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="Its files, to look at.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="Every figure, for a machine.")
    return parser.parse_args()


def one_case(root: Path, named: str, seed: int, keep: Path | None) -> int:
    """Run one case, say how it ends, and keep its files where asked."""
    name, _, number = named.partition(":")
    kind = KINDS[name]
    start_server([kind])
    specimens = made(kind.specimens, root)
    if keep:
        spot = make_case(kind, specimens, seed, int(number), keep / "it")
        print(f"{spot.file}")
    ((_, outcome),) = outcomes(kind, specimens, seed, range(int(number), int(number) + 1))
    print(f"{named}: {outcome.end.value}, {outcome.seconds:.2f} s: {outcome.text}")
    return int(outcome.end in FAULTS)


def whole(root: Path, asked: argparse.Namespace) -> int:
    """All kinds and commands, the table, and exit 1 if anything was at fault."""
    begun = time.monotonic()
    start_server([KINDS[name] for name in asked.kind or KINDS])
    tallies = []
    for name in asked.kind or KINDS:
        kind = KINDS[name]
        count = max(1, round(asked.cases * kind.share / WHOLE))
        tallies.append(tally(kind, root, asked.seed, count))
        print(_row(tallies[-1]), flush=True)
    commands = [run_command(row, root, asked.seed) for row in ROWS[: asked.commands]]
    for ran in commands:
        print(f"{ran.name:22} exit {ran.code}, {ran.seconds:.1f} s {ran.fault}", flush=True)
    result = summary(tallies, commands, asked.seed, time.monotonic() - begun)
    print(_last(result))
    for line in faults(tallies):
        print(line[:LONGEST_LINE])
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(result["faults"] > 0)


def _row(t: Tally) -> str:
    if t.not_run:
        return f"{t.kind:22} not run: {t.not_run}"
    ends = ", ".join(f"{count} {end.value}" for end, count in t.counts.items() if count)
    memory = f"peak {t.peak_mib:.0f} MiB, {t.added_mib:.0f} of them the cases'"
    return f"{t.kind:22} {ends}; slowest {t.slowest_s:.2f} s, {memory}"


def faults(tallies: list[Tally]) -> list[str]:
    """A line for every case that ended badly, with the name by which it is run again."""
    return [
        f"{t.kind}:{number} {outcome.end.value}: {outcome.text}"
        for t in tallies
        for number, outcome in t.faults.items()
        if outcome.end in FAULTS
    ]


def summary(tallies: list[Tally], commands: list[Ran], seed: int, wall_s: float) -> dict[str, Any]:
    """Every figure."""
    counts = {end.value: sum(t.counts[end] for t in tallies) for end in End}
    bad = sum(counts[end.value] for end in FAULTS) + sum(bool(ran.fault) for ran in commands)
    return {
        "seed": seed,
        "cases": sum(counts.values()),
        "commands": len(commands),
        "faults": bad,
        "counts": counts,
        "slowest_s": max((t.slowest_s for t in tallies), default=0.0),
        "peak_mib": max((t.peak_mib for t in tallies), default=0.0),
        "added_mib": max((t.added_mib for t in tallies), default=0.0),
        "wall_s": wall_s,
        "kinds": {
            t.kind: {
                **{end.value: count for end, count in t.counts.items()},
                "slowest_s": t.slowest_s,
                "peak_mib": t.peak_mib,
                "added_mib": t.added_mib,
                "not_run": t.not_run,
                "ended_badly": {str(n): f"{o.end.value}: {o.text}" for n, o in t.faults.items()},
            }
            for t in tallies
        },
        "whole_commands": {ran.name: {"exit": ran.code, "fault": ran.fault} for ran in commands},
    }


def _last(result: dict[str, Any]) -> str:
    return (
        f"{result['cases']} cases and {result['commands']} commands, seed {result['seed']}: "
        f"{result['faults']} at fault; slowest case {result['slowest_s']:.2f} s, "
        f"peak {result['peak_mib']:.0f} MiB, {result['added_mib']:.0f} of them the cases', "
        f"{result['wall_s']:.0f} s in all"
    )


if __name__ == "__main__":  # a process that starts imports this file, too
    sys.exit(main())

"""The AUPR that goes with a time: of the written file where it can be scored."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from converters.bench.engines import Entrant
from converters.bundle.evidence import read_evidence
from converters.bundle.read import Bundle
from converters.judge import Judge
from converters.run_pictures import read_pictures
from converters.targets import TARGETS
from mobileseg.errors import BadInput
from mobileseg.runs import open_run

Auprs = Mapping[str, float]  # entrant's name -> mean over its lesions


def judged(
    entrants: Sequence[Entrant], data: Path, say: Callable[[str], None]
) -> dict[tuple[str, str], float]:
    """AUPR on the test pictures of `data`, by (engine, precision), of files of a network alone.

    The whole pipeline's is the same: parity holds what comes before the network to the pixel.

    Raises:
        BadInput: the folder is not laid out as IDRiD's, or has no test pictures.
    """
    written = [e for e in entrants if e.artifact is not None and not e.order.whole]
    if not written:
        return {}
    run = open_run(written[0].run)
    pictures = read_pictures(run, data).test
    if not pictures:
        raise BadInput(f"{data}: found no test pictures; expected IDRiD's testing set to score on")
    judge = Judge(run, pictures)
    found = {}
    for entrant in written:
        say(f"scoring {entrant.name} on {len(pictures)} pictures")
        assert entrant.target is not None and entrant.artifact is not None
        runner = TARGETS[entrant.target].converter().load(entrant.artifact)
        found[entrant.engine, entrant.order.precision] = statistics.fmean(
            lesion.aupr for lesion in judge.of_file(runner)
        )
    return found


def from_parity(bundle: Bundle) -> float | None:
    """What parity measured on a bundle's file, mean over its lesions; None: it did not."""
    evidence: dict[str, Any] | None = read_evidence(bundle, "parity")
    if evidence is None:
        return None
    lesions = evidence["measured"].get("task")
    if not isinstance(lesions, dict):
        return None
    found = [
        steps["written artifact"].get("aupr")
        for steps in lesions.values()
        if isinstance(steps, dict) and isinstance(steps.get("written artifact"), dict)
    ]
    return statistics.fmean(found) if found and None not in found else None

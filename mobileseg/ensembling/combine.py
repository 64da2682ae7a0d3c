"""Make a run of several: of one task averaged (an ensemble), of different tasks side by side.

The result is a run folder like any other; it can be scored, converted and compared. Members answer
one after the other inside one graph, each with its own mean and SD.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from mobileseg.ensembling.compatibility import grouped, shared_protocol
from mobileseg.ensembling.merge import merge
from mobileseg.ensembling.selection import (
    Candidate,
    ChoicePictures,
    Threshold,
    find_thresholds,
    rank,
)
from mobileseg.errors import BadInput
from mobileseg.files.atomic import read_json, refuse_existing, staged_folder, write_json
from mobileseg.lesions import in_order
from mobileseg.protocols import Protocol
from mobileseg.run_config import Member
from mobileseg.runs import WEIGHTS, Run, is_run, open_run, save_members, weights_sha256

MARK = "config.json"
RECORDED_VERSIONS = ("mobileseg", "torch", "numpy", "opencv-python-headless")


def combine(
    runs: Sequence[Run],
    into: Path,
    *,
    data: Path | None = None,
    best: int | None = None,
    force: bool = False,
    tick: Callable[[], None] = lambda: None,
) -> Run:
    """Average runs of one task, lay those of different tasks side by side, write it as a run.

    Args:
        runs: in any order; no bit of the result depends on it. A calibration of theirs is left
            out: a mean of calibrated probabilities is not calibrated, so the whole has its own.
        into: run folder to write.
        data: IDRiD folder with the pictures to choose on; not needed where nothing is chosen.
        best: of each task, take only so many runs, those with the highest mean AUPR.
        force: replace an ensemble that is there; a trained run is never replaced.
        tick: called after each picture that was read or answered.

    Returns:
        The new run, opened.

    Raises:
        BadInput: the runs do not go together (`compatibility`), `data` is missing or unusable,
            or `into` exists. Nothing is left half-written.
    """
    _refuse_taken(into, runs, force=force)
    runs = [run.uncalibrated() for run in runs]
    groups = grouped(runs)
    rules = shared_protocol(runs)
    judged = in_order(code for g in groups if len(g) > 1 for code in g[0].config.lesions)
    pictures = ChoicePictures(data, judged, tick)
    ranked = [rank(group, best, rules, pictures) for group in groups]
    kept = [[c.run for c in candidates if c.chosen] for candidates in ranked]
    if len(kept) == len(kept[0]) == 1:
        raise BadInput(f"{kept[0][0].path}: is the only one left; use it as it is")
    thresholds: dict[str, Threshold] = {}
    for group in kept:
        thresholds |= find_thresholds(group, rules, pictures)
    taken = [run for group in kept for run in group]
    config, networks = merge(taken, {code: t.value for code, t in thresholds.items()})
    with staged_folder(into, force=force, mark=MARK) as staged:
        save_members(networks, staged / WEIGHTS)
        write_json(
            staged / "run.json",
            {
                **_origin(data, taken),
                **_choice([c for candidates in ranked for c in candidates], best, rules),
                "thresholds": {code: asdict(thresholds[code]) for code in config.lesions},
                "members": [_named(member) for member in config.members],
            },
        )
        write_json(staged / MARK, config.to_json())
    return open_run(into)


def _refuse_taken(into: Path, runs: Sequence[Run], *, force: bool) -> None:
    """Hours of training are not replaced by what takes minutes, whatever is forced."""
    refuse_existing(into, force=force, mark=MARK)
    if not is_run(into):
        return
    if not open_run(into).config.ensemble:
        raise BadInput(f"{into}: is a trained run, which nothing replaces; choose another place")
    if into.resolve() in {run.path.resolve() for run in runs}:
        raise BadInput(f"{into}: is among the runs to combine; choose another place")


def _origin(data: Path | None, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: metadata.version(name) for name in RECORDED_VERSIONS},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "chosen_on_data": data.name if data else None,
        **_trained_on(runs),
    }


def _trained_on(runs: Sequence[Run]) -> dict[str, Any]:
    """The data that all runs name in their records; None where they differ or keep none."""
    records = [read_json(r.path / "run.json") for r in runs if (r.path / "run.json").is_file()]
    found = {(str(r.get("data")), str(r.get("data_sha256"))) for r in records}
    data, fingerprint = (
        found.pop() if len(found) == 1 and len(records) == len(runs) else (None, None)
    )
    return {"data": data, "data_sha256": fingerprint}


def _choice(candidates: Sequence[Candidate], best: int | None, rules: Protocol) -> dict[str, Any]:
    ranked = any(c.score is not None for c in candidates)
    return {
        "protocol": rules.name,
        "leaks": list(rules.leaks),
        "best": best,
        "members_chosen_on": rules.members if ranked else None,
        "candidates": [
            {
                "name": c.run.path.resolve().name,
                "task": c.run.config.task,
                "weights_sha256": weights_sha256(c.run),
                "mean_aupr": c.score,
                "chosen": c.chosen,
            }
            for c in candidates
        ],
    }


def _named(member: Member) -> dict[str, str]:
    return {
        "name": member.name,
        "variant": member.variant,
        "task": member.task,
        "weights_sha256": member.weights_sha256,
    }

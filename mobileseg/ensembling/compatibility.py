"""Which runs may become one: the rules, each with the line that says why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations

from mobileseg.errors import BadInput
from mobileseg.lesions import LESIONS
from mobileseg.protocols import Protocol, protocol
from mobileseg.runs import Run, weights_sha256

SHARED = ("protocol", "mask_rule")  # choices of the training that one evaluation must follow


def grouped(runs: Sequence[Run]) -> list[list[Run]]:
    """Sort runs into groups of one task, in channel order, however they were named.

    Returns:
        A group of one keeps its answer; the runs of a larger one are averaged.

    Raises:
        BadInput: fewer than two runs, one given twice, one unfinished, or two that do not go
            together; in one line that names both.
    """
    if len(runs) < 2:
        raise BadInput(f"found {len(runs)} run(s); expected two or more to combine")
    for run in runs:
        if set(run.config.thresholds) != set(run.config.lesions):
            raise BadInput(f"{run.path}: has no thresholds yet; train it to its first epoch")
    _refuse_twins(runs)
    for run in runs[1:]:
        _refuse_unlike(runs[0], run)
    for one, other in combinations(runs, 2):
        _refuse_overlap(one, other)
    groups: dict[tuple[str, ...], list[Run]] = {}
    for run in sorted(runs, key=_place):
        groups.setdefault(run.config.lesions, []).append(run)
    for group in groups.values():
        _refuse_average(group)
    return list(groups.values())


def shared_protocol(runs: Sequence[Run]) -> Protocol:
    """The protocol that all of them followed (`grouped` has made sure)."""
    return protocol(str(runs[0].config.training.get("protocol")))


def _place(run: Run) -> tuple[int, str, str]:
    """Channel of the first lesion, then the name: the order of arguments decides nothing."""
    first = list(LESIONS).index(run.config.lesions[0])
    return first, run.path.resolve().name, weights_sha256(run)


def _refuse_twins(runs: Sequence[Run]) -> None:
    known: dict[str, Run] = {}
    for run in runs:
        twin = known.setdefault(weights_sha256(run), run)
        if twin is not run:
            raise BadInput(f"{run.path}: the same weights as {twin.path}; name each run once")


def _refuse_unlike(one: Run, other: Run) -> None:
    """One bundle has one preprocessing, and one evaluation follows one protocol."""
    ours, theirs = asdict(one.config.preprocess), asdict(other.config.preprocess)
    ours |= {name: one.config.training.get(name) for name in SHARED}
    theirs |= {name: other.config.training.get(name) for name in SHARED}
    differing = [
        f"{name} {ours[name]} and {theirs[name]}" for name in ours if ours[name] != theirs[name]
    ]
    if differing:
        raise BadInput(
            f"{one.path} and {other.path}: found {'; '.join(differing)}; "
            "expected the same: train them alike"
        )


def _refuse_overlap(one: Run, other: Run) -> None:
    ours, theirs = one.config.lesions, other.config.lesions
    if ours != theirs and set(ours) & set(theirs):
        raise BadInput(
            f"{one.path} and {other.path}: found tasks {one.config.task} and {other.config.task}; "
            "expected equal tasks (averaged) or tasks without a common lesion (side by side)"
        )


def _refuse_average(group: Sequence[Run]) -> None:
    """Runs of one task: each must be a plain one, and `clean` ones must share their split."""
    if len(group) == 1:
        return
    task = group[0].config.task
    for run in group:
        if run.config.ensemble:
            raise BadInput(
                f"{run.path}: is an ensemble of task {task} already; a mean of means would weigh "
                "its members less: name the members themselves"
            )
    if shared_protocol(group).split == "run":
        return
    for run in group[1:]:
        if set(run.config.pictures["validation"]) != set(group[0].config.pictures["validation"]):
            raise BadInput(
                f"{group[0].path} and {run.path}: found other validation pictures; expected one "
                "split (--split-seed), or the threshold would be chosen on pictures that a member "
                "was trained on"
            )

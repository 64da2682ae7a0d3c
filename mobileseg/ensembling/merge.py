"""What several runs' configurations and weights are together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from mobileseg.lesions import LESIONS, in_order, task_lesions, task_name
from mobileseg.run_config import EACH_ITS_OWN, PARTS, Member, RunConfig
from mobileseg.runs import Run, weights_sha256

Pictures = dict[str, list[str]]


def merge(
    runs: Sequence[Run], thresholds: Mapping[str, float]
) -> tuple[RunConfig, list[nn.Module]]:
    """The configuration of all runs as one, and their networks in the order of its members.

    Args:
        runs: that go together (`compatibility.grouped`); ensembles give their members.
        thresholds: lesion code -> probability, for every lesion of the runs.

    Raises:
        BadInput: weights are missing or hold NaN.
    """
    pairs = [pair for run in runs for pair in zip(_members(run), run.networks, strict=True)]
    pairs.sort(key=lambda pair: list(LESIONS).index(task_lesions(pair[0].task)[0]))
    members = [member for member, _ in pairs]
    training = _shared([m.training for m in members])
    pictures = _pictures([m.pictures for m in members])
    lesions = in_order(code for m in members for code in task_lesions(m.task))
    config = RunConfig(
        variant=",".join(dict.fromkeys(m.variant for m in members)),
        task=task_name(lesions),
        preprocess=runs[0].config.preprocess,
        normalisation=EACH_ITS_OWN,
        thresholds={code: thresholds[code] for code in lesions},
        training=training,
        pictures=pictures,
        ensemble=tuple(_without(m, training, pictures) for m in members),
    )
    return config, [network for _, network in pairs]


def _members(run: Run) -> list[Member]:
    """A run's members with all that they were trained with."""
    config = run.config
    if config.ensemble:
        return [
            replace(
                m,
                training={**config.training, **m.training},
                pictures=m.pictures or config.pictures,
            )
            for m in config.ensemble
        ]
    (member,) = config.members
    return [
        replace(
            member,
            name=run.path.resolve().name,
            weights_sha256=weights_sha256(run),
            training=config.training,
            pictures=config.pictures,
        )
    ]


def _shared(choices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The entries that are the same in all."""
    missing = object()
    first, *others = choices
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name, missing) == value for other in others)
    }


def _pictures(parts: Sequence[Pictures]) -> Pictures:
    """All pictures that any member was trained on, and those that every member kept aside."""
    train, validation = ([set(p[part]) for p in parts] for part in PARTS)
    return {
        "train": sorted(set.union(*train)),
        "validation": sorted(set.intersection(*validation)),
    }


def _without(member: Member, training: dict[str, Any], pictures: Pictures) -> Member:
    """A member with only what differs from what all share."""
    own = {name: value for name, value in member.training.items() if name not in training}
    same = all(sorted(member.pictures[part]) == pictures[part] for part in PARTS)
    return replace(member, training=own, pictures={} if same else member.pictures)

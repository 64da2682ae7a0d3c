"""The two ways to run the paper's experiment, as data: one leaks the test set, one does not.

The paper normalises by the test set's mean and SD and reads thresholds off the test set's curve;
which split picked its ensembles' members it does not say. `paper` repeats that, labelled;
`clean` learns everything from the training pictures and is the default.
"""

from __future__ import annotations

from dataclasses import dataclass

from mobileseg.errors import UnknownName

VALIDATION_SHARE = 0.2  # of the training pictures; paper, section 4


@dataclass(frozen=True, slots=True)
class Protocol:
    """Which pictures each choice is made on."""

    name: str
    split: str  # "study": one validation set for all runs; "run": drawn anew by each run's seed
    statistics: str  # mean and SD: "train" or "test" pictures
    thresholds: str  # "validation" or "test" pictures
    members: str  # which pictures rank the members of an ensemble: "validation" or "test"
    leaks: tuple[str, ...] = ()  # what of the test set is in the result, in words


PROTOCOLS: dict[str, Protocol] = {
    row.name: row
    for row in (
        Protocol(
            "clean",
            split="study",
            statistics="train",
            thresholds="validation",
            members="validation",
        ),
        Protocol(
            "paper",
            split="run",
            statistics="test",
            thresholds="test",
            members="test",
            leaks=(
                "mean and SD were taken over the test pictures",
                "thresholds were chosen on the test pictures",
                "members of ensembles were chosen on the test pictures",
            ),
        ),
    )
}


def protocol(name: str) -> Protocol:
    """Look a protocol up by name.

    Raises:
        UnknownName: `name` is none of `PROTOCOLS`.
    """
    try:
        return PROTOCOLS[name]
    except KeyError:
        raise UnknownName("protocol", name, PROTOCOLS) from None

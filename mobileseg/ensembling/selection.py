"""What is chosen on labelled pictures when runs become one: its members and its thresholds.

Which pictures is the protocol's business: `clean` chooses on the validation pictures, which no
member was trained on; `paper` on the test pictures, its leak.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import Prepared, prepare_all
from mobileseg.errors import BadInput
from mobileseg.evaluation.pr_curve import average_precision, best_threshold_on
from mobileseg.evaluation.reference import mean_answer, reference_probabilities
from mobileseg.files.atomic import read_json
from mobileseg.protocols import Protocol
from mobileseg.runs import Run

SCORE = "best_validation_aupr"  # in a run's record: mean over its lesions
OWN = "own"  # of a threshold: the single run's, as it was


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that was given, and whether it was taken."""

    run: Run
    score: float | None  # mean AUPR over its lesions; None: there was nothing to rank
    chosen: bool


@dataclass(frozen=True, slots=True)
class Threshold:
    """Of one lesion, and where it comes from."""

    value: float
    chosen_on: str  # "validation" or "test" pictures, or OWN
    aupr: float | None = None  # of the averaged probabilities on those pictures


@dataclass(frozen=True, slots=True)
class ChoicePictures:
    """Labelled pictures, read when the first choice needs them and kept for the next."""

    data: Path | None
    lesions: tuple[str, ...]  # that something is chosen for
    tick: Callable[[], None] = lambda: None
    read: dict[tuple[str, ...], list[Prepared]] = field(default_factory=dict)

    def part(self, part: str, run: Run) -> list[Prepared]:
        """The "test" pictures, or those that a run kept for "validation".

        Raises:
            BadInput: no data folder, or one without these pictures.
        """
        names = tuple(run.config.pictures["validation"]) if part == "validation" else ()
        if names not in self.read:
            self.read[names] = self._prepare(part, names, run)
        return self.read[names]

    def _prepare(self, part: str, names: tuple[str, ...], run: Run) -> list[Prepared]:
        if self.data is None:
            raise BadInput(
                f"{run.path}: is to be averaged or ranked, which needs {part} pictures; "
                "name their folder: --data DIR"
            )
        samples = read_idrid(self.data).split("test" if part == "test" else "train", self.lesions)
        missing = sorted(set(names) - {s.name for s in samples})
        if missing:
            raise BadInput(
                f"{self.data}: found no picture {missing[0]} ({len(missing)} missing), which "
                f"{run.path} kept for validation; name the data that it was trained on"
            )
        config = run.config
        return prepare_all(
            self.data,
            [s for s in samples if not names or s.name in names],
            self.lesions,
            config.preprocess,
            config.training["mask_rule"],
            self.tick,
        )

    def truth(self, prepared: Sequence[Prepared], code: str) -> NDArray[np.bool_]:
        """(N, S, S) masks of one lesion."""
        return np.stack([p.masks[self.lesions.index(code)] for p in prepared])

    def answers(self, runs: Sequence[Run], prepared: Sequence[Prepared]) -> NDArray[np.float32]:
        """(N, C, S, S): the mean of the runs' probabilities."""
        means = []
        for sample in prepared:
            means.append(mean_answer([reference_probabilities(r, sample.picture) for r in runs]))
            self.tick()
        return np.stack(means)


def rank(
    group: Sequence[Run], best: int | None, rules: Protocol, pictures: ChoicePictures
) -> list[Candidate]:
    """Decide which runs of one task are taken; all of them, unless `best` says how many.

    Raises:
        BadInput: fewer runs than are asked for, or one without a score.
    """
    if best is None or best == len(group):
        return [Candidate(run, None, chosen=True) for run in group]
    if not 1 <= best < len(group):
        raise BadInput(
            f"the best {best} of {len(group)} run(s) of task {group[0].config.task}: "
            f"expected 1..{len(group)}"
        )
    if rules.members == "test":
        scores = [_test_score(run, pictures) for run in group]
    else:
        scores = [_recorded_score(run) for run in group]
    places = sorted(range(len(group)), key=lambda i: -scores[i])[:best]
    return [Candidate(run, scores[i], chosen=i in places) for i, run in enumerate(group)]


def _recorded_score(run: Run) -> float:
    path = run.path / "run.json"
    values = read_json(path)
    score = values.get(SCORE) if isinstance(values, dict) else None
    if not isinstance(score, float | int) or not math.isfinite(score):
        raise BadInput(
            f"{path}: found {SCORE} {score}; expected a number: train the run to its end"
        )
    return float(score)


def _test_score(run: Run, pictures: ChoicePictures) -> float:
    prepared = pictures.part("test", run)
    answers = pictures.answers([run], prepared)
    lesions = run.config.lesions
    scores = [
        average_precision(
            torch.from_numpy(pictures.truth(prepared, code)), torch.from_numpy(answers[:, c])
        )
        for c, code in enumerate(lesions)
    ]
    for code, score in zip(lesions, scores, strict=True):
        if math.isnan(score):
            raise BadInput(f"{pictures.data}: no test picture has any {code} to rank runs by")
    return float(np.mean(scores))


def find_thresholds(
    group: Sequence[Run], rules: Protocol, pictures: ChoicePictures
) -> dict[str, Threshold]:
    """Per lesion of one task; an average's are new, because a mean is another score.

    Raises:
        BadInput: the pictures cannot be read.
    """
    lesions = group[0].config.lesions
    if len(group) == 1:
        return {code: Threshold(group[0].config.thresholds[code], OWN) for code in lesions}
    prepared = pictures.part(rules.thresholds, group[0])
    answers = pictures.answers(group, prepared)
    found = {}
    for channel, code in enumerate(lesions):
        truth = torch.from_numpy(pictures.truth(prepared, code))
        probability = torch.from_numpy(answers[:, channel])
        score = average_precision(truth, probability)
        found[code] = Threshold(
            best_threshold_on(truth, probability),
            rules.thresholds,
            None if math.isnan(score) else score,
        )
    return found

"""Walk pictures through every stage of a bundle, the written file reopened from disk."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any

import numpy as np

from converters.bundle.read import Bundle
from converters.parity.cases import Case
from converters.parity.difference import Apart, Maps, apart, as_decided
from converters.parity.result import Parity, PictureParity, Worst
from converters.parity.stages import EAGER, Ask, Given, Preparation, stages
from converters.parity.task_metrics import TaskScore, TaskTally
from converters.quiet import quiet
from converters.targets import Answer
from mobileseg.data.prepared import mask_at_network
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.runs import Run
from mobileseg.spec import PreprocessSpec, fitted_hw

RETINA_OFF = 1e-6  # one division in float32


def compare(
    bundle: Bundle,
    cases: Iterable[Case],
    data: str,
    tick: Callable[[], None] = lambda: None,
    *,
    hard: Iterable[Case] = (),
) -> Parity:
    """Compare a bundle's file with its reference, stage by stage.

    Args:
        cases: read one at a time; a full-size photo is large.
        data: what the pictures are, for the record.
        tick: called after each picture.
        hard: pictures that are not eyes; see `converters.parity.edge_cases`.

    Raises:
        BadInput: the artifact cannot be loaded.
    """
    converter, blank = bundle.target.converter(), described(bundle, data)
    try:
        with quiet():
            checks = converter.inspect(bundle.artifact, bundle.reference(), bundle.order)
            reason = converter.why_not(bundle.order)
    except MissingToolkit as error:
        return replace(blank, not_run=str(error))
    blank = replace(blank, checks=checks)
    if reason:
        return replace(blank, not_run=reason)
    with quiet():
        asked = stages(bundle)
    return walk(blank, bundle, asked, cases, hard, tick)


def described(bundle: Bundle, data: str, against: str = "") -> Parity:
    """A bundle before anything was compared."""
    converter, order = bundle.target.converter(), bundle.order
    constants = bundle.reference().config.constants
    return Parity(
        bundle=str(bundle.path),
        target=bundle.target.name,
        precision=order.precision,
        made=order.name(),
        head=order.head,
        data=data,
        evaluation=converter.EVALUATION,
        blind_to=converter.BLIND_TO,
        against=against,
        calibration_factor=max([1.0, *(one.a for one in constants)]),
        calibration_step=max([0.0, *(one.largest_step() for one in constants)]),
    )


def walk(
    blank: Parity,
    bundle: Bundle,
    asked: Mapping[str, Ask],
    cases: Iterable[Case],
    hard: Iterable[Case],
    tick: Callable[[], None],
) -> Parity:
    """Every picture through every stage.

    Args:
        asked: stage -> how it is asked; the first is what all are held to, the last the file.
    """
    way = _Walk(bundle, asked)
    pictures: list[PictureParity] = []
    wild: list[PictureParity] = []
    refused: list[str] = []
    for found, case in chain(((pictures, c) for c in cases), ((wild, c) for c in hard)):
        try:
            with quiet():  # ExecuTorch describes the processor when it first computes
                found.append(way.picture(case, counts=found is pictures))
        except BadInput as error:  # a file that loads, and cannot be computed
            refused.append(f"{case.name}: {error}")
        tick()
    return replace(
        blank,
        pictures=pictures,
        hard=wild,
        refused=refused,
        task=way.scores(),
        worst=way.worst,
        not_run=None if pictures or refused else "no pictures",
    )


class _Walk:
    """Holds what all pictures share, and what is only known after all of them."""

    def __init__(self, bundle: Bundle, asked: Mapping[str, Ask]) -> None:
        self.run: Run = bundle.reference()
        self.order, self.asked = bundle.order, asked
        self.preparation = Preparation(self.run, self.order, bundle.target.converter())
        config = self.run.config
        self.thresholds = {code: config.thresholds[code] for code in config.lesions}
        self.tallies = {stage: TaskTally(self.thresholds) for stage in asked}
        self.worst: Worst | None = None
        self._furthest = -1.0

    def picture(self, case: Case, *, counts: bool = True) -> PictureParity:
        """One picture.

        Args:
            counts: whether its masks and its worst pixel count.
        """
        spec = self.preparation.next_spec()
        given = self.preparation.give(case.photo)
        answers = {stage: ask(given) for stage, ask in self.asked.items()}
        plain = {stage: answer.probabilities for stage, answer in answers.items()}
        decided = {stage: self._decided(maps) for stage, maps in plain.items()}
        names = list(answers)
        first, last = names[0], names[-1]
        result = PictureParity(
            name=case.name,
            cropped=not given.done.crop.is_whole_frame(
                fitted_hw((case.photo.shape[0], case.photo.shape[1]), spec.frame_hw)
            ),
            labelled=bool(case.masks),
            in_range=bool(((plain[last] >= 0) & (plain[last] <= 1)).all()),  # NaN is neither
            mask_pixels=plain[last].size,
            box_equal=not self.order.whole or _same_box(answers[last], answers[first]),
            steps={
                # What the file says may be less than a probability: its neighbour is brought there.
                now: self._apart((decided if now == last else plain)[before], plain[now])
                for before, now in pairwise(names)
            },
            same_tensor=self._apart(decided.get(EAGER, decided[first]), plain[last]),
            end_to_end=self._apart(decided[first], plain[last]),
            quality=_quality_apart(answers) if self.order.whole else {},
            **_levels(given),
        )
        if counts:
            self._score(case, given, decided, spec)
            self._keep_worst(result, given, decided[first], plain[last])
        return result

    def _decided(self, answer: Maps) -> Maps:
        return as_decided(answer, self.thresholds, self.order.head)

    def _apart(self, one: Maps, other: Maps) -> Apart:
        return apart(one, other, self.thresholds)

    def _score(
        self, case: Case, given: Given, answers: Mapping[str, Maps], spec: PreprocessSpec
    ) -> None:
        rule = self.run.config.training["mask_rule"]
        truth = {
            code: mask_at_network(case.masks[code], given.done.crop, spec, rule)
            for code in self.thresholds
            if code in case.masks
        }
        for stage, tally in self.tallies.items():
            tally.add(truth, answers[stage])

    def _keep_worst(self, seen: PictureParity, given: Given, expected: Maps, found: Maps) -> None:
        """By the largest difference; what is no number is the worst of all."""
        off = seen.end_to_end.max
        if not off <= self._furthest:
            self._furthest = off
            self.worst = Worst(seen.name, given.done.levels, expected, found)

    def scores(self) -> dict[str, dict[str, TaskScore]]:
        """Lesion -> stage -> score, of the lesions that any picture was labelled for."""
        by_stage = {stage: tally.scores() for stage, tally in self.tallies.items()}
        first = next(iter(by_stage.values()))
        return {code: {stage: s[code] for stage, s in by_stage.items()} for code in first}


def _levels(given: Given) -> dict[str, Any]:
    """What the two preprocessings differ in, in grey levels."""
    moved = np.abs(given.enhanced.max(axis=2) - given.done.enhanced.max(axis=2))
    return {
        "level_pixels": moved.size,
        "level_flips": int((given.levels != given.done.levels).any(axis=2).sum()),
        "moved": int((moved > 0).sum()),
        "moved_levels": float(moved.max()),
    }


def _quality_apart(answers: Mapping[str, Answer]) -> dict[str, float]:
    """Stage -> how far its quality is from that of the stage before; see `PictureParity`."""
    if next(iter(answers.values())).quality is None:  # the run, or the older bundle
        return {}
    apart_by = {}
    for before, now in pairwise(answers):
        one, other = answers[before].quality, answers[now].quality
        apart_by[now] = math.nan
        if one is not None and other is not None and one.shape == other.shape:
            apart_by[now] = float(np.abs(one - other).max())
    return apart_by


def _same_box(answer: Answer, expected: Answer) -> bool:
    """Whole numbers must be equal; the share is one division, equal to float32's last digit."""
    # Compared as they came: int() would make 3.9 a 3, and stop at NaN.
    same = bool((answer.crop == expected.crop).all())
    return same and abs(answer.retina - expected.retina) < RETINA_OFF

"""After the runs: the best of them averaged, or the best of each task side by side, and scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mobileseg.data.dataset import Pictures
from mobileseg.data.idrid import read_idrid
from mobileseg.ensembling.combine import combine
from mobileseg.errors import MobilesegError
from mobileseg.evaluation.score import evaluation_json
from mobileseg.files.atomic import read_json, sha256, write_json
from mobileseg.run_config import RunConfig
from mobileseg.runs import WEIGHTS, Run, open_run
from mobileseg.study.folder import EVALUATION, StudyFolder


@dataclass(frozen=True, slots=True)
class Wanted:
    """An ensemble or combination: of each task the best so many of a variant's runs."""

    name: str
    variant: str
    tasks: tuple[str, ...]
    best: int


def wanted(study: StudyFolder) -> Iterator[Wanted]:
    """Everything that is made of a study's runs, ensembles first."""
    for row in study.ensembles:
        yield Wanted(row.name, row.variant, (row.task,), row.best)
    for side_by_side in study.combinations:
        yield Wanted(side_by_side.name, side_by_side.variant, side_by_side.tasks, 1)


def is_current(study: StudyFolder, one: Wanted) -> bool:
    """Whether it is there, scored, and chosen from just the runs that are complete now."""
    folder = study.ensemble_folder(one.name)
    if not (folder / EVALUATION).is_file():
        return False
    try:
        recorded = read_json(folder / "run.json")["candidates"]
        before = {row["name"]: row["weights_sha256"] for row in recorded}
    except (KeyError, TypeError):  # no record of ours any more: it is made anew
        return False
    return before == {n: sha256(study.run_folder(n) / WEIGHTS) for n in _candidates(study, one)}


def _candidates(study: StudyFolder, one: Wanted) -> list[str]:
    return [
        name
        for name, run in study.runs.items()
        if run.variant == one.variant
        and run.task in one.tasks
        and not run.taught_by
        and study.is_complete(name)
    ]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes and scores what a study wants of its complete runs; what is current stays.

    Args:
        say: told a line for each that is made or cannot be.
        tick: called after each picture that is read or answered.
    """

    study: StudyFolder
    data: Path
    say: Callable[[str], None]
    tick: Callable[[], None] = lambda: None
    read: dict[tuple[Any, ...], Pictures] = field(default_factory=dict)

    def make_all(self) -> dict[str, str | None]:
        """Name -> None if it is complete, else the reason."""
        outcome: dict[str, str | None] = {}
        for one in wanted(self.study):
            outcome[one.name] = self.make(one)
            if outcome[one.name]:
                self.say(f"{one.name}: not made: {outcome[one.name]}")
        return outcome

    def make(self, one: Wanted) -> str | None:
        """None if it is complete now, else the reason."""
        try:
            return self._make(one)
        except MobilesegError as error:
            return str(error)

    def _make(self, one: Wanted) -> str | None:
        names = _candidates(self.study, one)
        for task in one.tasks:
            found = sum(self.study.runs[name].task == task for name in names)
            if found < one.best:
                return f"{found} complete run(s) of {one.variant} for {task}, expected {one.best}"
        if is_current(self.study, one):
            return None
        runs = [open_run(self.study.run_folder(name)) for name in names]
        folder = self.study.ensemble_folder(one.name)
        made = combine(runs, folder, data=self.data, best=one.best, force=True, tick=self.tick)
        self._score(made)
        self.say(f"{one.name}: complete, {', '.join(m.name for m in made.config.members)}")
        return None

    def _score(self, made: Run) -> None:
        data = self.data.resolve().name
        test = self._pictures(made.config).test
        scored = evaluation_json(made, test, data=data, split="test", tick=self.tick)
        write_json(made.path / EVALUATION, scored)

    def _pictures(self, config: RunConfig) -> Pictures:
        """Read once for all that answer for the same lesions."""
        key = lesions, rule = config.lesions, config.training["mask_rule"]
        if key not in self.read:
            collection, cpu = read_idrid(self.data), torch.device("cpu")
            self.read[key] = Pictures(
                self.data, collection, lesions, config.preprocess, rule, cpu, self.tick
            )
        return self.read[key]

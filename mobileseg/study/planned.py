"""What a study asks for, as data: runs, ensembles, combinations, and how each is named."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mobileseg.lesions import TASKS
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import TrainConfig

# How many lesions a network of a combination segments.
COMBINED = {"single": 1, "dual": 2}
CHOICES = tuple(f.name for f in fields(TrainConfig))


def task_word(task: str) -> str:
    """A task as it stands in names of folders."""
    return task.replace(",", "_")


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One training of a study."""

    variant: str
    task: str
    choices: TrainConfig

    @property
    def name(self) -> str:
        return f"{self.variant}-{task_word(self.task)}-{self.choices.seed}"

    def to_json(self) -> dict[str, Any]:
        head = {"name": self.name, "variant": self.variant, "task": self.task}
        return head | self.choices.to_json()

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> PlannedRun:
        choices = {key: value for key, value in values.items() if key in CHOICES}
        return cls(values["variant"], values["task"], TrainConfig.from_json(choices))


@dataclass(frozen=True, slots=True)
class PlannedEnsemble:
    """The best of a variant's runs for one task, averaged."""

    variant: str
    task: str
    best: int

    @property
    def name(self) -> str:
        return f"{self.variant}-{task_word(self.task)}-best{self.best}"

    def to_json(self) -> dict[str, Any]:
        head = {"name": self.name, "variant": self.variant, "task": self.task}
        return head | {"best": self.best}


@dataclass(frozen=True, slots=True)
class PlannedCombination:
    """The best run of each task, side by side, so that one network answers for all lesions."""

    variant: str
    of: str  # a row of COMBINED

    @property
    def name(self) -> str:
        return f"{self.variant}-{self.of}-combination"

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(t for t, lesions in TASKS.items() if len(lesions) == COMBINED[self.of])

    def to_json(self) -> dict[str, Any]:
        head = {"name": self.name, "variant": self.variant}
        return head | {"of": self.of, "tasks": list(self.tasks)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study file asks for."""

    file: Path
    name: str
    data: Path | None  # if the file names it
    approximate: tuple[str, ...]  # lesions whose masks are not true
    protocol: str
    preprocess: PreprocessSpec
    runs: tuple[PlannedRun, ...]
    ensembles: tuple[PlannedEnsemble, ...]
    combinations: tuple[PlannedCombination, ...]

"""What a study asks for, as data: runs, ensembles, combinations, and how each is named."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from mobileseg.lesions import TASKS
from mobileseg.spec import PreprocessSpec
from mobileseg.training.config import RUNS, TrainConfig

# How many lesions a network of a combination segments.
COMBINED = {"single": 1, "dual": 2}
# What a study file may choose; which other runs a run leans on, a study says in its own words.
CHOICES = tuple(f.name for f in fields(TrainConfig) if f.name not in RUNS)


def task_word(task: str) -> str:
    """A task as it stands in names of folders."""
    return task.replace(",", "_")


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One training of a study."""

    variant: str
    task: str
    choices: TrainConfig
    taught_by: str = ""  # name of the study's ensemble that is its teacher; empty: a plain run
    starts_at: str = ""  # name of the plain run whose weights it begins with; empty: fresh ones

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.choices.seed}"

    @property
    def kind(self) -> str:
        """What runs that differ in nothing but their seeds are called."""
        taught = "-distilled" if self.taught_by else ""
        return f"{self.variant}-{task_word(self.task)}{taught}"

    def to_json(self) -> dict[str, Any]:
        head = {"name": self.name, "variant": self.variant, "task": self.task}
        leaning = {"taught_by": self.taught_by, "starts_at": self.starts_at}
        return head | (leaning if self.taught_by else {}) | self.choices.to_json()

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> PlannedRun:
        choices = {key: value for key, value in values.items() if key in CHOICES}
        leaning = (values.get("taught_by", ""), values.get("starts_at", ""))
        return cls(values["variant"], values["task"], TrainConfig.from_json(choices), *leaning)


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
    said: frozenset[str]  # fields of it that the file names; the others are today's defaults
    runs: tuple[PlannedRun, ...]  # plain ones, then those that are taught
    ensembles: tuple[PlannedEnsemble, ...]  # teachers too
    combinations: tuple[PlannedCombination, ...]

    def going_on(self, begun: PreprocessSpec) -> Plan:
        """The plan of a study that has begun: what the file does not name is as it was then."""
        kept = {f.name: getattr(begun, f.name) for f in fields(begun) if f.name not in self.said}
        return replace(self, preprocess=replace(self.preprocess, **kept))

"""Open a study's folder, or any folder of runs: what is complete, and how far the rest came.

    study.json              what was planned (absent in a plain folder of runs)
    runs/<name>/            run folders; evaluation.json in those that are complete
    ensembles/<name>/       the same, of ensembles
    states/<name>.json      how a run that is not complete ended, if it did

Nothing found is left out: a run without scores stays in the list with the reason in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mobileseg.errors import BadInput, UnknownName
from mobileseg.files.schema import NAME, Unfit, entries, whole
from mobileseg.files.untrusted import read_json
from mobileseg.lesions import LESIONS, task_lesions
from mobileseg.models.variants import VARIANTS
from mobileseg.report.evaluation_file import Evaluation, LesionFigures, Setting, read_evaluation
from mobileseg.training.metrics_file import METRICS, read_metrics

PLAN, CONFIG, EVALUATION = "study.json", "config.json", "evaluation.json"
RECORD, DIVERGED = "run.json", "diverged.json"
STATES = "states"
ENDED = ("failed", "diverged")  # words of a state that say that nobody works on the run any more
HOLDERS = ("runs", "ensembles")  # folders inside a study that hold run folders
# study.json's lists -> the folder that holds what they name, and its state before it is there.
PLANNED = {
    "runs": ("runs", "not started"),
    "ensembles": ("ensembles", "not made yet"),
    "combinations": ("ensembles", "not made yet"),
}
# Of a row of those lists, what is taken from it.
PLANNED_ROW = entries(
    {"name": NAME, "variant": NAME},
    {"task": NAME, "seed": whole(0, 10**18), "best": whole(0, 10_000)},
)
FAMILIES = {1: "single", 2: "dual", 4: "multi"}  # lesions of one network -> the paper's word
COMBINATION = "combination"  # networks of different tasks, side by side
COMPLETE = "complete"

# Choices that say who computed a run and not what it learnt; two runs may differ in them and still
# be repetitions of one another.
NOT_LEARNT = (
    "seed",
    "split_seed",
    "fold",
    "commit_every",
    "precision",
    "channels_last",
    "compile",
    "devices",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """One run or ensemble, complete or not."""

    name: str
    path: Path
    variant: str | None  # None: networks of several variants side by side
    task: str
    state: str  # COMPLETE, or what is missing in words
    seed: int | None = None
    members: tuple[str, ...] = ()  # of an ensemble; empty for a run
    family: str = "single"
    choices: dict[str, Any] = field(default_factory=dict)  # what decides what is learnt
    evaluation: Evaluation | None = None  # None: not scored
    record: dict[str, Any] = field(default_factory=dict)  # run.json

    @property
    def is_complete(self) -> bool:
        return self.state == COMPLETE

    @property
    def setting(self) -> Setting | None:
        return self.evaluation.setting if self.evaluation else None

    @property
    def leaks(self) -> tuple[str, ...]:
        return self.evaluation.leaks if self.evaluation else ()

    @property
    def lesions(self) -> dict[str, LesionFigures]:
        return self.evaluation.lesions if self.evaluation else {}

    @property
    def size(self) -> int:
        """Networks that answer together."""
        return max(1, len(self.members))


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that was found."""

    name: str
    path: Path
    planned: bool  # whether there is a study.json
    folders: tuple[RunFolder, ...]
    approximate: tuple[str, ...]  # lesions whose masks are no expert's

    @property
    def complete(self) -> list[RunFolder]:
        return [f for f in self.folders if f.is_complete]

    @property
    def unfinished(self) -> list[RunFolder]:
        return [f for f in self.folders if not f.is_complete]


def read_study(path: Path, approximate: Iterable[str] = ()) -> Study:
    """Open STUDY.

    Args:
        approximate: lesions whose masks are approximate, beside those that study.json names.

    Raises:
        BadInput: no such folder, no runs in it, or a file in it is damaged (named).
        UnknownName: `approximate` names no lesion.
    """
    if not path.is_dir():
        raise BadInput(f"{path}: no such folder; expected a study, or a folder of runs")
    plan = _read_plan(path / PLAN) if (path / PLAN).is_file() else None
    named = {*approximate, *_listed(plan or {}, "approximate")}
    for code in sorted(named - set(LESIONS)):
        raise UnknownName("lesion", code, LESIONS)
    found = {p.name: _read_folder(p) for p in _run_folders(path)}
    for name, planned in _planned(path, plan or {}).items():
        found.setdefault(name, planned)
    if not found:
        raise BadInput(
            f"{path}: found no {PLAN} and no run folders; expected a study as mobileseg study "
            f"writes it, or a folder of runs as mobileseg train writes them"
        )
    folders = tuple(sorted(found.values(), key=_order))
    codes = tuple(code for code in LESIONS if code in named)
    name = str((plan or {}).get("name") or path.resolve().name)
    return Study(name, path, plan is not None, folders, codes)


def _order(folder: RunFolder) -> tuple[Any, ...]:
    variants = [*VARIANTS, None]
    seed = -1 if folder.seed is None else folder.seed
    return (folder.size, variants.index(folder.variant), folder.task, seed, folder.name)


def _read_plan(where: Path) -> dict[str, Any]:
    plan = read_json(where)
    if not isinstance(plan, dict):
        raise BadInput(f"{where}: found no object; expected a study's plan with its runs")
    return plan


def _listed(values: dict[str, Any], key: str) -> list[Any]:
    found = values.get(key)
    return found if isinstance(found, list) else []


def _run_folders(path: Path) -> Iterator[Path]:
    """Run folders in `path` itself and in its `runs` and `ensembles`."""
    holders = [path, *(path / name for name in HOLDERS)]
    for holder in (h for h in holders if h.is_dir()):
        for child in sorted(p for p in holder.iterdir() if p.is_dir()):
            is_run = (child / CONFIG).is_file() or (child / EVALUATION).is_file()
            if is_run and not child.name.startswith("."):
                yield child


def _planned(path: Path, plan: dict[str, Any]) -> dict[str, RunFolder]:
    """What study.json names, as if nothing of it had begun."""
    named = {}
    for key, (holder, state) in PLANNED.items():
        for row in _listed(plan, key):
            try:
                PLANNED_ROW(row, "")
            except Unfit as error:
                raise BadInput(
                    f"{path / PLAN}: an entry of {key} cannot be used ({error}); "
                    "expected name, variant and task"
                ) from None
            name, variant = row["name"], row["variant"]
            task = row.get("task") if key != "combinations" else "all"
            _known(path / PLAN, variant, task)
            named[name] = RunFolder(
                name=name,
                path=path / holder / name,
                variant=variant,
                task=task,
                seed=row.get("seed"),
                state=_noted(path / holder / name) or state,
                members=("?",) * row.get("best", 0),
                family=COMBINATION if key == "combinations" else _family(task),
            )
    return named


def _known(where: Path, variant: Any, task: Any) -> None:
    """Raise BadInput, naming the file, for a variant or task that is in no table."""
    try:
        if variant is not None and variant not in VARIANTS:
            raise UnknownName("variant", str(variant), VARIANTS)
        task_lesions(str(task))
    except UnknownName as error:
        raise BadInput(f"{where}: {error}") from None


def _family(task: str) -> str:
    return FAMILIES[len(task_lesions(task))]


def _members(config: dict[str, Any]) -> dict[str, str]:
    """Name -> task of the networks of an ensemble or combination; empty for a run."""
    rows = _listed(config, "members")
    named = [row if isinstance(row, dict) else {"name": row} for row in rows]
    task = str(config.get("task"))
    return {
        str(row.get("name") or f"member {i}"): str(row.get("task", task))
        for i, row in enumerate(named, start=1)
    }


def _read_folder(path: Path) -> RunFolder:
    config = _object(path / CONFIG) if (path / CONFIG).is_file() else {}
    record = _object(path / RECORD) if (path / RECORD).is_file() else {}
    evaluation = _object(path / EVALUATION) if (path / EVALUATION).is_file() else None
    training = config.get("training")
    training = training if isinstance(training, dict) else {}
    members = _members(config)
    variant, task = config.get("variant"), str(config.get("task", "all"))
    side_by_side = len(set(members.values())) > 1 or variant not in VARIANTS
    if not side_by_side:
        _known(path / CONFIG, variant, task)
    scored = None if evaluation is None else read_evaluation(path / EVALUATION, evaluation)
    return RunFolder(
        name=path.name,
        path=path,
        variant=variant if variant in VARIANTS else None,
        task=task,
        state=COMPLETE if scored else _state(path, training, record),
        seed=training.get("seed"),
        members=tuple(members),
        family=COMBINATION if side_by_side else _family(task),
        choices={k: v for k, v in _flat(training).items() if k not in NOT_LEARNT},
        evaluation=scored,
        record=record,
    )


def _object(where: Path) -> dict[str, Any]:
    values = read_json(where)
    if not isinstance(values, dict):
        raise BadInput(f"{where}: found no JSON object; write it anew")
    return values


def _flat(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Nested choices with dotted names."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        inner = _flat(value, f"{above}{key}.") if isinstance(value, dict) else None
        flat |= inner if inner is not None else {f"{above}{key}": value}
    return flat


def _state(path: Path, training: dict[str, Any], record: dict[str, Any]) -> str:
    """Why there are no scores, with the epoch that was reached."""
    epochs = _epochs_done(path / METRICS)
    reached = f"epoch {epochs} of {training.get('epochs', '?')}"
    if (path / DIVERGED).is_file():
        return f"diverged after {reached}"
    noted = _noted(path)
    if noted:
        return f"{noted}; {reached}"
    if "finished" in record or not training:  # an ensemble has no training of its own
        return f"trained ({reached}), not scored" if training else "not scored"
    return f"in training: {reached}" if epochs else "begun, no epoch finished"


def _noted(path: Path) -> str:
    """How a study noted that a run ended without being complete; empty: it did not."""
    where = path.parent.parent / STATES / f"{path.name}.json"
    if path.parent.name not in HOLDERS or not where.is_file():
        return ""
    noted = _object(where)
    if noted.get("state") not in ENDED:
        return ""
    error = noted.get("error")
    return f"{noted['state']}: {error}" if error else str(noted["state"])


def _epochs_done(where: Path) -> int:
    rows = read_metrics(where) if where.is_file() else []
    return int(rows[-1]["epoch"]) if rows else 0

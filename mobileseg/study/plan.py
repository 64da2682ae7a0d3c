"""A study file, read: which variants are trained for which tasks how often, and with what choices.

name = "exudates"
approximate = ["MA"]         # lesions whose masks are not true; every table says so
[preprocess]                 # side_px, frame, crop …: one for all runs
[training]                   # any field of TrainConfig; recipe = "pieces" to begin with
[[runs]]                     # variants x tasks x runs; more fields of TrainConfig for these
variants = ["xs", "s"]
tasks = ["EX"]
runs = 3                     # seeds 0, 1, 2; or seeds = [5, 7]
[[ensembles]]                # the best of all runs of a variant and task
variants = ["xs"]
tasks = ["EX"]
best = 2
[[distilled]]                # runs that learn from the ensemble of the best plain ones; as [[runs]]
variants = ["xs"]
tasks = ["EX"]
best = 2                     # the teacher's members
runs = 3
start = true                 # each begins with the weights of the plain run of its seed
[[combinations]]             # the best run of each task, side by side
variants = ["xs"]
of = "single"                # or "dual"
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from mobileseg.errors import BadInput, MobilesegError, UnknownName
from mobileseg.files.toml import (
    built,
    frame_size,
    known_keys,
    moderate_product,
    read_toml,
    typed,
    typed_fields,
)
from mobileseg.lesions import LESIONS
from mobileseg.protocols import protocol
from mobileseg.spec import PreprocessSpec
from mobileseg.study.blocks import (
    RECIPE,
    Block,
    read_best,
    read_blocks,
    read_names,
    read_recipe,
    read_seeds,
)
from mobileseg.study.planned import (
    CHOICES,
    COMBINED,
    Plan,
    PlannedCombination,
    PlannedEnsemble,
    PlannedRun,
)
from mobileseg.training.config import TrainConfig

SHIPPED = Path(__file__).parent / "shipped"
SIDE_PX = 512  # the paper's
# What a study holds once, and a block of runs may not change.
STUDY_WIDE = ("protocol", "split_seed", "fold", "seed", "devices")
TOP = (
    *("name", "data", "approximate", "preprocess", "training"),
    *("runs", "ensembles", "distilled", "combinations"),
)
OWN = ("variants", "tasks", "runs", "seeds", RECIPE)  # of a block of runs, beside choices


def shipped() -> dict[str, Path]:
    """The studies that come with the package, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def find_study(asked: str) -> Path:
    """A study file, or a shipped study by its name.

    Raises:
        BadInput: neither; the shipped names are listed.
    """
    if Path(asked).is_file():
        return Path(asked)
    if asked in shipped():
        return shipped()[asked]
    raise BadInput(
        f"{asked}: no such file, and no study of that name comes with mobileseg; "
        f"expected a TOML file or one of {', '.join(shipped())}"
    )


def read_plan(
    file: Path, *, protocol_name: str | None = None, approximate: tuple[str, ...] | None = None
) -> Plan:
    """Read a study file.

    Args:
        protocol_name: instead of the one in the file.
        approximate: lesions whose masks are not true, instead of those in the file.

    Raises:
        BadInput: a key, value or combination that cannot be; one line.
    """
    top = read_toml(file)
    known_keys(top, TOP, str(file))
    for key in ("name", "runs"):
        if key not in top:
            raise BadInput(f"{file}: no {key} in it; expected {_expected(key)}")
    training = dict(typed(top.get("training", {}), dict, f"{file}: [training]"))
    if protocol_name:
        training["protocol"] = protocol_name
    _check_training(training, f"{file}: [training]")
    runs = tuple(_runs(file, read_blocks(file, top, "runs"), training))
    if not runs:
        raise BadInput(f"{file}: no runs in it; expected {_expected('runs')}")
    taught = tuple(_distilled(file, read_blocks(file, top, "distilled"), training))
    ensembles = tuple(_ensembles(read_blocks(file, top, "ensembles")))
    teachers = [t for t in dict.fromkeys(t for t, _ in taught) if t not in ensembles]
    preprocess, said = _preprocess(file, top)
    plan = Plan(
        file=file,
        name=typed(top["name"], str, f"{file}: name"),
        data=_data(file, top),
        approximate=_lesions(file, top, approximate),
        protocol=runs[0].choices.protocol,
        preprocess=preprocess,
        said=said,
        runs=(*runs, *(run for _, run in taught)),
        ensembles=(*ensembles, *teachers),
        combinations=tuple(_combinations(read_blocks(file, top, "combinations"))),
    )
    _refuse_double(file, [r.name for r in plan.runs])
    _refuse_double(file, [e.name for e in plan.ensembles] + [c.name for c in plan.combinations])
    _refuse_unfed(plan)
    return plan


def _expected(key: str) -> str:
    return 'name = "…"' if key == "name" else "[[runs]] with variants, tasks and runs"


def _data(file: Path, top: dict[str, Any]) -> Path | None:
    """Beside the file, unless it is absolute."""
    return file.parent / typed(top["data"], str, f"{file}: data") if "data" in top else None


def _lesions(file: Path, top: dict[str, Any], given: tuple[str, ...] | None) -> tuple[str, ...]:
    where = f"{file}: approximate"
    codes = typed(top.get("approximate", []), tuple[str, ...], where) if given is None else given
    for code in codes:
        if code not in LESIONS:
            raise BadInput(f"{where}: {UnknownName('lesion', code, LESIONS)}")
    return tuple(code for code in LESIONS if code in codes)


def _preprocess(file: Path, top: dict[str, Any]) -> tuple[PreprocessSpec, frozenset[str]]:
    """The preprocessing of all runs, and which of its fields the file names."""
    where = f"{file}: [preprocess]"
    table = dict(typed(top.get("preprocess", {}), dict, where))
    names = tuple(f.name for f in fields(PreprocessSpec))
    known_keys(table, tuple("frame" if n == "frame_hw" else n for n in names), where)
    if "frame" in table:
        table["frame_hw"] = list(frame_size(table.pop("frame"), f"{where} frame"))
    spec: PreprocessSpec = built(PreprocessSpec, {"side_px": SIDE_PX} | table, where)
    return spec, frozenset(table)


def _check_training(training: dict[str, Any], where: str) -> None:
    """What a study must have one of; the rest is checked where the runs are made."""
    known_keys(training, (*CHOICES, RECIPE), where)
    read_recipe(training, where)
    if "seed" in training:
        raise BadInput(f"{where} seed: each run has its own; say seeds = [...] in [[runs]]")
    if training.get("devices", 1) != 1:
        raise BadInput(f"{where} devices: a study gives each run one device; leave it out")
    name = typed(training.get("protocol", "clean"), str, f"{where} protocol")
    try:
        rules = protocol(name)
    except MobilesegError as error:
        raise BadInput(f"{where} protocol: {error}") from None
    if rules.split == "run" and "split_seed" in training:
        raise BadInput(f"{where} split_seed: protocol {name} draws a split per run; leave it out")


def _runs(file: Path, blocks: list[Block], training: dict[str, Any]) -> Iterator[PlannedRun]:
    for where, block, choices in _chosen_blocks(file, blocks, training, OWN):
        for variant, task, seed in _each(block, where):
            yield PlannedRun(variant, task, _chosen(task, choices | {"seed": seed}, where))


def _distilled(
    file: Path, blocks: list[Block], training: dict[str, Any]
) -> Iterator[tuple[PlannedEnsemble, PlannedRun]]:
    """Runs that are taught, each with its teacher."""
    for where, block, choices in _chosen_blocks(file, blocks, training, (*OWN, "best", "start")):
        best = read_best(block, where)
        starts = typed(block.get("start", False), bool, f"{where} start")
        for variant, task, seed in _each(block, where):
            teacher = PlannedEnsemble(variant, task, best)
            chosen = _chosen(task, choices | {"seed": seed}, where)
            start = PlannedRun(variant, task, chosen).name if starts else ""
            yield teacher, PlannedRun(variant, task, chosen, teacher.name, start)


def _chosen_blocks(
    file: Path, blocks: list[Block], training: dict[str, Any], own: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Blocks of runs, each with its place and the choices of its runs; `own` are its other keys."""
    open_choices = tuple(name for name in CHOICES if name not in STUDY_WIDE)
    everywhere = read_recipe(training, f"{file}: [training]")
    given_to_all = {key: value for key, value in training.items() if key != RECIPE}
    shared = typed_fields(TrainConfig, given_to_all, f"{file}: [training]")
    for where, block in blocks:
        for name in set(block) & set(STUDY_WIDE):
            raise BadInput(f"{where} {name}: one for the whole study; not in a block of runs")
        known_keys(block, (*own, *open_choices), where)
        given = {key: value for key, value in block.items() if key not in own}
        begun = read_recipe(block, where) if RECIPE in block else everywhere
        yield where, block, begun | shared | typed_fields(TrainConfig, given, where)


def _each(block: dict[str, Any], where: str) -> Iterator[tuple[str, str, int]]:
    """Variant, task and seed of each run of a block."""
    yield from moderate_product(
        where,
        read_names(block, "variants", where),
        read_names(block, "tasks", where),
        read_seeds(block, where),
    )


def _chosen(task: str, given: dict[str, Any], where: str) -> TrainConfig:
    try:
        choices = TrainConfig.for_task(task, **given)
        if protocol(choices.protocol).split == "run":
            choices = TrainConfig.for_task(task, **given, split_seed=choices.seed)
    except MobilesegError as error:
        raise BadInput(f"{where}: {error}") from None
    return choices


def _ensembles(blocks: list[Block]) -> Iterator[PlannedEnsemble]:
    for where, block in blocks:
        known_keys(block, ("variants", "tasks", "best"), where)
        best = read_best(block, where)
        names = [read_names(block, key, where) for key in ("variants", "tasks")]
        for variant, task in moderate_product(where, *names):
            yield PlannedEnsemble(variant, task, best)


def _combinations(blocks: list[Block]) -> Iterator[PlannedCombination]:
    for where, block in blocks:
        known_keys(block, ("variants", "of"), where)
        of = typed(block.get("of"), str, f"{where} of")
        if of not in COMBINED:
            raise BadInput(f"{where} of: found {of!r}; expected {' or '.join(COMBINED)}")
        for variant in read_names(block, "variants", where):
            yield PlannedCombination(variant, of)


def _refuse_double(file: Path, names: list[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise BadInput(
                f"{file}: {name} is asked for {count} times; a study has each variant, task and "
                "seed once: put other choices into a study of their own"
            )


def _refuse_unfed(plan: Plan) -> None:
    """An ensemble of more runs than there are, a combination without a run for some lesion."""
    plain = [run for run in plan.runs if not run.taught_by]
    runs = Counter((r.variant, r.task) for r in plain)
    for ensemble in plan.ensembles:
        found = runs[ensemble.variant, ensemble.task]
        if found < ensemble.best:
            raise BadInput(
                f"{plan.file}: ensemble {ensemble.name} wants the best {ensemble.best} of "
                f"{found} run(s); expected at least {ensemble.best} under [[runs]]"
            )
    for combination in plan.combinations:
        for task in combination.tasks:
            if not runs[combination.variant, task]:
                raise BadInput(
                    f"{plan.file}: combination {combination.name} needs a run of "
                    f"{combination.variant} for {task}; expected one under [[runs]]"
                )
    names = {run.name for run in plain}
    for run in plan.runs:
        if run.starts_at and run.starts_at not in names:
            raise BadInput(
                f"{plan.file}: run {run.name} is to start at {run.starts_at}; expected that seed "
                "under [[runs]]"
            )

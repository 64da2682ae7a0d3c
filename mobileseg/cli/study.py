"""`mobileseg study`: many trainings from one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import remark, show_json, show_table
from mobileseg.cli.options import data_option, json_option
from mobileseg.errors import BadInput
from mobileseg.protocols import PROTOCOLS
from mobileseg.training.threads import wait_asleep

if TYPE_CHECKING:
    from mobileseg.study.planned import Plan
    from mobileseg.study.run import Outcome


@click.command(short_help="Train many runs from one file.")
@click.argument("study", metavar="STUDY.toml|NAME")
@data_option(required=False, text="IDRiD folder; instead of the one that the file names.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The study's folder, new or to go on with; needed to train.",
)
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option(
    "--address", metavar="A", help="Of a Ray cluster. [default: one that runs here, or a new one]"
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Processes at a time. [default: 1; on Ray as many as there is room for]",
)
@click.option(
    "--together",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Runs of one variant and task that a process trains at once.",
)
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    metavar="N",
    help="How often a run is tried again whose process died.",
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True
)
@click.option(
    "--protocol", type=click.Choice(list(PROTOCOLS)), help="Instead of the one in the file."
)
@click.option(
    "--approximate",
    metavar="MA,HE,…",
    help="Lesions whose masks are not true, instead of those in the file.",
)
@click.option("--list", "listing", is_flag=True, help="Show what would be done, and train nothing.")
@json_option()
def command(
    study: str,
    data: Path | None,
    output: Path | None,
    protocol: str | None,
    approximate: str | None,
    listing: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Train variants x tasks x runs, score each, and make ensembles of the best.

    STUDY.toml says what; `paper` is the paper's whole study. Call it again, and what is complete
    is skipped, what is not is gone on with. Ctrl-C at any time: each run keeps its last epoch.

    Exit 1: a run failed (the others are complete).

    \b
    Example:
        mobileseg study paper --list
        mobileseg study paper --data IDRiD -o study --together 10
        mobileseg study mine.toml --data IDRiD -o mine --engine ray --address head:6379
    """
    wait_asleep()  # the study's processes take it over
    from mobileseg.study.plan import find_study, read_plan

    codes = tuple(approximate.split(",")) if approximate is not None else None
    plan = read_plan(find_study(study), protocol_name=protocol, approximate=codes)
    if listing:
        show_list(plan, output, as_json)
        return
    data = data or plan.data
    if data is None or output is None:
        missing = "--data DIR" if data is None else "-o FOLDER"
        raise BadInput(f"{study}: nothing said where; expected {missing} (or --list)")
    show_outcome(output, conducted(plan, data, output, **how), as_json)


def conducted(plan: Plan, data: Path, output: Path, **how: Any) -> Outcome:
    """Run the study; Ctrl-C says what is kept."""
    from mobileseg.study.run import conduct

    try:
        return conduct(plan, data, output, **how)
    except KeyboardInterrupt:
        remark(f"{output}: stopped; every run keeps its last whole epoch: the same command goes on")
        raise


def show_list(plan: Plan, output: Path | None, as_json: bool) -> None:
    """What would be done, by variant and task, or each run for a machine."""
    from mobileseg.study.run import planned_states

    states = planned_states(plan, output)
    if as_json:
        show_json(
            {
                "name": plan.name,
                "protocol": plan.protocol,
                "approximate": plan.approximate,
                "runs": [run.to_json() | {"state": states[run.name]} for run in plan.runs],
                "ensembles": [row.to_json() for row in plan.ensembles],
                "combinations": [row.to_json() for row in plan.combinations],
            }
        )
        return
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for run in plan.runs:
        minutes = run.choices.minutes
        length = f"{minutes:g} min" if minutes else str(run.choices.epochs)
        kind = (run.variant, run.task, length, run.taught_by)
        groups.setdefault(kind, []).append(run.name)
    taught = any(run.taught_by for run in plan.runs)
    rows = []
    for (variant, task, length, teacher), names in groups.items():
        complete = sum(states[name] == "complete" for name in names)
        row = (variant, task, length, len(names), complete, len(names) - complete)
        rows.append([*map(str, row), *([teacher or "–"] if taught else [])])
    made = len(plan.ensembles) + len(plan.combinations)
    show_table(
        f"{plan.name}: {len(plan.runs)} runs, protocol {plan.protocol}; "
        f"{made} ensembles and combinations",
        ["variant", "task", "epochs", "runs", "complete", "unfinished"]
        + (["taught by"] if taught else []),
        rows,
    )
    if plan.approximate:
        remark(f"approximate masks: {', '.join(plan.approximate)}")


def show_outcome(output: Path, outcome: Outcome, as_json: bool) -> None:
    """The result, a line for each run that failed, and exit 1 if there is one."""
    if as_json:
        show_json(outcome.to_json())
    else:
        _show_gains(outcome)
        click.echo(outcome.line(output))
    for name, reason in outcome.failures.items():
        remark(f"{name}: {reason}")
    if outcome.failures:
        click.get_current_context().exit(1)


def _show_gains(outcome: Outcome) -> None:
    """What teaching brought: a row for each teacher and lesion, none without one."""
    from mobileseg.study.distillation_gain import gains

    rows = list(gains(outcome.study))
    if not rows:
        return
    show_table(
        "AUPR on test pictures",
        ["teacher", "lesion", "plain", "teacher's", "distilled", "gap closed"],
        [
            [
                row["teacher_name"],
                row["lesion"],
                _spread(row["plain_mean"], row["plain_sd"]),
                f"{row['teacher']:.4f}",
                _spread(row["distilled_mean"], row["distilled_sd"]),
                "undecidable" if row["undecidable"] else f"{row['gap_closed']:.0%}",
            ]
            for row in rows
        ],
    )
    for row in rows:
        where = f"{row['teacher_name']}, {row['lesion']}"
        if row["undecidable"]:
            remark(f"{where}: undecidable: {row['undecidable']}")
        for name in row["taught_by_another"]:
            remark(f"{where}: {name} was taught by an earlier {row['teacher_name']}; left out")


def _spread(mean: float, sd: float | None) -> str:
    return f"{mean:.4f}" if sd is None else f"{mean:.4f} ± {sd:.4f}"

"""`mobileseg train`: a folder of pictures to a run."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from mobileseg.cli.console import progress, remark
from mobileseg.cli.options import FrameSize, data_option
from mobileseg.cli.training_options import given_choices, training_options
from mobileseg.errors import BadInput
from mobileseg.training.recipes import recipe
from mobileseg.training.threads import wait_asleep

if TYPE_CHECKING:
    import torch
    from rich.progress import Progress

    from mobileseg.training.checkpoint import TrainState
    from mobileseg.training.source_runs import Others
    from mobileseg.training.trainer import Trainer


@click.command(short_help="Train a network on a folder of pictures.")
@data_option(required=True, text="IDRiD folder with pictures and masks.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="RUN",
    help="Run folder to write.",
)
@click.option("--variant", default="xs", show_default=True, help="See: mobileseg variants.")
@click.option(
    "--task", default="EX", show_default=True, help="MA, HE, EX or SE; MA,HE or EX,SE; all."
)
@click.option(
    "--side",
    "side_px",
    default=512,
    show_default=True,
    help="The network's input, pixels; a multiple of 32.",
)
@click.option(
    "--crop",
    default="square",
    show_default=True,
    help="Retina box: square (zero padded) or rectangle (squeezed, with finder 1).",
)
@click.option(
    "--finder",
    default=2,
    show_default=True,
    help="How the retina is found: 2, its circle; 1, bright rows and columns, as before 2026-12.",
)
@click.option(
    "--frame",
    "frame_hw",
    type=FrameSize(),
    metavar="HxW",
    default="1024x1024",
    show_default=True,
    help="Pictures are fitted into this first, as on the phone.",
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True
)
@click.option(
    "--teacher",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Learn from this run's probabilities too, an ensemble's best; see --distil-weight.",
)
@click.option(
    "--start",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Begin with this run's weights, mean and SD, not with fresh ones.",
)
@click.option(
    "--resume", "resuming", is_flag=True, help="Go on with RUN after its last whole epoch."
)
@training_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    data: Path,
    output: Path,
    device: str,
    resuming: bool,
    teacher: Path | None,
    start: Path | None,
    **given: Any,
) -> None:
    """Train a task's lesions with the paper's loss, optimiser and deep supervision.

    Every choice is written to the run's config.json. What is not given is the recipe's; that
    of the paper says what the paper says.

    Ctrl-C keeps the last whole epoch; --resume goes on from there, and the weights come out as
    if nothing had happened.

    \b
    Example:
        mobileseg train --data IDRiD --variant xs --task EX -o runs/ex
        mobileseg train --data IDRiD --teacher runs/ex3 --start runs/ex -o runs/student
    """
    wait_asleep()
    from mobileseg.training.allocator import keep_large_blocks
    from mobileseg.training.config import TEACHING, TrainConfig
    from mobileseg.training.session import pick_device

    for name in TEACHING:
        if given[name] is not None and teacher is None:
            option = name.replace("_", "-")
            raise BadInput(f"--{option}: how a teacher is learned from; expected --teacher RUN")
    if None not in (given["minutes"], given["epochs"]):
        raise BadInput(
            f"--minutes {given['minutes']:g} --epochs {given['epochs']}: expected one of them"
        )
    where = pick_device(device)
    if where.type == "cpu":
        keep_large_blocks()
    others = _others(teacher, start)
    new = {
        "variant": given["variant"],
        "task": given["task"],
        "preprocess": _preprocess(given),
        "choices": TrainConfig.for_task(given["task"], **given_choices(given)),
    }
    shared = given["devices"] or 1
    if resuming:
        shared = _begun_on(output)
    if shared == 1:
        state = _train_alone(ctx, output, data, where, None if resuming else new, others)
    elif teacher or start:
        raise BadInput(f"--devices {shared}: not tried with --teacher or --start; expected 1")
    else:
        state = _train_shared(output, data, where, None if resuming else new, shared)
    click.echo(
        f"{output}: {state.epoch} epochs, best validation AUPR {state.best_score:.4f} "
        f"in epoch {state.best_epoch}"
    )


def _others(teacher: Path | None, start: Path | None) -> Others:
    from mobileseg.runs import open_run
    from mobileseg.training.source_runs import Others

    return Others(*(open_run(path) if path else None for path in (teacher, start)))


def _begun_on(run: Path) -> int:
    """How many processes a run was begun with."""
    from mobileseg.runs import open_run
    from mobileseg.training.session import chosen

    return chosen(run, open_run(run).config).devices


def _train_alone(
    ctx: click.Context,
    output: Path,
    data: Path,
    device: torch.device,
    new: dict[str, Any] | None,
    others: Others,
) -> TrainState:
    from mobileseg.training.session import begin, finish, resume

    with progress() as bar:
        reading = bar.add_task("reading pictures", total=None, note="")
        tick = partial(bar.advance, reading)
        if new:
            trainer = begin(output, data, device=device, tick=tick, others=others, **new)
        else:
            trainer = resume(output, data, device=device, tick=tick, others=others)
            refuse_changes(trainer, _given_by_hand(ctx))
        bar.remove_task(reading)
        if new:
            say_budget(trainer)
        train_with_bar(trainer, bar)
    finish(output, trainer)
    return trainer.state


def say_budget(trainer: Trainer) -> None:
    """What became of the minutes that a run was given."""
    choices = trainer.choices
    if choices.minutes:
        steps = choices.epochs * trainer.sampler.per_epoch
        remark(f"{choices.minutes:g} minutes are {choices.epochs} epochs, {steps} steps here")


def _train_shared(
    output: Path, data: Path, device: torch.device, new: dict[str, Any] | None, devices: int
) -> TrainState:
    from mobileseg.training.fabric import train_on_devices

    remark(f"{output}: {devices} processes share each batch")
    return train_on_devices(
        output, data, new=new, device=device, devices=devices, report=_epoch_line
    )


def _epoch_line(row: dict[str, float]) -> None:
    """A line for every tenth epoch: the leading process has no terminal of its own."""
    if row["epoch"] % 10 == 0:
        remark(f"epoch {row['epoch']:.0f}: {_note([row])}")


def _note(rows: list[dict[str, float]]) -> str:
    """Loss, and the mean score over the lesions that the last validation had."""
    validated = [row for row in rows if row["validation_loss"] == row["validation_loss"]]
    found = validated[-1].items() if validated else ()
    scores = [v for k, v in found if k.startswith("validation_aupr") and v == v]
    mean = f"{sum(scores) / len(scores):.3f}" if scores else "undefined"
    return f"loss {rows[-1]['train_loss']:.3f}, validation AUPR {mean}"


def _preprocess(given: dict[str, Any]) -> Any:
    from mobileseg.spec import PreprocessSpec

    return PreprocessSpec(
        given["side_px"], given["frame_hw"], given["crop"], finder=given["finder"]
    )


def _given_by_hand(ctx: click.Context) -> dict[str, Any]:
    """Options that stand on the command line; a default is nobody's wish."""
    return {
        name: value
        for name, value in ctx.params.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


def refuse_changes(trainer: Trainer, asked: dict[str, Any]) -> None:
    """A resumed run keeps its choices; an option that says otherwise is a mistake worth naming.

    Args:
        asked: options by name; of a recipe, its choices are asked for.
    """
    from mobileseg.training.config import RUNS

    config = trainer.config
    if "recipe" in asked:
        begun_with = recipe(asked["recipe"])
        if trainer.choices.minutes:  # whose epochs were measured
            begun_with.pop("epochs", None)
        asked = begun_with | asked
    kept: dict[str, Any] = {
        "variant": config.variant,
        "task": config.task,
        "side_px": config.preprocess.side_px,
        "crop": config.preprocess.crop,
        "finder": config.preprocess.finder,
        "frame_hw": config.preprocess.frame_hw,
        # Which other runs it leans on, resuming has looked at.
        **{n: value for n, value in vars_of(trainer.choices).items() if n not in RUNS},
        **vars_of(trainer.choices.augment),
    }
    for name, value in kept.items():
        if asked.get(name, value) != value:
            raise BadInput(
                f"{trainer.folder}: was begun with {name} {value}, now {asked[name]} is asked for; "
                "leave the option out, or train another run"
            )


def vars_of(choices: Any) -> dict[str, Any]:
    """A dataclass's fields by name."""
    return {row.name: getattr(choices, row.name) for row in fields(choices)}


def train_with_bar(
    trainer: Trainer, bar: Progress, *, go_on: str = "the same command with --resume goes on"
) -> None:
    """Run to the end, showing epoch, loss and score; Ctrl-C says how to go on."""
    task = bar.add_task(
        "training", total=trainer.choices.epochs, completed=trainer.state.epoch, note=""
    )

    def report(row: dict[str, float]) -> None:
        note = f"{_note(trainer.state.rows)}, {trainer.pictures_per_s:.2g} pictures/s"
        bar.update(task, completed=row["epoch"], note=note)
        if bar.disable and row["epoch"] == trainer.choices.epochs:  # a log's last line
            remark(f"epoch {row['epoch']:.0f} of {trainer.choices.epochs}: {note}")

    try:
        trainer.run(report)
    except KeyboardInterrupt:
        remark(
            f"{trainer.folder}: stopped after {trainer.committed} whole epoch(s), "
            f"which are kept; {go_on}"
        )
        raise

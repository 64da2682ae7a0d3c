"""`mobileseg train`: a folder of pictures to a run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from mobileseg.cli.console import progress, remark
from mobileseg.cli.options import FrameSize, data_option
from mobileseg.errors import BadInput

if TYPE_CHECKING:
    from rich.progress import Progress

    from mobileseg.training.loop import Trainer

# Options that are a field of TrainConfig of the same name.
CHOICES = ("epochs", "batch", "lr", "schedule", "target_scaling", "mask_rule", "seed", "split_seed")


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
@click.option("--task", default="EX", show_default=True, help="The lesion: MA, HE, EX or SE.")
@click.option(
    "--side",
    "side_px",
    default=512,
    show_default=True,
    help="The network's input, pixels; a multiple of 32.",
)
@click.option("--epochs", default=400, show_default=True)
@click.option("--batch", default=4, show_default=True, help="Pictures a step.")
@click.option("--lr", default=5e-4, show_default=True, help="Adam's learning rate.")
@click.option(
    "--schedule",
    default="plateau",
    show_default=True,
    help="Learning rate: plateau (the paper's) or cosine (for short trainings).",
)
@click.option(
    "--crop",
    default="square",
    show_default=True,
    help="Retina box: square (zero padded) or rectangle (squeezed).",
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
    "--target-scaling",
    default="area",
    show_default=True,
    help="How masks shrink to the side outputs: area or max.",
)
@click.option(
    "--mask-rule",
    default="half",
    show_default=True,
    help="A pixel is lesion where half of it is, or any.",
)
@click.option("--seed", default=0, show_default=True, help="Weights, order, augmentation.")
@click.option(
    "--split-seed",
    default=0,
    show_default=True,
    help="Which pictures validate; the same for all runs of a study.",
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True
)
@click.option(
    "--resume", "resuming", is_flag=True, help="Go on with RUN after its last whole epoch."
)
@click.pass_context
def command(
    ctx: click.Context, /, data: Path, output: Path, device: str, resuming: bool, **given: Any
) -> None:
    """Train one lesion with the paper's loss, optimiser and deep supervision.

    Ctrl-C keeps the last whole epoch; --resume goes on from there, and the weights come out as
    if nothing had happened.

    \b
    Example:
        mobileseg train --data IDRiD --variant xs --task EX -o runs/ex
    """
    from mobileseg.training.config import TrainConfig
    from mobileseg.training.session import begin, finish, pick_device, resume

    with progress() as bar:
        reading = bar.add_task("reading pictures", total=None, note="")
        tick = partial(bar.advance, reading)
        where = pick_device(device)
        if resuming:
            trainer = resume(output, data, device=where, tick=tick)
            refuse_changes(trainer, _given_by_hand(ctx))
        else:
            trainer = begin(
                output,
                data,
                variant=given["variant"],
                task=given["task"],
                preprocess=_preprocess(given),
                choices=TrainConfig(**{name: given[name] for name in CHOICES}),
                device=where,
                tick=tick,
            )
        bar.remove_task(reading)
        train_with_bar(trainer, bar)
    finish(output, trainer)
    state = trainer.state
    click.echo(
        f"{output}: {state.epoch} epochs, best validation AUPR {state.best_score:.4f} "
        f"in epoch {state.best_epoch}"
    )


def _preprocess(given: dict[str, Any]) -> Any:
    from mobileseg.spec import PreprocessSpec

    return PreprocessSpec(given["side_px"], given["frame_hw"], given["crop"])


def _given_by_hand(ctx: click.Context) -> dict[str, Any]:
    """Options that stand on the command line; a default is nobody's wish."""
    return {
        name: value
        for name, value in ctx.params.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


def refuse_changes(trainer: Trainer, asked: dict[str, Any]) -> None:
    """A resumed run keeps its choices; an option that says otherwise is a mistake worth naming."""
    config = trainer.config
    kept: dict[str, Any] = {
        "variant": config.variant,
        "task": config.task,
        "side_px": config.preprocess.side_px,
        "crop": config.preprocess.crop,
        "frame_hw": config.preprocess.frame_hw,
        **{name: getattr(trainer.choices, name) for name in CHOICES},
    }
    for name, value in kept.items():
        if asked.get(name, value) != value:
            raise BadInput(
                f"{trainer.folder}: was begun with {name} {value}, now {asked[name]} is asked for; "
                "leave the option out, or train another run"
            )


def train_with_bar(
    trainer: Trainer, bar: Progress, *, go_on: str = "the same command with --resume goes on"
) -> None:
    """Run to the end, showing epoch, loss and score; Ctrl-C says how to go on."""
    task = bar.add_task(
        "training", total=trainer.choices.epochs, completed=trainer.state.epoch, note=""
    )

    def report(row: dict[str, float]) -> None:
        scores = [v for k, v in row.items() if k.startswith("validation_aupr")]
        note = f"loss {row['train_loss']:.3f}, validation AUPR {max(scores):.3f}"
        bar.update(task, completed=row["epoch"], note=note)
        if bar.disable and row["epoch"] % 10 == 0:  # no terminal: a line now and then in the log
            remark(f"epoch {row['epoch']:.0f} of {trainer.choices.epochs}: {note}")

    try:
        trainer.run(report)
    except KeyboardInterrupt:
        remark(
            f"{trainer.folder}: stopped after {trainer.committed} whole epoch(s), "
            f"which are kept; {go_on}"
        )
        raise

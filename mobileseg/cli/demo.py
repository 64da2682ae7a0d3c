"""`mobileseg demo`: the main job in one command, from pictures to a checked phone model."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli import parity as parity_verb
from mobileseg.cli.console import NOT_MEDICAL, progress, remark
from mobileseg.cli.demo_report import write_report
from mobileseg.cli.options import data_option
from mobileseg.cli.train import refuse_changes, say_budget, train_with_bar
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.training.recipes import recipe
from mobileseg.training.threads import wait_asleep

if TYPE_CHECKING:
    from converters.parity.result import Parity
    from mobileseg.data.prepared import Prepared
    from mobileseg.evaluation.score import LesionScore
    from mobileseg.runs import Run

VARIANT = "xs"
# Minutes on two cores: the paper's 400 epochs and its plateau schedule need hours. The recipe for
# pieces, but on whole pictures: at this size one is hardly more than a piece.
CHOICES: dict[str, Any] = recipe("pieces") | {
    "pieces": 0,
    "batch": 2,
    "lr": 3e-3,
    "ema": 0.99,  # of some hundred steps; the recipe's takes a thousand to forget the first
    "validate_every": 4,
}
MINUTES = 5.0
PHANTOMS, PHANTOM_PX = 63, 512
SHOWN = 3  # pictures in the report
LIVE = "onnx"  # the target whose bundle `serve` shows
CROPPED = 4  # phantoms beside the test pictures: enough to see the crop at work


@click.command(short_help="Pictures to a checked phone model, in one command.")
@data_option(required=False, text="IDRiD folder. [default: phantoms are made]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="demo",
    show_default=True,
    metavar="DIR",
    help="Folder for everything; run again, it goes on where it was.",
)
@click.option("--task", default="EX", show_default=True, help="The lesion: MA, HE, EX or SE.")
@click.option("--side", default=256, show_default=True, help="The network's input, pixels.")
@click.option(
    "--minutes",
    type=float,
    help=f"Train as many epochs as fit into so many minutes here. [default: {MINUTES:g}]",
)
@click.option("--epochs", type=int, help="Train so many epochs instead.")
@click.option("--seed", default=0, show_default=True)
def command(
    data: Path | None,
    output: Path,
    task: str,
    side: int,
    minutes: float | None,
    epochs: int | None,
    seed: int,
) -> None:
    """Train a U²-Net-XS, convert it four ways, prove that the files agree, write report.html.

    \b
    Example:
        mobileseg demo
        mobileseg demo --data IDRiD
    """
    if minutes is not None and epochs is not None:
        raise BadInput(f"--minutes {minutes:g} --epochs {epochs}: expected one of them")
    wait_asleep()
    folder = data or _phantoms(output / "phantoms")
    length = {"minutes": minutes} if epochs is None else {"epochs": epochs}
    run = _train(folder, output / "run", task, side, length, seed)
    prepared, scores = _evaluate(run, folder)
    for s in scores:
        remark(f"test {s.lesion}: AUPR {s.aupr:.4f}, Dice {s.dice:.4f} at {s.threshold:.3f}")
    bundles, not_made = _convert(run, output / "bundles")
    results = [_compare(path, folder) for path in bundles]
    parity_verb.show(results)
    for line in not_made:
        click.echo(line)
    # Those with most lesions: a page of empty masks would show nothing.
    seen = sorted(prepared, key=lambda p: -int(p.masks.sum()))[:SHOWN]
    page = write_report(output, run, folder, scores, results, not_made, [p.name for p in seen])
    click.echo(f"{page}: open it in a browser. {NOT_MEDICAL}")
    for bundle in (path for path in bundles if path.name == LIVE):
        click.echo(f"mobileseg serve {bundle}: the same model on photos of your own")
    if any(parity_verb.differs(r) for r in results):
        raise SystemExit(1)


def _phantoms(folder: Path) -> Path:
    """Made once; a folder that is there is whole."""
    from mobileseg.data.phantom.generate import write_phantoms

    if not folder.exists():
        with progress() as bar:
            task = bar.add_task("making phantoms", total=PHANTOMS, note="")
            write_phantoms(
                folder,
                PHANTOMS,
                PHANTOM_PX,
                seed=0,
                on_picture=lambda done: bar.update(task, completed=done),
            )
    return folder


def _train(
    data: Path, folder: Path, task: str, side: int, length: dict[str, Any], seed: int
) -> Run:
    """Train, or go on; `length` is the epochs, or the minutes where they were given."""
    from mobileseg.runs import is_run, open_run
    from mobileseg.spec import PreprocessSpec
    from mobileseg.training.allocator import keep_large_blocks
    from mobileseg.training.config import TrainConfig
    from mobileseg.training.session import begin, finish, pick_device, resume

    device = pick_device("auto")
    if device.type == "cpu":
        keep_large_blocks()
    with progress() as bar:
        reading = bar.add_task("reading pictures", total=None, note="")
        tick = partial(bar.advance, reading)
        if is_run(folder):
            trainer = resume(folder, data, device=device, tick=tick)
            asked = {"task": task, "side_px": side, "seed": seed, **length}
            refuse_changes(trainer, {k: v for k, v in asked.items() if v is not None})
            remark(f"{folder}: going on after epoch {trainer.state.epoch}")
        else:
            trainer = begin(
                folder,
                data,
                variant=VARIANT,
                task=task,
                preprocess=PreprocessSpec(side),
                choices=TrainConfig(**CHOICES | {"seed": seed} | _wanted(length)),
                device=device,
                tick=tick,
            )
            say_budget(trainer)
        bar.remove_task(reading)
        train_with_bar(trainer, bar, go_on="the same command goes on")
    finish(folder, trainer)
    return open_run(folder)


def _wanted(length: dict[str, Any]) -> dict[str, Any]:
    """The length of a new run: minutes, the default's where nothing was said, or epochs."""
    return length if "epochs" in length else {"minutes": length["minutes"] or MINUTES}


def _evaluate(run: Run, data: Path) -> tuple[list[Prepared], list[LesionScore]]:
    from mobileseg.data.idrid import read_idrid
    from mobileseg.data.prepared import prepare_all
    from mobileseg.evaluation.score import score_run

    config = run.config
    samples = read_idrid(data).split("test", config.lesions)
    with progress() as bar:
        tick = partial(bar.advance, bar.add_task("scoring", total=2 * len(samples), note=""))
        prepared = prepare_all(
            data, samples, config.lesions, config.preprocess, config.training["mask_rule"], tick
        )
        return prepared, score_run(run, prepared, tick)


def _convert(run: Run, folder: Path) -> tuple[list[Path], list[str]]:
    """Bundles written, and a line for each target whose toolkit is not installed."""
    from converters.bundle.read import write_bundle
    from converters.targets import TARGETS

    written, not_made = [], []
    for target in TARGETS.values():
        into = folder / target.name
        try:
            with progress() as bar:
                bar.add_task(f"converting to {target.name}", total=None, note="")
                write_bundle(
                    run,
                    into,
                    target=target,
                    order=target.order([run.config.preprocess.frame_hw]),
                    force=True,
                )
            written.append(into)
        except MissingToolkit as error:
            not_made.append(f"{target.name}: not run: {error}")
    return written, not_made


def _compare(path: Path, data: Path) -> Parity:
    """On the test pictures, and on phantoms whose crop is not the whole frame."""
    from converters.bundle.read import open_bundle
    from converters.parity.cases import idrid_cases, phantom_cases

    bundle = open_bundle(path)
    lesions = bundle.reference().config.lesions
    real, made = idrid_cases([data], lesions, most=8), phantom_cases(CROPPED)
    return parity_verb.measure(bundle, real.and_also(made), hard=False)

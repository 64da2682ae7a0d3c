"""`mobileseg quantize`: an int8 network that still finds the lesions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import remark, show_json, show_table
from mobileseg.cli.options import data_option, force_option, json_option
from mobileseg.quantization.gate import Gate, signed

if TYPE_CHECKING:
    from converters.quantize.search import Outcome
    from mobileseg.evaluation.accuracy_drop import Against

EXIT_OF = {"kept": 0, "broken": 1, "undecidable": 3}
MOST_NAMED = 12  # missed lesions on the terminal; all of them stand in quantized.json


@click.command(short_help="Find an int8 form that keeps the lesions.")
@click.argument("run", type=click.Path(path_type=Path), required=False)
@data_option(
    required=True,
    text="IDRiD folder that the run was trained on: its training pictures calibrate, its "
    "validation pictures judge, the test set states the result.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Run folder to write: the run with its int8 form. [default: <run>-int8]",
)
@click.option(
    "--max-aupr-drop",
    type=float,
    default=0.005,
    show_default=True,
    help="The gate: largest drop of AUPR, for every lesion, against float32.",
)
@click.option(
    "--max-recall-drop",
    type=float,
    default=0.01,
    show_default=True,
    help="The gate: largest drop of lesion recall, at float32's threshold.",
)
@click.option(
    "--float",
    "always_float",
    metavar="LAYER[,LAYER]",
    help="Layers that stay float whatever they cost, as in side.0,outconv or decoder.4.",
)
@click.option(
    "--qat",
    "qat_epochs",
    type=click.IntRange(min=1),
    metavar="EPOCHS",
    help="Fine-tune first, with the rounding switched on. [default: not]",
)
@click.option("--qat-lr", type=float, default=1e-4, show_default=True, help="Its learning rate.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the fine-tuning.")
@force_option("a quantized RUN")
@json_option()
@click.pass_context
def command(
    ctx: click.Context,
    /,
    run: Path | None,
    data: Path,
    output: Path | None,
    max_aupr_drop: float,
    max_recall_drop: float,
    always_float: str | None,
    qat_epochs: int | None,
    qat_lr: float,
    seed: int,
    force: bool,
    as_json: bool,
) -> None:
    """Write RUN's int8 form: which layers are int8, and the range of every value.

    Each layer is quantized alone to see what it costs; layers go back to float, the worst first,
    until a written file loses no more than the gate allows on the run's validation pictures.
    Preprocessing is never quantized. Exit 0: the gate is kept; 1: no candidate keeps it;
    3: the pictures have too few lesions to decide.

    Without RUN, the trained U²-Net-XS that ships with the package is taken.

    \b
    Example:
        mobileseg quantize runs/ex --data IDRiD -o runs/ex-int8
        mobileseg convert runs/ex-int8 --target executorch --precision int8
    """
    gate = Gate(max_aupr_drop, max_recall_drop)
    named = tuple(name.strip() for name in (always_float or "").split(",") if name.strip())

    from mobileseg.files.atomic import refuse_existing, staged_folder
    from mobileseg.quantization.layers import refuse_unknown
    from mobileseg.runs import open_run, pretrained_run
    from mobileseg.training.qat import FineTuning

    opened = open_run(run or pretrained_run())
    tuning = FineTuning(qat_epochs, qat_lr, seed=seed) if qat_epochs else None
    into = output or Path(f"{opened.path.resolve().name}-int8")
    refuse_existing(into, force=force, mark="quantized.json")
    for network in opened.networks:
        refuse_unknown(network, named)

    from converters.quantize.report import finish
    from converters.quantize.search import quantize_run
    from converters.run_pictures import read_pictures

    with staged_folder(into, force=force, mark="quantized.json") as staged:
        pictures = read_pictures(opened, data)
        outcome = quantize_run(
            opened,
            pictures,
            staged,
            gate=gate,
            always_float=named,
            tuning=tuning,
            say=_Lines(),
        )
        told = finish(outcome, pictures, gate, staged)
        _write_page(staged, told)
    if as_json:
        show_json(told)
    else:
        show(outcome, told, into)
    ctx.exit(EXIT_OF[told["decision"]])


class _Lines:
    """Says each new thing once."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, line: str) -> None:
        if line != self.last:
            remark(line)
        self.last = line


def _write_page(folder: Path, told: dict[str, Any]) -> None:
    from mobileseg.report.quantization import write_quantized_page

    write_quantized_page(folder, told)


def show(outcome: Outcome, told: dict[str, Any], into: Path) -> None:
    """What each layer costs, what each file does, and what the chosen one loses."""
    show_table(
        "What each layer costs, quantized alone (validation pictures)",
        ["layer", "MACs", "AUPR drop", "recall drop", "choice"],
        [
            [
                layer["layer"],
                f"{layer['macs_share']:.1%}",
                signed(max(layer["aupr_drop"].values())),
                signed(max(layer["recall_drop"].values())),
                layer["choice"],
            ]
            for layer in told["layers"]
        ],
    )
    show_table(
        "Files of the network alone, validation pictures; time: of float32's",
        ["file", "int8", "kB", "time", "", "AUPR, drop", "recall, drop"],
        [
            [
                _name(file),
                f"{file['int8_convolutions']}/{file['convolutions']}",
                f"{file['network_bytes'] / 1000:.0f}",
                f"{file['median_ms_ratio_to_fp32']:.2f}",
                *_score(score),
            ]
            for file in told["files"]
            for score in file["validation"]
        ],
    )
    if outcome.test:
        show_table(
            "The same, test pictures",
            ["file", "", "AUPR, drop", "recall, drop"],
            [[_name(file), *_score(score)] for file in told["files"] for score in file["test"]],
        )
    else:
        remark("test set: not run, the folder has none")
    chosen = outcome.chosen
    for reason in (chosen or outcome.files[-1]).reasons:
        click.echo(reason)
    scored = outcome.test.get(chosen.path.name, []) if chosen else []
    for against in scored:
        for line in _missed(against):
            click.echo(line)
    doubtful = max(lap.spread for lap in outcome.laps.values())
    if doubtful > 0.15:
        remark(f"times spread by {doubtful:.0%}: the machine was busy, ratios are rough")
    name = f", chosen (*): {chosen.name}" if chosen else ""
    click.echo(f"{into}: gate {told['decision']}{name}")


def _name(file: dict[str, Any]) -> str:
    return f"{file['name']}{' *' if file['chosen'] else ''}"


def _score(score: dict[str, Any]) -> list[str]:
    return [
        score["lesion"],
        f"{score['aupr']:.4f} {signed(score['aupr_drop'])}",
        f"{score['recall']:.3f} {signed(score['recall_drop'])}",
    ]


def _missed(against: Against) -> list[str]:
    lines = [
        f"{against.lesion}, test set: {len(against.missed)} of {against.lesions} lesions are "
        f"missed that float32 finds, {against.gained} are found that it misses"
    ]
    for lesion in against.missed[:MOST_NAMED]:
        lines.append(f"  missed: {lesion.picture} at {lesion.x},{lesion.y} ({lesion.pixels} px)")
    if len(against.missed) > MOST_NAMED:
        lines.append(f"  and {len(against.missed) - MOST_NAMED} more, in quantized.json")
    return lines

"""`mobileseg convert`: a trained run to a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from mobileseg.cli.console import progress, remark
from mobileseg.cli.options import FrameSizes, data_option, force_option


@click.command(short_help="Turn a trained run into a phone's file.")
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option(
    "-t", "--target", "target_name", required=True, help="executorch, torchscript, coreml or onnx."
)
@click.option(
    "-p",
    "--precision",
    help="fp32; executorch also fp16 and int8; coreml also fp16 (network only) and its "
    "compressed weights. [default: fp32]",
)
@click.option(
    "--frame",
    "frames",
    type=FrameSizes(),
    metavar="HxW[,HxW]",
    help="What the app hands over, height x width in pixels; several for coreml. "
    "[default: the run's, 1024x1024]",
)
@click.option("--graph", help="whole; or network: without crop and CLAHE. [default: whole]")
@click.option(
    "--backend",
    help="executorch: what runs the network: xnnpack, coreml or vulkan. [default: xnnpack]",
)
@click.option("--ios", help="coreml: the oldest iOS that opens it: 16, 17 or 18. [default: 16]")
@click.option(
    "--answer",
    help="coreml: probabilities, labels (a map that Xcode previews) or masks (a grey image per "
    "lesion). [default: probabilities]",
)
@data_option(
    required=False,
    text="IDRiD folder with the run's own training pictures: int8 is calibrated on them, if "
    "mobileseg quantize has not been there before.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="Folder to write. [default: <run>-<target>-<precision>]",
)
@force_option("BUNDLE")
def command(
    run: Path | None,
    target_name: str,
    frames: list[tuple[int, int]] | None,
    data: Path | None,
    output: Path | None,
    force: bool,
    **choices: str | None,
) -> None:
    """Write a bundle: the file with the preprocessing inside, what describes it, golden pairs.

    Without RUN, the trained U²-Net-XS that ships with the package is taken.

    \b
    Example:
        mobileseg convert --target coreml
        mobileseg convert runs/ex --target executorch -o bundles/ex
    """
    from converters.targets import artifact_size, target

    chosen = target(target_name)
    chosen.order(frames or [(1, 1)], **choices)  # refuses a wrong word before torch is loaded

    from mobileseg.runs import open_run, pretrained_run

    opened = open_run(run or pretrained_run())
    preprocess = opened.config.preprocess
    order = chosen.order(frames or [preprocess.frame_hw], **choices)
    for frame in order.frames:
        preprocess.with_frame(frame)  # refuses a size
    into = output or Path(f"{opened.path.resolve().name}-{chosen.name}-{order.name()}")

    from converters.bundle import write_bundle

    with progress() as bar:
        bar.add_task(f"converting to {chosen.name} {order.name()}", total=None, note="")
        checks = write_bundle(
            opened,
            into,
            target=chosen,
            order=order,
            force=force,
        )
    for check in checks:
        remark(f"  {check.name}: {check.found}")
    size = artifact_size(into / chosen.artifact)
    click.echo(
        f"{into}: {chosen.artifact}, {size / 1000:.0f} kB, {len(checks)} check(s) of the file hold"
    )

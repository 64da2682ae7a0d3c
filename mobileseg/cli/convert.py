"""`mobileseg convert`: a trained run to a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from mobileseg.cli.console import progress, remark
from mobileseg.cli.options import FrameSize, force_option


@click.command(short_help="Turn a trained run into a phone's file.")
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option(
    "-t", "--target", "target_name", required=True, help="executorch, torchscript or coreml."
)
@click.option(
    "-p", "--precision", help="fp32, or for coreml also fp16 (network only). [default: fp32]"
)
@click.option(
    "--frame",
    "frame_hw",
    type=FrameSize(),
    metavar="HxW",
    help="What the app hands over, height x width in pixels. [default: the run's, 1024x1024]",
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
    precision: str | None,
    frame_hw: tuple[int, int] | None,
    output: Path | None,
    force: bool,
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
    computed_in = chosen.precision(precision)

    from mobileseg.runs import open_run, pretrained_run

    opened = open_run(run or pretrained_run())
    into = output or Path(f"{opened.path.resolve().name}-{chosen.name}-{computed_in}")
    spec = opened.config.preprocess.with_frame(frame_hw or opened.config.preprocess.frame_hw)

    from converters.bundle import write_bundle

    with progress() as bar:
        bar.add_task(f"converting to {chosen.name} {computed_in}", total=None, note="")
        checks = write_bundle(
            opened,
            into,
            target=chosen,
            precision=computed_in,
            frame_hw=spec.frame_hw,
            force=force,
        )
    for check in checks:
        remark(f"  {check.name}: {check.found}")
    size = artifact_size(into / chosen.artifact)
    click.echo(
        f"{into}: {chosen.artifact}, {size / 1000:.0f} kB, {len(checks)} check(s) of the file hold"
    )

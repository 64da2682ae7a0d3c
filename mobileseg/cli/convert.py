"""`mobileseg convert`: a trained run to a bundle."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from mobileseg.cli.console import progress, remark
from mobileseg.cli.options import (
    FrameSizes,
    data_option,
    force_option,
    renamed_options,
    under_new_names,
)

if TYPE_CHECKING:
    from converters.bundle.signing import SigningKey
    from mobileseg.runs import Run

RENAMED = {"answer": "head", "ensembling": "member_execution"}  # of 0.1


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
@click.option(
    "--member-execution",
    help="Of an ensemble: serial, one after the other; or grouped, at once, as one network of "
    "grouped convolutions. [default: serial]",
)
@click.option("--ios", help="coreml: the oldest iOS that opens it: 16, 17 or 18. [default: 16]")
@click.option(
    "--head",
    help="coreml: probabilities, labels (a map that Xcode previews) or masks (a grey image per "
    "lesion). [default: probabilities]",
)
@renamed_options(RENAMED)
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
@click.option(
    "--sign",
    type=click.Path(path_type=Path),
    metavar="KEY",
    help="Private key (PEM, Ed25519) to sign the bundle with; of an encrypted one the passphrase "
    "is read from MOBILESEG_KEY_PASSPHRASE.",
)
def command(
    run: Path | None,
    target_name: str,
    frames: list[tuple[int, int]] | None,
    data: Path | None,
    output: Path | None,
    force: bool,
    sign: Path | None,
    **choices: str | None,
) -> None:
    """Write a bundle: the file with the preprocessing inside, what describes it, golden pairs.

    Without RUN, the trained U²-Net-XS that ships with the package is taken.

    \b
    Example:
        mobileseg convert --target coreml
        mobileseg convert runs/ex --target executorch -o bundles/ex

    \b
    A signed bundle, and the keys for it (docs/signing.md):
        openssl genpkey -algorithm ed25519 -out key.pem
        openssl pkey -in key.pem -pubout -out public.pem
        mobileseg convert runs/ex --target onnx --sign key.pem -o bundles/ex
        mobileseg parity bundles/ex --verify-key public.pem
    """
    from converters.targets import artifact_size, target

    choices = under_new_names(choices, RENAMED)
    chosen = target(target_name)
    chosen.order(frames or [(1, 1)], **choices)  # refuses a wrong word before torch is loaded

    from mobileseg.runs import open_run, pretrained_run

    opened = open_run(run or pretrained_run())
    preprocess = opened.config.preprocess
    order = chosen.order(frames or [preprocess.frame_hw], **choices)
    for frame in order.frames:
        preprocess.with_frame(frame)  # refuses a size
    into = output or Path(f"{opened.path.resolve().name}-{chosen.name}-{order.name()}")

    from converters.bundle.read import write_bundle

    key = _signing_key(sign) if sign else None  # refused before minutes of converting
    with calibrated_for(opened, order.precision, data) as source, progress() as bar:
        bar.add_task(f"converting to {chosen.name} {order.name()}", total=None, note="")
        lacks = (not_calibrated(source, order.precision), without_quality(source, order.whole))
        checks = write_bundle(source, into, target=chosen, order=order, force=force, sign=key)
    for lack in filter(None, lacks):  # once it is written: a refusal is one line
        remark(lack)
    for check in checks:
        remark(f"  {check.name}: {check.found}")
    for line in _holds(chosen.converter().describe(into / chosen.artifact)):
        remark(f"  {line}")
    size = artifact_size(into / chosen.artifact)
    click.echo(
        f"{into}: {chosen.artifact}, {size / 1000:.0f} kB, {len(checks)} check(s) of the file hold"
        + (f", signed by key {key.sha256[:16]}…" if key else "")
    )


def _signing_key(path: Path) -> SigningKey:
    """A key that was read; what is doubtful about its file is said."""
    from converters.bundle.signing import read_signing_key

    key = read_signing_key(path)
    if key.doubt:
        remark(key.doubt)
    return key


@contextmanager
def calibrated_for(run: Run, precision: str, data: Path | None) -> Iterator[Run]:
    """The run, with an int8 form if one is wanted and --data can give it.

    It is calibrated but not searched: everything int8 but the layers that make logits.
    `mobileseg quantize` is what proves that the lesions are still found.
    """
    from mobileseg.quantization.quantized_run import is_quantized, open_quantized

    if precision != "int8" or data is None:
        if precision == "int8":
            open_quantized(run)  # refuses before a toolkit starts
        yield run
        return

    from converters.calibrate import calibrate_form, int8_answers
    from converters.quantize.ptq import calibrated
    from converters.run_pictures import read_pictures
    from mobileseg.files.atomic import write_json
    from mobileseg.quantization.quantized_run import RECORD, save_quantized, with_constants
    from mobileseg.runs import open_run

    if is_quantized(run):
        remark(f"{run.path}: has an int8 form, which is set aside for one calibrated on {data}")
    with TemporaryDirectory() as folder:
        own = Path(folder) / run.path.resolve().name
        shutil.copytree(run.path, own, ignore=shutil.ignore_patterns("last.pt", "quantized*"))
        copied = open_run(own)
        pictures = read_pictures(copied, data)
        save_quantized(calibrated(copied, pictures), copied, own)
        if copied.config.calibration:
            form = calibrate_form(copied, "int8", int8_answers(copied), pictures)
            write_json(own / RECORD, with_constants(copied, form.constants))
        yield copied


def not_calibrated(run: Run, precision: str) -> str | None:
    """What a file lacks whose probabilities are the network's own, in words; None: nothing."""
    from mobileseg.quantization.quantized_run import in_precision

    if in_precision(run, precision).config.calibration:
        return None
    whose = "its int8 form" if run.config.calibration else "the run"
    return f"{whose} is not calibrated: probabilities stay what the network says"


def without_quality(run: Run, whole: bool) -> str | None:
    """What a file lacks that says nothing of a picture's quality, in words; None: nothing."""
    if run.config.quality is not None or not whole:
        return None
    return "the run has no quality: a dark or blurred picture gets its counts without a warning"


def _holds(found: dict[str, Any]) -> Iterator[str]:
    """What the written file holds, in lines."""
    for backend, count in found.get("delegates", {}).items():
        yield f"delegated to {backend}: {count} part(s)"
    operators = found.get("operators")
    if operators:
        where = "not delegated" if "delegates" in found else "operators"
        named = operators.items() if isinstance(operators, dict) else ((o, "") for o in operators)
        yield f"{where}: " + ", ".join(f"{n} {c}".rstrip() for n, c in named)
    sizes = {k: v for k, v in found.items() if k.endswith("_bytes")}
    if sizes:
        yield ", ".join(f"{k.removesuffix('_bytes')} {v} B" for k, v in sizes.items())

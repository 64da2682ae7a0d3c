"""What everything before the network costs, as a share of a plain XS network's time.

    python benchmarks/preprocess_share.py -o benchmarks/results/preprocess-share-<machine>.json

Two programs take turns at one thread on the same phantom: (a) an ExecuTorch file with everything
before the network, frame to picture after CLAHE, lowered as `convert` lowers it; (b) onnxruntime
with the XS network alone, batch norm folded. Pin the process to one core (`taskset -c 0`).

`wall` is a clock's time. `cpu` is what the one thread itself used: where other work shares the
core, only that ratio is steady. Needs onnx, onnxruntime and onnxscript beside the executorch extra.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor, nn

from converters.bundle.evidence import record
from converters.deployable import BYTES
from converters.executorch.partition import network_partitioner
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.files.atomic import write_json
from mobileseg.models.build import build
from mobileseg.models.weights import fold_batch_norm
from mobileseg.preprocess.graph import Preprocess
from mobileseg.preprocess.reference import preprocess
from mobileseg.quality.falloff import Falloff, Hinge
from mobileseg.quality.model import FAULTS, Colour, Limits, QualityModel
from mobileseg.quality.output import QualityOutput
from mobileseg.quality.values import NAMES
from mobileseg.spec import PreprocessSpec, photo_to_frame

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.thread_time}
WARM_UP = 3
TARGET = 0.25  # the most that (a) may cost, in (b)'s time


# Any constants cost the same.
QUALITY = QualityModel(
    Colour((0.6, 0.3), (400.0, 0.0, 400.0)),
    dict.fromkeys(FAULTS, Hinge(0.0, 1.0)),
    {"EX": Falloff(2.0, dict.fromkeys(FAULTS, 1.0))},
    dict.fromkeys(NAMES, Limits()),
)


class BeforeNetwork(nn.Module):
    """(1, H, W, 3) uint8 -> picture after CLAHE, crop, share of retina, and quality if asked."""

    def __init__(self, spec: PreprocessSpec, *, quality: bool) -> None:
        super().__init__()
        self.preprocess = Preprocess(spec, BYTES.histogram, BYTES.sampling)
        self.quality = QualityOutput(QUALITY, ("EX",), spec.side_px) if quality else None

    def forward(self, frame: Tensor) -> Any:
        if self.quality is None:
            return self.preprocess(frame)[:3]
        seen = self.preprocess.look(frame)
        enhanced = self.preprocess.enhance(seen.levels, seen.disc)
        quality = self.quality(seen.levels, seen.disc, seen.round)
        return enhanced, seen.crop, seen.retina, quality


def _executorch(spec: PreprocessSpec, *, quality: bool) -> tuple[bytes, Any]:
    """The file's bytes and the program that reads from them: keep both."""
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower
    from executorch.extension.pybindings import portable_lib

    portable_lib._unsafe_reset_threadpool(1)
    example = torch.zeros(1, *spec.frame_hw, 3, dtype=torch.uint8)
    lowered = to_edge_transform_and_lower(
        torch.export.export(BeforeNetwork(spec, quality=quality).eval(), (example,), strict=False),
        partitioner=[network_partitioner()],
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    source = lowered.to_executorch().buffer
    return source, portable_lib._load_for_executorch_from_buffer(source)


def _onnxruntime(side: int, folder: Path) -> Any:
    import onnxruntime

    network = fold_batch_norm(build("xs", 1).eval())
    path = folder / "xs.onnx"
    torch.onnx.export(
        network, (torch.zeros(1, 3, side, side),), str(path), dynamo=True, verbose=False
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--frame", default=1024, show_default=True, help="Pixels of the square frame.")
@click.option("--side", default=512, show_default=True, help="Pixels of the network's input.")
@click.option("--rounds", default=40, show_default=True)
@click.option("--quality/--no-quality", default=True, show_default=True, help="Measured too.")
def main(output: Path, frame: int, side: int, rounds: int, quality: bool) -> None:
    """Measure in turns and write the JSON."""
    torch.set_num_threads(1)
    spec = PreprocessSpec(side, (frame, frame))
    pixels = photo_to_frame(make_phantom(9, frame + 76, index=0, aspect=1.3).picture, spec.frame_hw)
    expected = preprocess(pixels, spec)
    if expected.crop.is_whole_frame(spec.frame_hw):
        raise SystemExit("the phantom's crop is the whole frame: nothing would be cut")
    given = torch.from_numpy(pixels).unsqueeze(0)
    planes = np.ascontiguousarray(expected.enhanced.transpose(2, 0, 1))[None] / np.float32(255)
    source, before = _executorch(spec, quality=quality)
    enhanced = before.run_method("forward", (given,))[0].numpy()
    if not np.array_equal(enhanced[0].transpose(1, 2, 0), expected.enhanced):
        raise SystemExit("the lowered preprocessing differs from the reference")
    with tempfile.TemporaryDirectory() as folder:
        session = _onnxruntime(side, Path(folder))
        name = session.get_inputs()[0].name
        runners = {
            "before_network_executorch": lambda: before.run_method("forward", (given,)),
            "xs_onnxruntime": lambda: session.run(None, {name: planes}),
        }
        taken = _in_turns(runners, rounds)
    rows = {clock: _summary(taken[clock]) for clock in CLOCKS}
    for clock, row in rows.items():
        print(f"{clock}: {row}")
    write_json(
        output,
        record()
        | {
            "data": "phantom",
            "variant": "xs",
            "frame": frame,
            "side": side,
            "rounds": rounds,
            "quality": quality,
        }
        | {"crop": [expected.crop.left, expected.crop.top, expected.crop.width]}
        | {"target": TARGET, "file_bytes": len(source), "rows": rows},
    )


def _in_turns(
    runners: dict[str, Callable[[], Any]], rounds: int
) -> dict[str, dict[str, list[float]]]:
    """Clock -> runner -> milliseconds of each round."""
    taken: dict[str, dict[str, list[float]]] = {c: {r: [] for r in runners} for c in CLOCKS}
    for round_ in range(WARM_UP + rounds):
        for name, run in runners.items():
            begun = {clock: read() for clock, read in CLOCKS.items()}
            run()
            for clock, read in CLOCKS.items():
                if round_ >= WARM_UP:
                    taken[clock][name].append(1000 * (read() - begun[clock]))
    return taken


def _summary(times: dict[str, list[float]]) -> dict[str, Any]:
    """Median, p10 and p90 of each in milliseconds; ratio of medians; spread of rounds' ratios."""
    low, middle, high = (
        {name: float(np.percentile(values, p)) for name, values in times.items()}
        for p in (10, 50, 90)
    )
    ours, theirs = times
    each = np.array(times[ours]) / np.array(times[theirs])
    return {
        "ms": {n: [round(v[n], 2) for v in (low, middle, high)] for n in times},
        "ratio": round(middle[ours] / middle[theirs], 3),
        "ratio_p10_p90": [round(float(np.percentile(each, p)), 3) for p in (10, 90)],
    }


if __name__ == "__main__":
    main()

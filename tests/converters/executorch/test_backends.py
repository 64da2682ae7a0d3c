"""Every backend and precision: what the written file holds is what was asked for.

One network of two stages, without the preprocessing: it lowers in seconds, and every kind of
operation of the family is in it.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from converters.bundle.read import Bundle
from converters.executorch import converter as executorch_program
from converters.executorch.backends import BACKENDS
from converters.executorch.xnnpack import read_delegates
from converters.options import Order
from converters.parity.compare import compare
from converters.parity.stages import ARTIFACT, QUANTIZED, REFERENCE, STAGES
from converters.quiet import quiet
from converters.targets import target
from mobileseg.errors import BadInput, UnknownName
from mobileseg.quantization.quantized_run import open_quantized

pytest.importorskip("executorch", reason="not run: executorch is not installed")

FRAME_HW = (128, 160)
CHOSEN = [(b.name, p) for b in BACKENDS.values() for p in b.precisions]

EXPORT = """
import json, pickle, sys
from pathlib import Path
from converters.executorch import converter as executorch_program
from converters.options import Order
from mobileseg.models.variants import VARIANTS
from mobileseg.runs import open_run
folder, run, frame, asked = Path(sys.argv[1]), Path(sys.argv[2]), *map(json.loads, sys.argv[3:])
variant = pickle.loads((folder / "variant").read_bytes())
VARIANTS[variant.name] = variant
for name, choices in asked.items():
    order = Order.from_json(choices, [tuple(frame)])
    executorch_program.export(open_run(run), order, folder / f"{name}.pte")
"""


def order(backend: str, precision: str) -> Order:
    row = target("executorch")
    return row.order([FRAME_HW], backend=backend, precision=precision, graph="network")


@pytest.fixture(scope="module")
def files(small_run, tmp_path_factory) -> dict[tuple[str, str], Path]:
    """One file for each backend and precision."""
    folder = tmp_path_factory.mktemp("backends")
    made = {}
    with quiet():
        for backend, precision in CHOSEN:
            if backend == "coreml":
                pytest.importorskip("coremltools", reason="not run: coremltools is not installed")
            path = made[backend, precision] = folder / f"{backend}-{precision}.pte"
            executorch_program.export(small_run, order(backend, precision), path)
    return made


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    noise = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    smooth = torch.nn.functional.interpolate(noise, scale_factor=8, mode="bilinear")
    return (255 * smooth[0]).numpy()


def broken(path: Path, run, asked: Order) -> list[str]:
    with quiet():
        return [c.name for c in executorch_program.inspect(path, run, asked) if not c.holds]


@pytest.mark.parametrize("chosen", CHOSEN, ids="-".join)
def test_a_file_holds_what_was_asked_for(chosen, files, small_run):
    assert broken(files[chosen], small_run, order(*chosen)) == []
    with quiet():
        found = executorch_program.describe(files[chosen])
    assert found["delegates"] == {BACKENDS[chosen[0]].delegate: 1}
    # What stays outside is float32 on portable kernels: normalisation and sigmoid.
    outside = {name.split("::")[1].split(".")[0] for name in found["operators"]}
    assert outside <= {"sub", "div", "sigmoid", "_clone_dim_order", "_to_dim_order_copy", "mul"}


@pytest.mark.parametrize(("backend", "precision"), CHOSEN)
def test_one_precision_is_not_taken_for_another(backend, precision, files, small_run):
    for other in BACKENDS[backend].precisions:
        if other != precision:
            assert broken(files[backend, precision], small_run, order(backend, other))


@pytest.mark.slow
def test_another_process_with_another_hash_order_writes_the_same_bytes(
    files, small_run, few_stages, tmp_path
):
    """The two that take most steps: a calibrated network, and a package inside the file."""
    (tmp_path / "variant").write_bytes(pickle.dumps(few_stages))
    chosen = [("xnnpack", "int8"), ("coreml", "fp16")]
    asked = {"-".join(pair): order(*pair).to_json() for pair in chosen}
    arguments = [str(tmp_path), str(small_run.path), json.dumps(FRAME_HW), json.dumps(asked)]
    subprocess.run(
        [sys.executable, "-c", EXPORT, *arguments],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        check=True,
        capture_output=True,
    )
    for pair in chosen:
        assert (tmp_path / f"{'-'.join(pair)}.pte").read_bytes() == files[pair].read_bytes()


def test_a_file_of_another_backend_is_found(files, small_run):
    fails = broken(files["vulkan", "fp32"], small_run, order("xnnpack", "fp32"))
    assert {"delegates to XnnpackBackend", "no other backend"} <= set(fails)
    assert "every convolution is delegated" in fails


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_file_answers_as_its_network_does(precision, files, small_run, picture):
    with quiet(), torch.no_grad():
        runner = executorch_program.load(files["xnnpack", precision])
        found = runner(picture).probabilities
        exact = small_run.ensemble(torch.from_numpy(picture)[None])[0].numpy()
    off = np.abs(found - exact)
    assert found.shape == (1, 64, 64) and found.dtype == np.float32
    assert np.ptp(exact) > 0.5  # an answer that is everywhere the same would hide a fault
    # 40 layers: in float32 rounding, in fp16 eleven bits each.
    largest, mean = {"fp32": (1e-5, 1e-6), "fp16": (0.05, 2e-3)}[precision]
    assert off.max() <= largest and off.mean() <= mean
    assert precision == "fp32" or off.max() > 1e-5  # it is not float32 under another name


def test_int8_is_what_its_simulation_says_on_average(files, small_run, picture):
    """Pixel by pixel the two differ; a scale or a zero point gone wrong would move all.

    Not compared with float32: a network of random weights does not stand being rounded.
    """
    with quiet(), torch.no_grad():
        found = executorch_program.load(files["xnnpack", "int8"])(picture).probabilities
        fake = open_quantized(small_run).fake(small_run)(torch.from_numpy(picture)[None])[0]
    assert np.abs(found - fake.numpy()).mean() < 0.01


def test_the_gate_sees_that_quantising_made_the_difference(files, small_run, tmp_path, cases):
    """The file hardly differs from the quantized program, and that does from float32."""
    shutil.copyfile(files["xnnpack", "int8"], tmp_path / "model.pte")
    shutil.copytree(small_run.path, tmp_path / "reference")
    own = order("xnnpack", "int8")
    frames = [list(frame) for frame in own.frames]
    manifest = {"target": "executorch", **own.to_json(), "frames": frames, "files": {}}
    result = compare(Bundle(tmp_path, manifest), cases[:2], "two phantoms")
    assert result.stages == [stage for stage in STAGES if stage != REFERENCE]
    rounded, written = (max(a.mean for a in result.step(stage)) for stage in (QUANTIZED, ARTIFACT))
    assert rounded > 1e-4 and written < rounded / 2


def test_int8_weights_are_a_quarter_and_all_but_the_chosen_layer(files):
    whole, small = (read_delegates(files["xnnpack", p]) for p in ("fp32", "int8"))
    assert whole.int8_convolutions == 0
    # Float32 is lean: no outconv, and the two finest sides in three convolutions each.
    assert whole.convolutions == small.convolutions - 1 + 2 * 2
    assert small.int8_convolutions == small.convolutions - 1  # outconv stays float
    assert small.weight_bytes < 0.35 * whole.weight_bytes  # scales and biases stay float32


@pytest.mark.parametrize("backend", ["coreml", "vulkan"])
def test_a_backend_that_does_not_run_here_says_so_and_has_no_int8(backend, small_run, tmp_path):
    reason = executorch_program.why_not(order(backend, "fp16"))
    assert reason and "delegate" in reason
    assert executorch_program.why_not(order("xnnpack", "fp16")) is None
    with pytest.raises(UnknownName, match=f"executorch precision of {backend} 'int8'; choose from"):
        executorch_program.export(small_run, order(backend, "int8"), tmp_path / "model.pte")
    assert list(tmp_path.iterdir()) == []


def test_int8_of_a_run_that_has_no_int8_form_is_refused(tiny_run, tmp_path):
    with pytest.raises(BadInput, match=r"has no quantized\.json; run mobileseg quantize"):
        executorch_program.export(tiny_run, order("xnnpack", "int8"), tmp_path / "model.pte")


def test_a_file_that_is_no_program_is_refused_by_the_reader(tmp_path):
    path = tmp_path / "model.pte"
    path.write_bytes(b"nothing of the kind" * 50)
    with pytest.raises(BadInput, match=r"model\.pte: cannot read its XNNPACK delegates"):
        read_delegates(path)

"""Everything before the network, lowered and read back from the file: what runs it, and how big."""

from __future__ import annotations

import warnings
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch

from converters.deployable import BYTES
from converters.executorch.partition import network_partitioner
from converters.quiet import quiet
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.preprocess import reference
from mobileseg.preprocess.graph import Preprocess
from mobileseg.spec import PreprocessSpec, photo_to_frame

pytest.importorskip("executorch", reason="not run: executorch is not installed")

SPEC = PreprocessSpec(256, (480, 640))  # large enough for pieces to be handed over


def lower(module: torch.nn.Module, example: torch.Tensor, path: Path, partitioner) -> Path:
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lowered = to_edge_transform_and_lower(
            torch.export.export(module.eval(), (example,), strict=False),
            partitioner=partitioner,
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
        path.write_bytes(lowered.to_executorch().buffer)
    return path


class Slow(torch.nn.Module):
    """What must not be portable: a convolution, a pooling, a product with the whole frame."""

    def forward(self, plane: torch.Tensor) -> torch.Tensor:
        near = torch.nn.functional.conv2d(plane, torch.ones(1, 1, 3, 3), padding=1)
        near = torch.nn.functional.avg_pool2d(near, 2)
        return torch.matmul(torch.ones(2048, 240), near[0, 0])  # more than two frames' values


@pytest.fixture(scope="module")
def lowered(tmp_path_factory) -> Path:
    return lower(
        Preprocess(SPEC, BYTES.histogram, BYTES.sampling),
        torch.zeros(1, *SPEC.frame_hw, 3, dtype=torch.uint8),
        tmp_path_factory.mktemp("lowered") / "preprocess.pte",
        [network_partitioner()],
    )


def plan_of(path: Path):
    from executorch.exir._serialize._program import deserialize_pte_binary

    return deserialize_pte_binary(path.read_bytes()).program.execution_plan[0]


def heavy(path: Path) -> list[str]:
    """Portable convolutions, poolings, and products as large as a frame: the finder's are not."""
    plan = plan_of(path)
    found = []
    for call in (i.instr_args for i in plan.chains[0].instructions):
        if not hasattr(call, "op_index"):
            continue
        name = plan.operators[call.op_index].name
        if "conv" in name or "pool" in name:
            found.append(name)
        if name.split("::")[-1] in ("mm", "bmm", "addmm"):
            made = plan.values[call.args[-1]].val
            if prod(made.sizes) > 2 * SPEC.frame_hw[0] * SPEC.frame_hw[1]:
                found.append(name)
    return found


def test_no_convolution_no_pooling_and_no_frame_sized_product_is_portable(lowered, tmp_path):
    assert heavy(lowered) == []
    plane = torch.zeros(1, 1, *SPEC.frame_hw)
    seen = heavy(lower(Slow(), plane, tmp_path / "slow.pte", []))
    assert [name.split("::")[-1] for name in seen] == ["convolution", "avg_pool2d", "mm"]


def test_the_preprocessing_is_handed_over_in_few_pieces(lowered):
    # The finder's products are small and stand between other operations: a piece each.
    assert 3 <= len(plan_of(lowered).delegates) <= 26


def test_the_preprocessing_adds_little_to_the_file(lowered):
    # 60 kB before the finder of circles: 700 small operations, some 300 bytes each.
    assert lowered.stat().st_size < 330_000


def test_the_lowered_preprocessing_gives_the_reference(lowered):
    from executorch.runtime import Runtime

    source = lowered.read_bytes()
    program = Runtime.get().load_program(source)
    method = program.load_method("forward")
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    noise[:50], noise[:, :70] = 0, 0
    cut = np.zeros_like(noise)
    cut[300:, :200] = noise[100:280, 100:300]  # its square starts outside
    phantom = photo_to_frame(make_phantom(9, 600, aspect=1.3).picture, SPEC.frame_hw)
    for frame in (noise, cut, phantom, np.zeros_like(noise)):
        expected = reference.preprocess(frame, SPEC)
        enhanced, box, retina, disc = method.execute([torch.from_numpy(frame)[None]])
        crop = expected.crop
        assert box.tolist() == [[crop.left, crop.top, crop.width, crop.height]]
        assert retina.tolist() == [[expected.retina]]
        assert np.array_equal(disc[0, 0].numpy(), expected.disc)
        assert np.array_equal(enhanced[0].permute(1, 2, 0).numpy(), expected.enhanced)

"""Frames of several sizes in one graph: traced once, equal to each size's own graph to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from converters.targets import target
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.errors import BadInput
from mobileseg.preprocess.flexible import FlexiblePreprocess
from mobileseg.preprocess.graph import Preprocess
from mobileseg.spec import PreprocessSpec, photo_to_frame

SIDE = 64
SIZES = ((128, 160), (96, 200), (300, 130), (64, 64), (720, 1280))
TRACED_AT = SIZES[0]


def frames(frame_hw: tuple[int, int]) -> dict[str, torch.Tensor]:
    """A retina off its frame's middle, one that is cut, noise from edge to edge, and nothing."""
    noise = np.random.default_rng(1).integers(0, 256, (*frame_hw, 3)).astype(np.uint8)
    retina = photo_to_frame(make_phantom(3, 120, aspect=1.2).picture, frame_hw)
    cut = np.roll(retina, 40, axis=1)
    cut[:, :40] = 0
    found = {"retina": retina, "cut": cut, "noise": noise, "black": np.zeros_like(noise)}
    return {
        name: torch.from_numpy(frame).permute(2, 0, 1).unsqueeze(0).to(torch.float32).contiguous()
        for name, frame in found.items()
    }


class Answers(torch.nn.Module):
    """What a preprocessing gives, without the disc that finder 1 does not know: None has no type
    in a trace."""

    def __init__(self, preprocess: Preprocess) -> None:
        super().__init__()
        self.preprocess = preprocess

    def forward(self, frame: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(part for part in self.preprocess(frame) if part is not None)


@pytest.fixture(scope="module", params=("square 1", "rectangle 1", "square 2"))
def traced(request) -> tuple[PreprocessSpec, torch.nn.Module]:
    crop, finder = request.param.split()
    spec = PreprocessSpec(SIDE, TRACED_AT, crop=crop, finder=int(finder))
    example = torch.zeros(1, 3, *TRACED_AT)
    return spec, torch.jit.trace(Answers(FlexiblePreprocess(spec)), example, check_trace=False)


@pytest.mark.parametrize("frame_hw", SIZES, ids=str)
def test_the_graph_of_any_size_equals_the_graph_of_each(frame_hw, traced):
    spec, flexible = traced
    fixed = Answers(Preprocess(spec.with_frame(frame_hw), "matmul", "matmul"))
    for name, frame in frames(frame_hw).items():
        for mine, theirs in zip(flexible(frame), fixed(frame), strict=True):
            assert mine.shape == theirs.shape and mine.dtype == theirs.dtype
            assert torch.equal(mine, theirs), name


def test_the_graph_of_one_size_is_not_that_of_another():
    """So that the test above is about something: the fixed graph, traced, fails on other sizes."""
    spec = PreprocessSpec(SIDE, TRACED_AT)
    example = torch.zeros(1, 3, *TRACED_AT)
    fixed = torch.jit.trace(
        Answers(Preprocess(spec, "matmul", "matmul")), example, check_trace=False
    )
    with pytest.raises(RuntimeError):
        fixed(frames(SIZES[1])["retina"])


def test_only_core_ml_takes_several_sizes():
    assert target("coreml").order(SIZES).frames == SIZES
    with pytest.raises(BadInput, match="found 5 frame sizes"):
        target("executorch").order(SIZES)

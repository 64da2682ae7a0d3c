"""The graph that ships: the same answer in both layouts, folded or not, and never a NaN."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from converters.bundle.goldens import reference_answer
from converters.deployable import BYTES, IMAGE, OUTPUTS, deployable
from mobileseg.errors import BadInput

FRAME_HW = (128, 160)


@torch.no_grad()
def answers(graph, frame):
    x = torch.from_numpy(frame).unsqueeze(0)
    if not graph.layout.channels_last:
        x = x.permute(0, 3, 1, 2).to(torch.float32).contiguous()
    return graph(x)


def test_both_layouts_give_the_same_answer_to_the_bit(tiny_run, phantom_frame):
    """Whole numbers up to the network, and the same network: nothing may differ at all."""
    as_bytes = answers(deployable(tiny_run, FRAME_HW, BYTES), phantom_frame)
    as_image = answers(deployable(tiny_run, FRAME_HW, IMAGE), phantom_frame)
    for name, one, other in zip(OUTPUTS, as_bytes, as_image, strict=True):
        assert torch.equal(one, other), name
    # The comparison can fail: BGR is another picture.
    swapped = answers(deployable(tiny_run, FRAME_HW, IMAGE), phantom_frame[..., ::-1].copy())
    assert (swapped[0] - as_bytes[0]).abs().max() > 0.01


def test_shapes_and_types_are_the_promised_ones(tiny_run, phantom_frame):
    probabilities, crop, retina = answers(deployable(tiny_run, FRAME_HW), phantom_frame)
    assert [o.dtype for o in (probabilities, crop, retina)] == [torch.float32] * 3
    assert (probabilities.shape, crop.shape, retina.shape) == ((1, 1, 64, 64), (1, 4), (1, 1))
    assert probabilities.min() >= 0 and probabilities.max() <= 1
    assert 0 < retina < 1


def test_the_graph_answers_as_the_reference_does(tiny_run, phantom_frame):
    probabilities, crop, retina = answers(deployable(tiny_run, FRAME_HW), phantom_frame)
    expected = reference_answer(tiny_run, phantom_frame)
    # 119 layers in float32, summed in another order, and logits stretched to ±10.
    assert np.abs(probabilities[0].numpy() - expected.probabilities).max() < 1e-4
    assert crop[0].tolist() == expected.crop.tolist()
    assert float(retina) == pytest.approx(expected.retina, abs=1e-6)  # one division
    assert expected.probabilities.min() < 0.1 and expected.probabilities.max() > 0.9  # lively


def test_folding_batch_norm_changes_nothing_but_rounding(tiny_run, phantom_frame):
    folded = answers(deployable(tiny_run, FRAME_HW), phantom_frame)[0]
    plain = answers(deployable(tiny_run, FRAME_HW, folded=False), phantom_frame)[0]
    assert 0 < (folded - plain).abs().max() < 1e-4  # 0: it would not have been folded
    kinds = [type(m).__name__ for m in deployable(tiny_run, FRAME_HW).modules()]
    assert "BatchNorm2d" not in kinds
    assert any(isinstance(m, torch.nn.BatchNorm2d) for m in tiny_run.network.modules())


@pytest.mark.parametrize("layout", [BYTES, IMAGE], ids=["bytes", "image"])
@pytest.mark.parametrize("level", [0, 255], ids=["black", "white"])
def test_a_frame_of_one_colour_gives_finite_answers(tiny_run, layout, level):
    frame = np.full((*FRAME_HW, 3), level, np.uint8)
    probabilities, crop, retina = answers(deployable(tiny_run, FRAME_HW, layout), frame)
    assert torch.isfinite(probabilities).all()
    if level == 0:  # no retina: the whole frame, made square, and a share of 0
        assert retina.item() == 0
        assert crop.tolist() == [[0, -16, 160, 160]]


@pytest.mark.parametrize(
    ("layout", "shape", "dtype"),
    [(BYTES, (1, 96, 64, 3), torch.uint8), (IMAGE, (1, 3, 96, 64), torch.float32)],
    ids=["bytes", "image"],
)
def test_the_example_is_a_black_frame_of_the_layout(tiny_run, layout, shape, dtype):
    graph = deployable(tiny_run, (96, 64), layout)
    example = graph.example()
    assert (tuple(example.shape), example.dtype) == (shape, dtype)
    assert not example.any()
    with torch.no_grad():
        assert graph(example)[0].shape == (1, 1, 64, 64)


def test_it_is_made_for_answering_and_not_for_training(tiny_run):
    tiny_run.network.train()
    try:
        assert not any(m.training for m in deployable(tiny_run, FRAME_HW).modules())
    finally:
        tiny_run.network.eval()


def test_a_frame_too_large_to_count_exactly_is_refused(tiny_run):
    with pytest.raises(BadInput, match=r"frame 9000x9000: expected 32\.\.4096"):
        deployable(tiny_run, (9000, 9000))

"""Labels and masks: what a pixel is called, in the graph and by the script that checks it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from converters.coreml.output_heads import HEADS, Labels, Masks, answering, outputs
from converters.coreml.verify_on_mac import expected_labels
from converters.deployable import IMAGE, shipped_graph
from converters.targets import target

FRAME_HW = (128, 160)
THRESHOLDS = (0.2, 0.5, 0.8)


def pixels(*values: tuple[float, ...]) -> torch.Tensor:
    """(1, C, 1, n): a pixel for each tuple of probabilities."""
    return torch.tensor(values, dtype=torch.float32).T.reshape(1, len(values[0]), 1, -1)


def test_the_label_is_the_lesion_furthest_above_its_own_threshold():
    given = pixels(
        (0.1, 0.4, 0.7),  # none reaches its own
        (0.2, 0.0, 0.0),  # exactly at it
        (0.0, 0.6, 0.79),  # the larger probability is below its threshold
        (0.3, 0.6, 0.9),  # 1.5, 1.2 and 1.125 times
        (0.21, 0.9, 0.9),  # 1.05, 1.8 and 1.125 times
        (0.1, 0.4, 1.0),
    )
    (labels,) = Labels(THRESHOLDS)(given)
    assert labels.dtype == torch.int32 and labels.shape == (1, 6)
    assert labels[0].tolist() == [0, 1, 2, 1, 2, 3]


def test_masks_are_black_and_white_at_each_lesions_own_threshold():
    given = pixels((0.2, 0.4999, 0.8), (0.1999, 0.5, 1.0))
    masks = Masks(THRESHOLDS)(given)
    assert [m.flatten().tolist() for m in masks] == [[255.0, 0.0], [0.0, 255.0], [255.0, 255.0]]
    assert all(m.shape == (1, 1, 1, 2) and m.dtype == torch.float32 for m in masks)


def test_the_script_for_a_mac_expects_the_same_labels():
    torch.manual_seed(5)
    given = torch.rand(1, 3, 64, 64)
    thresholds = np.array(THRESHOLDS, np.float32).reshape(-1, 1, 1)
    expected = expected_labels(given[0].numpy(), thresholds)
    (labels,) = Labels(THRESHOLDS)(given)
    assert np.array_equal(labels.numpy(), expected)
    assert set(np.unique(expected)) == {0, 1, 2, 3}


@pytest.mark.parametrize("head", ["probabilities", *HEADS])
@pytest.mark.parametrize("graph", ["whole", "network"])
@torch.no_grad()
def test_the_graph_gives_what_is_described(head, graph, tiny_run):
    order = target("coreml").order([FRAME_HW], head=head, graph=graph)
    module = answering(shipped_graph(tiny_run, order, IMAGE), tiny_run.config, order)
    given = module(module.example())
    given = given if isinstance(given, tuple) else (given,)
    described = outputs(tiny_run.config, order)
    assert [tuple(value.shape) for value in given] == [out.shape for out in described]
    for value, out in zip(given, described, strict=True):
        # A picture is a float in the graph and bytes at the app.
        expected = "float32" if out.kind == "image" else out.dtype
        assert str(value.dtype) == f"torch.{expected}"
    assert all(out.text for out in described)
    assert [out.name for out in described[1:]] == (["crop", "retina"] if graph == "whole" else [])


@torch.no_grad()
def test_labels_and_masks_say_what_the_probabilities_say(tiny_run, phantom_frame):
    frame = torch.from_numpy(phantom_frame).permute(2, 0, 1).unsqueeze(0).to(torch.float32)
    found = {}
    for head in ("probabilities", "labels", "masks"):
        order = target("coreml").order([FRAME_HW], head=head)
        found[head] = answering(shipped_graph(tiny_run, order, IMAGE), tiny_run.config, order)(
            frame
        )
    lesion = found["probabilities"][0][0, 0] >= 0.5
    assert 0.05 < lesion.float().mean() < 0.95
    assert torch.equal(found["labels"][0], lesion.to(torch.int32))
    assert torch.equal(found["masks"][0][0, 0], lesion * 255.0)
    for answer in ("labels", "masks"):
        assert all(
            torch.equal(a, b)
            for a, b in zip(found[answer][1:], found["probabilities"][1:], strict=True)
        )

"""How far two answers are apart, and what a file that says lesion or not is compared with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from converters.coreml.output_heads import Labels, Masks
from converters.parity.difference import apart, as_decided
from converters.parity.task_metrics import TaskTally

LIMITS = {"EX": 0.5, "SE": 0.25}


def maps(*rows: tuple[float, ...]) -> np.ndarray:
    """(C, 1, n): a row a lesion."""
    return np.array(rows, np.float32)[:, None]


def test_two_answers_by_hand():
    found = apart(maps((0.5, 0.2, 0), (0, 0.25, 1)), maps((0.25, 0.2, 0), (0, 0, 1)), LIMITS)
    assert (found.max, found.mean) == (0.25, pytest.approx(0.5 / 6))
    assert found.flipped == {"EX": 1, "SE": 1} and found.pixels == 2


def test_a_threshold_is_compared_as_the_float32_that_it_is_in_the_graph():
    at = float(np.float32(0.1))  # above 0.1
    same = apart(maps((at,)), maps((0.2,)), {"EX": 0.1})
    assert same.flipped == {"EX": 0}


def test_what_is_no_number_is_apart():
    found = apart(maps((float("nan"), 1)), maps((0, 1)), {"EX": 0.5})
    assert np.isnan(found.max) and np.isnan(found.mean)


@pytest.mark.parametrize("kind", ["labels", "masks"])
def test_a_decision_is_that_of_the_head_that_ships(kind):
    rng = np.random.default_rng(3)
    answer = rng.random((2, 9, 9), dtype=np.float32)
    answer[:, 0, :3] = np.float32([[0.5, 0.49, 0.5], [0.25, 0.25, 0.24]])  # at the limits
    answer[:, 0, 3] = (0.8, 0.4)  # both the same multiple: the first
    x = torch.from_numpy(answer)[None]
    if kind == "masks":
        given = Masks(list(LIMITS.values()))(x)
        expected = torch.cat(given)[:, 0].numpy() / 255
    else:
        (label,) = Labels(list(LIMITS.values()))(x)
        expected = np.stack([label.numpy() == c + 1 for c in range(2)]).astype(np.float32)
    assert (as_decided(answer, LIMITS, kind) == expected).all()
    assert (as_decided(expected, LIMITS, kind) == expected).all()  # and stays what it is
    assert as_decided(answer, LIMITS, "probabilities") is answer


def test_scores_by_hand():
    """Two lesions, one found; a predicted pixel beside them."""
    truth = np.zeros((1, 8), bool)
    truth[0, [1, 2, 6]] = True
    answer = maps((0, 0.9, 0.1, 0, 0.6, 0, 0.2, 0))
    tally = TaskTally({"EX": 0.5})
    tally.add({"EX": truth}, answer)
    score = tally.scores()["EX"]
    assert (score.lesions, score.recall) == (2, 0.5)
    assert score.dice == pytest.approx(2 * 1 / (2 + 3))
    assert score.aupr == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3 + 1 / 3 * 3 / 4)


def test_an_unlabelled_picture_does_not_count_and_no_number_has_no_curve():
    tally = TaskTally(LIMITS)
    tally.add({}, maps((1, 0), (0, 1)))
    assert tally.scores() == {}
    tally.add({"SE": np.array([[True, False]])}, maps((1, 0), (float("nan"), 1)))
    assert set(tally.scores()) == {"SE"} and np.isnan(tally.scores()["SE"].aupr)

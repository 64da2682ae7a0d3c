"""Which pictures validate depends on the seed and the names, and on nothing else."""

from __future__ import annotations

import random

import pytest

from mobileseg.data.splits import split_validation
from mobileseg.errors import BadInput

NAMES = [f"IDRiD_{n:02}" for n in range(1, 55)]


def test_every_name_is_on_one_side() -> None:
    training, validation = split_validation(NAMES, 0)
    assert sorted(training + validation) == NAMES
    assert (training, validation) == (sorted(training), sorted(validation))


def test_a_fifth_validates() -> None:
    assert len(split_validation(NAMES, 0)[1]) == 11  # of 54: 10.8
    assert len(split_validation(NAMES, 0, share=0.5)[1]) == 27


def test_the_order_of_the_names_does_not_matter() -> None:
    shuffled = random.Random(1).sample(NAMES, len(NAMES))
    assert shuffled != NAMES
    assert split_validation(shuffled, 3) == split_validation(NAMES, 3)


def test_another_seed_is_another_split() -> None:
    assert split_validation(NAMES, 0) == split_validation(NAMES, 0)
    assert len({tuple(split_validation(NAMES, seed)[1]) for seed in range(20)}) == 20


def test_seeds_reach_every_picture() -> None:
    assert {name for seed in range(40) for name in split_validation(NAMES, seed)[1]} == set(NAMES)


@pytest.mark.parametrize(
    ("count", "share", "validating"),
    [(2, 0.2, 1), (3, 0.01, 1), (3, 0.99, 2), (2, 1.0, 1), (5, 0.0, 1), (10, 0.2, 2)],
)
def test_each_side_has_at_least_one(count: int, share: float, validating: int) -> None:
    training, validation = split_validation(NAMES[:count], 0, share)
    assert (len(training), len(validation)) == (count - validating, validating)


@pytest.mark.parametrize("share", [0.2, 0.5, 1 / 3])
def test_folds_divide_the_names(share: float) -> None:
    folds = [split_validation(NAMES, 3, share, fold) for fold in range(round(1 / share))]
    assert sorted(name for _, held in folds for name in held) == NAMES
    assert all(sorted(training + held) == NAMES for training, held in folds)
    assert folds[0] == split_validation(NAMES, 3, share)


def test_a_fold_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match=r"fold 2: found 54 .* expected a fold of 0 to 1"):
        split_validation(NAMES, 0, 0.5, 2)


@pytest.mark.parametrize("count", [0, 1])
def test_one_picture_cannot_be_split(count: int) -> None:
    with pytest.raises(BadInput) as refusal:
        split_validation(NAMES[:count], 0)
    assert str(refusal.value) == f"found {count} training picture(s); expected at least 2"

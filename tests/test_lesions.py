"""Which lesions go together, and what they are called."""

from __future__ import annotations

import pytest

from mobileseg.errors import BadInput, UnknownName
from mobileseg.lesions import TASKS, by_task, in_order, task_lesions, task_name


def test_codes_come_in_one_order_and_once():
    assert in_order(["SE", "MA", "EX", "MA"]) == ("MA", "EX", "SE")


@pytest.mark.parametrize("task", TASKS)
def test_a_tasks_lesions_give_its_name_back(task):
    assert task_name(reversed(task_lesions(task))) == task


def test_lesions_that_are_no_task_are_joined():
    assert task_name(["EX", "MA"]) == "MA,EX"
    with pytest.raises(UnknownName):  # and are nothing to train
        task_lesions("MA,EX")


def test_equal_tasks_are_found_together_in_channel_order():
    assert by_task(["SE", "EX", "MA,HE", "EX"]) == {"MA,HE": (2,), "EX": (1, 3), "SE": (0,)}
    assert by_task(["all"]) == {"all": (0,)}


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        (["EX", "EX,SE"], "EX is in task EX and in task EX,SE"),
        (["all", "HE"], "HE is in task all and in task HE"),
    ],
)
def test_tasks_that_share_some_lesions_are_refused(tasks, said):
    for given in (tasks, tasks[::-1]):
        with pytest.raises(BadInput, match=said):
            by_task(given)

"""The gate and the search, by hand: what is kept, broken, undecidable, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mobileseg.errors import BadInput
from mobileseg.quantization.gate import Decision, Gate
from mobileseg.quantization.sensitivity import (
    LayerCost,
    candidates,
    in_order_of_relief,
    layer_costs,
)


@dataclass(frozen=True)
class Drop:
    lesion: str = "EX"
    lesions: int = 200
    aupr_drop: float = 0.0
    recall_drop: float = 0.0


GATE = Gate(max_aupr_drop=0.005, max_recall_drop=0.01)


@pytest.mark.parametrize(
    ("drops", "decision"),
    [
        ([Drop()], Decision.KEPT),
        ([Drop(aupr_drop=0.005, recall_drop=0.01)], Decision.KEPT),
        ([Drop(aupr_drop=-0.3, recall_drop=-0.3)], Decision.KEPT),  # a gain
        ([Drop(aupr_drop=0.0051)], Decision.BROKEN),
        ([Drop(recall_drop=0.0101)], Decision.BROKEN),
        ([Drop(aupr_drop=float("nan"))], Decision.BROKEN),
        ([Drop(recall_drop=float("nan"))], Decision.BROKEN),
        ([Drop(), Drop(lesion="MA", aupr_drop=0.1)], Decision.BROKEN),  # the worst lesion counts
        ([Drop(lesions=99)], Decision.UNDECIDABLE),  # one lesion weighs 0.0101
        ([Drop(lesions=100)], Decision.KEPT),
        ([Drop(lesions=0, recall_drop=float("nan"))], Decision.UNDECIDABLE),
        ([Drop(lesions=5, aupr_drop=0.1)], Decision.BROKEN),
    ],
)
def test_the_decision(drops, decision):
    assert GATE.decide(drops)[0] is decision


def test_what_cannot_be_decided_says_the_smallest_step():
    _, reasons = GATE.decide([Drop(lesions=40)])
    assert reasons == [
        "EX: 40 lesion(s), the smallest step of recall is 0.0250; "
        "a drop of 0.01 is undecidable on these pictures"
    ]
    _, reasons = GATE.decide([Drop(aupr_drop=0.02, recall_drop=0.03)])
    assert reasons == [
        "EX: AUPR drops by 0.0200, at most 0.005",
        "EX: lesion recall drops by 0.0300, at most 0.01",
    ]


@pytest.mark.parametrize("wrong", [-0.1, 1.0, float("nan")])
def test_a_limit_that_is_no_share_is_refused(wrong):
    with pytest.raises(BadInput, match="expected a share from 0 to below 1"):
        Gate(max_aupr_drop=wrong)


def test_costs_are_of_each_layer_alone_and_the_search_relieves_the_gate_cheapest_first():
    layers = ("big", "free", "head", "small")
    macs = {"big": 900, "free": 50, "head": 1, "small": 49}
    cost_of = {"big": 0.004, "free": -0.001, "head": 0.004, "small": 0.002}
    asked = []

    def judge(layers_float):
        asked.append(layers_float)
        return [Drop(aupr_drop=sum(v for k, v in cost_of.items() if k not in layers_float))]

    costs = layer_costs(layers, macs, GATE, judge)
    assert asked[0] == ("free", "head", "small")  # all but the first are float
    assert [round(c.gate_used, 6) for c in costs] == [0.8, 0, 0.8, 0.4]
    assert [c.macs_share for c in costs] == [0.9, 0.05, 0.001, 0.049]
    # head: 0.8 of the gate for a thousandth of the work; big: the same for nearly all of it.
    assert in_order_of_relief(costs) == ["head", "small", "big"]
    tried = list(candidates(costs, layers))
    assert tried == [(), ("head",), ("head", "small"), ("big", "head", "small"), layers]
    assert next(t for t in tried if GATE.decide(judge(t))[0] is Decision.KEPT) == ("head",)


def test_layers_that_a_person_named_stay_float_in_every_candidate():
    costs = [LayerCost(layer, 0.5, (), 0.0) for layer in ("a", "b")]
    assert list(candidates(costs, ("a", "b"), always=("b",))) == [("b",), ("a", "b")]

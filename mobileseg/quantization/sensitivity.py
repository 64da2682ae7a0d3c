"""Which layers stay float: asked of the task, not of the arithmetic.

What a layer costs is measured by quantizing it alone. Then layers are given back to float, the one
that costs most for the work it saves first, until the gate holds; so int8 is spent where it is
free. How a candidate is judged is handed in, because the judge (a written file, its score on
labelled pictures) is a higher layer's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mobileseg.quantization.gate import Drop, Gate

Judge = Callable[[tuple[str, ...]], Sequence[Drop]]
"""Layers that stay float -> what is lost, lesion by lesion."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What quantizing this layer and no other loses."""

    layer: str
    macs_share: float  # of the network's multiply-accumulates
    drops: tuple[Drop, ...]
    gate_used: float  # by the worst lesion; 1 is the gate's edge


def layer_costs(
    layers: Sequence[str],
    macs: Mapping[str, int],
    gate: Gate,
    judge: Judge,
    tick: Callable[[], None] = lambda: None,
) -> list[LayerCost]:
    """Quantize each layer alone.

    Args:
        layers: all of the network's, at the grain that is searched.
        macs: of each layer, at the network's side.
        judge: of the fake-quantized network, on validation pictures.
        tick: called once a layer.
    """
    whole = sum(macs[layer] for layer in layers)
    costs = []
    for layer in layers:
        drops = tuple(judge(tuple(other for other in layers if other != layer)))
        costs.append(LayerCost(layer, macs[layer] / whole, drops, gate.share_used(drops)))
        tick()
    return costs


def in_order_of_relief(costs: Sequence[LayerCost]) -> list[str]:
    """Layers that cost something, the one first that relieves the gate most for the work it takes.

    A layer's work is never taken as less than a hundredth of the network's: one that is almost
    free would else come first for a cost that is noise.
    """
    costly = [c for c in costs if c.gate_used > 0]
    return [
        c.layer
        for c in sorted(costly, key=lambda c: c.gate_used / max(c.macs_share, 0.01), reverse=True)
    ]


def candidates(
    costs: Sequence[LayerCost], layers: Sequence[str], always: Sequence[str] = ()
) -> Iterator[tuple[str, ...]]:
    """Sets of layers that stay float, from the fastest network to the one that is all float.

    Args:
        always: layers that stay float in every set: those that a person named.
    """
    order = [layer for layer in in_order_of_relief(costs) if layer not in always]
    order += [layer for layer in layers if layer not in (*order, *always)]
    for length in range(len(order) + 1):
        chosen = {*always, *order[:length]}
        yield tuple(layer for layer in layers if layer in chosen)

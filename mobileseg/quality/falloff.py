"""From numbers to a share, by a few constants: what is ideal gives 1, each fault takes some.

    share = s(ideal - Σ weight · h) / s(ideal)      s(z) = 1 / (1 + exp(-z))
    h = max(0, (x - begins) / (full - begins))

Weights are 0 or above, so that a fault never helps. The same form gives each lesion's quality from
the values and a picture's likeness to a fundus photo from its features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.errors import BadInput

MOST_ODDS = 30.0  # of an ideal picture: its share is a number in float32


def _sigmoid(odds: float) -> float:
    return 0.5 * (1 + math.tanh(0.5 * odds))


@dataclass(frozen=True, slots=True)
class Hinge:
    """Where a number begins to be a fault, and where the fault counts as 1; either way round."""

    begins: float
    full: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.begins) or not math.isfinite(self.full):
            raise BadInput(f"begins {self.begins}, full {self.full}: expected finite numbers")
        if self.begins == self.full:
            raise BadInput(f"begins {self.begins}: found full there too, expected it elsewhere")

    def of(self, x: float) -> float:
        """0 up to where it begins."""
        return max(0.0, (x - self.begins) / (self.full - self.begins))

    def to_json(self) -> dict[str, float]:
        return {"begins": self.begins, "full": self.full}


@dataclass(frozen=True, slots=True)
class Falloff:
    """One share's constants."""

    ideal: float  # log odds without a fault; the larger, the more a first fault is forgiven
    weights: Mapping[str, float]  # fault -> log odds that it takes where it counts as 1

    def __post_init__(self) -> None:
        for name, value in (("ideal", self.ideal), *self.weights.items()):
            if not math.isfinite(value):
                raise BadInput(f"{name}: found {value}, expected a finite number")
        if abs(self.ideal) > MOST_ODDS:
            raise BadInput(f"ideal: found {self.ideal}, expected -{MOST_ODDS:g}..{MOST_ODDS:g}")
        for name, value in self.weights.items():
            if value < 0:
                raise BadInput(f"{name}: found {value}, expected 0 or above: no fault helps")

    def of(self, faults: Mapping[str, float]) -> float:
        """0..1."""
        odds = self.ideal - sum(weight * faults[name] for name, weight in self.weights.items())
        return _sigmoid(odds) / _sigmoid(self.ideal)

    def to_json(self) -> dict[str, Any]:
        return {"ideal": self.ideal, "weights": dict(self.weights)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        return cls(float(values["ideal"]), {n: float(w) for n, w in values["weights"].items()})


class Falloffs(nn.Module):
    """Several shares of the same faults, for the graph.

    Args:
        hinges: fault -> place of its number in what `forward` takes, and its hinge.
        falloffs: in the order of what `forward` gives; each names the faults.
    """

    place: Tensor
    begins: Tensor
    slope: Tensor
    weights: Tensor
    ideal: Tensor
    scale: Tensor

    def __init__(
        self, hinges: Mapping[str, tuple[int, Hinge]], falloffs: tuple[Falloff, ...]
    ) -> None:
        super().__init__()
        self.count = len(falloffs)
        places = [place for place, _ in hinges.values()]
        one_hot = np.eye(max(places) + 1)[places]  # faults numbers
        self._hold("place", one_hot)
        self._hold("begins", np.array([hinge.begins for _, hinge in hinges.values()]))
        self._hold("slope", np.array([1 / (h.full - h.begins) for _, h in hinges.values()]))
        self._hold("weights", np.array([[f.weights[name] for name in hinges] for f in falloffs]))
        self._hold("ideal", np.array([f.ideal for f in falloffs]))
        self._hold("scale", np.array([0.5 / _sigmoid(f.ideal) for f in falloffs]))

    def _hold(self, name: str, values: np.ndarray) -> None:
        held = torch.from_numpy(np.ascontiguousarray(values, np.float32))
        self.register_buffer(name, held, persistent=False)

    def forward(self, numbers: Tensor) -> Tensor:
        """(n,) -> (shares,), 0..1.

        A sigmoid by way of tanh: a converter's checks count the networks' answers by theirs.
        """
        own = torch.matmul(self.place, numbers[: self.place.shape[1]].reshape(-1, 1)).reshape(-1)
        faults = torch.relu((own - self.begins) * self.slope)
        odds = self.ideal - torch.matmul(self.weights, faults.reshape(-1, 1)).reshape(-1)
        return (torch.tanh(odds * 0.5) + 1.0) * self.scale

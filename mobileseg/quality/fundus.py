"""Whether a picture looks like a fundus photo at all: seven features and generic constants.

The constants lie beside this file (`fundus.json`), made by benchmarks/fundus_likeness.py; they are
no run's. A fundus photo's circle is seen; its shading is smooth but not even, its texture faint but
there; its colour hardly changes from place to place, red over green over blue; its thin lines,
vessels, are darker than what is beside them. No feature decides alone: a grey or red-free picture
only lacks the colour, and one that fills its frame only lacks the circle.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.files.untrusted import parse_json
from mobileseg.quality import values as at
from mobileseg.quality.falloff import Falloff, Falloffs, Hinge
from mobileseg.quality.graph import MeasuredInGraph
from mobileseg.quality.values import CELLS, LAGS, Measured

FEATURES = ("round", "roughness", "texture", "motley", "order", "vessels", "painted")
EVEN = (
    0.02  # of motley: less is paint, where there is colour at all (the least of 54 photos: 0.018)
)
FLAT = 0.05  # grey levels squared, which keep a quotient a number where nothing bends
CONSTANTS = "fundus.json"


def features(seen: Measured) -> dict[str, float]:
    """Each of `FEATURES`.

    roughness: how much a cell's green differs from its neighbours', as a share of the mean.
    texture: the same of pixels half a cell apart, noise cancelled.
    motley: standard deviation of the colour over the cells, as shares of red and of green.
    order: the lesser of how far red is above green, and green above blue, as shares of the
        brightest channel's mean.
    vessels: -1..1, how much of what bends is darker than what is beside it.
    painted: order, as far as the colour is the same everywhere; 0 of grey, and of a fundus.
    """
    red, green, blue = seen.cells
    mean_green, brightest = (max(seen.mean(c), 1.0) for c in (green, seen.cells.max(axis=0)))
    inner = seen.inner
    beside = sum(np.roll(green, by, axis) for axis in (0, 1) for by in (1, -1))
    rough = ((4 * green - beside) ** 2 * inner).sum() / max(inner.sum(), 1)
    total = np.maximum(seen.cells.sum(axis=0), 1.0)
    shares = [channel / total for channel in (red, green)]
    spread = sum(seen.mean((s - seen.mean(s)) ** 2) for s in shares)
    signed, squared = seen.bends
    motley = float(np.sqrt(spread))
    order = min(seen.mean(red - green), seen.mean(green - blue)) / brightest
    return {
        "round": float(seen.round),
        "roughness": float(np.sqrt(rough)) / mean_green,
        "texture": float(np.sqrt(_detail(seen))) / mean_green,
        "motley": motley,
        "order": order,
        "vessels": float(-signed / (squared + FLAT)),
        "painted": order * max(0.0, 1 - motley / EVEN),
    }


def _detail(seen: Measured) -> float:
    place = LAGS.index(at.vessel_lag(seen.side_px))
    less = seen.differences[place - 1] if place else 0.0
    return float(max(seen.differences[place] - less, 0))


@cache
def constants() -> tuple[dict[str, Hinge], Falloff]:
    """Fault -> hinge, and what each takes; a fault is a feature's name and which way it is off."""
    where = files("mobileseg.quality") / CONSTANTS
    read = parse_json(where.read_bytes(), CONSTANTS)  # type: ignore[arg-type]
    hinges = {name: Hinge(**hinge) for name, hinge in read["hinges"].items()}
    return hinges, Falloff.from_json(read)


def feature_of(fault: str) -> str:
    """ "roughness low" -> "roughness"."""
    return fault.split(" ", maxsplit=1)[0]


def likeness(seen: Measured) -> float:
    """0..1; 0 where no retina was found."""
    hinges, falloff = constants()
    found = features(seen)
    faults = {name: hinge.of(found[feature_of(name)]) for name, hinge in hinges.items()}
    return falloff.of(faults) * float(seen.covered > 0)


class FundusLikeness(nn.Module):
    """`likeness` in the graph."""

    def __init__(self, side_px: int) -> None:
        super().__init__()
        hinges, falloff = constants()
        placed = {name: (FEATURES.index(feature_of(name)), hinge) for name, hinge in hinges.items()}
        self.falloff = Falloffs(placed, (falloff,))
        self.place = LAGS.index(at.vessel_lag(side_px))

    def forward(self, seen: MeasuredInGraph) -> Tensor:
        """(1,) 0..1."""
        share: Tensor = self.falloff(self.features(seen))
        return share * torch.clamp(seen.covered, max=1.0)

    def features(self, seen: MeasuredInGraph) -> Tensor:
        """(FEATURES,)."""
        red, green, blue = seen.cells[0], seen.cells[1], seen.cells[2]
        mean_green = torch.clamp(seen.mean(green), min=1.0)
        brightest = torch.clamp(seen.mean(torch.amax(seen.cells, dim=0)), min=1.0)
        inner, count = seen.inner, torch.clamp(seen.inner.sum().reshape(1), min=1.0)
        lap = self._laplacian(green)
        rough = (lap * lap * inner).sum().reshape(1) / count
        total = torch.clamp(seen.cells.sum(dim=0), min=1.0)
        spread = self._variance(seen, red / total) + self._variance(seen, green / total)
        more = seen.differences[self.place : self.place + 1]
        detail = more - seen.differences[self.place - 1 : self.place] if self.place else more
        order = torch.minimum(seen.mean(red - green), seen.mean(green - blue)) / brightest
        motley = torch.sqrt(spread)
        painted = order * torch.relu(1.0 - motley * (1.0 / EVEN))
        vessels = (seen.bends[:1] * -1.0) / (seen.bends[1:] + FLAT)
        return torch.cat(
            [
                seen.round,
                torch.sqrt(rough) / mean_green,
                torch.sqrt(torch.relu(detail)) / mean_green,
                motley,
                order,
                vessels,
                painted,
            ]
        )

    @staticmethod
    def _variance(seen: MeasuredInGraph, share: Tensor) -> Tensor:
        off = share - seen.mean(share).reshape(1, 1)
        return seen.mean(off * off)

    @staticmethod
    def _laplacian(cells: Tensor) -> Tensor:
        """Of (CELLS, CELLS), around the edge, where no inner cell is."""
        up, down = (torch.cat([cells[by:], cells[:by]]) for by in (1, CELLS - 1))
        left, right = (torch.cat([cells[:, by:], cells[:, :by]], 1) for by in (1, CELLS - 1))
        return cells * 4.0 - up - down - left - right

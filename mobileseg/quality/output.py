"""A run's quality as the graph gives it: each lesion's share, then the values behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.quality import graph
from mobileseg.quality.falloff import Falloffs
from mobileseg.quality.fundus import FundusLikeness
from mobileseg.quality.graph import Measure
from mobileseg.quality.model import FAULTS, QualityModel
from mobileseg.quality.values import NAMES


class QualityOutput(nn.Module):
    """`QualityModel.judge` as torch operations.

    Args:
        model: the run's constants.
        lesions: codes in channel order.
        side_px: of the picture.
    """

    mean_colour: Tensor

    def __init__(self, model: QualityModel, lesions: Sequence[str], side_px: int) -> None:
        super().__init__()
        self.square = float(side_px**2)
        self.measure = Measure(side_px)
        self.fundus = FundusLikeness(side_px)
        hinges = {name: (NAMES.index(of), model.faults[name]) for name, of in FAULTS.items()}
        self.falloffs = Falloffs(hinges, tuple(model.lesions[code] for code in lesions))
        self.inverse = model.colour.inverse
        mean = torch.from_numpy(np.array(model.colour.mean, np.float32))
        self.register_buffer("mean_colour", mean, persistent=False)

    def forward(self, levels: Tensor, disc: Tensor, seen_round: Tensor) -> Tensor:
        """(1, C + K) float32; every number 0 where no retina was found.

        Args:
            levels: (1, 3, side, side) whole grey levels before CLAHE.
            disc: (1, 1, side, side), 0 or 1.
            seen_round: (1,), 0 or 1.
        """
        seen = self.measure(levels, disc, seen_round)
        values = torch.cat(
            [
                graph.light(seen, self.measure.luma),
                seen.mean(seen.clipped),
                graph.sharpness(seen),
                graph.field(seen, self.measure.circle, self.square),
                graph.glare(seen),
                self._colour_distance(graph.chromaticity(seen)),
                self.fundus(seen),
            ]
        )
        found = torch.clamp(seen.covered, max=1.0)
        shares: Tensor = self.falloffs(values)
        return (torch.cat([shares, values]) * found).reshape(1, -1)

    def _colour_distance(self, shares: Tensor) -> Tensor:
        """(1,): `Colour.distance`."""
        a, b, c = self.inverse
        off = shares - self.mean_colour
        x, y = off[:1], off[1:]
        return torch.sqrt(torch.relu(x * x * a + x * y * (2.0 * b) + y * y * c))

"""Circles through points as torch operations: found, scored, moved; see constants.py.

Circles are (m, n, 3) or (m, 3): centre and radius, in units, m of the masks. Points are
(m, points, 2), and `valid` (m, points) says which of them count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.preprocess.retina import constants as at
from mobileseg.preprocess.whole_numbers import (
    eight_times,
    one_hot_of_largest,
    positive_part_doubled,
    sixteenths,
)

NUDGE = 2.0**-13  # less than 1 / (2 · LARGEST_RADIUS), more than a quotient of ours is wrong by


class CircleFit(nn.Module):
    """The circles that finder 2 tries."""

    triples: Tensor
    moves: Tensor
    directions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._hold("moves", at.moves()[None])  # 1 moves 3: see `moved`
        self._hold("directions", at.directions().T)  # 2 DIRECTIONS
        triples = torch.from_numpy(at.triples().T.astype(np.int32)).contiguous()  # 3 n
        self.register_buffer("triples", triples, persistent=False)

    def _hold(self, name: str, values: np.ndarray) -> None:
        held = torch.from_numpy(np.ascontiguousarray(values, np.float32))
        self.register_buffer(name, held, persistent=False)

    def through_three(self, points: Tensor, valid: Tensor, px: Tensor) -> Tensor:
        """(m, n, 3) centre and radius of the circles through three points, in units.

        Centres are found in steps of two cells from points rounded to that, which keeps every
        product below 2**24, and then to a unit: `centre = 8 p + floor(8 num / den)`.
        """
        corner = [torch.index_select(points, 1, self.triples[i]) for i in range(3)]  # m n 2
        used = [torch.index_select(valid, 1, self.triples[i]) for i in range(3)]
        p, q, r = (torch.floor(c * 0.125) for c in corner)
        d1, d2 = q - p, r - p
        n1, n2 = (d1 * d1).sum(dim=2), (d2 * d2).sum(dim=2)
        x1, y1, x2, y2 = d1[:, :, 0], d1[:, :, 1], d2[:, :, 0], d2[:, :, 1]
        den = (x1 * y2 - y1 * x2) * 2.0
        sign = (den >= 0.0).to(torch.float32) * 2.0 - 1.0
        usable = used[0] * used[1] * used[2] * (den != 0.0).to(torch.float32)
        den = torch.clamp(den.abs(), min=1.0)
        num_x, num_y = (y2 * n1 - y1 * n2) * sign, (x1 * n2 - x2 * n1) * sign
        x = p[:, :, 0] * 8.0 + eight_times(num_x, den)
        y = p[:, :, 1] * 8.0 + eight_times(num_y, den)
        dx, dy = corner[0][:, :, 0] - x, corner[0][:, :, 1] - y
        far = float(4 * at.LARGEST_RADIUS)  # keeps squares small; such a circle is not used
        dx, dy = torch.clamp(dx, -far, far), torch.clamp(dy, -far, far)
        radius = torch.floor(torch.sqrt(dx * dx + dy * dy) + 0.5)
        usable = usable * (radius >= float(at.SMALLEST_RADIUS)).to(torch.float32)
        usable = usable * (radius <= _largest_radius(px)).to(torch.float32)
        return torch.stack([x, y, radius], dim=2) * usable.unsqueeze(2)

    def scores(self, circles: Tensor, points: Tensor, valid: Tensor) -> Tensor:
        """(m, n): in 1/16 of a point, how many points lie how near."""
        reach = circles[:, :, 2] * float(2 * at.NEAR)
        excess = _excess(circles, points).abs()
        near = positive_part_doubled(reach.unsqueeze(2) - excess)  # m n points
        sums = torch.matmul(near, valid.unsqueeze(2)).squeeze(2) * 0.5
        usable = (reach > 0.0).to(torch.float32)
        return sixteenths(sums, torch.clamp(reach, min=1.0)) * usable

    def moved(
        self,
        circles: Tensor,
        points: Tensor,
        valid: Tensor,
        steps: Sequence[tuple[int, int]],
        px: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """(m, 3) circles moved to where their points are nearest; (m,) scores."""
        largest = _largest_radius(px).reshape(1, 1, 1)
        score = circles[:, 0]
        for step, reach in steps:
            # Of equal rank: ExecuTorch 1.4 takes (1, 1, 3) + (n, 3) for a row and a matrix, and
            # fails to write two dimensions where there are three.
            tried = circles.unsqueeze(1) + self.moves * float(step)  # m moves 3
            radius = torch.minimum(torch.clamp(tried[:, :, 2:], min=1.0), largest)
            tried = torch.cat([tried[:, :, :2], radius], dim=2)
            # Half units of distance, rounded: e / (2 r) to first order. Far from the circle it is
            # too large a number to be exact, and counts for nothing all the same.
            half = torch.floor(_excess(tried, points) / radius + (0.5 + NUDGE))
            weight = positive_part_doubled(float((2 * reach) ** 2) - half * half)
            sums = torch.matmul(weight, valid.unsqueeze(2)).squeeze(2) * 0.5  # m moves
            hot, largest_sum = one_hot_of_largest(sums)
            circles = torch.matmul(hot.unsqueeze(1), tried).squeeze(1)
            score = largest_sum.squeeze(1)
        return circles, score

    def edge(
        self, circle: Tensor, points: Tensor, valid: Tensor, picture: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """(1,) in how many directions the circle's edge lies in the picture; (1,) in how many of
        these a point of the circle is near."""
        centre, radius = circle[:, :2].reshape(2, 1), circle[:, 2:]  # 2 1, 1 1
        edge = torch.floor(self.directions * radius * (1.0 / 1024)) + centre  # 2 DIRECTIONS
        low, high = ((v * float(at.UNITS)).reshape(2, 1) for v in (picture[0], picture[1] + 1.0))
        inside = (edge >= low).to(torch.float32) * (edge < high).to(torch.float32)
        inside = inside[0] * inside[1]
        off = _excess(circle.unsqueeze(1), points).abs().reshape(1, -1)  # 1 points
        on = (off <= radius * float(2 * at.NEAR)).to(torch.float32) * valid
        reach = torch.full_like(edge[:1], float(at.WITHIN))
        around = torch.cat([edge, reach]).transpose(0, 1).unsqueeze(0)  # 1 DIRECTIONS 3
        distance = _excess(around, points)[0]  # DIRECTIONS points, 0 and less: near
        nearest = torch.amin(distance + (1.0 - on) * float(2**23), dim=1)
        near = (nearest <= 0.0).to(torch.float32)
        return inside.sum().reshape(1), (inside * near).sum().reshape(1)


def _largest_radius(px: Tensor) -> Tensor:
    """(1,) units."""
    most = torch.full_like(px, float(at.LARGEST_BOX_PX * at.UNITS // 2))
    box = torch.floor(most / px + NUDGE)
    return torch.clamp(box, max=float(at.LARGEST_RADIUS))


def _excess(circles: Tensor, points: Tensor) -> Tensor:
    """(m, n, points): squared distance from the centre, less the radius squared."""
    x, y, radius = circles[:, :, 0], circles[:, :, 1], circles[:, :, 2]
    own = x * x + y * y - radius * radius
    left = torch.stack([x * -2.0, y * -2.0, own, torch.ones_like(own)], dim=2)  # m n 4
    px, py = points[:, :, 0], points[:, :, 1]
    right = torch.stack([px, py, torch.ones_like(px), px * px + py * py], dim=1)  # m 4 points
    return torch.matmul(left, right)

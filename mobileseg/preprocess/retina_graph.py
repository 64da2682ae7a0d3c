"""Retina finder 2 as torch operations that every converter accepts; equal to retina_reference.py.

What retina_circle.py says of whole numbers holds here in float32. A quotient is rounded down by
`_floor_quotient`, which no runtime's division can get wrong; the largest of several is found by
making all of them different, because runtimes disagree about which of two equal ones comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.preprocess import retina_circle as at
from mobileseg.preprocess.frame_lines import FrameLines
from mobileseg.preprocess.sampling import Box

BLOCKS = 16  # of a line, and cells of a block: CELLS is the square
NUDGE = 2.0**-13  # less than 1 / (2 · LARGEST_RADIUS), more than a quotient of ours is wrong by


@dataclass(frozen=True, slots=True)
class FoundRetina:
    """`retina_reference.Retina`, each (1,) float32; truths are 0 or 1."""

    box: Box
    found: Tensor
    round: Tensor
    visible: Tensor
    rows: tuple[Tensor, Tensor]
    columns: tuple[Tensor, Tensor]


def disc(found: FoundRetina, index: Tensor) -> Tensor:
    """`Retina.disc`, (1, 1, side, side) float32, 0 or 1.

    Args:
        index: (side,) 0, 1, 2 …
    """
    count = index.shape[0]
    side = float(count)
    left, top, box_side, _ = found.box
    centred = index * 2.0 + (1.0 - side)
    # Squares of odd numbers: an eighth of what is above 1 is whole, and small enough to add up.
    eighth = (centred * centred - 1.0) * 0.125
    rows = _touching(index, top, box_side, found.rows) * found.found
    columns = _touching(index, left, box_side, found.columns)
    # How much less than the radius' square a pixel's distance has; outside the picture too little.
    most = side * side * 0.125
    room = (most - eighth * found.round) * rows - (1.0 - rows)
    needed = eighth + (1.0 - columns) * (2.0 * most)
    spare = room.reshape(-1, 1) - needed.reshape(1, -1)  # whole; 0 and less: outside
    # min(max(spare, 0), 1) of a whole number, in operations that ExecuTorch is quick at.
    inside = (spare.abs() - (spare - 1.0).abs() + 1.0) * 0.5
    return inside.reshape(1, 1, count, count)


def _touching(
    index: Tensor, start: Tensor, length: Tensor, of_picture: tuple[Tensor, Tensor]
) -> Tensor:
    """(side,): 1 where a stretch touches the picture. Below 2**24 as the box is."""
    count = float(index.shape[0])
    zero = torch.zeros_like(length)
    begin, end = (torch.minimum(torch.maximum(v - start, zero), length) * count for v in of_picture)
    stretch = index * length
    return (stretch + length > begin).to(torch.float32) * (stretch < end).to(torch.float32)


def _floor_quotient(numerator: Tensor, denominator: Tensor) -> Tensor:
    """floor(numerator / denominator) of whole numbers, the second above 0.

    Right however a runtime divides, as long as the quotient is off by less than 1: the remainder,
    which float32 holds exactly, says whether it was rounded to the wrong side.
    """
    quotient = torch.floor(numerator / denominator)
    rest = numerator - quotient * denominator
    return (
        quotient
        + (rest >= denominator).to(torch.float32)
        - (rest < torch.zeros_like(rest)).to(torch.float32)
    )


def _first_and_after(hit: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """(…, n) zeros and ones -> place of the first one (n: none), place after the last (0: none)."""
    beyond = float(index.shape[0])
    return beyond - torch.amax(hit * (beyond - index), dim=-1), torch.amax(
        hit * (index + 1.0), dim=-1
    )


def _one_hot_of_largest(values: Tensor) -> tuple[Tensor, Tensor]:
    """(…, n) whole numbers -> 1 at the first of the largest, 0 elsewhere; the largest, (…, 1).

    values · n has to stay below 2**24.
    """
    count = values.shape[-1]
    later = torch.arange(count - 1, -1, -1, dtype=torch.float32, device=values.device)
    distinct = values * float(count) + later
    largest = torch.amax(distinct, dim=-1, keepdim=True)
    hot = (distinct == largest).to(torch.float32)
    return hot, (values * hot).sum(dim=-1, keepdim=True)


def _opened(values: Tensor) -> Tensor:
    """Grey opening along the last axis: the least over OPENING cells, then the most of those."""
    edge = torch.zeros_like(values[..., : at.OPENING - 1])
    least = _over_five(values, torch.minimum)
    return _over_five(torch.cat([edge, least, edge], dim=-1), torch.maximum)


def _over_five(values: Tensor, of_two: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The least, or most, of each value and the four after it: of two, of four, of five."""
    two = of_two(values[..., :-1], values[..., 1:])
    four = of_two(two[..., :-2], two[..., 2:])
    return of_two(four[..., :-1], values[..., at.OPENING - 1 :])


def _positive_part_doubled(values: Tensor) -> Tensor:
    """2 · max(x, 0): ExecuTorch's clamp takes three times as long as these two."""
    return values + values.abs()


class RetinaFinder(nn.Module):
    """Lines of a frame -> where its retina is."""

    cell: Tensor
    block: Tensor
    limits: Tensor
    by_distance: Tensor
    triples: Tensor
    moves: Tensor
    directions: Tensor
    neighbours: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._hold("cell", np.arange(at.CELLS))
        self._hold("block", np.arange(BLOCKS))
        self._hold("by_distance", np.arange(at.MASKS) >= len(at.BRIGHTER))
        self._hold("limits", at.thresholds())
        self._hold("moves", at.moves()[None])  # 1 moves 3: see `_moved`
        self._hold("directions", at.directions().T)  # 2 DIRECTIONS
        self._hold("neighbours", at.neighbours())
        triples = torch.from_numpy(at.triples().T.astype(np.int32)).contiguous()  # 3 n
        self.register_buffer("triples", triples, persistent=False)

    def _hold(self, name: str, values: np.ndarray) -> None:
        held = torch.from_numpy(np.ascontiguousarray(values, np.float32))
        self.register_buffer(name, held, persistent=False)

    def forward(self, lines: FrameLines) -> FoundRetina:
        px = lines.cell_px
        first, last, lit = self._picture(lines)
        features = _opened(self._features(lines, first, last))  # 2 2 LINES CELLS
        mask, coarse = self._coarse(features, lines, (first, last))
        limit = (self.limits * mask).sum().reshape(1) * px
        by_distance = (self.by_distance * mask).sum().reshape(1)
        points, valid = self._ends(features, limit, by_distance, lines, (first, last))
        circle, score = self._moved(coarse, points, valid, at.STEPS, px)
        visible, supported = self._edge(circle, points, valid, (first, last))
        score, counted = score.reshape(1), valid.sum().reshape(1)
        enough = (score >= float(at.SUPPORT * at.POINT)).to(torch.float32) * lit
        enough = enough * (score * 2.0 >= counted * float(at.POINT)).to(torch.float32)
        enough = enough * (supported * 2.0 >= visible).to(torch.float32)
        x, y, radius = (circle[:, i] for i in range(3))  # each (1,)
        round_ = enough * (visible >= float(at.VISIBLE)).to(torch.float32)
        return self._boxed(lines, first, last, lit, (x, y, radius), round_, visible * enough)

    def _picture(self, lines: FrameLines) -> tuple[Tensor, Tensor, Tensor]:
        """(2,) first and last lit cell along rows and along columns; (1,) whether there is one.

        Of a black frame the whole line, so that nothing after it meets an odd number.
        """
        brightest = torch.amax(torch.amax(lines.cells, dim=0), dim=1)  # 2 CELLS
        hit = (brightest > 0.0).to(torch.float32)
        beyond = float(at.CELLS)
        first = beyond - torch.amax(hit * (beyond - self.cell), dim=1)
        last = torch.amax(hit * (self.cell + 1.0), dim=1) - 1.0
        lit = (torch.amin(last, dim=0, keepdim=True) >= 0.0).to(torch.float32)
        return first * lit, last * lit + (beyond - 1.0) * (1.0 - lit), lit

    def _features(self, lines: FrameLines, first: Tensor, last: Tensor) -> Tensor:
        """(2, 2, LINES, CELLS): brightness, and distance from the surround."""
        surround = self._surround(lines, first, last).reshape(3, 1, 1, 1)
        bright = torch.amax(lines.cells, dim=0)  # 2 LINES CELLS
        apart = torch.amax((lines.cells - surround).abs(), dim=0)
        return torch.stack([bright, torch.minimum(apart, bright * 64.0)])

    def _surround(self, lines: FrameLines, first: Tensor, last: Tensor) -> Tensor:
        """(3,) the commonest colour just inside the picture's edge, as sums over a cell."""
        cell = torch.floor(lines.across * (1.0 / at.UNITS))  # 2 LINES
        # Rows lie between the first and last cell along columns, and the other way round.
        low, high = (torch.cat([v[1:], v[:1]]).reshape(2, 1) for v in (first, last))
        within = (cell >= low).to(torch.float32) * (cell <= high).to(torch.float32)  # 2 LINES
        top = float(at.CELLS - 1)
        places = torch.stack(
            [
                torch.clamp(first + float(at.INSET), 0.0, top),
                torch.clamp(last - float(at.INSET), 0.0, top),
            ],
            dim=1,
        )  # 2 ends
        hot = (places.unsqueeze(2) == self.cell).to(torch.float32)  # 2 ends CELLS
        # 3·2 LINES CELLS times 2 CELLS ends, rows and columns apart.
        ends = torch.matmul(lines.cells, hot.transpose(1, 2).unsqueeze(0))  # 3 2 LINES ends
        colours = ends.permute(0, 1, 3, 2).reshape(3, -1)  # 3 4·LINES
        counted = torch.stack([within, within], dim=1).reshape(-1)
        asked = colours.reshape(3, -1, 4)[:, :, 0]  # 3 LINES
        heard = counted.reshape(-1, 4)[:, 0]
        apart = torch.amax((colours.unsqueeze(1) - asked.unsqueeze(2)).abs(), dim=0)
        same = (apart <= lines.cell_px * float(at.SAME)).to(torch.float32)  # LINES 4·LINES
        votes = torch.matmul(same, counted.reshape(-1, 1)).reshape(-1) * heard
        hot_one, _ = _one_hot_of_largest(votes)
        return torch.matmul(asked, hot_one.reshape(-1, 1)).reshape(3)

    def _ends(
        self,
        features: Tensor,
        limits: Tensor,
        by_distance: Tensor,
        lines: FrameLines,
        picture: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """First and last cell of lines that some masks hold.

        A line is 16 blocks of 16 cells: the first block that has such a cell is found by its
        brightest, then the cell in it, an eighth of the work of looking at every cell.

        Args:
            features: (2, 2, n, CELLS), `_features` opened.
            limits: (m,) of each mask; by_distance: (m,): 1 where it looks at the second feature.
            picture: (2,) first and last cell of the picture, along rows and along columns.

        Returns:
            (m, 4·n, 2) x and y in units: left, right, top, bottom; (m, 4·n) which count.
        """
        count, masks = features.shape[2], limits.shape[0]
        blocks = features.reshape(2, 2 * count, BLOCKS, BLOCKS)
        brightest = torch.amax(blocks, dim=3)  # 2 2·n BLOCKS
        chosen = by_distance.reshape(-1, 1, 1)
        limit = limits.reshape(-1, 1, 1)
        own = brightest[:1] * (1.0 - chosen) + brightest[1:] * chosen  # m 2·n BLOCKS
        begin_block, end_block = _first_and_after((own > limit).to(torch.float32), self.block)
        line = torch.arange(2 * count, dtype=torch.float32, device=limits.device).reshape(1, -1)
        line = (by_distance.reshape(-1, 1) * float(2 * count) + line) * float(BLOCKS)  # m 2·n
        rows = blocks.reshape(-1, BLOCKS)
        last_block = float(BLOCKS - 1)
        begin, end = (
            _first_and_after(
                (
                    torch.index_select(rows, 0, (line + block).reshape(-1).to(torch.int32)).reshape(
                        masks, 2 * count, BLOCKS
                    )
                    > limit
                ).to(torch.float32),
                self.block,
            )[which]
            + block * float(BLOCKS)
            for which, block in (
                (0, torch.clamp(begin_block, max=last_block)),
                (1, torch.clamp(end_block - 1.0, min=0.0)),
            )
        )
        some = (end_block > 0.0).to(torch.float32)
        # Where there is none: the first is after every cell, the last before.
        begin = (begin * some + float(at.CELLS) * (1.0 - some)).reshape(masks, 2, count)
        end = (end * some).reshape(masks, 2, count)
        return self._as_points(begin, end, some.reshape(masks, 2, count), lines, picture)

    @staticmethod
    def _as_points(
        begin: Tensor,
        end: Tensor,
        some: Tensor,
        lines: FrameLines,
        picture: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Ends along lines as points of the frame; which lie far enough inside the picture."""
        masks, _, count = begin.shape
        low, high = (v.reshape(1, 2, 1) for v in picture)
        opens = (begin >= low + float(at.INSET)).to(torch.float32) * some
        closes = (end - 1.0 <= high - float(at.INSET)).to(torch.float32) * some
        every = at.LINES // count
        across = (
            lines.across.reshape(2, count, every)[:, :, -1].unsqueeze(0).expand(masks, 2, count)
        )
        units = float(at.UNITS)
        x = torch.cat([begin[:, 0] * units, end[:, 0] * units, across[:, 1], across[:, 1]], dim=1)
        y = torch.cat([across[:, 0], across[:, 0], begin[:, 1] * units, end[:, 1] * units], dim=1)
        valid = torch.cat([opens[:, 0], closes[:, 0], opens[:, 1], closes[:, 1]], dim=1)
        return torch.stack([x, y], dim=2), valid

    def _coarse(
        self, features: Tensor, lines: FrameLines, picture: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """(MASKS,) one-hot: the first mask with a circle nearly as good as any; (1, 3) that."""
        px = lines.cell_px
        some = features.reshape(2, 2, at.LINES // at.COARSE, at.COARSE, at.CELLS)[:, :, :, -1]
        points, valid = self._ends(some, self.limits * px, self.by_distance, lines, picture)
        circles = self._through_three(points, valid, px)  # m n 3, 0 where there is none
        scores = self._scores(circles, points, valid)
        hot, _ = _one_hot_of_largest(scores)
        best = torch.matmul(hot.unsqueeze(1), circles).reshape(-1, 3)  # m 3
        best, score = self._moved(best, points, valid, at.FIRST_STEPS, px)
        mask = self._choice(score, best[:, 2])
        return mask, torch.matmul(mask.reshape(1, -1), best)

    def _choice(self, score: Tensor, radius: Tensor) -> Tensor:
        """(m,) one-hot: the first mask as good as any and like the next; or else the best."""
        good = (
            score * 100.0 >= torch.amax(score, dim=0, keepdim=True) * float(at.TIGHT_PERCENT)
        ).to(torch.float32)
        apart = (radius[1:] - radius[:-1]).abs() * float(at.ALIKE)
        alike = (apart <= radius[:-1]).to(torch.float32) * self.neighbours
        twice = torch.cat([good[:-1] * good[1:] * alike, torch.zeros_like(good[:1])])
        any_twice = torch.amax(twice, dim=0, keepdim=True)
        return _one_hot_of_largest(twice)[0] * any_twice + _one_hot_of_largest(score)[0] * (
            1.0 - any_twice
        )

    def _through_three(self, points: Tensor, valid: Tensor, px: Tensor) -> Tensor:
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
        x = p[:, :, 0] * 8.0 + _eight_times(num_x, den)
        y = p[:, :, 1] * 8.0 + _eight_times(num_y, den)
        dx, dy = corner[0][:, :, 0] - x, corner[0][:, :, 1] - y
        far = float(4 * at.LARGEST_RADIUS)  # keeps squares small; such a circle is not used
        dx, dy = torch.clamp(dx, -far, far), torch.clamp(dy, -far, far)
        radius = torch.floor(torch.sqrt(dx * dx + dy * dy) + 0.5)
        usable = usable * (radius >= float(at.SMALLEST_RADIUS)).to(torch.float32)
        usable = usable * (radius <= self._largest_radius(px)).to(torch.float32)
        return torch.stack([x, y, radius], dim=2) * usable.unsqueeze(2)

    @staticmethod
    def _largest_radius(px: Tensor) -> Tensor:
        """(1,) units."""
        most = torch.full_like(px, float(at.LARGEST_BOX_PX * at.UNITS // 2))
        box = torch.floor(most / px + NUDGE)
        return torch.clamp(box, max=float(at.LARGEST_RADIUS))

    @staticmethod
    def _excess(circles: Tensor, points: Tensor) -> Tensor:
        """(m, n, points): squared distance from the centre, less the radius squared."""
        x, y, radius = circles[:, :, 0], circles[:, :, 1], circles[:, :, 2]
        own = x * x + y * y - radius * radius
        left = torch.stack([x * -2.0, y * -2.0, own, torch.ones_like(own)], dim=2)  # m n 4
        px, py = points[:, :, 0], points[:, :, 1]
        right = torch.stack([px, py, torch.ones_like(px), px * px + py * py], dim=1)  # m 4 points
        return torch.matmul(left, right)

    def _scores(self, circles: Tensor, points: Tensor, valid: Tensor) -> Tensor:
        """(m, n): in 1/16 of a point, how many points lie how near."""
        reach = circles[:, :, 2] * float(2 * at.NEAR)
        excess = self._excess(circles, points).abs()
        near = _positive_part_doubled(reach.unsqueeze(2) - excess)  # m n points
        sums = torch.matmul(near, valid.unsqueeze(2)).squeeze(2) * 0.5
        usable = (reach > 0.0).to(torch.float32)
        return _sixteenths(sums, torch.clamp(reach, min=1.0)) * usable

    def _moved(
        self,
        circles: Tensor,
        points: Tensor,
        valid: Tensor,
        steps: Sequence[tuple[int, int]],
        px: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """(m, 3) circles moved to where their points are nearest; (m,) scores."""
        largest = self._largest_radius(px).reshape(1, 1, 1)
        score = circles[:, 0]
        for step, reach in steps:
            # Of equal rank: ExecuTorch 1.3 takes (1, 1, 3) + (n, 3) for a row and a matrix, and
            # fails to write two dimensions where there are three.
            tried = circles.unsqueeze(1) + self.moves * float(step)  # m moves 3
            radius = torch.minimum(torch.clamp(tried[:, :, 2:], min=1.0), largest)
            tried = torch.cat([tried[:, :, :2], radius], dim=2)
            # Half units of distance, rounded: e / (2 r) to first order. Far from the circle it is
            # too large a number to be exact, and counts for nothing all the same.
            half = torch.floor(self._excess(tried, points) / radius + (0.5 + NUDGE))
            weight = _positive_part_doubled(float((2 * reach) ** 2) - half * half)
            sums = torch.matmul(weight, valid.unsqueeze(2)).squeeze(2) * 0.5  # m moves
            hot, largest_sum = _one_hot_of_largest(sums)
            circles = torch.matmul(hot.unsqueeze(1), tried).squeeze(1)
            score = largest_sum.squeeze(1)
        return circles, score

    def _edge(
        self, circle: Tensor, points: Tensor, valid: Tensor, picture: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """(1,) in how many directions the circle's edge lies in the picture; (1,) in how many of
        these a point of the circle is near."""
        centre, radius = circle[:, :2].reshape(2, 1), circle[:, 2:]  # 2 1, 1 1
        edge = torch.floor(self.directions * radius * (1.0 / 1024)) + centre  # 2 DIRECTIONS
        low, high = ((v * float(at.UNITS)).reshape(2, 1) for v in (picture[0], picture[1] + 1.0))
        inside = (edge >= low).to(torch.float32) * (edge < high).to(torch.float32)
        inside = inside[0] * inside[1]
        off = self._excess(circle.unsqueeze(1), points).abs().reshape(1, -1)  # 1 points
        on = (off <= radius * float(2 * at.NEAR)).to(torch.float32) * valid
        reach = torch.full_like(edge[:1], float(at.WITHIN))
        around = torch.cat([edge, reach]).transpose(0, 1).unsqueeze(0)  # 1 DIRECTIONS 3
        distance = self._excess(around, points)[0]  # DIRECTIONS points, 0 and less: near
        nearest = torch.amin(distance + (1.0 - on) * float(2**23), dim=1)
        near = (nearest <= 0.0).to(torch.float32)
        return inside.sum().reshape(1), (inside * near).sum().reshape(1)

    def _boxed(
        self,
        lines: FrameLines,
        first: Tensor,
        last: Tensor,
        lit: Tensor,
        circle: tuple[Tensor, Tensor, Tensor],
        round_: Tensor,
        visible: Tensor,
    ) -> FoundRetina:
        """The circle's square, or that of what there is of a picture."""
        px, (x, y, radius) = lines.cell_px, circle
        begin, end = first * px, (last + 1.0) * px  # (2,): columns, rows
        length = torch.cat([lines.width, lines.height])
        begin = begin * lit
        end = torch.minimum(end, length) * lit + length * (1.0 - lit)
        size = end - begin
        side = torch.amax(size, dim=0, keepdim=True)
        corner = begin - torch.floor((side - size) * 0.5)
        units = 1.0 / at.UNITS
        circle_side = torch.floor((radius * px * 2.0 + 2.0) * units)
        circle_corner = torch.floor((torch.cat([x - radius, y - radius]) * px + 2.0) * units)
        side = circle_side * round_ + side * (1.0 - round_)
        corner = circle_corner * round_ + corner * (1.0 - round_)
        box = (corner[:1], corner[1:], side, side)
        rows, columns = (begin[1:], end[1:]), (begin[:1], end[:1])
        return FoundRetina(box, lit, round_, visible, rows, columns)


def _eight_times(numerator: Tensor, denominator: Tensor) -> Tensor:
    """floor(8 · numerator / denominator), by way of the whole part: 8 · numerator is too large."""
    whole = _floor_quotient(numerator, denominator)
    rest = numerator - whole * denominator
    return whole * 8.0 + _floor_quotient(rest * 8.0, denominator)


def _sixteenths(numerator: Tensor, denominator: Tensor) -> Tensor:
    """floor(16 · numerator / denominator), likewise."""
    whole = _floor_quotient(numerator, denominator)
    rest = numerator - whole * denominator
    return whole * 16.0 + _floor_quotient(rest * 16.0, denominator)

"""Retina finder 2 as torch operations that every converter accepts; equal to reference.py.

What constants.py says of whole numbers holds here in float32 (whole_numbers.py); the circles
are in circle_fit.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.preprocess.retina import constants as at
from mobileseg.preprocess.retina.circle_fit import CircleFit
from mobileseg.preprocess.retina.found_retina import FoundRetina
from mobileseg.preprocess.retina.frame_lines import FrameLines
from mobileseg.preprocess.whole_numbers import first_and_after, one_hot_of_largest

BLOCKS = 16  # of a line, and cells of a block: CELLS is the square


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


class RetinaFinder(nn.Module):
    """Lines of a frame -> where its retina is."""

    cell: Tensor
    block: Tensor
    limits: Tensor
    by_distance: Tensor
    neighbours: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._hold("cell", np.arange(at.CELLS))
        self._hold("block", np.arange(BLOCKS))
        self._hold("by_distance", np.arange(at.MASKS) >= len(at.BRIGHTER))
        self._hold("limits", at.thresholds())
        self._hold("neighbours", at.neighbours())
        self.fit = CircleFit()

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
        circle, score = self.fit.moved(coarse, points, valid, at.STEPS, px)
        visible, supported = self.fit.edge(circle, points, valid, (first, last))
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
        hot_one, _ = one_hot_of_largest(votes)
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
        begin_block, end_block = first_and_after((own > limit).to(torch.float32), self.block)
        line = torch.arange(2 * count, dtype=torch.float32, device=limits.device).reshape(1, -1)
        line = (by_distance.reshape(-1, 1) * float(2 * count) + line) * float(BLOCKS)  # m 2·n
        rows = blocks.reshape(-1, BLOCKS)
        last_block = float(BLOCKS - 1)
        begin, end = (
            first_and_after(
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
        circles = self.fit.through_three(points, valid, px)  # m n 3, 0 where there is none
        scores = self.fit.scores(circles, points, valid)
        hot, _ = one_hot_of_largest(scores)
        best = torch.matmul(hot.unsqueeze(1), circles).reshape(-1, 3)  # m 3
        best, score = self.fit.moved(best, points, valid, at.FIRST_STEPS, px)
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
        return one_hot_of_largest(twice)[0] * any_twice + one_hot_of_largest(score)[0] * (
            1.0 - any_twice
        )

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

"""The preprocessing as torch operations that every converter accepts; equal to reference.py.

What is special here: grey levels are decided in whole numbers. Float32 holds whole numbers below
2**24 exactly, so every sum below stays under that and no runtime can get another result by adding
in another order. A sum too large is kept as `high * 1024 + low`.

What converters need shows in the code: sizes are fixed, nothing is indexed by data except through
`index_select`, booleans become floats before arithmetic, a division always divides a tensor by a
tensor (coremltools 9.0 turns `constant / tensor` into 1/(x + 1e-4)), and a single number has shape
(1,), not () (the lite interpreter promotes a zero-dimensional float32 times a constant to float64).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mobileseg.errors import UnknownName
from mobileseg.preprocess.area_resize import SAMPLINGS, SPLIT, Box, ByMatmul, ByTaps
from mobileseg.preprocess.clahe_graph import Clahe
from mobileseg.preprocess.reference import ROW_SHARE_PERCENT
from mobileseg.preprocess.retina.found_retina import FoundRetina
from mobileseg.preprocess.retina.found_retina import disc as retina_disc
from mobileseg.preprocess.retina.frame_lines import FrameLines, LinesOfBytes, LinesOfPlanes
from mobileseg.preprocess.retina.graph import RetinaFinder
from mobileseg.spec import PreprocessSpec


@dataclass(frozen=True, slots=True)
class Levels:
    """A frame's retina before CLAHE.

    Attributes:
        levels: (1, 3, side, side) whole grey levels; outside the disc whatever was there.
        crop: (1, 4) float32: left, top, width, height in frame pixels.
        retina: (1, 1): share of the crop that is retina; 0: none found.
        disc: (1, 1, side, side), 0 or 1; None: finder 1.
        round: (1,): 1 where the retina's circle was seen; None: finder 1.
    """

    levels: Tensor
    crop: Tensor
    retina: Tensor
    disc: Tensor | None
    round: Tensor | None


LINES: dict[str, type[LinesOfBytes] | type[LinesOfPlanes]] = {
    "matmul": LinesOfPlanes,
    "taps": LinesOfBytes,
}  # by sampling
TIE = 2.0**-10  # of a grey level: more than the quotient below can be wrong by, less than a level


def _extent(counts: Tensor, index: Tensor, along_px: int, across_px: int) -> tuple[Tensor, Tensor]:
    """(1,) first and last row (or column) with enough retina; (n, -1) where there is none."""
    hit = counts * 100.0 >= float(ROW_SHARE_PERCENT * across_px)
    beyond = torch.full_like(index, float(along_px))
    first = torch.amin(torch.where(hit, index, beyond), dim=0, keepdim=True)
    last = torch.amax(torch.where(hit, index, torch.full_like(index, -1.0)), dim=0, keepdim=True)
    return first, last


def _rounded_mean(high: Tensor, low: Tensor, area: Tensor) -> Tensor:
    """floor((high·1024 + low) / area + 1/2), exactly.

    The float quotient is right to 1e-4. Lowered by `TIE` it is never rounded up wrongly, and down
    only at a tie; the remainder, which float32 holds exactly, says where.
    """
    area_high = torch.floor(area * (1.0 / SPLIT))
    area_low = area - area_high * SPLIT
    per_area = area / (area * area)  # 1 / area, and no constant is divided
    mean = torch.floor((high * SPLIT + low) * per_area + (0.5 - TIE))
    remainder = (high - mean * area_high) * SPLIT + (low - mean * area_low)
    # 2 · remainder >= area, in whole numbers.
    return mean + torch.clamp(remainder * 2.0 - (area - 1.0), 0.0, 1.0)


class Preprocess(nn.Module):
    """Frame -> picture after CLAHE, for one fixed frame size.

    Args:
        spec: sizes and constants.
        histogram: how CLAHE counts grey levels, "scatter" (fast on ExecuTorch and TorchScript)
            or "matmul" (fast on Core ML); equal results.
        sampling: how the frame is read, "taps" (fast on a processor) or "matmul" (fast on Core ML
            and a GPU); equal results, but the frame comes in another form.
    """

    sampling: ByMatmul | ByTaps
    lines: nn.Module

    def __init__(
        self, spec: PreprocessSpec, histogram: str = "scatter", sampling: str = "matmul"
    ) -> None:
        super().__init__()
        if sampling not in SAMPLINGS:
            raise UnknownName("sampling", sampling, SAMPLINGS)
        self.spec = spec
        self.sampling = SAMPLINGS[sampling](spec)
        if spec.finder > 1:
            self.lines = LINES[sampling](spec.frame_hw)
            self.retina_finder = RetinaFinder()
        self.clahe = Clahe(spec.side_px, spec.clahe_clip, spec.clahe_tiles, histogram)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Crop, resize, equalise.

        Args:
            frame: RGB; sampling "matmul": (1, 3, H, W) float32, whole numbers 0..255;
                "taps": (1, H, W, 3) uint8.

        Returns:
            enhanced: (1, 3, side, side) float32, 0..255, after CLAHE.
            crop: (1, 4) float32: left, top, width, height in frame pixels.
            retina: (1, 1) float32: share of the crop that is retina; 0: none found.
            disc: (1, 1, side, side) float32: 1 where there is retina, else 0; None: finder 1.
        """
        seen = self.look(frame)
        return self.enhance(seen.levels, seen.disc), seen.crop, seen.retina, seen.disc

    def look(self, frame: Tensor) -> Levels:
        """Find the retina, crop and resize; `forward` without what comes after."""
        box, retina, disc, seen_round = self.find(frame)
        levels = self.crop_and_resize(frame, box)
        return Levels(levels, torch.cat(box).reshape(1, 4), retina, disc, seen_round)

    def find_crop(self, frame: Tensor) -> tuple[Box, Tensor, Tensor | None]:
        """Left, top, width, height, each (1,); the share of retina (1, 1); the disc, if known."""
        return self.find(frame)[:3]

    def find(self, frame: Tensor) -> tuple[Box, Tensor, Tensor | None, Tensor | None]:
        """`find_crop`, and whether a circle was seen."""
        if self.spec.finder == 1:
            return *self.by_threshold(frame), None, None
        found: FoundRetina = self.retina_finder(self.frame_lines(frame))
        disc = retina_disc(found, self.sampling.side_index)
        covered = disc.sum().reshape(1, 1)
        share = covered / torch.full_like(covered, float(self.spec.side_px**2))
        return found.box, share, disc, found.round

    def frame_lines(self, frame: Tensor) -> FrameLines:
        """What finder 2 looks at."""
        lines: FrameLines = self.lines(frame)
        return lines

    def by_threshold(self, frame: Tensor) -> tuple[Box, Tensor]:
        """Finder 1: left, top, width, height, each (1,), and the share of retina (1, 1)."""
        retina = self.sampling.retina(frame)
        rows, columns = self.sampling.counts(retina)
        height, width = self.spec.frame_hw
        top, bottom = _extent(rows, self.sampling.row_index, height, width)
        left, right = _extent(columns, self.sampling.column_index, width, height)
        found = (bottom >= 0.0).to(torch.float32) * (right >= 0.0).to(torch.float32)
        top, left = top * found, left * found
        box_h = (bottom - top + 1.0) * found + float(height) * (1.0 - found)
        box_w = (right - left + 1.0) * found + float(width) * (1.0 - found)
        if self.spec.crop == "square":
            side = torch.maximum(box_h, box_w)
            top = top - torch.floor((side - box_h) * 0.5)
            left = left - torch.floor((side - box_w) * 0.5)
            box_h, box_w = side, side
        inside = self.sampling.inside(
            retina,
            self._within(self.sampling.row_index, top, box_h),
            self._within(self.sampling.column_index, left, box_w),
        )
        share = inside / (box_h * box_w) * found
        return (left, top, box_w, box_h), share.reshape(1, 1)

    @staticmethod
    def _within(index: Tensor, start: Tensor, length: Tensor) -> Tensor:
        return (index >= start).to(torch.float32) * (index < start + length).to(torch.float32)

    def crop_and_resize(self, frame: Tensor, box: Box) -> Tensor:
        """(1, 3, side, side) whole grey levels: exact area means, rounded half up."""
        high, low = self.sampling.sums(frame, box)
        _, _, width, height = box
        side = self.spec.side_px
        return _rounded_mean(high, low, height * width).reshape(1, 3, side, side)

    def enhance(self, levels: Tensor, disc: Tensor | None = None) -> Tensor:
        """CLAHE on V = max(R, G, B), RGB scaled by V'/V; black stays black.

        Args:
            disc: what to keep. What is outside becomes black: in V before and in the factor after,
                which costs a third of what it would on three channels.
        """
        red, green, blue = (levels[:, c : c + 1] for c in range(3))
        value = torch.maximum(torch.maximum(red, green), blue)  # 1 1 side side
        if disc is None:
            equalised: Tensor = self.clahe(value)
            return levels * (equalised / torch.clamp(value, min=1.0))
        equalised = self.clahe(value * disc) * disc
        return levels * (equalised / torch.clamp(value, min=1.0))

"""Random affine maps and flips, a batch at a time, on whatever device the batch is.

They act on the picture after CLAHE, and what they bring in from outside is black, because that is
what lies around a retina. Every number comes from (seed, epoch, picture): neither the order of
loading nor the number of workers changes a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mobileseg.data.config import AugmentRanges


def _linear(rng: np.random.Generator, ranges: AugmentRanges) -> np.ndarray:
    """(2, 2) output -> input: turned, sheared, scaled, flipped."""
    angle = math.radians(rng.uniform(-ranges.rotate_deg, ranges.rotate_deg))
    shear = math.tan(math.radians(rng.uniform(-ranges.shear_deg, ranges.shear_deg)))
    scale = math.exp(rng.uniform(*np.log(ranges.scale)))  # as often half as double
    flips = np.where(rng.random(2) < ranges.flip, -1.0, 1.0)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear: np.ndarray = turn @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag(flips / scale)
    return linear


def _matrix(rng: np.random.Generator, ranges: AugmentRanges) -> np.ndarray:
    """(2, 3) output -> input map in -1..1 coordinates, as grid sampling wants it."""
    linear = _linear(rng, ranges)
    # -1..1 spans the side, so a share of the side is twice that here.
    move = 2 * rng.uniform(-ranges.translate, ranges.translate, size=2)
    return np.concatenate([linear, move[:, None]], axis=1)


def piece_matrix(
    rng: np.random.Generator, ranges: AugmentRanges, centre: tuple[float, float], share: float
) -> np.ndarray:
    """(2, 3) map of a piece: moved as a whole picture would be, but put where it is wanted.

    Args:
        centre: (x, y) in the picture, -1..1, of what comes to the piece's middle.
        share: the piece's side as a share of the picture's.
    """
    return np.concatenate([share * _linear(rng, ranges), np.array(centre)[:, None]], axis=1)


def matrices(seed: int, epoch: int, pictures: Sequence[int], ranges: AugmentRanges) -> Tensor:
    """(N, 2, 3) float32, one map a picture, each drawn from (seed, epoch, picture)."""
    # From 1 on: [seed, epoch, 0] is the stream that [seed, epoch] is, and that one draws the order.
    drawn = [_matrix(np.random.default_rng([seed, epoch, 1 + i]), ranges) for i in pictures]
    return torch.from_numpy(np.stack(drawn).astype(np.float32))


def augment(
    pictures: Tensor, masks: Tensor, maps: Tensor, size_px: int | None = None
) -> tuple[Tensor, Tensor]:
    """Move pictures and masks alike.

    Args:
        pictures: (N, 3, H, W) float32, 0..255 after CLAHE, not yet normalised: 0 is black.
        masks: (N, C, H, W) float32, 0 or 1.
        maps: (N, 2, 3), from `matrices` or `piece_matrix`.
        size_px: side of what comes out; None: the picture's own.

    Returns:
        The moved pictures, and masks that are 0 or 1 again (1 from half on).
    """
    both = torch.cat([pictures, masks], dim=1)
    out_hw = both.shape[2:] if size_px is None else (size_px, size_px)
    grid = F.affine_grid(maps.to(both), [*both.shape[:2], *out_hw], align_corners=False)
    moved = F.grid_sample(both, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    channels = pictures.shape[1]
    return moved[:, :channels], (moved[:, channels:] >= 0.5).to(masks.dtype)


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a picture that a map looks at, and the map as seen from there."""

    rows: slice
    columns: slice
    map: Tensor  # (2, 3)


def window(map_: Tensor, side_px: int) -> Window:
    """What a piece needs of a picture of that side: a share of it, read in its stead.

    Cut there, the piece is the same but for the last bits of its coordinates: what the window
    lacks of the picture, the map does not look at.
    """
    matrix = map_.double().numpy()
    middle, reach = matrix[:, 2], np.abs(matrix[:, :2]).sum(axis=1)
    # From -1..1 to pixels; bilinear sampling looks at one more on either side.
    low = np.floor(((middle - reach + 1) * side_px - 1) / 2).astype(int) - 1
    high = np.ceil(((middle + reach + 1) * side_px - 1) / 2).astype(int) + 2
    # A piece that is nowhere in the picture is black; a window has at least a pixel all the same.
    low = low.clip(0, side_px - 1)
    size = np.maximum(high.clip(0, side_px) - low, 1)
    # x in -1..1 of the picture is x·S/w + (S - 2·x0)/w - 1 of a window w wide that begins at x0.
    within = matrix * (side_px / size)[:, None]
    within[:, 2] += (side_px - 2 * low) / size - 1
    columns, rows = (slice(a, a + n) for a, n in zip(low.tolist(), size.tolist(), strict=True))
    return Window(rows, columns, torch.from_numpy(within.astype(np.float32)))

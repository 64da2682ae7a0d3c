"""Random affine maps and flips, a batch at a time, on whatever device the batch is.

They act on the picture after CLAHE, and what they bring in from outside is black, because that is
what lies around a retina. Every number comes from (seed, epoch, picture): neither the order of
loading nor the number of workers changes a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mobileseg.data.choices import AugmentRanges


def _matrix(rng: np.random.Generator, ranges: AugmentRanges) -> np.ndarray:
    """(2, 3) output -> input map in -1..1 coordinates, as grid sampling wants it."""
    angle = math.radians(rng.uniform(-ranges.rotate_deg, ranges.rotate_deg))
    shear = math.tan(math.radians(rng.uniform(-ranges.shear_deg, ranges.shear_deg)))
    scale = math.exp(rng.uniform(*np.log(ranges.scale)))  # as often half as double
    flips = np.where(rng.random(2) < ranges.flip, -1.0, 1.0)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag(flips / scale)
    # -1..1 spans the side, so a share of the side is twice that here.
    move = 2 * rng.uniform(-ranges.translate, ranges.translate, size=2)
    return np.concatenate([linear, move[:, None]], axis=1)


def matrices(seed: int, epoch: int, pictures: Sequence[int], ranges: AugmentRanges) -> Tensor:
    """(N, 2, 3) float32, one map a picture, each drawn from (seed, epoch, picture)."""
    # From 1 on: [seed, epoch, 0] is the stream that [seed, epoch] is, and that one draws the order.
    drawn = [_matrix(np.random.default_rng([seed, epoch, 1 + i]), ranges) for i in pictures]
    return torch.from_numpy(np.stack(drawn).astype(np.float32))


def augment(pictures: Tensor, masks: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Move pictures and masks alike.

    Args:
        pictures: (N, 3, S, S) float32, 0..255 after CLAHE, not yet normalised: 0 is black.
        masks: (N, C, S, S) float32, 0 or 1.
        maps: (N, 2, 3), from `matrices`.

    Returns:
        The moved pictures, and masks that are 0 or 1 again (1 from half on).
    """
    both = torch.cat([pictures, masks], dim=1)
    grid = F.affine_grid(maps.to(both), list(both.shape), align_corners=False)
    moved = F.grid_sample(both, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    channels = pictures.shape[1]
    return moved[:, :channels], (moved[:, channels:] >= 0.5).to(masks.dtype)

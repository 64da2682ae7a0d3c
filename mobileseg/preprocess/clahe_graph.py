"""CLAHE as torch operations, equal to `cv2.createCLAHE` in every pixel.

Four steps, each OpenCV's own: a histogram per tile; clip it and hand the excess back; cumulate to
a look-up table; blend the four tables around each pixel. Between two tile centres these four
tables are the same for all pixels, so they are packed side by side and one `index_select` reads
all four values of a pixel.

Source: K. Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994;
the order of the float32 operations is OpenCV's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.errors import UnknownName

BINS = 256


def _histogram_by_scatter(tiles: Tensor) -> Tensor:
    """(tiles, pixels) levels -> (tiles, 256) counts."""
    count = tiles.shape[0]
    begins = torch.arange(count, dtype=torch.float32, device=tiles.device) * float(BINS)
    place = (tiles + begins.reshape(-1, 1)).to(torch.int64).reshape(-1)
    # One flat row: over a second axis ExecuTorch's kernel takes twice as long.
    counts = torch.zeros_like(begins).repeat(BINS)
    return counts.scatter_add(0, place, torch.ones_like(tiles).reshape(-1)).reshape(-1, BINS)


def _histogram_by_matmul(tiles: Tensor) -> Tensor:
    """The same from one-hot upper and lower nibbles: 16 times fewer comparisons than 256 bins."""
    nibbles = torch.arange(16, dtype=torch.float32, device=tiles.device)
    upper = torch.floor(tiles * (1.0 / 16.0))
    lower = tiles - upper * 16.0
    upper_hot = (upper.unsqueeze(-1) == nibbles).to(torch.float32)  # tiles pixels 16
    lower_hot = (lower.unsqueeze(-1) == nibbles).to(torch.float32)
    return torch.matmul(upper_hot.transpose(1, 2), lower_hot).reshape(-1, BINS)


HISTOGRAMS: dict[str, Callable[[Tensor], Tensor]] = {
    "scatter": _histogram_by_scatter,
    "matmul": _histogram_by_matmul,
}


class Clahe(nn.Module):
    """Contrast limited adaptive histogram equalisation of one square channel.

    Args:
        side_px: of the picture; a multiple of `tiles`.
        clip: OpenCV's clipLimit, in multiples of a flat histogram.
        tiles: per axis.
        histogram: a name in `HISTOGRAMS`.
    """

    bins: Tensor
    cell: Tensor
    near: Tensor

    def __init__(self, side_px: int, clip: float, tiles: int, histogram: str) -> None:
        super().__init__()
        if histogram not in HISTOGRAMS:
            raise UnknownName("histogram", histogram, HISTOGRAMS)
        self.side_px, self.tiles, self.tile_px = side_px, tiles, side_px // tiles
        self.count = HISTOGRAMS[histogram]
        tile_area = self.tile_px**2
        self.limit = float(max(int(clip * tile_area / BINS), 1))
        self.scale = float(np.float32(BINS - 1) / np.float32(tile_area))
        # Where a pixel lies between tile centres: below cell c stand tiles c-1 and c.
        along = np.arange(side_px, dtype=np.float32) * np.float32(1 / np.float32(self.tile_px))
        along -= np.float32(0.5)
        self._hold("cell", np.floor(along) + 1)
        self._hold("near", along - np.floor(along))
        self._hold("bins", np.arange(BINS))

    def _hold(self, name: str, values: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(values.astype(np.float32)), persistent=False)

    def forward(self, value: Tensor) -> Tensor:
        """Equalise.

        Args:
            value: (1, 1, side, side) float32, whole numbers 0..255.

        Returns:
            The same shape, whole numbers 0..255.
        """
        t, px = self.tiles, self.tile_px
        tiles = value.reshape(t, px, t, px).permute(0, 2, 1, 3).reshape(t * t, px * px)
        return self._blend(value, self._tables(self._redistribute(self.count(tiles))))

    def _redistribute(self, counts: Tensor) -> Tensor:
        """Clip each histogram and spread the excess: evenly, then one by one at even steps."""
        excess = torch.clamp(counts - self.limit, min=0.0).sum(dim=1, keepdim=True)
        batch = torch.floor(excess * (1.0 / BINS))
        rest = excess - batch * BINS
        # 256 as a tensor: see the module docstring of graph.py on `constant / tensor`.
        step = torch.floor(torch.full_like(rest, float(BINS)) / torch.clamp(rest, min=1.0))
        turn = torch.floor(self.bins / step)  # tiles 256
        whole = (turn * step == self.bins).to(torch.float32)
        in_time = (turn < rest).to(torch.float32)
        return torch.clamp(counts, max=self.limit) + batch + whole * in_time

    def _tables(self, counts: Tensor) -> Tensor:
        """(tiles, 256) counts -> ((t+1)² · 256, 4): per cell and level, its four tables' values."""
        t = self.tiles
        table = torch.clamp(torch.round(torch.cumsum(counts, dim=1) * self.scale), 0.0, 255.0)
        table = table.reshape(t, t, BINS)
        # Beyond the outermost tile centres the outermost table serves on both sides.
        table = torch.cat([table[:1], table, table[t - 1 :]], dim=0)
        table = torch.cat([table[:, :1], table, table[:, t - 1 :]], dim=1)
        above, below = table[: t + 1], table[1:]
        corners = [above[:, : t + 1], above[:, 1:], below[:, : t + 1], below[:, 1:]]
        return torch.stack(corners, dim=-1).reshape(-1, 4)

    def _blend(self, value: Tensor, packed: Tensor) -> Tensor:
        """Look the four tables up at every pixel and weigh them by distance, in OpenCV's order."""
        side = self.side_px
        rows = self.cell.reshape(-1, 1) * float((self.tiles + 1) * BINS)
        columns = self.cell.reshape(1, -1) * float(BINS)
        place = (value.reshape(side, side) + rows + columns).to(torch.int32).reshape(-1)
        found = torch.index_select(packed, 0, place).transpose(0, 1)  # 4 side²
        corners = [found[i : i + 1].reshape(side, side) for i in range(4)]
        right = self.near.reshape(1, -1)
        left = 1.0 - right
        down = self.near.reshape(-1, 1)
        up = 1.0 - down
        above = corners[0] * left + corners[1] * right
        below = corners[2] * left + corners[3] * right
        blended = torch.round(above * up + below * down)
        return torch.clamp(blended, 0.0, 255.0).reshape(1, 1, side, side)

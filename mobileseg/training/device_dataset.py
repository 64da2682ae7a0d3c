"""The training pictures where the network is: as bytes on its device, made ready a batch at a time.

A pixel is kept as four bytes, its grey levels before CLAHE and its brightness after, from which
the picture after CLAHE follows exactly (`reference.clahe_scaled` is that product). It is a third
of what the float32 picture takes, so that whole data sets stay on a GPU, and no loop waits for
the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mobileseg.data.augmentation.geometry import augment, window
from mobileseg.data.prepared import Prepared
from mobileseg.errors import BadInput
from mobileseg.spec import Normalisation

LARGEST_SHARE = 0.5  # of a GPU's free memory; the rest is for the network's maps


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures and their masks, uint8, on the device or (where they do not fit) beside it."""

    names: list[str]
    levels: Tensor  # N 3 S S uint8, before CLAHE
    brightness: Tensor  # N 1 S S uint8, V after CLAHE
    masks: Tensor  # N C S S uint8, 0 or 1
    device: torch.device  # where batches are wanted
    discs: Tensor | None = None  # N 1 S S uint8, 1: retina; None: finder 1 knows no disc

    @classmethod
    def of(cls, prepared: Sequence[Prepared], device: torch.device) -> PictureSet:
        levels = np.stack([p.picture.levels.transpose(2, 0, 1) for p in prepared])
        # V after CLAHE is a whole level; the product in `enhanced` missed it by a rounding at most.
        bright = np.stack([np.rint(p.picture.enhanced.max(axis=2))[None] for p in prepared])
        masks = np.stack([p.masks for p in prepared])
        put = _home(levels.size + bright.size + masks.size, device)
        levels_of, bright_of, masks_of = (
            put(torch.from_numpy(a.astype(np.uint8))) for a in (levels, bright, masks)
        )
        known = [p.picture.disc for p in prepared if p.picture.disc is not None]
        discs = put(torch.from_numpy(np.stack(known)[:, None].astype(np.uint8))) if known else None
        return cls([p.name for p in prepared], levels_of, bright_of, masks_of, device, discs)

    def batch(self, chosen: Sequence[int] | Tensor) -> tuple[Tensor, Tensor]:
        """Pictures after CLAHE (n, 3, S, S), 0..255, and masks (n, C, S, S), float32, on `device`.

        Equal to the reference's `enhanced` in every bit.
        """
        index = torch.as_tensor(chosen, device=self.levels.device)
        return self._ready(*(part[index] for part in (self.levels, self.brightness, self.masks)))

    def moved(self, chosen: Sequence[int], maps: Tensor, size_px: int) -> tuple[Tensor, Tensor]:
        """Pictures and masks moved, and cut to pieces of a size: one resampling of the picture.

        Args:
            maps: (n, 2, 3), see `mobileseg.data.augmentation.geometry`.
            size_px: side of what comes out; the pictures' own: they are moved whole.

        Returns:
            As `batch`, (n, ·, size, size).
        """
        if size_px == self.side_px or self.device.type != "cpu":
            return augment(*self.batch(chosen), maps, size_px)
        # A CPU reads what a piece needs; a GPU has no time for so many small steps.
        cut = [self._piece(i, map_, size_px) for i, map_ in zip(chosen, maps, strict=True)]
        pictures, masks = zip(*cut, strict=True)
        return torch.cat(pictures), torch.cat(masks)

    def _piece(self, picture: int, map_: Tensor, size_px: int) -> tuple[Tensor, Tensor]:
        seen = window(map_, self.side_px)
        parts = (
            part[picture : picture + 1, :, seen.rows, seen.columns]
            for part in (self.levels, self.brightness, self.masks)
        )
        return augment(*self._ready(*parts), seen.map[None], size_px)

    def _ready(self, *parts: Tensor) -> tuple[Tensor, Tensor]:
        """Levels, brightness and masks as kept -> what `batch` gives."""
        levels, brightness, masks = (
            part.to(self.device, non_blocking=True).to(torch.float32) for part in parts
        )
        before = levels.amax(dim=1, keepdim=True).clamp(min=1)
        return levels * (brightness / before), masks

    @property
    def side_px(self) -> int:
        return self.levels.shape[-1]

    def __len__(self) -> int:
        return len(self.names)


def _home(size: int, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Puts a tensor where it stays: on the device, or pinned beside a GPU that is too full."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if size > LARGEST_SHARE * free:
            return lambda tensor: tensor.pin_memory()
    return lambda tensor: tensor.to(device)


def retina_statistics(prepared: Sequence[Prepared], threshold: int) -> Normalisation:
    """Mean and SD of the retina pixels of pictures after CLAHE, as shares of full brightness.

    Retina: the disc; where finder 1 knows none, what is brighter than `threshold` before CLAHE.

    Raises:
        BadInput: there is none in any picture.
    """
    pixels = [p.picture.enhanced[p.picture.retina_pixels(threshold)] for p in prepared]
    stacked = np.concatenate(pixels).astype(np.float64) / 255  # n 3
    if not len(stacked):
        raise BadInput("found no retina in any training picture; expected fundus pictures")
    mean, sd = stacked.mean(axis=0), stacked.std(axis=0)
    # A grey set has no spread in some channel; 1/255 is the finest difference a picture has.
    sd = np.maximum(sd, 1 / 255)
    return Normalisation(_triple(mean), _triple(sd))


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return red, green, blue

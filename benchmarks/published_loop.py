"""A training loop in the manner of the script that was published with U²-Net (Qin et al. 2020).

    python benchmarks/published_loop.py --data IDRiD --variant xs --side 512

What makes it that: every picture and mask is read from its file, rescaled and moved by worker
processes on the CPU, epoch after epoch; float32 throughout; cross-entropy of the probabilities of
all maps, each enlarged to the picture; a running loss that waits for the GPU at every step. The
moves are the ranges that `mobileseg train` draws from, so that both do the same work.

It is measured kindly: workers live on from epoch to epoch, pictures follow each other without a
break at an epoch's end, CLAHE is left out, and the best number of workers is searched first.

Source: what Qin's u2net_train.py does, not its text; github.com/xuebinqin/U-2-Net.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mobileseg.data.config import AugmentRanges
from mobileseg.data.idrid import Sample, read_idrid
from mobileseg.data.images import read_mask
from mobileseg.models.build import build
from mobileseg.training.session import pick_device

WORKERS = (0, 1, 2, 4, 8, 16)  # that are tried, as far as there are cores
MEAN, SD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])  # ImageNet's
LEARNING_RATE = 1e-3
LESION = "EX"
FEWEST_STEPS = 20  # that a number of workers is judged by


def affine(rng: np.random.Generator, side: int, ranges: AugmentRanges) -> np.ndarray:
    """(2, 3) float64 output -> input map in pixels, as `cv2.warpAffine` takes it inverted."""
    angle = math.radians(rng.uniform(-ranges.rotate_deg, ranges.rotate_deg))
    shear = math.tan(math.radians(rng.uniform(-ranges.shear_deg, ranges.shear_deg)))
    scale = math.exp(rng.uniform(*np.log(ranges.scale)))
    flips = np.where(rng.random(2) < ranges.flip, -1.0, 1.0)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.array([[1, shear], [0, 1]]) @ np.diag(flips / scale)
    centre = np.full(2, (side - 1) / 2)
    move = side * rng.uniform(-ranges.translate, ranges.translate, size=2)
    return np.column_stack([linear, centre + move - linear @ centre])


class Photos(Dataset[tuple[Tensor, Tensor]]):
    """Files to tensors, all of it anew every time a picture is asked for.

    Args:
        samples: pictures with their masks.
        side: pixels of the square that a picture is rescaled to.
        times: how often the samples follow each other.
    """

    def __init__(self, samples: Sequence[Sample], side: int, times: int = 1) -> None:
        self.samples, self.side, self.times = list(samples), side, times
        self.ranges = AugmentRanges()

    def __len__(self) -> int:
        return self.times * len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Picture (3, S, S) normalised and mask (1, S, S), 0 or 1; float32."""
        sample = self.samples[index % len(self.samples)]
        photo = cv2.cvtColor(cv2.imread(str(sample.picture)), cv2.COLOR_BGR2RGB)
        mask = np.zeros(photo.shape[:2], np.uint8)
        if LESION in sample.masks:
            mask = read_mask(sample.masks[LESION]).astype(np.uint8)
        size = (self.side, self.side)
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        move = affine(np.random.default_rng(), self.side, self.ranges)
        inverse = cv2.WARP_INVERSE_MAP
        photo = cv2.warpAffine(photo, move, size, flags=cv2.INTER_LINEAR | inverse)
        mask = cv2.warpAffine(mask, move, size, flags=cv2.INTER_NEAREST | inverse)
        picture = (photo.astype(np.float32) / 255 - MEAN) / SD
        return (
            torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))),
            torch.from_numpy(mask.astype(np.float32)[None]),
        )


@dataclass(frozen=True, slots=True)
class Speed:
    """What a stretch of steps took."""

    images: int
    seconds: float
    losses: list[float]  # of each step

    @property
    def images_per_s(self) -> float:
        return self.images / self.seconds


class PublishedLoop:
    """One training: network, optimiser and loader, ready to step.

    Args:
        samples: pictures with their masks.
        variant: a name of `VARIANTS`.
        side, batch: pixels, and pictures a step.
        workers: processes that prepare pictures; 0: none, the loop does it.
        times: how often the samples follow each other in what `run` measures.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        variant: str,
        side: int,
        batch: int,
        workers: int,
        device: torch.device,
        times: int = 1,
    ) -> None:
        torch.manual_seed(0)
        self.device = device
        self.network = build(variant, 1).to(device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=LEARNING_RATE)
        kept: dict[str, Any] = {"persistent_workers": True} if workers else {}
        self.loader = DataLoader(
            Photos(samples, side, times), batch, shuffle=True, num_workers=workers, **kept
        )

    def run(self) -> Speed:
        """Every picture once, `times` over."""
        self.network.train()
        begun = time.perf_counter()
        losses = list(self._steps())
        return Speed(len(self.loader.dataset), time.perf_counter() - begun, losses)  # type: ignore[arg-type]

    def _steps(self) -> Iterator[float]:
        for pictures, masks in self.loader:
            self.optimiser.zero_grad()
            loss = self.loss(pictures.to(self.device), masks.to(self.device))
            loss.backward()
            self.optimiser.step()
            yield loss.item()  # the running loss: the host waits here

    def loss(self, pictures: Tensor, masks: Tensor) -> Tensor:
        """Cross-entropy of each map's probabilities at the picture's size, summed over maps."""
        whole = [
            F.interpolate(m, size=masks.shape[2:], mode="bilinear", align_corners=False)
            for m in self.network.supervised(pictures)
        ]
        return torch.stack([F.binary_cross_entropy(torch.sigmoid(m), masks) for m in whole]).sum()


def best_workers(samples: Sequence[Sample], **loop: Any) -> dict[int, float]:
    """Workers -> images a second, for every number up to the cores; take the largest.

    Args:
        loop: what `PublishedLoop` takes, without workers and times.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    times = max(1, math.ceil(FEWEST_STEPS * loop["batch"] / len(samples)))
    found = {}
    for workers in (w for w in WORKERS if w <= cores):
        tried = PublishedLoop(samples, **loop, workers=workers, times=times)
        tried.run()  # workers start, kernels are chosen
        found[workers] = tried.run().images_per_s
    return found


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--variant", default="xs", show_default=True)
@click.option("--side", default=512, show_default=True)
@click.option("--batch", default=4, show_default=True)
@click.option("--device", default="auto", show_default=True)
def main(data: Path, variant: str, side: int, batch: int, device: str) -> None:
    """Images a second for each number of workers."""
    samples = read_idrid(data).split("train", (LESION,))
    where = pick_device(device)
    found = best_workers(samples, variant=variant, side=side, batch=batch, device=where)
    for workers, images_per_s in found.items():
        print(f"{workers} workers: {images_per_s:.2f} images/s")


if __name__ == "__main__":
    main()

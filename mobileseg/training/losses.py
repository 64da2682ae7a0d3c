"""The paper's loss: focal cross-entropy and Dice per lesion, at every side output.

Source: Siebert & Rostalski 2022, section 5; focal loss: Lin et al. 2017. What the paper leaves open
(whether Dice pools the batch, its smoothing, the formula of w_k, how targets are shrunk) is a
parameter here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mobileseg.training.config import TrainConfig


def focal_cross_entropy(logits: Tensor, target: Tensor, *, gamma: float) -> Tensor:
    """Binary cross-entropy, each pixel weighted by how wrong it is.

    Args:
        logits: (N, C, H, W).
        target: the same shape, 0..1; soft where a shrunk mask is partly lesion.

    Returns:
        (C,) mean over pictures and pixels of (1-p)^gamma for lesion, p^gamma for the rest.

    Source: Lin et al. 2017, eq. 4, without its alpha.
    """
    p = torch.sigmoid(logits)
    lesion = target * (1 - p) ** gamma * F.softplus(-logits)
    rest = (1 - target) * p**gamma * F.softplus(logits)
    return (lesion + rest).mean(dim=(0, 2, 3))


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy, every pixel alike: least where the probability is the target.

    The focal one is not: its weight pulls a probability off a target between 0 and 1.

    Args:
        logits, target: (N, C, H, W); the target 0..1.

    Returns:
        (C,) mean over pictures and pixels.
    """
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return loss.mean(dim=(0, 2, 3))


def dice_loss(logits: Tensor, target: Tensor, *, smooth: float, pool_batch: bool) -> Tensor:
    """1 - Dice of probabilities.

    Args:
        logits, target: (N, C, H, W).
        smooth: added above and below, so that two empty masks agree.
        pool_batch: sum over the batch first (a picture without lesions then adds no noise), or
            take each picture's own and average.

    Returns:
        (C,) in 0..1.
    """
    p = torch.sigmoid(logits)
    over = (0, 2, 3) if pool_batch else (2, 3)
    both = (p * target).sum(dim=over)
    total = p.sum(dim=over) + target.sum(dim=over)
    loss = 1 - (2 * both + smooth) / (total + smooth)
    return loss if pool_batch else loss.mean(dim=0)


def semimetric_dice_loss(
    logits: Tensor, target: Tensor, *, smooth: float, pool_batch: bool
) -> Tensor:
    """Σ|p - t| / (Σp + Σt + smooth): `dice_loss` where the target is 0 or 1, and least at p = t.

    The plain one is not: of a target between, it makes the nearer of 0 and 1.

    Args, returns: as of `dice_loss`; the target 0..1.

    Source: Wang et al. 2023, arXiv:2303.16296, the semimetric loss DML1.
    """
    p = torch.sigmoid(logits)
    over = (0, 2, 3) if pool_batch else (2, 3)
    loss = (p - target).abs().sum(dim=over) / (p.sum(dim=over) + target.sum(dim=over) + smooth)
    return loss if pool_batch else loss.mean(dim=0)


def class_weights(target: Tensor, power: float) -> Tensor:
    """w_k: what a lesion counts in a batch; more the fewer pixels it has there.

        w_k = C · v_k^-power / Σ_j v_j^-power over the lesions j in the batch;  0 for one absent

    so the weights' mean over the lesions is 1, whichever of them a batch happens to hold. The
    paper says what w_k does and prints no formula. Its own words fit power 1 as well, but there a
    single microaneurysm would outweigh a haemorrhage a hundredfold; the root keeps that to ten.

    Args:
        target: (N, C, H, W), 0 or 1, at full resolution.
        power: 0 gives every lesion in the batch the same.

    Returns:
        (C,) 0 or more; ones for a network of one lesion, which has nothing to weigh it against.
    """
    classes = target.shape[1]
    if classes == 1:
        return torch.ones_like(target[0, :, 0, 0])
    volume = target.sum(dim=(0, 2, 3))
    rarity = torch.where(volume > 0, volume.clamp(min=1) ** -power, torch.zeros_like(volume))
    # A batch without any lesion has weights 0 throughout: 0 / tiny, not 0 / 0.
    return classes * rarity / rarity.sum().clamp(min=torch.finfo(rarity.dtype).tiny)


SHRINK: dict[str, Callable[[Tensor, tuple[int, int]], Tensor]] = {
    "area": lambda target, size: F.adaptive_avg_pool2d(target, size),
    "max": lambda target, size: F.adaptive_max_pool2d(target, size),
}


def shrink(target: Tensor, size: Sequence[int], how: str) -> Tensor:
    """Bring (N, C, H, W) masks to a side output's size: "area" (soft), "max" (any of it)."""
    if tuple(target.shape[2:]) == tuple(size):
        return target
    return SHRINK[how](target, (size[0], size[1]))


@dataclass(frozen=True, slots=True)
class DeepSupervision:
    """w · (alpha · focal + (1 - alpha) · Dice), mean over lesions, summed over supervised maps."""

    alpha: float = 0.75
    gamma: float = 1.0
    smooth: float = 1.0
    pool_batch: bool = True
    class_weight_power: float = 0.5
    supervision: str = "shrink"  # targets to the sides' sizes, or "enlarge": sides to the target's
    target_scaling: str = "max"

    def __call__(self, maps: Sequence[Tensor], target: Tensor) -> Tensor:
        """One number.

        Args:
            maps: logits, each (N, C, h, w) at its own resolution, equally weighted.
            target: (N, C, H, W), 0 or 1.
        """
        weights = class_weights(target, self.class_weight_power)
        return torch.stack([self.one(m, target, weights) for m in maps]).sum()

    def one(self, logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        """The loss of a single map."""
        logits, target = self.fitted(logits, target)
        focal = focal_cross_entropy(logits, target, gamma=self.gamma)
        dice = dice_loss(logits, target, smooth=self.smooth, pool_batch=self.pool_batch)
        return (weights * (self.alpha * focal + (1 - self.alpha) * dice)).mean()

    def fitted(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """A map and its target at one size, as chosen."""
        if self.supervision == "enlarge":
            logits = F.interpolate(
                logits, size=target.shape[2:], mode="bilinear", align_corners=False
            )
        return logits, shrink(target, logits.shape[2:], self.target_scaling)


def deep_supervision(choices: TrainConfig) -> DeepSupervision:
    """The loss that a training chose."""
    return DeepSupervision(
        alpha=choices.alpha,
        gamma=choices.gamma,
        smooth=choices.dice_smooth,
        pool_batch=choices.dice_pool_batch,
        class_weight_power=choices.class_weight_power,
        supervision=choices.supervision,
        target_scaling=choices.target_scaling,
    )

"""What a network makes of whole pictures: its loss, its probabilities, its scores, its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mobileseg.evaluation.pr_curve import average_precision, best_threshold_on
from mobileseg.models.build import Network
from mobileseg.training.checkpoint import ERROR_CELLS
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.losses import DeepSupervision

AT_ONCE = {"cpu": 1, "cuda": 8}  # pictures a forward pass


@dataclass(frozen=True, slots=True)
class Answers:
    """What a network says of a set of pictures."""

    losses: list[float]  # one a picture
    probability: Tensor  # (N, C, S, S)


@torch.no_grad()
def answers(
    network: Network,
    pictures: PictureSet,
    loss: DeepSupervision,
    normalised: Callable[[Tensor], Tensor],
) -> Answers:
    """Loss and probabilities of every picture; the network is left in evaluation mode."""
    network.eval()
    losses, maps = [], []
    for logits, masks in _each(network, pictures, normalised):
        # A picture at a time: Dice and w_k look at what is in a batch.
        losses += [
            loss([a[i : i + 1] for a in logits], masks[i : i + 1]) for i in range(len(masks))
        ]
        maps.append(torch.sigmoid(logits[0]))
    probability = torch.cat(maps)
    if pictures.discs is not None:  # as the reference and the graph answer
        probability = probability * pictures.discs.to(probability)
    return Answers(torch.stack(losses).tolist(), probability)


@torch.no_grad()
def error_map(
    network: Network, pictures: PictureSet, normalised: Callable[[Tensor], Tensor]
) -> Tensor:
    """Where a network is wrong in the pictures that it is trained on.

    A lesion that is missed or made up counts by its area as a share of that lesion's area in the
    whole set, so that an error about microaneurysms weighs as one about haemorrhages does.

    Returns:
        (N, cells, cells) float32 on the CPU, 0 or more.
    """
    network.eval()
    size = (ERROR_CELLS, ERROR_CELLS)
    cells, area = [], []
    for logits, masks in _each(network, pictures, normalised):
        wrong = (torch.sigmoid(logits[0]) - masks).abs()
        cells.append(F.adaptive_avg_pool2d(wrong, size).cpu())
        area.append(masks.sum(dim=(0, 2, 3)).cpu())
    weights = 1 / torch.stack(area).sum(dim=0).clamp(min=1)
    return (torch.cat(cells) * weights.reshape(1, -1, 1, 1)).sum(dim=1)


def _each(
    network: Network, pictures: PictureSet, normalised: Callable[[Tensor], Tensor]
) -> Iterator[tuple[list[Tensor], Tensor]]:
    """The maps that are supervised, and masks, some pictures at a time."""
    for some in torch.split(torch.arange(len(pictures)), AT_ONCE.get(pictures.device.type, 1)):
        enhanced, masks = pictures.batch(some)
        yield network.supervised(normalised(enhanced)), masks


def mean(values: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Of at least one value, each weighted if weights are given."""
    if weights is None:
        return sum(values) / len(values)
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def scores(lesions: Sequence[str], truth: Tensor, probability: Tensor) -> dict[str, float]:
    """Average precision by lesion; NaN for one that no picture has.

    Args:
        truth: (N, C, S, S) bool.
        probability: (N, C, S, S).
    """
    return {c: average_precision(truth[:, i], probability[:, i]) for i, c in enumerate(lesions)}


def thresholds(lesions: Sequence[str], truth: Tensor, probability: Tensor) -> dict[str, float]:
    """The probability from which a pixel is lesion, by lesion; arguments as for `scores`."""
    return {c: best_threshold_on(truth[:, i], probability[:, i]) for i, c in enumerate(lesions)}

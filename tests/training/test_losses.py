"""The loss against numbers worked out by hand, and against a second writing of it in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mobileseg.training.losses import (
    DeepSupervision,
    class_weights,
    dice_loss,
    focal_cross_entropy,
    shrink,
)

LN2 = math.log(2)
EXACT = 1e-12  # float64, a handful of operations on numbers around one


def row(*values: float) -> torch.Tensor:
    """One picture, one class, one row of pixels."""
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, -1)


def test_focal_cross_entropy_by_hand():
    # Probabilities 1/2 and 3/4. Lesion at 1/2: 1/2 · ln 2. No lesion at 3/4: 3/4 · ln 4.
    loss = focal_cross_entropy(row(0, math.log(3)), row(1, 0), gamma=1)
    assert loss.tolist() == pytest.approx([(LN2 / 2 + 3 / 4 * 2 * LN2) / 2], abs=EXACT)


def test_a_larger_gamma_forgives_what_is_nearly_right():
    # Probability 3/4 and a lesion: (1/4)^gamma · ln(4/3).
    for gamma in (0, 1, 2):
        loss = focal_cross_entropy(row(math.log(3)), row(1), gamma=gamma)
        assert loss.item() == pytest.approx(0.25**gamma * math.log(4 / 3), abs=EXACT)


def test_with_gamma_0_it_is_plain_cross_entropy_per_class():
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(0, 3, (2, 3, 4, 5)))
    target = torch.from_numpy(rng.random((2, 3, 4, 5)))  # soft
    plain = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((0, 2, 3))
    ours = focal_cross_entropy(logits, target, gamma=0)
    torch.testing.assert_close(ours, plain, rtol=EXACT, atol=EXACT)
    focal = focal_cross_entropy(logits, target, gamma=1)
    assert not torch.allclose(focal, plain)  # the comparison can fail


def test_a_soft_target_is_the_mix_of_both_hard_ones():
    logits = row(0.3, -1.2)
    yes, no, third = (focal_cross_entropy(logits, row(t, t), gamma=1).item() for t in (1, 0, 1 / 3))
    assert third == pytest.approx(yes / 3 + 2 * no / 3, abs=EXACT)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_give_finite_losses_and_gradients(gamma, dtype):
    logits = torch.tensor([[[[100.0, -100.0, 100.0, -100.0]]]], dtype=dtype, requires_grad=True)
    target = torch.tensor([[[[1.0, 0.0, 0.0, 1.0]]]], dtype=dtype)
    loss = focal_cross_entropy(logits, target, gamma=gamma)
    loss = loss + dice_loss(logits, target, smooth=1, pool_batch=True)
    loss.sum().backward()
    assert loss.isfinite().all()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_a_confident_mistake_costs_its_logit():
    assert focal_cross_entropy(row(-100), row(1), gamma=1).item() == pytest.approx(100)
    assert focal_cross_entropy(row(100), row(0), gamma=1).item() == pytest.approx(100)
    assert focal_cross_entropy(row(100), row(1), gamma=1).item() == pytest.approx(0, abs=EXACT)


def test_dice_loss_by_hand():
    # Probabilities 1/2, 3/4; both 1/2, sums 5/4 and 1: 1 - (1 + 1/4) / (9/4 + 1/4) = 1/2.
    loss = dice_loss(row(0, math.log(3)), row(1, 0), smooth=0.25, pool_batch=True)
    assert loss.tolist() == pytest.approx([0.5], abs=EXACT)


def test_two_empty_masks_agree():
    loss = dice_loss(row(-100, -100), row(0, 0), smooth=1, pool_batch=True)
    assert loss.item() == pytest.approx(0, abs=EXACT)


def test_dice_pools_the_batch_or_averages_over_pictures():
    # Probability 1/2 everywhere. Picture A: lesion in one of two pixels; picture B: none.
    logits, target = torch.zeros(2, 1, 1, 2, dtype=torch.float64), torch.zeros(2, 1, 1, 2)
    target[0, 0, 0, 0] = 1
    pooled = dice_loss(logits, target.double(), smooth=1, pool_batch=True)
    alone = dice_loss(logits, target.double(), smooth=1, pool_batch=False)
    assert pooled.item() == pytest.approx(1 - 2 / 4, abs=EXACT)  # 2·½+1 over (2 + 1)+1
    # A: 1 - (1+1)/(1+1+1) = 1/3. B: 1 - 1/(1+1) = 1/2.
    assert alone.item() == pytest.approx((1 / 3 + 1 / 2) / 2, abs=EXACT)


def test_dice_gives_a_number_per_class_either_way():
    logits = torch.zeros(2, 3, 4, 4)
    for pool in (True, False):
        loss = dice_loss(logits, torch.zeros_like(logits), smooth=1, pool_batch=pool)
        assert loss.shape == (3,)


def test_a_three_pixel_lesion_turns_soft_under_area_and_survives_max():
    target = torch.zeros(1, 1, 8, 8)
    target[0, 0, 2, 1:4] = 1
    # Blocks of 2x2: columns 1 | 2, 3 of row 2 lie in blocks (1, 0) and (1, 1).
    area, largest = shrink(target, (4, 4), "area"), shrink(target, (4, 4), "max")
    assert area[0, 0, 1].tolist() == [0.25, 0.5, 0, 0]
    assert area.sum() == 0.75  # nothing else
    assert largest[0, 0, 1].tolist() == [1, 1, 0, 0]
    assert shrink(target, (1, 1), "area").item() == 3 / 64
    assert shrink(target, (1, 1), "max").item() == 1
    assert shrink(target, (8, 8), "area") is target  # nothing to do at full size


def test_an_odd_side_shares_the_pixel_in_the_middle():
    target = torch.tensor([0.0, 1, 1]).reshape(1, 1, 1, 3)
    assert shrink(target, (1, 2), "area").flatten().tolist() == [0.5, 1]
    assert shrink(target, (1, 2), "max").flatten().tolist() == [1, 1]


def _shrunk(target: np.ndarray, size: tuple[int, int], how: str) -> np.ndarray:
    n, c, height, width = target.shape
    out = np.empty((n, c, *size))
    for i in range(size[0]):
        for j in range(size[1]):
            rows = slice(i * height // size[0], -(-(i + 1) * height // size[0]))
            columns = slice(j * width // size[1], -(-(j + 1) * width // size[1]))
            window = target[:, :, rows, columns]
            out[:, :, i, j] = {"area": window.mean((2, 3)), "max": window.max((2, 3))}[how]
    return out


def _reference(maps, target, *, alpha, gamma, smooth, pool_batch, target_scaling) -> float:
    """The paper's loss once more, in float64 and with plain loops."""
    whole = 0.0
    for logits in maps:
        truth = _shrunk(target, logits.shape[2:], target_scaling)
        p = 1 / (1 + np.exp(-logits))
        classes = []
        for c in range(logits.shape[1]):
            q, t = p[:, c], truth[:, c]
            focal = -(t * (1 - q) ** gamma * np.log(q) + (1 - t) * q**gamma * np.log(1 - q)).mean()
            groups = [(q, t)] if pool_batch else list(zip(q, t, strict=True))
            dice = np.mean(
                [1 - (2 * (a * b).sum() + smooth) / (a.sum() + b.sum() + smooth) for a, b in groups]
            )
            classes.append(alpha * focal + (1 - alpha) * dice)
        whole += float(np.mean(classes))
    return whole


@pytest.mark.parametrize("target_scaling", ["area", "max"])
@pytest.mark.parametrize("pool_batch", [True, False])
def test_deep_supervision_is_the_sum_that_a_second_writing_gives(target_scaling, pool_batch):
    rng = np.random.default_rng(1)
    target = (rng.random((2, 2, 12, 10)) < 0.2).astype(float)
    maps = [rng.normal(0, 2, (2, 2, *hw)) for hw in ((12, 10), (12, 10), (6, 5), (3, 3), (1, 1))]
    how = {"alpha": 0.6, "gamma": 1.5, "smooth": 0.5, "pool_batch": pool_batch}
    loss = DeepSupervision(**how, class_weight_power=0, target_scaling=target_scaling)
    ours = loss([torch.from_numpy(m) for m in maps], torch.from_numpy(target)).item()
    expected = _reference(maps, target, **how, target_scaling=target_scaling)
    # Both float64; the second writing takes the logarithm of a rounded probability.
    assert ours == pytest.approx(expected, rel=1e-10)
    other = {**how, "pool_batch": not pool_batch}
    assert _reference(maps, target, **other, target_scaling=target_scaling) != pytest.approx(
        expected, rel=1e-4
    )


def test_the_papers_numbers_are_the_defaults():
    loss = DeepSupervision()
    assert (loss.alpha, loss.gamma) == (0.75, 1.0)
    # One pixel, probability 1/2, lesion: focal ln 2 / 2; Dice 1 - (1+1)/(1.5+1) = 0.2.
    assert loss([row(0)], row(1)).item() == pytest.approx(0.75 * LN2 / 2 + 0.25 * 0.2, abs=EXACT)
    assert loss([row(0)] * 7, row(1)).item() == pytest.approx(
        7 * loss([row(0)], row(1)).item(), abs=EXACT
    )


def test_class_weights_by_hand():
    target = torch.zeros(2, 3, 4, 4, dtype=torch.float64)
    target[0, 0, 0, 0] = 1  # one pixel
    target[:, 1, :2] = 1  # sixteen
    # Roots of the volumes: 1/1 and 1/4; the third lesion is absent. Three lesions share 3.
    assert class_weights(target, 0.5).tolist() == pytest.approx([3 * 4 / 5, 3 / 5, 0], abs=EXACT)
    assert class_weights(target, 1.0).tolist() == pytest.approx([3 * 16 / 17, 3 / 17, 0], abs=EXACT)
    assert class_weights(target, 0.0).tolist() == pytest.approx([1.5, 1.5, 0], abs=EXACT)


def test_a_batch_without_any_lesion_weighs_nothing_and_has_gradients_of_nothing():
    target = torch.zeros(1, 2, 4, 4)
    logits = torch.zeros(1, 2, 4, 4, requires_grad=True)
    assert class_weights(target, 0.5).tolist() == [0, 0]
    DeepSupervision()([logits], target).backward()
    assert logits.grad is not None
    assert not logits.grad.any()


def test_a_network_of_one_lesion_is_never_weighed():
    assert class_weights(torch.zeros(1, 1, 4, 4), 0.5).tolist() == [1]
    assert class_weights(torch.ones(1, 1, 4, 4), 0.5).tolist() == [1]


def test_the_weights_are_in_the_loss_and_an_absent_lesion_is_not():
    drawn = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 2, 8, 8, generator=drawn, dtype=torch.float64)
    target = torch.zeros(2, 2, 8, 8, dtype=torch.float64)
    target[0, 1, :3, :3] = 1
    both = DeepSupervision()([logits], target).item()
    alone = DeepSupervision()([logits[:, 1:]], target[:, 1:]).item()
    # Weights 0 and 2, mean over the two lesions: the one that is there, as if alone.
    assert both == pytest.approx(alone, abs=EXACT)


def test_enlarged_sides_are_scored_at_the_targets_own_size():
    drawn = torch.Generator().manual_seed(4)
    logits = torch.randn(1, 1, 4, 4, generator=drawn, dtype=torch.float64)
    target = (torch.rand(1, 1, 16, 16, generator=drawn, dtype=torch.float64) < 0.3).double()
    large = F.interpolate(logits, size=(16, 16), mode="bilinear", align_corners=False)
    enlarging = DeepSupervision(supervision="enlarge")
    assert enlarging([logits], target).item() == pytest.approx(
        DeepSupervision()([large], target).item(), abs=EXACT
    )
    assert enlarging([logits], target) != DeepSupervision()([logits], target)

"""One training, readable top to bottom: pictures in, a run folder out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.data.augment import augment, matrices
from mobileseg.data.prepared import Prepared
from mobileseg.errors import BadInput, Diverged
from mobileseg.evaluation.metrics import aupr, best_threshold
from mobileseg.models.build import build
from mobileseg.runs import RunConfig
from mobileseg.spec import Normalisation
from mobileseg.training.checkpoint import LAST, TrainState, commit
from mobileseg.training.config import TrainConfig
from mobileseg.training.losses import DeepSupervision

Report = Callable[[dict[str, float]], None]


def retina_statistics(prepared: list[Prepared], threshold: int) -> Normalisation:
    """Mean and SD of the retina pixels of pictures after CLAHE, as shares of full brightness.

    Retina: brighter than `threshold` before CLAHE, as everywhere.
    """
    pixels = [p.picture.enhanced[p.picture.levels.max(axis=2) > threshold] for p in prepared]
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


@dataclass
class PictureSet:
    """Pictures after CLAHE and their masks, on the training device."""

    names: list[str]
    pictures: Tensor  # N 3 S S float32, 0..255
    masks: Tensor  # N C S S float32, 0 or 1

    @classmethod
    def of(cls, prepared: list[Prepared], device: torch.device) -> PictureSet:
        pictures = np.stack([p.picture.enhanced.transpose(2, 0, 1) for p in prepared])
        masks = np.stack([p.masks for p in prepared])
        return cls(
            [p.name for p in prepared],
            torch.from_numpy(pictures).to(device),
            torch.from_numpy(masks.astype(np.float32)).to(device),
        )


class Trainer:
    """The state of one training and the three things it does: step, validate, keep.

    Args:
        folder: the run folder; written after every epoch.
        config: what the run is; its thresholds are found here.
        choices: how it is trained.
        state: where to go on, as `checkpoint.restore` gives it; epoch 0 is the start.
    """

    def __init__(
        self,
        folder: Path,
        config: RunConfig,
        choices: TrainConfig,
        train: PictureSet,
        validation: PictureSet,
        state: TrainState,
    ) -> None:
        self.folder, self.config, self.choices = folder, config, choices
        self.train, self.validation = train, validation
        self.device = train.pictures.device
        torch.manual_seed(choices.seed)
        self.network = build(config.variant, len(config.lesions)).to(self.device)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), lr=choices.lr, weight_decay=choices.weight_decay
        )
        self.scheduler = _scheduler(self.optimiser, choices)
        self.loss = DeepSupervision(
            alpha=choices.alpha,
            gamma=choices.gamma,
            smooth=choices.dice_smooth,
            pool_batch=choices.dice_pool_batch,
            target_scaling=choices.target_scaling,
        )
        mean, sd = config.normalisation.mean, config.normalisation.sd
        self.mean = 255 * torch.tensor(mean, device=self.device).reshape(1, 3, 1, 1)
        self.sd = 255 * torch.tensor(sd, device=self.device).reshape(1, 3, 1, 1)
        self.state = state
        self.committed = state.epoch  # whole epochs on disk; `state` may be one ahead
        if state.epoch:
            self._go_on_from(state)

    def _go_on_from(self, state: TrainState) -> None:
        try:
            self.network.load_state_dict(state.network)
            self.optimiser.load_state_dict(state.optimiser)
            self.scheduler.load_state_dict(state.scheduler)
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError):
            raise BadInput(
                f"{self.folder / LAST}: not the state of a {self.config.variant} for "
                f"{self.config.task}; expected the file that this run wrote"
            ) from None

    def run(self, report: Report = lambda row: None) -> TrainState:
        """Train to the last epoch, committing each.

        Args:
            report: called with each epoch's row of metrics.

        Raises:
            Diverged: the loss is not a number; the run stays as it was an epoch before.
        """
        while self.state.epoch < self.choices.epochs:
            begun = time.monotonic()
            lr = self.optimiser.param_groups[0]["lr"]
            train_loss = self.train_epoch(self.state.epoch)
            validation_loss, probability = self.validate()
            self.keep(lr, train_loss, validation_loss, probability)
            self.state.seconds += time.monotonic() - begun
            commit(self.folder, self.state, self.config)
            self.committed = self.state.epoch
            report(self.state.rows[-1])
        return self.state

    def train_epoch(self, epoch: int) -> float:
        """Every training picture once, moved at random; mean loss of a picture."""
        self.network.train()
        total = 0.0
        for chosen in self._batches(epoch):
            maps = matrices(self.choices.seed, epoch, chosen, self.choices.augment)
            pictures, masks = augment(self.train.pictures[chosen], self.train.masks[chosen], maps)
            loss = self.loss(self.network.supervised(self._normalised(pictures)), masks)
            value = loss.item()  # once: on a GPU every look waits for all work before it
            self._refuse_nan(value, [self.train.names[i] for i in chosen])
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            total += value * len(chosen)
        return total / len(self.train.names)

    def _batches(self, epoch: int) -> Iterator[list[int]]:
        order = np.random.default_rng([self.choices.seed, epoch]).permutation(len(self.train.names))
        for start in range(0, len(order), self.choices.batch):
            yield [int(i) for i in order[start : start + self.choices.batch]]

    def _refuse_nan(self, loss: float, names: Sequence[str]) -> None:
        if not math.isfinite(loss):
            raise Diverged(
                f"{self.folder}: the loss is {loss} in epoch {self.state.epoch + 1} "
                f"(pictures {', '.join(names)}); the state before this epoch is kept: lower --lr"
            )

    def _normalised(self, pictures: Tensor) -> Tensor:
        return (pictures - self.mean) / self.sd

    @torch.no_grad()
    def validate(self) -> tuple[float, np.ndarray]:
        """Mean loss over the validation pictures, and their probabilities (N, C, S, S)."""
        self.network.eval()
        total, maps = 0.0, []
        for i, name in enumerate(self.validation.names):
            answers = self.network.supervised(self._normalised(self.validation.pictures[i : i + 1]))
            loss = self.loss(answers, self.validation.masks[i : i + 1]).item()
            self._refuse_nan(loss, [name])  # the epoch's last step may have spoilt the weights
            total += loss
            maps.append(torch.sigmoid(answers[0]).cpu().numpy())
        return total / len(maps), np.concatenate(maps)

    def keep(
        self, lr: float, train_loss: float, validation_loss: float, probability: np.ndarray
    ) -> None:
        """Note the epoch; keep its weights and thresholds if it is the best so far."""
        truth = self.validation.masks.cpu().numpy() > 0
        scores = {
            code: aupr(truth[:, c], probability[:, c]) for c, code in enumerate(self.config.lesions)
        }
        score = float(np.nanmean(list(scores.values()))) if any_number(scores) else 0.0
        _advance(self.scheduler, validation_loss)
        state = self.state
        state.epoch += 1
        state.network = _copied(self.network)
        state.optimiser = self.optimiser.state_dict()
        state.scheduler = self.scheduler.state_dict()
        if score > state.best_score:
            state.best_epoch, state.best_score = state.epoch, score
            state.best_network = state.network
            state.thresholds = {
                code: best_threshold(truth[:, c], probability[:, c])
                for c, code in enumerate(self.config.lesions)
            }
        row = {"epoch": state.epoch, "lr": lr, "train_loss": train_loss}
        row |= {"validation_loss": validation_loss}
        state.rows.append(row | {f"validation_aupr_{code}": v for code, v in scores.items()})


def any_number(scores: dict[str, float]) -> bool:
    return any(not math.isnan(v) for v in scores.values())


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}


def _scheduler(optimiser: torch.optim.Optimizer, choices: TrainConfig) -> Any:
    if choices.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=choices.epochs)
    return torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=choices.plateau_factor, patience=choices.plateau_patience
    )


def _advance(scheduler: Any, validation_loss: float) -> None:
    if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
        scheduler.step(validation_loss)
    else:
        scheduler.step()

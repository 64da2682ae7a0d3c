"""One training, readable top to bottom: pictures in, a run folder out."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mobileseg.data.augment import augment, matrices
from mobileseg.errors import BadInput, Diverged
from mobileseg.files import write_json
from mobileseg.models.build import Network, build
from mobileseg.runs import RunConfig
from mobileseg.training.checkpoint import LAST, TrainState, commit, refuse_other_optimiser
from mobileseg.training.config import TrainConfig
from mobileseg.training.distillation import Distillation, Teacher, blend
from mobileseg.training.ema import Ema
from mobileseg.training.losses import DeepSupervision
from mobileseg.training.pictures import PictureSet
from mobileseg.training.prior import begin_at_prior
from mobileseg.training.pruning import Pruner
from mobileseg.training.schedule import Schedule
from mobileseg.training.settling import Settler, take_statistics
from mobileseg.training.spoiled import SpoiledPictures
from mobileseg.training.steps import Step, sampler
from mobileseg.training.team import Alone, Team
from mobileseg.training.validation import Answers, answers, error_map, scores, thresholds

Report = Callable[[dict[str, float]], None]
Targets = tuple[Tensor | None, *tuple[Tensor, ...]]  # masks, then a teacher's maps

DIVERGED = "diverged.json"  # the batch at which the loss stopped being a number
AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
SETTLED_AT_ONCE = 4  # pictures, at least, whose statistics are taken together


class Trainer:
    """The state of one training and the three things it does: step, validate, keep.

    Args:
        folder: the run folder; written after every epoch.
        config: what the run is; its thresholds are found here.
        choices: how it is trained.
        train, validation: its pictures, on the device that it trains on.
        teacher: what is learned from beside the masks.
        start: weights to begin with instead of fresh ones, by name.
        state: where to go on, as `checkpoint.restore` gives it; epoch 0 is the start.
        test: test pictures, if the protocol takes thresholds from them.
        team: the processes that share it.
    """

    def __init__(
        self,
        folder: Path,
        config: RunConfig,
        choices: TrainConfig,
        train: PictureSet,
        validation: PictureSet,
        state: TrainState,
        *,
        test: PictureSet | None = None,
        team: Team | None = None,
        teacher: Teacher | None = None,
        start: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.folder, self.config, self.choices = folder, config, choices
        self.train, self.validation, self.test = train, validation, test
        self.device, self.team = train.device, team or Alone()
        torch.manual_seed(choices.seed)
        layout = torch.channels_last if choices.channels_last else torch.contiguous_format
        self.network = build(config.variant, len(config.lesions)).to(self.device)
        self.network.to(memory_format=layout)  # type: ignore[call-overload]
        if start is not None:
            self.network.load_state_dict(start)
        elif choices.prior and not state.epoch:
            begin_at_prior(self.network, train.masks, choices.supervision, choices.target_scaling)
        self.sampler = sampler(choices, train)
        self.spoiled = (
            SpoiledPictures(train, choices, config.preprocess) if choices.photometric else None
        )
        self.optimiser: torch.optim.Optimizer = torch.optim.Adam(
            self.network.parameters(), lr=choices.lr, weight_decay=choices.weight_decay
        )
        self.scheduler = Schedule(self.optimiser, choices, self.sampler.per_epoch)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=choices.precision == "fp16")
        self.ema = Ema(self.network, choices.ema) if choices.ema else None
        self.shown: Network = self.network  # what was validated last
        self.loss = deep_supervision(choices)
        self.pruner = Pruner(self.network, choices.prune, choices.epochs) if choices.prune else None
        self.settler = (
            Settler(self.network, choices.settle, choices.epochs) if choices.settle else None
        )
        # Epochs before this one, from 1, are not what was asked for, however well they score.
        self.whole_from = max(
            self.pruner.full_from if self.pruner else 1,
            self.settler.first + 1 if self.settler else 1,
        )
        self.teacher = teacher
        # What a step goes down; the loss on masks alone is what validation tells.
        self.training_loss: Callable[..., Tensor] = (
            Distillation(self.loss, choices.distil_weight, choices.distil_loss)
            if teacher
            else self.loss
        )
        mean, sd = config.normalisation.mean, config.normalisation.sd
        self.mean = 255 * torch.tensor(mean, device=self.device).reshape(1, 3, 1, 1)
        self.sd = 255 * torch.tensor(sd, device=self.device).reshape(1, 3, 1, 1)
        self.state = state
        self.committed = state.epoch  # whole epochs on disk; `state` may be ahead
        self._best_on_disk = state.best_epoch
        if state.epoch:
            self._go_on_from(state)
        self.supervised, self.optimiser = self.team.prepare(self.network, self.optimiser)
        if choices.compile:
            self.supervised = torch.compile(self.supervised)

    def _go_on_from(self, state: TrainState) -> None:
        own = self.optimiser, self.scheduler, self.scaler
        refuse_other_optimiser(state, *own, self.folder / LAST)
        try:
            self.network.load_state_dict(state.network)
            self.optimiser.load_state_dict(state.optimiser)
            self.scheduler.load_state_dict(state.scheduler)
            self.scaler.load_state_dict(state.scaler)
            if self.ema:
                self.ema.load_state_dict(state.average)
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError):
            raise BadInput(
                f"{self.folder / LAST}: not the state of a {self.config.variant} for "
                f"{self.config.task}; expected the file that this run wrote"
            ) from None

    def run(self, report: Report = lambda row: None) -> TrainState:
        """Train to the last epoch, committing as often as chosen.

        Args:
            report: called with each epoch's row of metrics.

        Raises:
            Diverged: the loss is not a number; the run stays as it was committed.
        """
        while self.state.epoch < self.choices.epochs:
            begun = time.monotonic()
            train_loss = self.train_epoch(self.state.epoch)
            row = self.end_epoch(train_loss, begun)
            if self.team.leads:
                report(row)
        return self.state

    def train_epoch(self, epoch: int) -> float:
        """As many pixels as the training pictures have, moved at random; mean loss of a picture."""
        self.network.train()
        if self.pruner:
            self.pruner.begin(epoch)
        if self.settler:
            self.settler.begin(epoch, self.every_picture(epoch))
        steps = self.steps(epoch)
        losses = []
        for number, step in enumerate(steps):
            self.scheduler.begin_step(epoch, number)
            shared = step.part(self.team.share(range(len(step.pictures))))
            pictures, *targets = self.batch(epoch, shared)
            loss = self.training_loss(self.maps(pictures), *targets)
            self.optimiser.zero_grad(set_to_none=True)
            self.team.backward(self.scaler.scale(loss))
            self.scaler.step(self.optimiser)
            self.scaler.update()
            if self.pruner:
                self.pruner.hold()
            if self.ema:
                self.ema.update(self.network)
            losses.append(loss.detach())
        # Looked at once an epoch: on a GPU every look waits for all the work before it.
        return self.mean_loss(self.team.mean(torch.stack(losses)), steps)

    def steps(self, epoch: int) -> list[Step]:
        """What each step of an epoch, from 0, sees; the epoch is begun."""
        steps = self.sampler.steps(epoch, self.state.errors)
        if self.spoiled:
            self.spoiled.begin(epoch, steps)
        return steps

    def moved(self, step: Step) -> tuple[Tensor, Tensor]:
        """A step's pictures (n, 3, s, s), 0..255, and masks (n, C, s, s), on the device."""
        if self.spoiled:
            return self.spoiled.moved(step)
        return self.train.moved(step.pictures, step.maps, step.size_px)

    def batch(self, epoch: int, step: Step) -> tuple[Tensor, *Targets]:
        """Pictures (n, 3, s, s), moved and normalised, and their `targets`, on the device.

        Blends have no masks: None in their place.
        """
        seed, share = self.choices.seed, self.choices.distil_blend
        pictures, masks = self.moved(step)
        if self.teacher and share and blend(pictures, seed, epoch, step.key, share):
            return self._normalised(pictures), None, *self.teacher(pictures)
        return self._normalised(pictures), *self.targets(pictures, masks)

    def every_picture(self, epoch: int | None) -> Iterator[Tensor]:
        """The training pictures, normalised, some at a time: moved as in an epoch, or as they are.

        Never a lone one: its deepest maps may be too small to have a spread.
        """
        groups = max(1, len(self.train) // SETTLED_AT_ONCE)
        for some in torch.tensor_split(torch.arange(len(self.train)), groups):
            pictures, masks = self.train.batch(some)
            if epoch is not None:
                moves = matrices(self.choices.seed, epoch, some.tolist(), self.choices.augment)
                pictures, _ = augment(pictures, masks, moves)
            yield self._normalised(pictures)

    def targets(self, pictures: Tensor, masks: Tensor) -> tuple[Tensor, *tuple[Tensor, ...]]:
        """Masks (n, C, S, S) and, with a teacher, its maps of the same pictures.

        Args:
            pictures: moved, not normalised: the teacher has a mean and SD of its own.
        """
        return (masks, *self.teacher(pictures)) if self.teacher else (masks,)

    def maps(self, pictures: Tensor) -> list[Tensor]:
        """The maps to supervise, in the parameters' own precision."""
        if self.choices.channels_last:
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        half = AUTOCAST.get(self.choices.precision)
        with torch.autocast(self.device.type, dtype=half, enabled=half is not None):
            return [m.to(pictures.dtype) for m in self.supervised(pictures)]

    def mean_loss(self, losses: Tensor, steps: Sequence[Step]) -> float:
        """Mean over an epoch, each step by its pixels.

        Args:
            losses: (steps,) each step's loss.

        Raises:
            Diverged: one is not a number; the first such step is named, and written down.
        """
        values = losses.tolist()
        for value, step in zip(values, steps, strict=True):
            self._refuse_nan(value, [self.train.names[i] for i in step.pictures])
        total = sum(v * step.weight for v, step in zip(values, steps, strict=True))
        return float(total) / sum(step.weight for step in steps)

    def _refuse_nan(self, loss: float, names: Sequence[str]) -> None:
        if math.isfinite(loss):
            return
        epoch = self.state.epoch + 1
        lr = self.optimiser.param_groups[0]["lr"]
        if self.team.leads:
            record = {"epoch": epoch, "loss": str(loss), "lr": lr, "pictures": list(names)}
            write_json(self.folder / DIVERGED, record)
        raise Diverged(
            f"{self.folder}: the loss is {loss} in epoch {epoch} (pictures {', '.join(names)}; "
            f"kept in {DIVERGED}); the state after epoch {self.committed} is kept: lower --lr"
        )

    def _normalised(self, pictures: Tensor) -> Tensor:
        dtype = next(self.network.parameters()).dtype
        return ((pictures - self.mean) / self.sd).to(dtype)

    def end_epoch(self, train_loss: float, begun: float) -> dict[str, float]:
        """Validate, keep, step the schedule, commit; the epoch's row of metrics.

        Args:
            begun: time.monotonic() at the epoch's start.
        """
        lr = self.scheduler.lr
        validation_loss, probability = math.nan, None
        if self._is_due(self.state.epoch + 1):
            validation_loss, probability = self._lead_validation()
        watched = {"validation loss": validation_loss, "training loss": train_loss}
        self.scheduler.end_epoch(watched[self.choices.plateau_watch])
        self.state.epoch += 1
        if not self.team.leads:
            return {}
        self.keep(lr, train_loss, validation_loss, probability)
        self.state.seconds += time.monotonic() - begun
        last = self.state.epoch == self.choices.epochs
        if last and self.test is not None:
            self._take_thresholds(self.test)
        if last or self.state.epoch % self.choices.commit_every == 0:
            self.commit()
        return self.state.rows[-1]

    def _is_due(self, epoch: int) -> bool:
        """Whether an epoch, from 1, is validated."""
        return epoch % self.choices.validate_every == 0 or epoch == self.choices.epochs

    def _lead_validation(self) -> tuple[float, Tensor | None]:
        """The leader's validation loss, for every process; its probabilities, for the leader."""
        loss, probability = math.nan, None
        fault: Diverged | None = None
        if self.team.leads:
            try:
                loss, probability = self.validate()
            except Diverged as error:  # the others wait for a number: they get it, then all stop
                fault = error
        loss = self.team.lead(loss)
        if fault or not math.isfinite(loss):
            raise fault or Diverged(f"{self.folder}: the validation loss is not a number")
        return loss, probability

    def validate(self) -> tuple[float, Tensor]:
        """Mean loss over the validation pictures, and their probabilities (N, C, S, S).

        It is `shown` that answers: the network that is kept if this epoch is.
        """
        self.shown = self._ready()
        found = self._answers(self.shown, self.validation)
        if self.choices.piece_hard_share:
            self.state.errors = error_map(self.shown, self.train, self._normalised)
        return sum(found.losses) / len(found.losses), found.probability

    def _ready(self) -> Network:
        """The weights that are kept, with the statistics that they are kept with."""
        network = self.ema.network if self.ema else self.network
        if self.ema:
            self.ema.take_statistics(self.network)
        held = self.settler is not None and self.state.epoch >= self.settler.first
        if not self.choices.precise_bn or held:  # held: the weights were trained to these
            return network
        if not self.ema:  # what trains goes on with its own
            network = copy.deepcopy(network)
        take_statistics(network, self.every_picture(None))
        return network

    def _answers(self, network: Network, pictures: PictureSet) -> Answers:
        found = answers(network, pictures, self.loss, self._normalised)
        for value, name in zip(found.losses, pictures.names, strict=True):
            self._refuse_nan(value, [name])  # the epoch's last step may have spoilt the weights
        return found

    def keep(
        self, lr: float, train_loss: float, validation_loss: float, probability: Tensor | None
    ) -> None:
        """Note the epoch; keep its weights and thresholds if it is the best so far.

        Args:
            probability: of the validation pictures; None: the epoch was not validated.
        """
        state, lesions = self.state, self.config.lesions
        state.network = _copied(self.network)
        state.optimiser = self.optimiser.state_dict()
        state.scheduler = self.scheduler.state_dict()
        state.scaler = self.scaler.state_dict()
        state.average = self.ema.state_dict() if self.ema else {}
        found = dict.fromkeys(lesions, math.nan)
        if probability is not None:
            truth = self.validation.masks.to(self.device) > 0
            found = scores(lesions, truth, probability)
            defined = [v for v in found.values() if not math.isnan(v)]
            score = sum(defined) / len(defined) if defined else 0.0
            # An epoch with fewer zeros than asked for, or unsettled, is not kept once there is
            # another.
            still = state.best_epoch < self.whole_from
            if score > state.best_score or self.choices.keep == "last" or still:
                state.best_epoch, state.best_score = state.epoch, score
                is_own = self.shown is self.network
                state.best_network = state.network if is_own else _copied(self.shown)
                state.thresholds = thresholds(lesions, truth, probability)
        row = {"epoch": state.epoch, "lr": lr, "train_loss": train_loss}
        row |= {"validation_loss": validation_loss}
        state.rows.append(row | {f"validation_aupr_{code}": v for code, v in found.items()})

    def _take_thresholds(self, pictures: PictureSet) -> None:
        """The best network's thresholds on other pictures than the validation's."""
        self.network.load_state_dict(self.state.best_network)
        found = self._answers(self.network, pictures)
        truth = pictures.masks.to(self.device) > 0
        self.state.thresholds = thresholds(self.config.lesions, truth, found.probability)
        self.network.load_state_dict(self.state.network)

    def commit(self) -> None:
        """Write the state to the run folder."""
        changed = self.state.best_epoch != self._best_on_disk
        commit(self.folder, self.state, self.config, best_changed=changed)
        self.committed, self._best_on_disk = self.state.epoch, self.state.best_epoch


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


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}

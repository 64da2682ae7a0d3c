"""One training, readable top to bottom: pictures in, a run folder out."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mobileseg.errors import Diverged
from mobileseg.files.atomic import write_json
from mobileseg.models.build import Network
from mobileseg.run_config import RunConfig
from mobileseg.training.checkpoint import TrainState, commit
from mobileseg.training.config import TrainConfig
from mobileseg.training.device_dataset import PictureSet
from mobileseg.training.distillation import Distillation, Teacher
from mobileseg.training.distributed import Alone, Team
from mobileseg.training.feed import Feed
from mobileseg.training.frozen_bn import Settler, take_statistics
from mobileseg.training.learner import Learner, copied
from mobileseg.training.losses import deep_supervision
from mobileseg.training.steps import Step, sampler
from mobileseg.training.validation import Answers, answers, error_map, mean, scores, thresholds

Report = Callable[[dict[str, float]], None]

DIVERGED = "diverged.json"  # the batch at which the loss stopped being a number


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
        self.sampler = sampler(choices, train)
        where = self.device, self.sampler.per_epoch, self.team
        self.learner = Learner(
            config, choices, train.masks, *where, fresh=not state.epoch, start=start
        )
        self.network, self.ema = self.learner.network, self.learner.ema
        self.shown: Network = self.network  # what was validated last
        self.feed = Feed(train, config, choices, self.sampler, self.network, teacher)
        self.settler = (
            Settler(self.network, choices.settle, choices.epochs) if choices.settle else None
        )
        self.pruner = self.learner.pruner
        # Epochs before this one, from 1, are not what was asked for, however well they score.
        self.whole_from = max(
            self.pruner.full_from if self.pruner else 1,
            self.settler.first + 1 if self.settler else 1,
        )
        self.loss = deep_supervision(choices)
        # What a step goes down; the loss on masks alone is what validation tells.
        self.training_loss: Callable[..., Tensor] = (
            Distillation(self.loss, choices.distil_weight, choices.distil_loss)
            if teacher
            else self.loss
        )
        self.state = state
        self.committed = state.epoch  # whole epochs on disk; `state` may be ahead
        self._best_on_disk = state.best_epoch
        self.pictures_per_s = math.nan  # of the last epoch's training, pieces by their pixels
        if state.epoch:
            self.learner.go_on_from(state, folder, f"{config.variant} for {config.task}")
        self.learner.prepare()
        self.optimiser, self.scheduler = self.learner.optimiser, self.learner.scheduler
        self.scaler = self.learner.scaler

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
        begun = time.monotonic()
        self.learner.begin(epoch)
        if self.settler:
            self.settler.begin(epoch, self.feed.every_picture(epoch))
        steps = self.steps(epoch)
        losses = []
        for number, step in enumerate(steps):
            self.scheduler.begin_step(epoch, number)
            losses.append(self.step(epoch, step))
        # Looked at once an epoch: on a GPU every look waits for all the work before it.
        loss = self.mean_loss(self.team.mean(torch.stack(losses)), steps)
        worth = sum(step.weight for step in steps)
        self.pictures_per_s = worth / max(time.monotonic() - begun, 1e-9)
        return loss

    def steps(self, epoch: int) -> list[Step]:
        """What each step of an epoch, from 0, sees; the epoch is begun."""
        return self.feed.steps(epoch, self.state.errors)

    def step(self, epoch: int, step: Step) -> Tensor:
        """One step of an epoch; its loss, a number on the device."""
        shared = step.part(self.team.share(range(len(step.pictures))))
        return self.learner.step(self.training_loss, *self.feed.batch(epoch, shared))

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
        return mean(values, [step.weight for step in steps])

    def _refuse_nan(self, loss: float, names: Sequence[str]) -> None:
        if math.isfinite(loss):
            return
        epoch, lr = self.state.epoch + 1, self.scheduler.lr
        if self.team.leads:
            record = {"epoch": epoch, "loss": str(loss), "lr": lr, "pictures": list(names)}
            write_json(self.folder / DIVERGED, record)
        raise Diverged(
            f"{self.folder}: the loss is {loss} in epoch {epoch} (pictures {', '.join(names)}; "
            f"kept in {DIVERGED}); the state after epoch {self.committed} is kept: lower --lr"
        )

    def end_epoch(self, train_loss: float, begun: float) -> dict[str, float]:
        """Validate if it is time, keep, step the schedule, commit; the epoch's row of metrics.

        Args:
            begun: time.monotonic() at the epoch's start.
        """
        lr, epoch = self.scheduler.lr, self.state.epoch + 1
        last = epoch == self.choices.epochs
        validation_loss, probability = math.nan, None
        if last or epoch % self.choices.validate_every == 0:
            validation_loss, probability = self._lead_validation()
        watched = {"validation loss": validation_loss, "training loss": train_loss}
        self.scheduler.end_epoch(watched[self.choices.plateau_watch])
        self.state.epoch = epoch
        if not self.team.leads:
            return {}
        self.keep(lr, train_loss, validation_loss, probability)
        self.state.seconds += time.monotonic() - begun
        if last and self.test is not None:
            self._take_thresholds(self.test)
        if last or epoch % self.choices.commit_every == 0:
            self.commit()
        return self.state.rows[-1]

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
        self.shown = self.ready()
        found = self._answers(self.shown, self.validation)
        if self.choices.piece_hard_share:
            self.state.errors = error_map(self.shown, self.train, self.feed.normalised)
        return mean(found.losses), found.probability

    def ready(self) -> Network:
        """The weights that are kept, with the statistics that they are kept with."""
        network = self.ema.network if self.ema else self.network
        if self.ema:
            self.ema.take_statistics(self.network)
        held = self.settler is not None and self.state.epoch >= self.settler.first
        if not self.choices.precise_bn or held:  # held: the weights were trained to these
            return network
        if not self.ema:  # what trains goes on with its own
            network = copy.deepcopy(network)
        take_statistics(network, self.feed.every_picture(None))
        return network

    def _answers(self, network: Network, pictures: PictureSet) -> Answers:
        found = answers(network, pictures, self.loss, self.feed.normalised)
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
        self.learner.note(state)
        found = dict.fromkeys(lesions, math.nan)
        if probability is not None:
            truth = self.validation.masks.to(self.device) > 0
            found = scores(lesions, truth, probability)
            defined = [v for v in found.values() if not math.isnan(v)]
            score = mean(defined) if defined else 0.0
            # An epoch with fewer zeros than asked for, or unsettled, goes once there is another.
            still = state.best_epoch < self.whole_from
            if score > state.best_score or self.choices.keep == "last" or still:
                state.best_epoch, state.best_score = state.epoch, score
                own = self.shown is self.network
                state.best_network = state.network if own else copied(self.shown)
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

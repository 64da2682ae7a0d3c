"""A run's probabilities calibrated on its own validation pictures, step by step.

Everything is fitted to raw probabilities, so that calibrating twice is calibrating once. An int8
form has constants of its own, found through a file that is written and read back: that file is what
ships, and it differs from its simulation in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from converters.bundle.goldens import planes
from converters.quiet import quiet
from converters.run_pictures import Pictures
from converters.targets import Runner, target
from mobileseg.data.prepared import Prepared
from mobileseg.errors import BadInput
from mobileseg.evaluation.calibration import (
    FEWEST,
    Fitted,
    Maps,
    before_and_after,
    fit_lesions,
)
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.evaluation.reliability import Reliability
from mobileseg.files.atomic import staged_file
from mobileseg.platt import Constants
from mobileseg.run_config import PARTS, RunConfig
from mobileseg.runs import Run

Answers = Callable[[Sequence[Prepared]], list[Maps]]
"""Pictures -> (C, side, side) raw probabilities of each."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a run's networks, calibrated."""

    name: str  # "fp32" or "int8"
    fitted: dict[str, Fitted]  # by lesion in channel order, on the validation pictures
    test: dict[str, tuple[Reliability, Reliability]] = field(default_factory=dict)  # {}: not run

    @property
    def constants(self) -> Constants:
        return {code: one.calibration for code, one in self.fitted.items()}

    def to_json(self, config: RunConfig) -> dict[str, Any]:
        """By lesion: constants, thresholds, and what they do.

        Args:
            config: of the run.
        """
        before = config.uncalibrated().thresholds
        after = config.calibrated(self.constants).thresholds
        return {
            code: {
                **one.calibration.to_json(),
                "threshold": after[code],
                "uncalibrated_threshold": before[code],
                "validation": _pair(one.before, one.after),
                "test": _pair(*self.test[code]) if code in self.test else None,
            }
            for code, one in self.fitted.items()
        }


def _pair(before: Reliability, after: Reliability) -> dict[str, Any]:
    return {"before": before.to_json(), "after": after.to_json()}


def refuse_uncalibratable(run: Run) -> None:
    """Raise BadInput for a run that no picture could calibrate; before any is read."""
    config, where = run.config, run.path / "config.json"
    if set(config.thresholds) != set(config.lesions):
        raise BadInput(f"{run.path}: has no thresholds yet; train it to its first epoch at least")
    assert run.networks  # weights load, and hold no NaN
    count = len({name for part in PARTS for name in config.pictures[part]})
    if count < FEWEST:
        raise BadInput(
            f"{where}: names {count} pictures; expected {FEWEST} or more to calibrate on"
        )
    if not config.pictures["validation"]:
        raise BadInput(
            f"{where}: names no validation picture; expected some that no member was trained on"
        )


def calibrate_form(
    run: Run, name: str, answers: Answers, pictures: Pictures, *, test: bool = False
) -> Form:
    """Fit every lesion's constants, and measure what they do.

    Args:
        name: of the form.
        answers: raw probabilities of the form.
        test: measure on the test pictures too, on which nothing is fitted.

    Raises:
        BadInput: the folder has other pictures, or a lesion is in none of them.
    """
    config = run.config
    threshold = config.preprocess.retina_threshold
    validation = pictures.validation
    for channel, code in enumerate(config.lesions):
        if not any(p.masks[channel].any() for p in validation):
            raise BadInput(
                f"{pictures.data}: none of the {len(validation)} validation pictures has any "
                f"{code}; expected some to calibrate on: train with another --split-seed"
            )
    fitted = fit_lesions(config.lesions, validation, answers(validation), threshold)
    form = Form(name, fitted)
    if not test:
        return form
    if not pictures.test:
        raise BadInput(f"{pictures.data}: found no test pictures; leave --test out")
    measured = before_and_after(form.constants, pictures.test, answers(pictures.test), threshold)
    return Form(name, fitted, measured)


def reference_answers(run: Run, tick: Callable[[], None] = lambda: None) -> Answers:
    """Of the run in eager PyTorch."""
    raw = run.uncalibrated()

    def answer(prepared: Sequence[Prepared]) -> list[Maps]:
        found = []
        for one in prepared:
            found.append(reference_probabilities(raw, one.picture))
            tick()
        return found

    return answer


def int8_answers(run: Run) -> Answers:
    """Of the run's int8 form, by a file of the networks alone that is written and read back.

    Raises:
        BadInput: it has no int8 form.
        MissingToolkit: executorch is not installed.
    """
    executorch = target("executorch")
    frames = [run.config.preprocess.frame_hw]
    order = executorch.order(frames, precision="int8", graph="network")
    with TemporaryDirectory() as folder, quiet():
        path = Path(folder) / executorch.artifact
        executorch.converter().export(run.uncalibrated(), order, path)
        runner = executorch.converter().load(path)
    return file_answers(runner)


def file_answers(network: Runner) -> Answers:
    """Of an open file of the networks alone, converted uncalibrated."""

    def answer(prepared: Sequence[Prepared]) -> list[Maps]:
        with quiet():
            return [network(planes(one.picture.enhanced)).probabilities for one in prepared]

    return answer


def replace_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write several files, the first last: all of them are whole before one replaces another."""
    with ExitStack() as stack:
        for name, content in files.items():
            stack.enter_context(staged_file(folder / name)).write_bytes(content)

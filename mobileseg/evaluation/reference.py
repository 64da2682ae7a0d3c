"""What a run answers in eager PyTorch: the figure that everything else is compared with.

Normalisation, averaging and calibration are NumPy's here and PyTorch's in the graph that ships
(`mobileseg.models`), so that a fault in one of them shows as a difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mobileseg.lesions import by_task
from mobileseg.platt import calibrated
from mobileseg.preprocess.reference import Preprocessed
from mobileseg.quality.values import Measured, measure
from mobileseg.run_config import RunConfig
from mobileseg.runs import Run


def reference_probabilities(run: Run, picture: Preprocessed) -> NDArray[np.float32]:
    """(C, side, side) in 0..1: what eager PyTorch makes of a preprocessed picture, float32.

    An ensemble's members are averaged, those of other tasks stand side by side, all of it is
    calibrated if the run is; outside the disc everything is 0.
    """
    answers = member_answers(run, picture)
    places = by_task([member.task for member in run.config.members]).values()
    together = np.concatenate([mean_answer([answers[i] for i in same]) for same in places])
    return picture.within_disc(calibrated(together, run.config.constants))


def reference_quality(config: RunConfig, picture: Preprocessed) -> NDArray[np.float32] | None:
    """(C + K,): each lesion's quality, then the values behind it; None where the run has none."""
    if config.quality is None:
        return None
    return config.quality.judge(measured(picture), config.lesions).output


def measured(picture: Preprocessed) -> Measured:
    """What all of a picture's values are computed from; retina finder 2 found it."""
    assert picture.disc is not None
    return measure(picture.levels, picture.disc, picture.crop.round)


@torch.no_grad()
def member_answers(run: Run, picture: Preprocessed) -> list[NDArray[np.float32]]:
    """(its lesions, side, side) of every member, in their order; a plain run is its only one."""
    answers = []
    for member, network in zip(run.config.members, run.networks, strict=True):
        x = torch.from_numpy(picture.normalised(member.normalisation)).unsqueeze(0)
        answers.append(torch.sigmoid(network(x)[0])[0].numpy())
    return answers


def mean_answer(answers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mean of several networks' probabilities, in float32."""
    mean: NDArray[np.float32] = np.mean(np.stack(answers), axis=0, dtype=np.float32)
    return mean

"""How far an ensemble's members are apart, and what that tells of where they are wrong.

The standard deviation over members of one lesion's probabilities: where it is large, another
training would have answered otherwise. Members' own probabilities are compared, as no calibration
has seen them: it belongs to their mean.

Source: Lakshminarayanan et al. 2017, "Simple and scalable predictive uncertainty estimation using
deep ensembles", arXiv:1612.01474.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from mobileseg.errors import BadInput
from mobileseg.evaluation.reference import member_answers
from mobileseg.lesions import by_task
from mobileseg.preprocess.reference import Preprocessed
from mobileseg.runs import Run

SHARE = 0.05  # of the retina's pixels: the most uncertain
LARGEST = 0.5  # of an SD of numbers in 0..1


def refuse_lone(run: Run) -> None:
    """Raise BadInput where no lesion has two members that could disagree."""
    tasks = by_task([member.task for member in run.config.members])
    if all(len(places) < 2 for places in tasks.values()):
        raise BadInput(
            f"{run.path}: found one network for each lesion; expected an ensemble, whose members "
            "can disagree: mobileseg ensemble makes one"
        )


def disagreement(run: Run, picture: Preprocessed) -> NDArray[np.float32]:
    """(C, side, side) SD of the members' probabilities, 0..0.5; 0 of a lone member's lesion.

    Raises:
        BadInput: as for `refuse_lone`.
    """
    refuse_lone(run)
    answers = member_answers(run, picture)
    tasks = by_task([member.task for member in run.config.members]).values()
    apart = [np.std(np.stack([answers[i] for i in same]), axis=0) for same in tasks]
    return picture.within_disc(np.concatenate(apart).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Worth:
    """What an uncertainty is worth, over pixels of the retina."""

    wrong: float  # share of all pixels whose mask is wrong
    wrong_among: float  # share of the `SHARE` most uncertain whose mask is wrong
    caught: float  # share of the wrong pixels that are among those

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def worth(wrong: NDArray[np.bool_], uncertainty: NDArray[np.float32]) -> Worth:
    """Compare the most uncertain pixels with all.

    Args:
        wrong: (n,) where mask and truth differ; n at least 1.
        uncertainty: (n,), larger where less is known; any scale.
    """
    count = max(1, round(SHARE * len(wrong)))
    most = np.argpartition(uncertainty, len(wrong) - count)[len(wrong) - count :]
    among = int(wrong[most].sum())
    total = int(wrong.sum())
    return Worth(total / len(wrong), among / count, among / total if total else 0.0)

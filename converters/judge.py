"""Scores forms of a run against the run itself, in PyTorch or as written files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from converters.bundle.goldens import planes
from converters.run_pictures import tensor
from converters.targets import Runner
from mobileseg.data.prepared import Prepared
from mobileseg.evaluation.accuracy_drop import Against, against
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.models.ensemble import Ensemble
from mobileseg.platt import calibrated
from mobileseg.runs import Run


class Judge:
    """Scores forms of a run's networks against the run itself, on one set of pictures.

    Args:
        prepared: labelled pictures at the network's size.
    """

    def __init__(self, run: Run, prepared: Sequence[Prepared]) -> None:
        self.run, self.prepared = run, prepared
        self.truth = np.stack([p.masks for p in prepared])  # N C S S
        self.reference = np.stack([reference_probabilities(run, p.picture) for p in prepared])

    def of_ensemble(self, ensemble: Ensemble) -> list[Against]:
        """A form in PyTorch, calibrated as the run is."""
        with torch.no_grad():
            plain = [ensemble(tensor(p))[0].numpy() for p in self.prepared]
        return self._against([calibrated(maps, self.run.config.constants) for maps in plain])

    def of_file(self, runner: Runner) -> list[Against]:
        """A written file of the networks alone, calibrated as the run is."""
        return self._against(
            [runner(planes(p.picture.enhanced)).probabilities for p in self.prepared]
        )

    def _against(self, answers: Sequence[NDArray[np.float32]]) -> list[Against]:
        # Networks alone know of no disc: their answers are cut to it as the reference's are.
        pairs = zip(self.prepared, answers, strict=True)
        other = np.stack([p.picture.within_disc(answer) for p, answer in pairs])
        names = [p.name for p in self.prepared]
        return [
            against(
                code,
                names,
                self.truth[:, c],
                self.reference[:, c],
                other[:, c],
                self.run.config.thresholds[code],
            )
            for c, code in enumerate(self.run.config.lesions)
        ]

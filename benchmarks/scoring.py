"""Runs scored anew on the test pictures of a folder, for scripts that compare groups of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mobileseg.data.dataset import read_pictures
from mobileseg.evaluation.score import evaluate_run
from mobileseg.runs import Run
from mobileseg.training.session import pick_device

Scores = dict[str, dict[str, float]]  # lesion -> "pooled", "per_picture": exact AUPR


class Scorer:
    """Reads the pictures once, as one run sees them; the others must see them alike."""

    def __init__(self, data: Path, like: Run) -> None:
        config = like.config
        rule, cpu = config.training.get("mask_rule", "half"), pick_device("cpu")
        self.pictures = read_pictures(data, config.lesions, config.preprocess, rule, cpu)

    def __call__(self, run: Run) -> Scores:
        found = evaluate_run(run, self.pictures.test)
        scores = {
            e.lesion: {"pooled": e.pooled.exact, "per_picture": e.per_image.exact} for e in found
        }
        print(run.path.resolve().name, scores, flush=True)
        return scores

    def groups(self, groups: Mapping[str, Sequence[Run]]) -> dict[str, dict[str, Scores]]:
        """Group -> run -> scores."""
        return {
            part: {run.path.resolve().name: self(run) for run in runs}
            for part, runs in groups.items()
        }


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean, and SD where there is one."""
    sd = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "sd": sd, "runs": list(values)}

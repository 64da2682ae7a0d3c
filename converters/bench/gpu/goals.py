"""What was aimed at on a current data-centre GPU, and whether rows reach it."""

from __future__ import annotations

from typing import Any

from converters.bench.gpu.best import usable
from converters.bench.gpu.paper import AIMS, DAGGER_MEMBERS, ENSEMBLE_AIM, ENSEMBLES

Row = dict[str, Any]
NOT_RUN = "not run"


def aims(rows: list[Row]) -> list[list[str]]:
    """A line per aim: what, the aim, what was reached, and met, not met or not run."""
    return [
        *(_speed_aim(rows, variant, members, times) for (variant, members), times in AIMS.items()),
        *(_ensemble_aim(rows, variant) for variant in ENSEMBLES),
    ]


def _speed_aim(rows: list[Row], variant: str, members: int, times: float) -> list[str]:
    """The best of one launch a picture; of several cards, the best card."""
    reached = [
        r["times_paper"]
        for r in usable(rows)
        if (r["variant"], r["members"], r["batch"]) == (variant, members, 1)
    ]
    what = f"{variant}, batch 1, best within tolerance: times the paper's fps"
    if not reached:
        return [what, f"≥ {times:g}", "–", NOT_RUN]
    verdict = "met" if max(reached) >= times else "not met"
    return [what, f"≥ {times:g}", f"{max(reached):.1f}", verdict]


def _ensemble_aim(rows: list[Row], variant: str) -> list[str]:
    """The best three against the best one: nobody would deploy one member in a slower form."""
    reached = [
        r["ratio_to_best_one"]
        for r in usable(rows)
        if (r["variant"], r["members"], r["batch"]) == (variant, DAGGER_MEMBERS, 1)
        and r["ratio_to_best_one"] is not None
    ]
    what = f"{variant}†, batch 1: time over the best single member's"
    if not reached:
        return [what, f"≤ {ENSEMBLE_AIM:g}", "–", NOT_RUN]
    verdict = "met" if min(reached) <= ENSEMBLE_AIM else "not met"
    return [what, f"≤ {ENSEMBLE_AIM:g}", f"{min(reached):.2f}", verdict]

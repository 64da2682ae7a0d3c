"""Named sets of choices: what a training does where nobody says otherwise. Imports nothing heavy.

A recipe is the first word only: whatever is given by hand, or in a study's file, goes before it,
and a run's config.json holds the choices themselves. A stored run never asks what a recipe is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobileseg.errors import UnknownName

RECIPES: dict[str, Mapping[str, Any]] = {
    # Every default of TrainConfig: the paper's, with what it leaves open as its field says.
    "paper": {},
    # For budgets of minutes without a GPU. Of U²-Net-XS for MA and HE at 512 px, 14 minutes of two
    # cores (1,367 steps) so had .382 and .541 test AUPR; 42 minutes of whole pictures .022, .153.
    "pieces": {
        "pieces": 256,
        "batch": 4,
        "piece_lesion_share": 0.75,
        "prior": True,
        "lr": 2e-3,
        "schedule": "cosine-step",
        "warmup": 0.05,
        "ema": 0.998,
        "precise_bn": True,
        # A validation, statistics taken anew, costs about 0.4 of an epoch.
        "validate_every": 5,
        "keep": "last",  # a mean of weights at the end of a cosine has no lucky epochs to look for
        "epochs": 60,
    },
}
DEFAULT_RECIPE = "paper"  # of `mobileseg train`; a study without one is the paper's


def recipe(name: str) -> dict[str, Any]:
    """A recipe's choices.

    Raises:
        UnknownName: there is no such recipe.
    """
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return dict(RECIPES[name])

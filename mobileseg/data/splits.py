"""Which training pictures are kept aside for validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mobileseg.errors import BadInput
from mobileseg.protocols import VALIDATION_SHARE


def split_validation(
    names: Sequence[str], split_seed: int, share: float = VALIDATION_SHARE, fold: int = 0
) -> tuple[list[str], list[str]]:
    """Divide names into training and validation, the same for the same seed and set of names.

    Args:
        fold: which of the seed's divisions. Their validation parts have no name in common and
            together all of them; the last may be smaller.

    Returns:
        Training and validation names, each sorted; at least one of each.

    Raises:
        BadInput: fewer than two names, or fewer folds.
    """
    ordered = sorted(names)
    if len(ordered) < 2:
        raise BadInput(f"found {len(ordered)} training picture(s); expected at least 2")
    count = min(max(round(share * len(ordered)), 1), len(ordered) - 1)
    if fold * count >= len(ordered):
        raise BadInput(
            f"fold {fold}: found {len(ordered)} training pictures, {count} to validate; expected a "
            f"fold of 0 to {(len(ordered) - 1) // count}"
        )
    drawn = np.random.default_rng(split_seed).permutation(len(ordered))
    kept = drawn[fold * count : (fold + 1) * count]
    validation = {ordered[i] for i in kept}
    return [n for n in ordered if n not in validation], sorted(validation)

"""Damage to a training's state: another value in its tree, written with torch.save as before."""

from __future__ import annotations

import io
from random import Random

import torch

from fuzz.of_trees import any_value
from fuzz.spot import OnBytes


def state(rng: Random, data: bytes, _: bytes) -> bytes:
    try:
        tree = torch.load(io.BytesIO(data), weights_only=True)
    except Exception:  # damaged before: it stays so
        return data
    whole = io.BytesIO()
    torch.save(any_value(rng, tree), whole)
    return whole.getvalue()


STATE = OnBytes(state)

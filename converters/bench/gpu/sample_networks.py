"""The networks that are measured, with weights whose answers show an error as a trained one's do.

A fresh network answers about 0.5 everywhere, which hides what rounding does, or, spread out,
exaggerates it. So xs and s have the trained weights that ship, and the others random weights that
are set to pass an error on as trained ones do; each row says which.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mobileseg.data.phantom.generate import make_phantom
from mobileseg.models.build import build
from mobileseg.models.ensemble import Ensemble, MemberNetwork
from mobileseg.preprocess.reference import clahe_scaled
from mobileseg.runs import open_run, shipped_runs
from mobileseg.spec import Normalisation, PreprocessSpec

TASK = "EX"  # one class, as in Table 2
TRAINED = {"xs": "xs-ex", "s": "s-ex"}  # variant -> a run that ships
SEED = 0
JITTER = 0.02  # relative SD that sets trained members apart: far above any rounding
SPREAD = 1.5  # SD of random networks' logits; of xs trained it is 2
LESION = 0.05  # share of pixels that they call lesion; elsewhere an error shows less
# Random networks' batch norm adds this many SD before every ReLU. At 0, as a fresh network has it,
# each layer lets an error grow 1.2 times against the signal, and 60 layers by 10,000: float32 alone
# was 3e-4 off float64 in m. Trained networks do not do that (2e-6); nor do these.
OPEN = 2.0
# Random networks' own: near what runs have.
TYPICAL = Normalisation((0.6, 0.3, 0.1), (0.15, 0.1, 0.08))


def pictures(count: int, side_px: int) -> Tensor:
    """(count, 3, side, side) float32, 0..255: seeded phantoms after CLAHE."""
    spec = PreprocessSpec(side_px)
    made = [
        clahe_scaled(
            make_phantom(SEED, side_px, index=i).picture, spec.clahe_clip, spec.clahe_tiles
        )
        for i in range(count)
    ]
    return torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).contiguous()


def subject(variant: str, members: int, enhanced: Tensor) -> Ensemble:
    """A row's network or networks, in evaluation mode, on the pictures' device.

    (N, 3, S, S) after CLAHE, 0..255 -> (N, 1, S, S) probabilities.

    Args:
        variant: a name of `VARIANTS`.
        members: networks, all different.
        enhanced: (N, 3, S, S), at least two pictures: what random networks settle on.
    """
    make = _trained if variant in TRAINED else _random
    with _seeded(), torch.no_grad():
        networks = [make(variant, place, enhanced) for place in range(members)]
    return Ensemble(networks).to(enhanced.device).eval()


def weights_of(variant: str, members: int) -> str:
    """Where they come from, for the row."""
    if variant not in TRAINED:
        return f"random, seed {SEED}; batch norm's statistics from one batch of phantoms"
    others = f"; members after the first {JITTER:.0%} off it at random" if members > 1 else ""
    return f"trained ({TRAINED[variant]}){others}"


def _trained(variant: str, place: int, enhanced: Tensor) -> MemberNetwork:
    run = open_run(shipped_runs()[TRAINED[variant]])
    if place:
        for weight in run.network.parameters():
            weight.mul_(1 + JITTER * torch.randn_like(weight))
    return MemberNetwork(run.network, run.config.normalisation, TASK)


def _random(variant: str, place: int, enhanced: Tensor) -> MemberNetwork:
    network = build(variant).to(enhanced.device)
    last: Any = network.outconv
    member = MemberNetwork(network, TYPICAL, TASK).to(enhanced.device)
    normalised = member.normalise(enhanced)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the statistics become those of the one batch that follows
            module.bias.fill_(OPEN)
    network.train()(normalised)
    logits = network.eval()(normalised)[0]
    last.weight *= SPREAD / logits.std()
    last.bias.zero_()
    last.bias -= network(normalised)[0].quantile(1 - LESION)
    return member


@contextmanager
def _seeded() -> Iterator[None]:
    """The CPU's generator at the seed, and afterwards as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        yield

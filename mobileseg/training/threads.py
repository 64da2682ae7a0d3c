"""How the threads of a training wait for each other on a CPU. Imports nothing heavy."""

from __future__ import annotations

import os

WAITING = "OMP_WAIT_POLICY"


def wait_asleep() -> None:
    """Have OpenMP's threads sleep while they wait, unless the environment says otherwise.

    They spin by default, which saves microseconds where every thread has a core. Where another
    process has one of the cores, a thread that spins keeps from it the very thread that it waits
    for: on two cores, one of them taken, a step of U²-Net-XS on four pieces of 256 px took 18.7 s
    spinning and 1.9 s asleep. Call it before PyTorch is imported; later it does nothing.
    """
    os.environ.setdefault(WAITING, "passive")

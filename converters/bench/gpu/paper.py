"""The speed columns of the paper's Table 2, as data; its other columns are in `models.profile`."""

from __future__ import annotations

from dataclasses import dataclass

from mobileseg.models.profile import TABLE_2


@dataclass(frozen=True, slots=True)
class Speed:
    """What the paper measured of one row."""

    fps: float
    gpu_mb: float  # its "GPU-RAM" column; how it was read is not said


# Source: Siebert & Rostalski 2022, Table 2: RTX 2080 Ti, 3×512×512, batch 1, 500 iterations.
# (variant, members), in the paper's order; three members are its † rows.
PRINTED: dict[tuple[str, int], Speed] = {
    ("unet", 1): Speed(30.46, 586.28),
    ("o", 1): Speed(27.71, 798.34),
    ("o-sep", 1): Speed(31.90, 692.76),
    ("m", 1): Speed(43.75, 579.36),
    ("m-sep", 1): Speed(51.22, 576.50),
    ("s", 1): Speed(64.85, 289.80),
    ("s-sep", 1): Speed(54.24, 290.48),
    ("xs", 1): Speed(69.26, 147.45),
    ("xs-sep", 1): Speed(55.10, 147.43),
    ("m", 3): Speed(14.40, 610.15),
    ("s", 3): Speed(21.55, 314.86),
    ("xs", 3): Speed(22.94, 170.84),
}
# How many times the paper's frame rate a current data-centre GPU is to reach at batch 1, one
# picture a launch, at the network's best within tolerance.
AIMS: dict[tuple[str, int], float] = {("xs", 1): 20.0, ("s", 1): 20.0}
# How many times one member's time three members may take, answered together at batch 1.
ENSEMBLE_AIM = 1.3

SINGLE = tuple(variant for variant, members in TABLE_2 if members == 1)
ENSEMBLES = tuple(variant for variant, members in TABLE_2 if members > 1)
DAGGER_MEMBERS = 3

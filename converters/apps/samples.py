"""Sample pictures for whoever opens a demo without a fundus photo at hand: phantoms, nobody's eyes.

Made when they are needed, in seconds, so that no picture has to be stored or shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mobileseg.data.images import write_png
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.files.atomic import write_json

INDEX = "index.json"  # what the page reads, and what marks such a folder


@dataclass(frozen=True, slots=True)
class Sample:
    """A phantom by what makes it; see `make_phantom`."""

    seed: int
    height_px: int
    aspect: float

    @property
    def file(self) -> str:
        return f"phantom-{self.seed}.png"


# Three that differ in eye, light and shape of picture, and show exudates, for which the network
# that ships was trained.
SAMPLES = (Sample(6, 720, 1.25), Sample(2, 880, 1.25), Sample(5, 800, 1.5))


def write_samples(folder: Path) -> None:
    """Write the pictures and the index into a folder that is there; the same bytes every time."""
    for sample in SAMPLES:
        phantom = make_phantom(sample.seed, sample.height_px, aspect=sample.aspect)
        write_png(folder / sample.file, phantom.picture)
    write_json(folder / INDEX, {"samples": [{"file": sample.file} for sample in SAMPLES]})

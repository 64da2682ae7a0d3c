"""Draw docs/overlay.png: a phantom, its true mask, what PyTorch and the .pte file mark.

python benchmarks/draw_overview.py demo docs/overlay.png    # after `make demo`
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import mobileseg
from mobileseg.data.idrid import read_idrid
from mobileseg.data.images import read_mask, read_photo
from mobileseg.evaluation.overlay import blend, overlay
from mobileseg.lesions import LESIONS

LESION = "EX"


def draw(demo: Path, into: Path) -> None:
    """Show the test phantom with the most marked pixels."""
    samples = [s for s in read_idrid(demo / "phantoms").samples["test"] if LESION in s.masks]
    chosen = max(samples, key=lambda s: int(read_mask(s.masks[LESION]).sum()))
    photo = read_photo(chosen.picture)
    panels = {
        "phantom": photo,
        "true hard exudates": blend(photo, read_mask(chosen.masks[LESION]), LESIONS[LESION].colour),
        "PyTorch": overlay(mobileseg.load(demo / "run").predict(photo)),
        "ExecuTorch (.pte)": overlay(mobileseg.load(demo / "bundles/executorch").predict(photo)),
    }
    height = 3.2
    figure = Figure(figsize=(len(panels) * 3, height), dpi=130, layout="constrained")
    for axes, (title, picture) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        axes.imshow(np.asarray(picture))
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    into.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(into)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))

"""From probabilities to coloured pixels and figures: thresholds, overlays, findings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.apps.goldens.writing import dump, noise, raw
from mobileseg.evaluation.overlay import OPACITY, blend, mask_on_frame
from mobileseg.evaluation.postprocess import Prediction, judge
from mobileseg.lesions import LESIONS

THRESHOLDS = {
    "half": 0.5,
    "no-float32": 0.1,  # nearest float32 lies above the double
    "no-float32-below": 0.3,  # and here below
    "trained": 0.36436545848846436,
    "tiny": 1e-6,
    "nought": 0.0,
    "one": 1.0,
}
AREA_STEPS = 10_000  # hundredths of a percent in the whole


@dataclass(frozen=True, slots=True)
class Case:
    """An answer of a model, and how an app is set to show it."""

    frame_hw: tuple[int, int]
    crop: tuple[int, int, int, int]  # left, top, width, height
    side: int = 32
    content_hw: tuple[int, int] | None = None  # None: the whole frame
    codes: str = "MA HE EX SE"
    hidden: str = ""
    opacity: int = OPACITY
    retina: float = 0.7354
    draw: str = "patches"


def _patches(p: NDArray[np.float32], c: int) -> None:
    """Blobs of three pixels each way, about a quarter of them lesion; some at the threshold."""
    side = p.shape[-1]
    small = noise((-(-side // 3),) * 2, seed=c + 11)
    p[c] = np.kron(small, np.ones((3, 3)))[:side, :side] / 65535 * 0.66


def _diagonals(p: NDArray[np.float32], c: int) -> None:
    """Lesions that hang together by their corners alone: one component each, 8-connected."""
    y, x = np.indices(p.shape[-2:])
    p[c] = np.where((x + y) % (9 + c) == 0, 0.9, 0.1)


def _all(p: NDArray[np.float32], c: int) -> None:
    p[c] = 1.0


def _none(p: NDArray[np.float32], c: int) -> None:
    p[c] = 0.0


def _one_pixel(p: NDArray[np.float32], c: int) -> None:
    p[c] = 0.0
    p[c, 0, -1] = 1.0


def _rings(p: NDArray[np.float32], c: int) -> None:
    """Rings in rings, and combs: a labelling in one pass has to join what it had apart."""
    y, x = np.indices(p.shape[-2:])
    centre = p.shape[-1] // 2
    ring = np.maximum(abs(y - centre), abs(x - centre)) % 3 == 0
    comb = (y == p.shape[-1] - 2) | ((x % 2 == 0) & (y > centre))
    p[c] = np.where(ring if c % 2 == 0 else comb, 0.8, 0.2)


DRAWN = {
    "patches": _patches,
    "diagonals": _diagonals,
    "all": _all,
    "none": _none,
    "one-pixel": _one_pixel,
    "rings": _rings,
}
CASES = {
    "square-hangs-out": Case((60, 80), (8, -2, 64, 64)),
    "square-hangs-out-sideways": Case((80, 60), (-11, 5, 83, 83)),
    "crop-inside": Case((64, 64), (7, 11, 40, 40), codes="EX", content_hw=(56, 64)),
    "rectangle": Case((50, 70), (5, 3, 61, 37), codes="MA HE"),
    "shrunk": Case((96, 96), (3, 1, 91, 91), side=32, codes="EX SE"),
    "too-small": Case((40, 40), (9, 9, 21, 21), codes="EX", draw="diagonals"),
    "one-pixel-too-small": Case((40, 48), (2, 1, 31, 31), codes="EX"),
    "just-large-enough": Case((40, 48), (2, 1, 32, 32), codes="EX"),
    "longer-edge-large-enough": Case((40, 48), (2, 1, 19, 32), codes="EX"),
    "no-retina": Case((48, 64), (0, 0, 64, 64), retina=0.0, content_hw=(48, 50)),
    "two-hidden": Case((48, 64), (0, -8, 64, 64), hidden="HE SE"),
    "opacity-0": Case((40, 48), (2, 1, 37, 37), opacity=0),
    "opacity-1": Case((40, 48), (2, 1, 37, 37), opacity=1),
    "opacity-77": Case((40, 48), (2, 1, 37, 37), opacity=77),
    "opacity-255": Case((40, 48), (2, 1, 37, 37), opacity=255),
    "all-lesion": Case((40, 48), (2, 1, 37, 37), codes="MA SE", draw="all"),
    "no-lesion": Case((40, 48), (2, 1, 37, 37), codes="HE EX", draw="none"),
    "one-pixel": Case((40, 48), (2, 1, 37, 37), codes="HE", draw="one-pixel"),
    "by-corners": Case((40, 48), (2, 1, 37, 37), draw="diagonals"),
    "rings-and-combs": Case((70, 72), (1, 2, 66, 66), side=64, codes="MA HE", draw="rings"),
    "little-retina": Case((40, 48), (2, 1, 37, 37), codes="MA", retina=0.0123),
}


def write(folder: Path) -> dict[str, Any]:
    """Write the cases; returns what the index says of them."""
    for name, threshold in THRESHOLDS.items():
        _write_threshold(folder / "thresholds" / name, threshold)
    for name, case in CASES.items():
        _write_overlay(folder / "overlays" / name, case)
    return {"thresholds": list(THRESHOLDS), "overlays": list(CASES)}


def _write_threshold(place: Path, threshold: float) -> None:
    """Probabilities round the threshold: its float32, that one's neighbours, and some noise."""
    at = np.float32(threshold)
    near = [at, np.nextafter(at, np.float32(2)), np.nextafter(at, np.float32(-1))]
    probabilities = np.concatenate(
        [np.clip(np.array(near, np.float32), 0, 1), (noise((29,)) / 65535).astype(np.float32)]
    )
    mask = probabilities >= at
    raw(place / "probabilities.f32", probabilities, "f4")
    raw(place / "mask.u8", mask)
    dump(place / "case.json", {"threshold": threshold, "count": len(mask)})


def _write_overlay(place: Path, case: Case) -> None:
    codes = case.codes.split()
    thresholds = {code: 0.4 + 0.05 * list(LESIONS).index(code) for code in codes}
    probabilities = np.zeros((len(codes), case.side, case.side), np.float32)
    for c in range(len(codes)):
        DRAWN[case.draw](probabilities, c)
    frame = noise((*case.frame_hw, 3), seed=3).astype(np.uint8)
    content_hw = case.content_hw or case.frame_hw
    frame[content_hw[0] :], frame[:, content_hw[1] :] = 0, 0
    retina = float(np.float32(case.retina))
    found = judge(frame, content_hw, probabilities, case.crop, retina, thresholds)
    raw(place / "frame.rgb", frame)
    raw(place / "probabilities.f32", probabilities, "f4")
    raw(place / "overlay.rgb", _shown(found, case))
    dump(place / "case.json", _described(found, case, thresholds))


def _shown(found: Prediction, case: Case) -> NDArray[np.uint8]:
    """As `mobileseg.evaluation.overlay`, with lesions switched off and another opacity."""
    drawn = found.frame
    for code, mask in found.masks.items():
        if code not in case.hidden.split():
            placed = mask_on_frame(mask, found.crop, case.frame_hw)
            drawn = blend(drawn, placed, LESIONS[code].colour, case.opacity)
    height, width = found.content_hw
    return drawn[:height, :width]


def _described(found: Prediction, case: Case, thresholds: dict[str, float]) -> dict[str, Any]:
    return {
        "frame_hw": list(case.frame_hw),
        "content_hw": list(found.content_hw),
        "side": case.side,
        "crop": list(found.crop),
        "retina": found.retina,
        "opacity": case.opacity,
        "lesions": [
            {
                "code": code,
                "threshold": threshold,
                "colour": list(LESIONS[code].colour),
                "shown": code not in case.hidden.split(),
            }
            for code, threshold in thresholds.items()
        ],
        "expected": {
            "flags": list(found.flags),
            "lesions": {
                code: {
                    "count": one.count,
                    "pixels": one.pixels,
                    "area": one.area,
                    "basis_points": math.floor(one.area * AREA_STEPS + 0.5),
                }
                for code, one in found.lesions.items()
            },
        },
    }

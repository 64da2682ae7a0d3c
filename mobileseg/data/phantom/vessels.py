"""A phantom's vessel tree: arcades around the macula, branching until too thin to see.

Special here: points are complex numbers (x + iy, eye units), because growing a vessel is turning
and stepping; and vessels of one kind never cross each other, as in a real eye, which also spreads
them evenly. Arteries do cross veins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.phantom.frame import Frame, Layer

STEP = 0.016  # eye units per growth step
CELL = 0.022  # two vessels of one kind keep about this far apart
THINNEST = 0.0034  # eye units: under 1 px in a 512-px picture
AVASCULAR = 0.11  # radius around the fovea that stays free of vessels

Path = NDArray[np.complex128]  # (n,) points


@dataclass(frozen=True, slots=True)
class Vessel:
    """One unbranched piece."""

    path: Path
    widths: NDArray[np.float64]  # (n,) diameters in eye units
    depth: int  # 0 leaves the optic disc


@dataclass(slots=True)
class Territory:
    """What vessels of one kind must know while growing."""

    rng: np.random.Generator
    disc: complex
    fovea: complex
    tortuosity: float  # about 1
    taken: set[tuple[int, int]]

    def claim(self, path: Path) -> None:
        """Mark a path's cells as taken."""
        self.taken.update(_cell(point) for point in path)


def grow_vessels(
    rng: np.random.Generator, disc: complex, fovea: complex, trunk_width: float
) -> list[Vessel]:
    """All vessels of one kind (arteries, or veins), thinnest first, so that thick ones cover them.

    Args:
        disc, fovea: centres in eye units.
        trunk_width: diameter of an arcade at the disc, eye units.
    """
    land = Territory(rng, disc, fovea, rng.uniform(0.5, 1.5), set())
    vessels = [
        Vessel(path, _taper(width, 0.35 if width > 0.5 * trunk_width else 0.7, len(path)), 0)
        for path, width in _trunks(land, trunk_width)
    ]
    for vessel in vessels:
        land.claim(vessel.path)
    for vessel in vessels:  # grows while it is walked: children are appended
        vessels.extend(_children(land, vessel))
    return sorted(vessels, key=lambda vessel: float(vessel.widths[0]))


def draw_vessels(frame: Frame, vessels: list[Vessel]) -> tuple[Layer, Layer]:
    """How much blood and how much central reflex each pixel shows, both (H, W) in 0..1."""
    blood, reflex = frame.canvas(), frame.canvas()
    for vessel in vessels:
        points = np.stack([vessel.path.real, vessel.path.imag], axis=1)
        width = float(vessel.widths.mean())
        opacity = min(1.0, 0.20 + width / 0.025)  # thin vessels hold less blood
        frame.stroke(blood, points, vessel.widths, opacity)
        if width > 0.011:
            frame.stroke(reflex, points, vessel.widths * 0.3, min(1.0, width / 0.025))
    return frame.settle(blood), frame.settle(reflex)


def _trunks(land: Territory, width: float) -> list[tuple[Path, float]]:
    """The vessels that leave the disc: four arcades, and small ones straight to both sides."""
    rng = land.rng
    temporal = land.fovea - land.disc  # its length is the unit of the arcades
    trunks = []
    for up in (1, -1):
        height = rng.uniform(0.72, 1.08)
        arcade = (
            0,
            -0.08 + 0.55j * height,
            0.45 + 1.25j * height,
            2.6 + rng.uniform(-0.1, 0.9) * 1j,
        )
        nasal = (0, -0.05 + 0.35j, -0.45 + 0.55j * height, -1.3 + rng.uniform(0.5, 1.1) * 1j)
        for shape, share in ((arcade, rng.uniform(0.85, 1.1)), (nasal, rng.uniform(0.5, 0.8))):
            corners = np.array([complex(c) for c in shape])
            corners = corners.real + 1j * up * corners.imag
            corners[1:] += rng.normal(0, 0.07, 3) + 1j * rng.normal(0, 0.09, 3)
            start = land.disc + temporal * complex(rng.normal(-0.03, 0.02), rng.normal(0, 0.02))
            trunks.append((_wiggle(land, start + temporal * _bezier(corners)), width * share))
    for _ in range(rng.integers(1, 4)):  # small vessels to the macula and to the nasal side
        side = temporal if rng.random() < 0.65 else -temporal
        heading = float(np.angle(side)) + rng.uniform(-0.8, 0.8)
        path = _wander(land, land.disc, heading, rng.uniform(0.35, 0.7), land.fovea)
        trunks.append((path, width * rng.uniform(0.25, 0.4)))
    return [(path, width) for path, width in trunks if len(path) > 4]


def _children(land: Territory, parent: Vessel) -> list[Vessel]:
    """Branches off one vessel, each claiming its place."""
    rng, born = land.rng, []
    at = int(rng.uniform(0.12, 0.26) / STEP) if parent.depth == 0 else int(0.07 / STEP)
    side = rng.choice((-1, 1))
    while at < len(parent.path) - 3:
        forks = parent.depth == 0 and rng.random() < 0.25  # into two of nearly one width
        width = float(parent.widths[at]) * (
            rng.uniform(0.6, 0.85) if forks else rng.uniform(0.34, 0.6)
        )
        ahead = parent.path[at + 1] - parent.path[at]
        if width >= THINNEST and abs(parent.path[at]) < 1.1:
            heading = float(np.angle(ahead)) + side * rng.uniform(0.45, 1.15)
            length = rng.uniform(0.6, 1.3) * min(1.0, 0.16 + 50 * width)
            path = _wander(land, parent.path[at], heading, length, _goal(land, parent, at, heading))
            if len(path) > max(4, 0.4 * length / STEP):  # a stump would end too wide
                land.claim(path[2:])
                born.append(Vessel(path, _taper(width, 0.85, len(path)), parent.depth + 1))
        side = -side if rng.random() < 0.7 else side
        at += int(rng.uniform(0.09, 0.29) / STEP) + 1
    return born


def _goal(land: Territory, parent: Vessel, at: int, heading: float) -> complex:
    """Where a branch bends to: the fovea if it set off that way, else the periphery."""
    point = parent.path[at]
    to_fovea = land.fovea - point
    if abs(to_fovea) < 0.95 and abs(_turn(heading, float(np.angle(to_fovea)))) < 1.2:
        return land.fovea
    away = point - land.disc
    return complex(point + (away / (abs(away) + 1e-6) + np.exp(1j * heading)) * 3)


def _wander(land: Territory, start: complex, heading: float, length: float, goal: complex) -> Path:
    """Step from `start`, bending gently to `goal`, until taken ground, the fovea or the rim."""
    drift, points = 0.0, [start]
    for push in land.rng.normal(0, 0.075 * land.tortuosity, int(length / STEP)):
        drift = 0.65 * drift + push
        heading += drift + 0.035 * _turn(heading, float(np.angle(goal - points[-1])))
        point = complex(points[-1] + STEP * np.exp(1j * heading))
        blocked = len(points) > 3 and _cell(point) in land.taken
        if blocked or abs(point - land.fovea) < AVASCULAR or abs(point) > 1.15:
            break
        points.append(point)
    return np.array(points)


def _wiggle(land: Territory, path: Path) -> Path:
    """Sway a smooth path sideways; its first points stay at the disc."""
    along = np.linspace(0, 1, len(path))
    sway = np.zeros_like(along)
    for waves in (1.5, 4.0, 8.0):
        phase = land.rng.uniform(0, 2 * np.pi)
        sway += land.rng.normal(0, 0.05 / waves) * np.sin(2 * np.pi * waves * along + phase)
    sideways = 1j * np.gradient(path)
    sideways /= np.abs(sideways) + 1e-9
    return np.asarray(path + sideways * sway * np.minimum(1, 6 * along) * land.tortuosity)


def _bezier(corners: Path) -> Path:
    """A cubic curve through four control points, sampled about every STEP."""
    t = np.linspace(0, 1, round(2.2 / STEP))
    a, b, c, d = corners
    return np.asarray(
        (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d
    )


def _taper(width: float, loss: float, points: int) -> NDArray[np.float64]:
    """Diameters along a vessel that ends `loss` thinner than it began."""
    return width * (1 - loss * np.linspace(0, 1, points) ** 1.5)


def _turn(heading: float, wanted: float) -> float:
    """The signed angle from one direction to another, in -π..π."""
    return float((wanted - heading + np.pi) % (2 * np.pi) - np.pi)


def _cell(point: complex) -> tuple[int, int]:
    return int(point.real // CELL), int(point.imag // CELL)

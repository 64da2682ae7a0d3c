"""Fit the constants of "does it look like a fundus photo" (mobileseg/quality/fundus.json).

    python benchmarks/fundus_likeness.py --data shared/data/idrid-grading --others DIR

Fundus photos: pictures of the grading set and phantoms, each also as other cameras would show it:
tinted, grey, red-free, darker, blurred, noisy, cut by the frame. No fundus photos: DIR's pictures
(any photographs that the test does not use; the constants that ship were fitted with ten that the
wheels of gradio and mahotas hold), pieces of them, and what is drawn here. What the test tries
(tests/quality/test_fundus.py) is not among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from mobileseg.data.augmentation.photometry import apply_grades
from mobileseg.data.images import read_photo
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.files.atomic import write_json
from mobileseg.preprocess.reference import preprocess
from mobileseg.quality import fundus
from mobileseg.quality.falloff import Falloff, Hinge
from mobileseg.quality.values import measure
from mobileseg.spec import PreprocessSpec, photo_to_frame

SPEC = PreprocessSpec(256, (640, 640))
# Where a feature begins to speak against a fundus photo: outside what nine in ten of them show,
# widened for other cameras (a third of the value; order and vessels by what grey pictures have).
HINGES = {
    "round low": Hinge(1.0, 0.0),
    "roughness low": Hinge(0.14, 0.0),
    "roughness high": Hinge(0.32, 0.64),
    "texture low": Hinge(0.04, 0.0),
    "texture high": Hinge(0.12, 0.24),
    "motley high": Hinge(0.05, 0.1),
    "order low": Hinge(0.15, -0.1),
    "vessels low": Hinge(0.1, -0.2),
    "painted high": Hinge(0.02, 0.2),
}
CAMERAS: tuple[dict[str, float], ...] = (
    {},
    {"white balance": 1.0, "gamma": 1.3},
    {"white balance": -1.0, "saturation": 0.6},
    {"saturation": 0.0},
    {"exposure": -3.0},
    {"exposure": 1.2},
    {"defocus": 0.01},
    {"noise": 0.04},
    {"glare": 0.5},
    {"saturation": 1.5, "gamma": 0.7},
)
RIDGE = 2e-3  # of squared weights, in cross entropy: no feature decides alone
MOST = 8.0  # log odds that one fault may take where it counts as 1

Picture = NDArray[np.uint8]


def seen(frame: Picture, grades: dict[str, float], seed: int) -> dict[str, float]:
    """Features of a picture as a camera with these faults would show it."""
    done = preprocess(frame, SPEC)
    assert done.disc is not None
    rng = np.random.default_rng([seed, 5])
    levels = apply_grades(done.levels, grades, rng) * done.disc[..., None]
    return fundus.features(measure(levels, done.disc, done.crop.round))


def red_free(photo: Picture) -> Picture:
    """Green alone, as grey."""
    return np.repeat(photo[..., 1:2], 3, axis=2)


def cut(frame: Picture, share: float) -> Picture:
    """Without what is left of a share of the frame."""
    gone = frame.copy()
    gone[:, : int(share * frame.shape[1])] = 0
    return gone


def of_fundus(photos: Iterator[Picture]) -> Iterator[dict[str, float]]:
    """Every photo with two cameras' faults, the next ones each time."""
    for i, photo in enumerate(photos):
        frame = photo_to_frame(photo, SPEC.frame_hw)
        yield seen(frame, CAMERAS[i % len(CAMERAS)], i)
        yield seen(frame, CAMERAS[(3 * i + 1) % len(CAMERAS)], i)
        if i % 5 == 0:
            yield seen(red_free(frame), {}, i)
            yield seen(cut(frame, 0.3 + 0.01 * (i % 20)), {}, i)


def drawings(count: int) -> Iterator[Picture]:
    """Shapes, gradients, letters and clouds of random colours, on random grounds."""
    for i in range(count):
        rng = np.random.default_rng([77, i])
        yield _drawing(rng, i % 4)


def _cloud(rng: np.random.Generator, sigma: float, channels: int) -> NDArray[np.float64]:
    cloud = np.asarray(cv2.GaussianBlur(rng.normal(size=(512, 512, channels)), (0, 0), sigma))
    cloud = cloud.reshape(512, 512, channels)
    return cloud / cloud.std()


def _drawing(rng: np.random.Generator, kind: int) -> Picture:
    picture = np.full((512, 512, 3), rng.choice([0, 0, 255, int(rng.integers(256))]), float)
    warm = np.sort(rng.uniform(20, 255, 3))[::-1]
    colour = warm if rng.random() < 0.7 else rng.uniform(0, 255, 3)
    if kind == 0:  # a ball: shaded, perhaps rough or with a bright spot
        y, x = np.mgrid[-1:1:512j, -1:1:512j]
        light = 1 - rng.uniform(0, 0.8) * ((x - 0.2) ** 2 + (y + 0.2) ** 2)
        light = light * (1 + rng.uniform(0, 0.1) * _cloud(rng, rng.uniform(1, 8), 1)[..., 0])
        ball = (
            colour * light[..., None]
            + 180 * rng.integers(2) * np.exp(-((x - 0.3) ** 2 + (y + 0.3) ** 2) / 0.02)[..., None]
        )
        inside = x**2 + y**2 < rng.uniform(0.5, 0.9) ** 2
        picture = np.where(inside[..., None], ball, picture)
    elif kind == 1:  # a wheel: rings and spokes
        y, x = np.mgrid[-1:1:512j, -1:1:512j]
        away, angle = np.hypot(x, y), np.arctan2(y, x)
        spokes = np.sin(rng.integers(3, 30) * angle) > rng.uniform(-0.5, 0.9)
        rings = (away * rng.uniform(2, 8)) % 1 < rng.uniform(0.2, 0.8)
        for part in (away < 0.9, spokes & (away < 0.8), rings & (away < 0.8)):
            picture[part] = rng.uniform(0, 255, 3) if rng.random() < 0.5 else colour
    elif kind == 2:  # letters and boxes
        letters = picture.astype(np.uint8)
        for _ in range(int(rng.integers(8, 60))):
            x, y = (int(v) for v in rng.integers(0, 500, 2))
            word = "".join(chr(c) for c in rng.integers(65, 91, int(rng.integers(2, 12))))
            ink = tuple(float(v) for v in rng.choice([0, 40, 200, 255]) * np.ones(3))
            cv2.putText(letters, word, (x, y), 0, float(rng.uniform(0.4, 1.5)), ink, 1)
        cv2.rectangle(letters, (30, 30), (200, 90), tuple(float(v) for v in colour), -1)
        return letters
    else:  # clouds
        tint = _cloud(rng, rng.uniform(0.5, 40), int(rng.choice([1, 3])))
        picture = colour * (1 + rng.uniform(0.05, 0.6) * tint)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def pieces(photo: Picture) -> Iterator[Picture]:
    """A photograph, its middle, and its middle in a round frame, as a lens would show it."""
    yield photo
    height, width = photo.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = photo[top : top + side, left : left + side].copy()
    yield middle[side // 5 : -side // 5, side // 5 : -side // 5]
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    middle[x**2 + y**2 > 0.9] = 0
    yield middle


def fit(positive: list[dict[str, float]], negative: list[dict[str, float]]) -> Falloff:
    """Logistic regression on the hinges, both kinds counting alike, weights 0 to `MOST`."""
    rows = np.array(
        [
            [hinge.of(found[fundus.feature_of(name)]) for name, hinge in HINGES.items()]
            for found in positive + negative
        ]
    ).clip(max=3)
    truth = np.repeat([1.0, -1.0], [len(positive), len(negative)])
    share = np.repeat([0.5 / len(positive), 0.5 / len(negative)], [len(positive), len(negative)])

    def loss(x: NDArray[np.float64]) -> float:
        odds = x[0] - rows @ x[1:]
        return float((share * np.logaddexp(0, -truth * odds)).sum() + RIDGE * (x[1:] ** 2).sum())

    start = np.full(1 + len(HINGES), 1.0)
    bounds = [(0.0, 10.0)] + [(0.0, MOST)] * len(HINGES)
    found: Any = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    rounded = [round(float(v), 3) for v in found.x]
    return Falloff(rounded[0], dict(zip(HINGES, rounded[1:], strict=True)))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--others", type=click.Path(path_type=Path), required=True)
@click.option("--count", default=60, show_default=True, help="Pictures of --data.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(data: Path, others: Path, count: int, output: Path) -> None:
    """Fit and write."""
    photos = sorted(data.rglob("*.jpg"))
    chosen = photos[:: max(1, len(photos) // count)]
    phantoms = (make_phantom(311, 640, index=i, aspect=1 + 0.05 * i).picture for i in range(12))
    positive = [*of_fundus(read_photo(p) for p in chosen), *of_fundus(phantoms)]
    found = [p for path in sorted(others.iterdir()) for p in pieces(read_photo(path))]
    frames = [photo_to_frame(photo, SPEC.frame_hw) for photo in (*found, *drawings(120))]
    negative = [seen(frame, {}, 0) for frame in frames]
    falloff = fit(positive, negative)
    hinges = {name: hinge.to_json() for name, hinge in HINGES.items()}
    write_json(output, {"hinges": hinges, **falloff.to_json()})
    print(falloff, len(positive), len(negative))


if __name__ == "__main__":
    main()

"""Phantoms: synthetic fundus pictures with exact lesion masks.

For tests, examples and goldens: no patient, no licence, and the truth is known to the pixel. A
network trained on them learns the software's way, not medicine; nothing measured on them says how
well a network does on eyes.

    phantom = make_phantom(seed=0, side_px=512)
    phantom.picture, phantom.masks["EX"]

    write_phantoms(Path("phantoms"), 24, 512, 0)    # laid out as IDRiD unpacks
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mobileseg.data.idrid import MASKS, PICTURES, ROOT, SPLITS
from mobileseg.data.phantom import distractors
from mobileseg.data.phantom.anatomy import draw_eye, paint_fundus
from mobileseg.data.phantom.bright_lesions import hard_exudates, soft_exudates
from mobileseg.data.phantom.camera import aperture, draw_frame, expose, illuminate
from mobileseg.data.phantom.frame import distance
from mobileseg.data.phantom.red_lesions import haemorrhages, microaneurysms
from mobileseg.data.phantom.scene import Mask, Scene
from mobileseg.errors import BadInput
from mobileseg.files.atomic import staged_folder
from mobileseg.lesions import LESIONS

SMALLEST_SIDE_PX = 64  # below, vessels and most lesions are thinner than a pixel
# Shares of eyes that show a lesion. In the 81 IDRiD pictures compared with: MA 81, HE 80, EX 81,
# SE 39; here a little fewer HE and EX, so that a small set has pictures without them.
PRESENT = {"MA": 1.0, "HE": 0.93, "EX": 0.96, "SE": 0.5}
EDGE = 0.03  # eye units from the retina's edge that stay free of lesions

NOTE = "PHANTOMS.txt"  # says what the pictures are, and marks a folder that may be replaced
NOTE_TEXT = (
    "{count} synthetic fundus pictures, made by mobileseg phantom with seed {seed}.\n"
    "Nobody's eyes: scores on them say nothing about scores on real pictures.\n"
)


@dataclass(frozen=True, slots=True)
class Phantom:
    """One synthetic picture and its truth."""

    picture: NDArray[np.uint8]  # (H, W, 3) RGB
    masks: dict[str, Mask]  # all four lesion codes; (H, W), all False where the lesion is absent
    retina: Mask  # (H, W)


@dataclass(frozen=True, slots=True)
class PhantomSet:
    """What `write_phantoms` wrote."""

    training: int  # pictures
    testing: int
    pictures_with: dict[str, int]  # lesion code -> pictures that show it
    lesions: dict[str, int]  # lesion code -> 8-connected components in all pictures


def make_phantom(seed: int, side_px: int, *, index: int = 0, aspect: float = 1.0) -> Phantom:
    """Make one picture; the same arguments give the same bytes.

    Args:
        seed: of the set.
        side_px: the picture's height. The eye and the kinds of lesions it has do not depend on it;
            the single lesions do, because each is placed where pixels are free.
        index: of the picture within the set.
        aspect: width over height, 1.0 to 2.0; a fundus camera's own frame has about 1.5.

    Raises:
        BadInput: `side_px` or `aspect` is out of range, or a seed is negative.
    """
    _check(seed, side_px)
    if not 1.0 <= aspect <= 2.0:
        raise BadInput(f"a phantom {aspect:g} times as wide as high; expected 1.0 to 2.0")
    # Streams apart: a change to the lesions must not redraw every eye.
    of_eye, of_lesions, of_camera = np.random.default_rng([seed, index]).spawn(3)
    frame = draw_frame(of_camera, side_px, round(side_px * aspect))
    eye = draw_eye(of_eye)
    fundus = paint_fundus(of_eye, frame, eye)
    x, y = frame.grid()
    retina = aperture(frame) > 0.5
    far_in = np.minimum(1 - distance(x, y, (0, 0)), frame.cut - np.abs(y)) > EDGE
    off_disc = distance(x, y, eye.disc) > 1.2 * eye.disc_radius
    scene = Scene(
        rng=of_lesions,
        frame=frame,
        eye=eye,
        fundus=fundus,
        allowed=far_in & off_disc,
        severity=float(of_lesions.beta(1.1, 1.6)),
        colour=fundus.colour,
    )
    _paint(scene)
    picture = expose(of_camera, frame, illuminate(of_camera, frame, scene.colour))
    for code in LESIONS:
        scene.masks.setdefault(code, np.zeros(frame.shape, bool))
    return Phantom(picture, {code: scene.masks[code] for code in LESIONS}, retina)


def _paint(scene: Scene) -> None:
    """Everything that is not the healthy eye, deepest first."""
    present = [code for code, share in PRESENT.items() if scene.rng.random() < share]
    distractors.drusen(scene)
    distractors.pigment_spots(scene)
    painters = {"SE": soft_exudates, "EX": hard_exudates, "HE": haemorrhages, "MA": microaneurysms}
    for code, paint in painters.items():
        if code in present:
            paint(scene)
    distractors.reflexes(scene)
    distractors.dust(scene)


def write_phantoms(
    folder: Path,
    count: int,
    side_px: int,
    seed: int,
    *,
    test_share: float = 1 / 3,
    force: bool = False,
    on_picture: Callable[[int], None] | None = None,
) -> PhantomSet:
    """Write square phantoms into a new folder, laid out as IDRiD's archive unpacks.

    Everything is written beside `folder` first and renamed at the end: a kill leaves no half set.

    Args:
        folder: to make; may exist if it is empty.
        count: pictures, training and testing together; at least one of each.
        test_share: share of the pictures in the testing set, 0..1.
        force: replace `folder` if it holds something.
        on_picture: called with the number of pictures written so far, after each.

    Raises:
        BadInput: `folder` holds something, or a number is out of range.
    """
    _check(seed, side_px)
    if count < 2:
        raise BadInput(f"{count} phantoms; expected at least 2, one to train and one to test")
    if not 0 <= test_share <= 1:
        raise BadInput(f"a test share of {test_share:g}; expected 0 to 1")
    with staged_folder(folder, force=force, mark=NOTE) as unfinished:
        (unfinished / NOTE).write_text(NOTE_TEXT.format(count=count, seed=seed), encoding="utf-8")
        return _write_all(unfinished, count, side_px, seed, test_share, on_picture)


def _write_all(
    root: Path,
    count: int,
    side_px: int,
    seed: int,
    test_share: float,
    on_picture: Callable[[int], None] | None,
) -> PhantomSet:
    testing = max(1, min(count - 1, round(count * test_share)))
    digits = max(2, len(str(count)))
    pictures_with, lesions = dict.fromkeys(LESIONS, 0), dict.fromkeys(LESIONS, 0)
    for index in range(count):
        split = SPLITS["test" if index >= count - testing else "train"]
        phantom = make_phantom(seed, side_px, index=index)
        _write_one(root, split, f"phantom_{index + 1:0{digits}d}", phantom)
        for code, mask in phantom.masks.items():
            components = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
            lesions[code] += components
            pictures_with[code] += components > 0
        if on_picture:
            on_picture(index + 1)
    return PhantomSet(count - testing, testing, pictures_with, lesions)


def _write_one(root: Path, split: str, name: str, phantom: Phantom) -> None:
    """One JPEG, and one palette TIFF for every lesion it shows."""
    picture = root / ROOT / PICTURES / split / f"{name}.jpg"
    picture.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(phantom.picture).save(picture, quality=95, subsampling=0)
    for code, mask in phantom.masks.items():
        path = root / ROOT / MASKS / split / LESIONS[code].folder / f"{name}_{code}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        if mask.any():
            image = Image.fromarray(mask.astype(np.uint8))
            image.putpalette([0, 0, 0, 255, 0, 0])  # index 1 is red, as in IDRiD
            image.save(path, compression="tiff_adobe_deflate")


def _check(seed: int, side_px: int) -> None:
    if side_px < SMALLEST_SIDE_PX:
        raise BadInput(f"phantoms of {side_px} px; expected at least {SMALLEST_SIDE_PX} px")
    if seed < 0:
        raise BadInput(f"seed {seed}; expected 0 or more")

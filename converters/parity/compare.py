"""Does the file on the phone answer as PyTorch does? Measured on the reopened file.

Two differences are taken per picture. From the same preprocessed tensor: artifact against eager
network on what the graph's preprocessing gave. End to end: artifact against the reference, whose
preprocessing is NumPy and OpenCV. Between the two stands what the two preprocessings differ in,
counted in grey levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
import torch
from numpy.typing import NDArray

from converters.bundle import Bundle
from converters.deployable import Layout
from converters.goldens import planes
from converters.orders import Order
from converters.quiet import quiet
from converters.targets import Answer, Check, Runner
from mobileseg.data.prepared import mask_at_network
from mobileseg.evaluation.metrics import dice
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.preprocess.graph import Preprocess
from mobileseg.preprocess.reference import Preprocessed, preprocess
from mobileseg.runs import Run
from mobileseg.spec import fitted_hw, photo_to_frame


class Verdict(Enum):
    """Three-valued: what was not run is never counted as agreement."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far an artifact may be from the reference."""

    same_tensor: float  # largest |Δ probability| at any pixel, from the same preprocessed tensor
    flipped: float  # largest share of mask pixels that change sides end to end
    mean: float = 1e-5  # largest mean |Δ probability| of a picture, end to end
    level_flips: float = 1e-4  # share of pixels off before CLAHE: rounding of equal sums
    moved: float = 1e-3  # share of pixels off after CLAHE: what such a flip can move
    moved_levels: float = 1.0  # and by how many grey levels


TOLERANCES = {
    # The same arithmetic, summed in another order: 119 layers measured 1e-6; the mask of a pixel
    # at the very threshold may still change.
    "fp32": Tolerance(same_tensor=1e-4, flipped=1e-4),
    # 11 bits in every map of the network. Measured on 47 real pictures (`xs-ex`): 0.018 at one
    # pixel, 5e-5 in a picture's mean, 8e-6 flipped; but x86 sums in float32, a phone in fp16 too.
    "fp16": Tolerance(same_tensor=0.05, flipped=1e-3, mean=1e-3),
    # A pixel at a lesion's edge may change by half and more (0.71 measured) where the lesion is
    # still found: what one pixel does has no limit here, what a picture does has: 2.0e-3 the worst
    # mean of the same 47, and 6e-4 of all pixels flipped. Lesions are quantize's gate to keep.
    "int8": Tolerance(same_tensor=1.0, flipped=3e-3, mean=5e-3),
    # Core ML's compressed weights, computed in float32. Twice what the shipped runs' own weights
    # did to the worst of IDRiD's 27 test pictures at 256 px, of U²-Net-XS and -S the worse: at one
    # pixel .22, .08, .37; of a picture's pixels 0.06 %, 0.06 %, 0.36 % changed sides.
    "int8w": Tolerance(same_tensor=0.45, flipped=1.2e-3, mean=1.4e-3),
    "pal8w": Tolerance(same_tensor=0.16, flipped=1.3e-3, mean=1.6e-3),
    "pal6w": Tolerance(same_tensor=0.75, flipped=7.2e-3, mean=8.3e-3),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A picture to compare on, with masks where it is labelled."""

    name: str
    photo: NDArray[np.uint8]  # (h, w, 3) RGB
    masks: dict[str, NDArray[np.bool_]] = field(default_factory=dict)  # (h, w), labelled lesions


@dataclass(frozen=True, slots=True)
class PictureParity:
    """What one picture showed."""

    name: str
    cropped: bool  # the crop is not the whole picture
    finite: bool
    same_tensor: float
    end_to_end: float
    mean: float
    flipped: int
    mask_pixels: int
    level_pixels: int
    level_flips: int
    moved: int
    moved_levels: float
    box_equal: bool


@dataclass(frozen=True, slots=True)
class Parity:
    """What all pictures showed of one bundle."""

    bundle: str
    target: str
    precision: str
    made: str  # what was ordered, in a word; see Order.name
    data: str
    checks: list[Check]
    pictures: list[PictureParity]
    dice: dict[str, tuple[float, float]]  # lesion -> reference's, artifact's; pooled
    not_run: str | None = None

    @property
    def cropped(self) -> int:
        return sum(p.cropped for p in self.pictures)

    def largest(self, name: str) -> float:
        """The largest of a figure over all pictures; NaN if any is NaN."""
        return float(np.max([getattr(p, name) for p in self.pictures]))

    def share(self, name: str, of: str = "level_pixels") -> float:
        """A count over all pictures, as a share of another."""
        counted, whole = (sum(getattr(p, n) for p in self.pictures) for n in (name, of))
        return float(counted / whole)

    def faults(self) -> list[str]:
        """Every way in which it differs, in words; none is agreement (if it was run)."""
        found = [f"{c.name}: found {c.found}" for c in self.checks if not c.holds]
        if not self.pictures:
            return found
        limit = TOLERANCES[self.precision]
        # `not (a <= b)`, so that NaN is a fault.
        for text, value, most in (
            ("max |Δp| from the same tensor", self.largest("same_tensor"), limit.same_tensor),
            ("mean |Δp| of a picture, end to end", self.largest("mean"), limit.mean),
            ("share of flipped mask pixels", self.share("flipped", "mask_pixels"), limit.flipped),
            ("share of levels flipped before CLAHE", self.share("level_flips"), limit.level_flips),
            ("share of levels moved after CLAHE", self.share("moved"), limit.moved),
            ("levels moved after CLAHE", self.largest("moved_levels"), limit.moved_levels),
        ):
            if not value <= most:
                found.append(f"{text} {value:.3g}, at most {most:.3g}")
        found += [
            f"{p.name}: crop or retina share differs" for p in self.pictures if not p.box_equal
        ]
        found += [f"{p.name}: not finite" for p in self.pictures if not p.finite]
        return found

    @property
    def verdict(self) -> Verdict:
        if self.faults():
            return Verdict.DIFFERS
        return Verdict.NOT_RUN if self.not_run or not self.pictures else Verdict.AGREES


def compare(
    bundle: Bundle, cases: Iterable[Case], data: str, tick: Callable[[], None] = lambda: None
) -> Parity:
    """Reopen a bundle's artifact and compare it on every case.

    Args:
        cases: read one at a time; a full-size photo is large.
        data: what the pictures are, for the record.
        tick: called after each picture.
    """
    converter, order = bundle.target.converter(), bundle.order
    run = bundle.reference()
    with quiet():
        checks = converter.inspect(bundle.artifact, run, order)
    blank = Parity(
        str(bundle.path), bundle.target.name, order.precision, order.name(), data, checks, [], {}
    )
    reason = converter.why_not(order)
    if reason:
        return replace(blank, not_run=reason)
    with quiet():
        runner = converter.load(bundle.artifact)
    comparison = _Comparison(run, runner, order, converter.LAYOUT)
    pictures = []
    for case in cases:
        with quiet():  # ExecuTorch describes the processor when it first computes
            pictures.append(comparison.picture(case))
        tick()
    not_run = None if pictures else "no pictures"
    return replace(blank, pictures=pictures, dice=comparison.dice(), not_run=not_run)


class _Comparison:
    """Holds what all pictures share, and the masks until Dice is taken over all of them."""

    def __init__(self, run: Run, runner: Runner, order: Order, layout: Layout) -> None:
        self.run, self.runner, self.order, self.layout = run, runner, order, layout
        spec = self.spec = run.config.preprocess.with_frame(order.frame_hw)
        self.graph = Preprocess(spec, layout.histogram, layout.sampling)
        lesions = run.config.lesions
        self.threshold = np.array(
            [run.config.thresholds[code] for code in lesions], np.float32
        ).reshape(-1, 1, 1)
        self.masks: dict[str, list[tuple[NDArray[np.bool_], ...]]] = {c: [] for c in lesions}

    @torch.no_grad()
    def picture(self, case: Case) -> PictureParity:
        frame = photo_to_frame(case.photo, self.spec.frame_hw)
        done = preprocess(frame, self.spec)
        levels, enhanced = self._graph_preprocessing(frame)
        expected = reference_probabilities(self.run, done)
        same = reference_probabilities(self.run, replace(done, enhanced=enhanced))
        # A network alone is handed what the graph would have handed it.
        answer = self.runner(frame if self.order.whole else planes(enhanced))
        mask, reference_mask = answer.probabilities >= self.threshold, expected >= self.threshold
        self._keep_masks(case, done, reference_mask, mask)
        off = np.abs(answer.probabilities - expected)
        moved = np.abs(enhanced.max(axis=2) - done.enhanced.max(axis=2))
        return PictureParity(
            name=case.name,
            cropped=not done.crop.is_whole_frame(
                fitted_hw((case.photo.shape[0], case.photo.shape[1]), self.spec.frame_hw)
            ),
            finite=bool(np.isfinite(answer.probabilities).all()),
            same_tensor=float(np.abs(answer.probabilities - same).max()),
            end_to_end=float(off.max()),
            mean=float(off.mean()),
            flipped=int((mask != reference_mask).sum()),
            mask_pixels=mask.size,
            level_pixels=self.spec.side_px**2,
            level_flips=int((levels != done.levels).any(axis=2).sum()),
            moved=int((moved > 0).sum()),
            moved_levels=float(moved.max()),
            box_equal=not self.order.whole or _same_box(answer, done),
        )

    def _graph_preprocessing(
        self, frame: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Levels before CLAHE and picture after it, (side, side, 3), by the graph in PyTorch."""
        x = torch.from_numpy(frame).unsqueeze(0)
        if not self.layout.channels_last:
            x = x.permute(0, 3, 1, 2).to(torch.float32)
        box, _ = self.graph.find_crop(x)
        levels = self.graph.crop_and_resize(x, box)
        enhanced = self.graph.enhance(levels)
        return levels[0].permute(1, 2, 0).numpy(), enhanced[0].permute(1, 2, 0).numpy()

    def _keep_masks(
        self,
        case: Case,
        done: Preprocessed,
        reference: NDArray[np.bool_],
        artifact: NDArray[np.bool_],
    ) -> None:
        rule = self.run.config.training["mask_rule"]
        for channel, code in enumerate(self.run.config.lesions):
            if code in case.masks:
                truth = mask_at_network(case.masks[code], done.crop, self.spec, rule)
                self.masks[code].append((truth, reference[channel], artifact[channel]))

    def dice(self) -> dict[str, tuple[float, float]]:
        """Per labelled lesion, pooled: the reference's Dice and the artifact's."""
        pooled = {}
        for code, kept in self.masks.items():
            if kept:
                truth, reference, artifact = (np.stack(m) for m in zip(*kept, strict=True))
                pooled[code] = (dice(truth, reference), dice(truth, artifact))
        return pooled


def _same_box(answer: Answer, done: Preprocessed) -> bool:
    """Whole numbers must be equal; the share is one division, equal to float32's last digit."""
    crop = done.crop
    expected = (crop.left, crop.top, crop.width, crop.height)
    # Compared as they came: int() would make 3.9 a 3, and stop at NaN.
    return tuple(answer.crop.tolist()) == expected and abs(answer.retina - done.retina) < 1e-6

"""From the reference to the phone's file: each stage asked in the same way, about the same picture.

A difference between two neighbours was made by the later one. That is how a fault gets a name, and
nothing here knows a target: what a target's stages are, its converter says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from converters.bundle.goldens import planes
from converters.bundle.read import Bundle
from converters.options import Order
from converters.targets import Answer, Converter, Program
from mobileseg.evaluation.reference import reference_probabilities, reference_quality
from mobileseg.preprocess.graph import Preprocess
from mobileseg.preprocess.reference import Preprocessed, preprocess
from mobileseg.runs import WEIGHTS, Run
from mobileseg.spec import PreprocessSpec, photo_to_frame

REFERENCE = "reference"
PREPROCESSING = "graph preprocessing"
EAGER = "eager graph"
EXPORTED = "exported program"
QUANTIZED = "quantized program"
ARTIFACT = "written artifact"
STAGES = (REFERENCE, PREPROCESSING, EAGER, EXPORTED, QUANTIZED, ARTIFACT)
EXPORTS_KEPT = (
    4  # of the last bundles: an export takes ten seconds, and bundles of one run share it
)


@dataclass(frozen=True)
class Given:
    """A photo on its way to every stage."""

    frame: NDArray[np.uint8]  # (H, W, 3)
    done: Preprocessed  # by the reference
    levels: NDArray[np.float32]  # (side, side, 3) before CLAHE, by the graph in PyTorch
    enhanced: NDArray[np.float32]  # (side, side, 3) after it

    @cached_property
    def by_graph(self) -> Preprocessed:
        """The reference's, but for the picture that the graph made, before CLAHE and after."""
        return replace(self.done, levels=self.levels.astype(np.uint8), enhanced=self.enhanced)


Ask = Callable[[Given], Answer]


class Preparation:
    """Photo to `Given`, by a bundle's frame sizes in turn."""

    def __init__(self, run: Run, order: Order, converter: Converter) -> None:
        layout = self.layout = converter.LAYOUT
        self.specs = [run.config.preprocess.with_frame(frame) for frame in order.frames]
        self.graphs = [Preprocess(spec, layout.histogram, layout.sampling) for spec in self.specs]
        self.count = 0

    def next_spec(self) -> PreprocessSpec:
        """Of the frame that the next photo is fitted into."""
        return self.specs[self.count % len(self.specs)]

    @torch.no_grad()
    def give(self, photo: NDArray[np.uint8]) -> Given:
        """(h, w, 3) uint8 RGB of any size."""
        spec, graph = self.next_spec(), self.graphs[self.count % len(self.graphs)]
        self.count += 1
        frame = photo_to_frame(photo, spec.frame_hw)
        x = torch.from_numpy(frame).unsqueeze(0)
        if not self.layout.channels_last:
            x = x.permute(0, 3, 1, 2).to(torch.float32)
        box, _, disc = graph.find_crop(x)
        levels = graph.crop_and_resize(x, box)
        enhanced = graph.enhance(levels, disc)
        if disc is not None:
            levels = levels * disc
        return Given(
            frame, preprocess(frame, spec), _channels_last(levels), _channels_last(enhanced)
        )


def _channels_last(x: Tensor) -> NDArray[np.float32]:
    picture: NDArray[np.float32] = x[0].permute(1, 2, 0).numpy()
    return picture


def stages(bundle: Bundle) -> dict[str, Ask]:
    """Every stage of a bundle by name, in their order; the quantized one where there is one.

    Raises:
        BadInput: the artifact cannot be loaded.
        MissingToolkit: it cannot be run here.
    """
    converter, order = bundle.target.converter(), bundle.order
    run = bundle.reference()
    found: dict[str, Ask] = {
        REFERENCE: lambda given: _as_answer(run, given.done),
        PREPROCESSING: lambda given: _as_answer(run, given.by_graph),
    }
    eager, exported = _in_float32(bundle)
    found[EAGER] = _asking(eager, converter, order)
    found[EXPORTED] = _asking(exported, converter, order)
    rounded = converter.rounded(run, order, bundle.artifact)
    if rounded is not None:
        found[QUANTIZED] = _asking(rounded, converter, order)
    found[ARTIFACT] = file_of(bundle)
    return found


def file_of(bundle: Bundle) -> Ask:
    """A bundle's written file, reopened from disk.

    Raises:
        BadInput: it cannot be loaded.
        MissingToolkit: it cannot be run here.
    """
    runner, whole = bundle.target.converter().load(bundle.artifact), bundle.order.whole
    if whole:
        return lambda given: runner(given.frame)
    return lambda given: _within_disc(runner(planes(given.enhanced)), given)


def _within_disc(answer: Answer, given: Given) -> Answer:
    """A network alone is handed what the graph would have handed it, and cut as that is."""
    return replace(answer, probabilities=given.done.within_disc(answer.probabilities))


_kept: dict[tuple[Any, ...], tuple[Program, Program]] = {}


def _in_float32(bundle: Bundle) -> tuple[Program, Program]:
    """The graph, and what the toolkit is handed of it; kept for the next bundle of this run."""
    converter, order = bundle.target.converter(), bundle.order
    files = bundle.manifest["files"]
    made_from = tuple(str(files[name]["sha256"]) for name in sorted(files) if _of_reference(name))
    key = (converter.program, converter.LAYOUT, made_from, order.frames, order.graph)
    if key not in _kept:
        graph = converter.graph(bundle.reference(), order)
        while len(_kept) >= EXPORTS_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = graph, converter.program(graph)
    return _kept[key]


def _of_reference(name: str) -> bool:
    return name in ("reference/config.json", f"reference/{WEIGHTS}")


def _asking(program: Program, converter: Converter, order: Order) -> Ask:
    """A graph that PyTorch runs, asked as a file would be."""

    @torch.no_grad()
    def ask(given: Given) -> Answer:
        if not order.whole:
            x = torch.from_numpy(planes(given.enhanced)).unsqueeze(0)
        else:
            x = torch.from_numpy(given.frame).unsqueeze(0)
            if not converter.LAYOUT.channels_last:
                x = x.permute(0, 3, 1, 2).to(torch.float32)
        outputs = program(x)
        several = outputs if isinstance(outputs, tuple | list) else (outputs,)
        answer = Answer.of([o.numpy() for o in several])
        return answer if order.whole else _within_disc(answer, given)

    return ask


def _as_answer(run: Run, done: Preprocessed) -> Answer:
    """The reference's."""
    crop = done.crop
    box = np.array([crop.left, crop.top, crop.width, crop.height], np.float32)
    return Answer(
        reference_probabilities(run, done), box, done.retina, reference_quality(run.config, done)
    )

"""Golden pairs: a frame's bytes and what the reference answers, for tests on a phone.

Raw little-endian files, so that every language reads the same without a library. The pictures are
phantoms: nobody's retina leaves with a bundle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.options import Order
from converters.targets import Answer
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.evaluation.reference import reference_probabilities, reference_quality
from mobileseg.files.atomic import write_json
from mobileseg.preprocess.reference import preprocess
from mobileseg.runs import Run
from mobileseg.spec import photo_to_frame

SEED = 20220404  # of the phantoms; any would do, but always the same


@dataclass(frozen=True, slots=True)
class Golden:
    """A frame with a name."""

    name: str
    frame: NDArray[np.uint8]


def golden_frames(frame_hw: tuple[int, int]) -> Iterator[Golden]:
    """A retina off centre, smaller than its frame, and a frame without any."""
    height, width = frame_hw
    phantom = make_phantom(SEED, max(64, min(height, width) * 3 // 4), aspect=1.2)
    yield Golden("retina", photo_to_frame(phantom.picture, frame_hw))
    yield Golden("black", np.zeros((height, width, 3), np.uint8))


def reference_answer(run: Run, frame: NDArray[np.uint8]) -> Answer:
    """Reference preprocessing and eager PyTorch in float32, for a frame of any size."""
    spec = run.config.preprocess.with_frame((frame.shape[0], frame.shape[1]))
    done = preprocess(frame, spec)
    crop = done.crop
    return Answer(
        reference_probabilities(run, done),
        np.array([crop.left, crop.top, crop.width, crop.height], np.float32),
        done.retina,
        reference_quality(run.config, done),
    )


def planes(enhanced: NDArray[np.float32]) -> NDArray[np.float32]:
    """(side, side, 3) -> (3, side, side), as a network alone takes it."""
    return np.ascontiguousarray(enhanced.transpose(2, 0, 1))


def write_goldens(folder: Path, run: Run, order: Order) -> None:
    """Write `folder/<name>/{frame.rgb,probabilities.f32,expected.json}` for each golden frame.

    Of a file that takes frames of several sizes, the others' names end in theirs. For a network
    alone also `enhanced.f32`, the picture after CLAHE: what such a file takes.
    """
    for height, width in order.frames:
        size = "" if (height, width) == order.frame_hw else f"-{height}x{width}"
        for golden in golden_frames((height, width)):
            _write_golden(folder / f"{golden.name}{size}", golden.frame, run, order)


def _write_golden(place: Path, frame: NDArray[np.uint8], run: Run, order: Order) -> None:
    answer = reference_answer(run, frame)
    place.mkdir(parents=True)
    (place / "frame.rgb").write_bytes(frame.tobytes())
    if not order.whole:
        spec = run.config.preprocess.with_frame((frame.shape[0], frame.shape[1]))
        done = replace(preprocess(frame, spec), disc=None)  # of which such a file knows nothing
        answer = replace(answer, probabilities=reference_probabilities(run, done))
        enhanced = planes(done.enhanced)
        (place / "enhanced.f32").write_bytes(enhanced.astype("<f4").tobytes())
    (place / "probabilities.f32").write_bytes(answer.probabilities.astype("<f4").tobytes())
    write_json(
        place / "expected.json",
        {
            "frame": {"shape": list(frame.shape), "dtype": "uint8", "order": "RGB"},
            "probabilities": {"shape": list(answer.probabilities.shape), "dtype": "float32"},
            "crop": [float(v) for v in answer.crop],
            "retina": answer.retina,
            **({} if answer.quality is None else {"quality": [float(v) for v in answer.quality]}),
        },
    )

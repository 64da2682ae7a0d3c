"""Files and their peers side by side: every round each of them answers a few times, in turn.

A shared machine's clock is worth nothing by itself. What slows the machine slows all that take
turns, so ratios hold where milliseconds do not; they are taken to onnxruntime on the plain
float32 export of the same graph, round by round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.bench.engines import REFERENCE, Entrant
from converters.bench.process import Lane, LaneFailed, percentiles
from converters.bench.results import not_measured, row
from converters.bundle.goldens import golden_frames, planes
from converters.targets import artifact_size
from mobileseg.preprocess.reference import preprocess
from mobileseg.runs import open_run

PACKAGES = ("torch", "executorch", "onnxruntime", "litert-torch")
CALLS = 2  # answers in a row: the first finds the caches as the others left them


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to measure."""

    rounds: int = 15
    threads: int = 1


@dataclass
class Field:
    """Entrants of one graph, and what was measured of them."""

    entrants: Sequence[Entrant]
    pace: Pace
    say: Callable[[str], None]
    pictures: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # name -> not a phantom's
    times: dict[str, list[list[float]]] = field(default_factory=dict)  # name -> rounds -> ms
    failed: dict[str, str] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def measure(self) -> list[dict[str, Any]]:
        """A row per entrant."""
        lanes: dict[str, Lane] = {}
        try:
            for entrant in self.entrants:
                self._open(entrant, lanes)
            for done in range(self.pace.rounds):
                for name in list(lanes):
                    self._turn(name, lanes)
                self.say(f"round {done + 1} of {self.pace.rounds}")
            for name, lane in list(lanes.items()):
                memory = lane.leave()
                self.facts[name] |= {"peak_mb": memory.peak_mb, "process_mb": memory.process_mb}
                del lanes[name]
        finally:
            for lane in lanes.values():
                lane.stop()
        return [self._row(entrant) for entrant in self.entrants]

    def _open(self, entrant: Entrant, lanes: dict[str, Lane]) -> None:
        self.say(f"opening {entrant.name}")
        try:
            picture = self.pictures.get(entrant.name)
            picture = picture_for(entrant) if picture is None else picture
            lane = Lane(entrant, picture, self.pace.threads)
        except LaneFailed as error:
            self.failed[entrant.name] = str(error)
            return
        lanes[entrant.name], self.times[entrant.name] = lane, []
        size = artifact_size(entrant.artifact) if entrant.artifact else None
        self.facts[entrant.name] = {
            "load_ms": lane.ready.load_ms,
            "first_ms": lane.ready.first_ms,
            "file_bytes": size,
        }

    def _turn(self, name: str, lanes: dict[str, Lane]) -> None:
        try:
            self.times[name].append(lanes[name].turn(CALLS))
        except LaneFailed as error:
            self.failed[name] = str(error)
            del lanes[name]

    def _row(self, entrant: Entrant) -> dict[str, Any]:
        known = described(entrant, self.pace.threads)
        if why := self.failed.get(entrant.name):
            return not_measured(why, packages=PACKAGES, **known)
        taken = [ms for round_ in self.times[entrant.name] for ms in round_]
        known |= {"rounds": self.pace.rounds, "calls": len(taken), **percentiles(taken)}
        known |= self.facts[entrant.name] | self._ratio(entrant)
        return row(packages=PACKAGES, **known)

    def _ratio(self, entrant: Entrant) -> dict[str, Any]:
        """To the reference, of each round's medians: their median and the rounds' own spread."""
        names = [e.name for e in self.entrants if _is_reference(e)]
        if not names or names[0] not in self.times or names[0] in self.failed:
            return {"ratio_to_onnxruntime_fp32": None, "ratio_p10": None, "ratio_p90": None}
        own, base = (
            np.array([np.median(ms) for ms in self.times[name]])
            for name in (entrant.name, names[0])
        )
        p10, median, p90 = (float(v) for v in np.percentile(own / base, [10, 50, 90]))
        return {"ratio_to_onnxruntime_fp32": median, "ratio_p10": p10, "ratio_p90": p90}


def described(entrant: Entrant, threads: int) -> dict[str, Any]:
    """What a row says of an entrant, measured or not."""
    config = open_run(entrant.run).config
    return {
        "variant": config.variant,
        "members": len(config.members),
        "engine": entrant.engine,
        "precision": entrant.order.precision,
        "threads": threads,
        "side": config.preprocess.side_px,
        "graph": entrant.order.graph,
        "frame": list(entrant.order.frame_hw) if entrant.order.whole else None,
        "run": entrant.run.name,
    }


def _is_reference(entrant: Entrant) -> bool:
    return entrant.engine == REFERENCE and entrant.order.precision == "fp32"


def picture_for(entrant: Entrant) -> NDArray[Any]:
    """A phantom as its graph takes it: a frame, or the picture after CLAHE."""
    spec = open_run(entrant.run).config.preprocess.with_frame(entrant.order.frame_hw)
    retina = next(golden_frames(spec.frame_hw)).frame
    return retina if entrant.order.whole else planes(preprocess(retina, spec).enhanced)

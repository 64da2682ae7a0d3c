"""What the networks of a study mark on each test picture: one network at a time, masks kept packed.

A row of the table is shown by its best run, as validation (never the test set) ranks it; for
single-task rows that is one run a lesion, and together they give all of a picture's masks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mobileseg.data.idrid import Collection, read_idrid
from mobileseg.data.prepared import Prepared, prepare_all
from mobileseg.errors import BadInput
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.lesions import in_order
from mobileseg.report.load import RunFolder
from mobileseg.report.mask_comparison import Counts, count
from mobileseg.report.rows import Row
from mobileseg.runs import Run, open_run
from mobileseg.spec import PreprocessSpec

Watch = Callable[[str, int, int], None]  # what is done, how much of it, of how much
Way = tuple[PreprocessSpec, str]  # preprocessing and mask rule


@dataclass(frozen=True, slots=True)
class Packed:
    """A mask at an eighth of its size."""

    bits: NDArray[np.uint8]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> Packed:
        return cls(np.packbits(mask), mask.shape)

    @property
    def mask(self) -> NDArray[np.bool_]:
        flat = np.unpackbits(self.bits, count=int(np.prod(self.shape)))
        return flat.astype(bool).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Marked:
    """One lesion of one picture by one run."""

    run: str
    threshold: float
    truth: Packed
    predicted: Packed
    counts: Counts


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture as everybody saw it."""

    name: str
    levels: NDArray[np.uint8]  # (side, side, 3), cropped, as the first row's network took it
    truth: dict[str, Packed] = field(default_factory=dict)  # lesion -> at that size
    marked: dict[str, dict[str, Marked]] = field(default_factory=dict)  # row label -> lesion
    levels_of: dict[str, NDArray[np.uint8]] = field(default_factory=dict)  # row label -> its own

    @property
    def dice(self) -> float | None:
        """Mean over rows and lesions where it is defined."""
        every = [m.counts.dice for lesions in self.marked.values() for m in lesions.values()]
        known = [d for d in every if d is not None]
        return sum(known) / len(known) if known else None


def chosen_runs(row: Row) -> list[RunFolder]:
    """The best run of each task in a row, by the score that training kept."""

    def rank(run: RunFolder) -> tuple[float, str]:
        score = run.record.get("best_validation_aupr")
        return (-score if isinstance(score, int | float) else 1.0, run.name)

    best: dict[str, RunFolder] = {}
    for run in sorted(row.runs, key=rank):
        best.setdefault(run.task, run)
    return list(best.values())


def look_at(rows: Sequence[Row], data: Path, watch: Watch) -> tuple[list[Seen], list[str]]:
    """Run every row's chosen runs over the pictures of the split they were scored on.

    Returns:
        The pictures in order of their names, and why a run is not among their masks.

    Raises:
        BadInput: `data` is no IDRiD folder, or not labelled for a lesion.
    """
    collection = read_idrid(data)
    seen: dict[str, Seen] = {}
    not_drawn: list[str] = []
    opened: list[tuple[Row, RunFolder, Run]] = []
    for row in rows:
        for folder in chosen_runs(row):
            try:
                run = open_run(folder.path)
                _ = run.networks  # the weights are there and whole
            except BadInput as error:
                not_drawn.append(f"{row.label}, {folder.name}: {error}")
                continue
            # Opened again when its turn comes: all networks at once may not fit.
            opened.append((row, folder, Run(run.path, run.config)))
    prepared = _prepared(collection, opened, watch)
    pictures = sum(len(prepared[_way(run)][row.setting.split]) for row, _, run in opened)
    done = 0
    for row, folder, run in opened:
        for sample in prepared[_way(run)][row.setting.split]:
            found = seen.setdefault(sample.name, Seen(sample.name, sample.picture.levels))
            found.levels_of[row.label] = sample.picture.levels
            for code, marked in _marked(run, folder, sample, _lesions(opened, _way(run))):
                found.marked.setdefault(row.label, {})[code] = marked
                if found.levels.shape[:2] == marked.truth.shape:
                    found.truth.setdefault(code, marked.truth)
            done += 1
            watch("looking at pictures", done, pictures)
        run.__dict__.pop("networks", None)  # the cached networks: the next ones need the room
    return [seen[name] for name in sorted(seen)], not_drawn


def _way(run: Run) -> Way:
    return run.config.preprocess, str(run.config.training["mask_rule"])


def _lesions(opened: Sequence[tuple[Row, RunFolder, Run]], way: Way) -> tuple[str, ...]:
    return in_order(c for _, _, run in opened if _way(run) == way for c in run.config.lesions)


def _prepared(
    collection: Collection, opened: Sequence[tuple[Row, RunFolder, Run]], watch: Watch
) -> dict[Way, dict[str, list[Prepared]]]:
    """Every picture once for each way of preprocessing and split."""
    ways: dict[Way, dict[str, list[Prepared]]] = {}
    for row, _, run in opened:
        way, split = _way(run), row.setting.split
        if split in ways.setdefault(way, {}):
            continue
        lesions = _lesions(opened, way)
        samples = collection.split(split, lesions)
        watch("reading pictures", 0, len(samples))
        ways[way][split] = prepare_all(collection.root, samples, lesions, *way)
        watch("reading pictures", len(samples), len(samples))
    return ways


def _marked(
    run: Run, folder: RunFolder, sample: Prepared, lesions: Sequence[str]
) -> Iterator[tuple[str, Marked]]:
    probabilities = reference_probabilities(run, sample.picture)  # (C, side, side)
    for channel, code in enumerate(run.config.lesions):
        scored = folder.lesions.get(code)
        threshold = scored.threshold if scored else None
        if threshold is None:
            threshold = run.config.thresholds[code]
        truth = sample.masks[lesions.index(code)]
        predicted = probabilities[channel] >= np.float32(threshold)
        counts = count(truth, predicted)
        yield (
            code,
            Marked(folder.name, threshold, Packed.of(truth), Packed.of(predicted), counts),
        )

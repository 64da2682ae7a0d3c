"""Pixels counted by probability: what a curve needs of pictures that do not fit into memory.

A sigmoid's answers crowd at 0 and at 1, where bins of one width would put half of a curve into a
single bin. These bins are of one width in log p below 1/2 and in log(1 - p) above, so both ends
are as finely divided as the middle. They come from the bits of a float32 and from whole numbers
alone: a pixel lies in bin i or above exactly where its probability is at least `edge(i)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _bits(value: float) -> int:
    return int(np.float32(value).view(np.int32))


HALF = _bits(0.5)
FLOOR = _bits(2.0**-41)  # a logit of -28: under it a network is sure, and one bin is enough
LEAST = _bits(2.0**-25)  # under the least 1 - p that is not 0, which is 2**-24
SHIFT = 9  # 2**14 of the 2**23 float32 numbers between a power of two and the next
BINS = 2 + ((2 * HALF - LEAST - FLOOR) >> SHIFT)  # the first for exactly 0, the last for exactly 1
GROUPS = 2**14  # for the bootstrap: each adds at most 2**-14 of recall

Counts = NDArray[np.int64]


def bin_of(probability: NDArray[np.float32]) -> NDArray[np.int32]:
    """The bin of each pixel, 0..BINS - 1, rising with the probability; float32 in 0..1."""
    upper = probability > 0.5
    small = np.where(upper, 1 - probability, probability)  # exact: 1 - p loses nothing from 1/2 on
    bits = small.view(np.int32)
    key = np.where(upper, 2 * HALF - np.maximum(bits, LEAST), np.maximum(bits, FLOOR))
    index = ((key - FLOOR) >> SHIFT) + 1
    index[probability == 0] = 0
    return index


# Close to 1, float32 numbers lie 2**-24 apart and bins closer: from here on one number to a bin.
SINGLE = int(bin_of(np.array([1 - 2.0 ** -(SHIFT + 1)], np.float32))[0])


def edge(index: int) -> float:
    """The least float32 that lies in a bin."""
    if index < 2:  # 0 itself, and whatever is more
        return float(np.nextafter(np.float32(0), np.float32(index)))
    key = FLOOR + ((index - 1) << SHIFT)
    if key <= HALF:
        return float(np.int32(key).view(np.float32))
    most = float(np.int32(2 * HALF - key).view(np.float32))  # of 1 - p
    return float(1 - np.floor(most * 2**24) / 2**24)


def count(truth: NDArray[np.bool_], probability: NDArray[np.float32]) -> Counts:
    """(2, BINS): pixels without and with the lesion in each bin."""
    index = bin_of(probability.ravel())
    index += truth.ravel() * np.int32(BINS)
    return np.bincount(index, minlength=2 * BINS).reshape(2, BINS)


def groups(lesion: NDArray[np.int64]) -> NDArray[np.intp]:
    """The lowest bins of at most `GROUPS` + 1 stretches that hold about equally many lesion pixels.

    Few enough to resample a thousand times, and hardly less exact: within a stretch recall gains
    so little that precision may do what it likes.

    Args:
        lesion: (BINS,) lesion pixels in each bin.

    Returns:
        (K,) rising bins, each with a lesion pixel; K is 0 where there is none.
    """
    falling = np.flatnonzero(lesion)[::-1]
    share = np.cumsum(lesion[falling]) * GROUPS // max(int(lesion.sum()), 1)
    last = np.append(np.diff(share) > 0, True)[: len(falling)]
    lowest: NDArray[np.intp] = falling[last][::-1]
    return lowest


class Grouped:
    """Counts by stretch, without a count of every bin for every picture.

    Args:
        lowest: (K,) rising bins, from `groups`.
    """

    def __init__(self, lowest: NDArray[np.intp]) -> None:
        self.stretches = len(lowest)
        # Which stretch each bin is in, from 1; 0 is under all of them.
        self.of_bin = np.searchsorted(lowest, np.arange(BINS), side="right").astype(np.int32)

    def count(self, truth: NDArray[np.bool_], probability: NDArray[np.float32]) -> Counts:
        """(2, K): pixels without and with the lesion in each stretch."""
        each = self.stretches + 1
        index = self.of_bin[bin_of(probability.ravel())]
        index += truth.ravel() * np.int32(each)
        return np.bincount(index, minlength=2 * each).reshape(2, each)[:, 1:]


def cumulated(counts: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """(..., 2, K) counts, rising in probability -> what `step_area` takes, falling; (..., K)."""
    other, lesion = np.moveaxis(counts[..., ::-1], -2, 0)
    hits = np.cumsum(lesion, axis=-1)
    return lesion, hits, hits + np.cumsum(other, axis=-1)


def step_area(
    gained: NDArray[Any], hits: NDArray[Any], predicted: NDArray[Any]
) -> NDArray[np.float64]:
    """Average precision where all pixels of a bin are predicted at once.

    Args:
        gained: (..., K) lesion pixels of each bin, falling in probability.
        hits: (..., K) lesion pixels of it and the bins above.
        predicted: (..., K) pixels of it and the bins above.

    Returns:
        (...) in 0..1; NaN where there is no lesion pixel.
    """
    precision = hits / np.maximum(predicted, 1)
    with np.errstate(invalid="ignore"):  # 0/0: no lesion, no curve
        area: NDArray[np.float64] = np.einsum("...k,...k", gained, precision) / hits[..., -1]
    return area


def uncertainty(counts: Counts, *, single: int = SINGLE) -> float:
    """How far the exact average precision may be from that of the bins, at most.

    Within a bin the lesion pixels may come first or last, but not where a bin has but one
    probability: these pixels are truly equal.

    Args:
        counts: (2, K).
        single: from this bin on, and in the first, there is one probability to a bin.
    """
    lesion, hits, predicted = cumulated(counts)
    false, other = predicted - hits, counts[0, ::-1]
    first = hits / np.maximum(hits + false - other, 1)
    last = (hits - lesion + 1) / np.maximum(hits - lesion + 1 + false, 1)
    spread = lesion * (first - last)
    several = slice(counts.shape[1] - single, -1)  # falling
    return float(spread[several].sum() / hits[-1]) if hits[-1] else 0.0


def best_edge(counts: Counts) -> float:
    """The lowest edge with the highest F1; 0.5 where there is no lesion pixel."""
    _, hits, predicted = cumulated(counts)
    if not hits[-1]:
        return 0.5
    f1 = 2 * hits / (predicted + hits[-1])
    at = np.flatnonzero(counts.any(axis=0))  # elsewhere an edge is nobody's probability
    return edge(int(at[np.argmax(f1[::-1][at])]))  # the first of equals

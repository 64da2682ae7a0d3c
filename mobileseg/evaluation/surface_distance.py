"""How far apart the borders of two masks lie, in pixels.

A mask's border is its pixels with a 4-neighbour outside of it; beyond the picture's edge is
outside too. From each border pixel of one mask the Euclidean distance to the nearest border pixel
of the other is taken, both ways. Hausdorff is the largest of all; Hausdorff 95 is the larger of
the two directed 95th percentiles (not of the pooled distances: there a small mask's far pixels
drown in a large one's near ones). DeepMind's toolbox, which the paper used, takes the same larger
one of two, but puts surfaces between pixels and weighs them by length. That moves a distance by up
to a pixel; Hausdorff 95 it moves much further where a far lesion holds about a twentieth of the
border, and so lies within the percentile or beyond it (benchmarks/results/metrics-speed-cpu.json).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

Mask = NDArray[np.bool_]
Distances = NDArray[np.float64]

# Border pixels of both masks for each pixel of their rectangle. Up to here a tree finds the nearest
# pixels faster than a distance transform does, ten times so for real lesions; beyond it the other
# way round. Both give the root of the same whole number.
CROWDED = 1 / 8

# What stands where one mask is empty and the other is not: "the maximum value corresponding to
# the image size", which the paper does not name. The diagonal is the default because no distance
# within the picture exceeds it: a missed lesion is never better than one found in the wrong place.
EMPTY: dict[str, Callable[[int, int], float]] = {
    "diagonal": lambda height, width: math.hypot(height - 1, width - 1),
    "side": lambda height, width: float(max(height, width)),
}


def border(mask: Mask) -> Mask:
    """(H, W) bool: the mask's pixels with a 4-neighbour outside of it."""
    edge = mask.copy()  # beyond the picture's edge counts as outside
    inside = mask[1:-1, 1:-1]
    across = mask[1:-1, :-2] & mask[1:-1, 2:]
    edge[1:-1, 1:-1] = inside & ~(across & mask[:-2, 1:-1] & mask[2:, 1:-1])
    return edge


def _box(mask: Mask) -> tuple[slice, slice]:
    """The smallest rectangle that holds a mask: nothing outside it is anyone's nearest pixel."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def surface_distances(truth: Mask, predicted: Mask) -> tuple[Distances, Distances]:
    """From each border pixel of the truth to the prediction's border, and the other way.

    Args:
        truth, predicted: (H, W) bool, neither of them empty.

    Returns:
        Pixels, one value per border pixel, in no particular order.
    """
    box = _box(truth | predicted)
    ours, theirs = border(truth[box]), border(predicted[box])
    crowded = np.count_nonzero(ours) + np.count_nonzero(theirs) > CROWDED * ours.size
    directed = by_transform if crowded else by_tree
    return directed(ours, theirs), directed(theirs, ours)


def by_transform(ours: Mask, theirs: Mask) -> Distances:
    """From each pixel of the one to the nearest of the other, through every pixel's distance."""
    distances: Distances = ndimage.distance_transform_edt(~theirs)[ours]
    return distances


def by_tree(ours: Mask, theirs: Mask) -> Distances:
    """From each pixel of the one to the nearest of the other, looking at no other pixel."""
    apart = ours & ~theirs
    distances = np.zeros(np.count_nonzero(ours))
    if apart.any():
        # Plain cuts: a tree that is asked once need not be well balanced.
        tree = cKDTree(_points(theirs), balanced_tree=False, compact_nodes=False)
        found, _ = tree.query(_points(apart))
        distances[: len(found)] = found
    return distances


def _points(mask: Mask) -> Distances:
    """(n, 2) rows and columns."""
    rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return np.stack([rows, columns], axis=1).astype(np.float64)


def hausdorff(truth: Mask, predicted: Mask, *, empty: str = "diagonal") -> tuple[float, float]:
    """Hausdorff distance and its 95th percentile, in pixels.

    Args:
        truth, predicted: (H, W) bool.
        empty: a row of `EMPTY`: the distance where exactly one of the masks is empty.

    Returns:
        0 where both are empty: nothing to find, nothing found.

    Source: the paper's rule for empty masks (section 3); np.percentile, linear.
    """
    if not (truth.any() and predicted.any()):
        both = not (truth.any() or predicted.any())
        distance = 0.0 if both else EMPTY[empty](*truth.shape)
        return distance, distance
    directed = surface_distances(truth, predicted)
    largest = max(float(d.max()) for d in directed)
    return largest, max(float(np.percentile(d, 95)) for d in directed)

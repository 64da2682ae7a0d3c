"""Pictures of another size, and pictures read at given places.

A grid says where along an axis each new value is read; between two values it is interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from converters.coreml.mil.arguments import Arguments, Unsupported
from converters.coreml.mil.op_spec import Result, Row


def _scaled(a: Arguments, size: int, name: str) -> int:
    return math.floor(size * a.number(name, 1.0))


def _upsample_bilinear(a: Arguments) -> Result:
    """Grid with aligned corners: i · (n-1)/(m-1); else (i + 1/2) · n/m - 1/2, within the picture.

    n values become m = floor(n · factor), and the factor of the grid is m/n, not the given one.
    """
    x = a.tensor("x")
    corners = a.flag("align_corners", True)
    if a.flag("half_pixel_centers", not corners) == corners:
        raise Unsupported("mixes align_corners and half_pixel_centers; its grid is undocumented")
    height = _scaled(a, x.shape[-2], "scale_factor_height")
    width = _scaled(a, x.shape[-1], "scale_factor_width")
    picture = x.reshape(1, -1, *x.shape[-2:])
    out = functional.interpolate(picture, (height, width), mode="bilinear", align_corners=corners)
    return out.reshape(*x.shape[:-2], height, width)


def _upsample_nearest(a: Arguments) -> Result:
    """Each value repeated; the grid of a factor that is no whole number is undocumented."""
    x = a.tensor("x")
    for axis, name in ((-2, "scale_factor_height"), (-1, "scale_factor_width")):
        factor = a.number(name, 1.0)
        if factor < 1 or factor != int(factor):
            raise Unsupported(f"repeats each value {factor} times")
        x = x.repeat_interleave(int(factor), axis)
    return x


# How `resize_bilinear` reads n values as m: (n, m) -> the step of the grid, and where it begins.
SAMPLINGS: dict[str, Callable[[int, int], tuple[float, float]]] = {
    "STRICT_ALIGN_CORNERS": lambda n, m: ((n - 1) / max(m - 1, 1), 0.0),
    "ALIGN_CORNERS": lambda n, m: ((n - 1) / max(m - 1, 1), 0.0 if m > 1 else (n - 1) / 2),
    "DEFAULT": lambda n, m: ((n - n / m) / max(m - 1, 1), 0.0),
    "OFFSET_CORNERS": lambda n, m: (max(1, n - 1) / m, 0.5 * max(1, n - 1) / m),
    "UNALIGN_CORNERS": lambda n, m: (n / m, 0.5 * n / m - 0.5),
}


def grid(mode: str, n: int, m: int) -> Tensor:
    """(m,) float32: where along n values each of m is read."""
    step, first = SAMPLINGS[mode](n, m)
    return torch.clamp(first + step * torch.arange(m, dtype=torch.float64), 0, n - 1).float()


def _along(x: Tensor, places: Tensor, axis: int) -> Tensor:
    """Interpolate along one axis."""
    below = places.floor().to(torch.int64)
    above = torch.clamp(below + 1, max=x.shape[axis] - 1)
    share = (places - below).reshape([-1] + [1] * (-1 - axis))
    return x.index_select(axis, below) * (1 - share) + x.index_select(axis, above) * share


def _resize_bilinear(a: Arguments) -> Result:
    x = a.tensor("x")
    mode = a.word("sampling_mode", tuple(SAMPLINGS), "DEFAULT")
    for axis, name in ((-2, "target_size_height"), (-1, "target_size_width")):
        x = _along(x, grid(mode, x.shape[axis], a.whole(name, 1)), axis)
    return x


# Coordinates -> places in pixels, of n pixels; with and without the extremes at pixel centres.
COORDINATES: dict[str, Callable[[Tensor, int, bool], Tensor]] = {
    "unnormalized": lambda c, n, corners: c,
    "normalized_minus_one_to_one": lambda c, n, corners: (
        (c + 1) / 2 * (n - 1) if corners else ((c + 1) * n - 1) / 2
    ),
    "normalized_zero_to_one": lambda c, n, corners: c * (n - 1) if corners else c * n - 0.5,
}


def _mirrored(place: Tensor, period: int, edge: int) -> Tensor:
    """0 1 2 … back … 2 1 0, `edge` being added on the way back."""
    turn = torch.remainder(place, period) if period else torch.zeros_like(place)
    return torch.minimum(turn, period - turn - edge)


# Whole places, of n pixels -> where the padded picture takes its value from.
PADDINGS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "constant": lambda p, n: torch.clamp(p, 0, n - 1),
    "border": lambda p, n: torch.clamp(p, 0, n - 1),
    "reflection": lambda p, n: _mirrored(p, 2 * (n - 1), 0),
    "symmetric": lambda p, n: _mirrored(p, 2 * n, 1),
}


def _resample(a: Arguments) -> Result:
    """(N, C, H, W) read at (N, h, w, 2) coordinates, x before y, from the padded picture."""
    x, coordinates = a.tensor("x"), a.tensor("coordinates").to(torch.float32)
    sampling = a.word("sampling_mode", ("bilinear", "nearest"))
    padding = a.word("padding_mode", tuple(PADDINGS))
    value = a.number("padding_value", 0.0)
    place = COORDINATES[a.word("coordinates_mode", tuple(COORDINATES))]
    corners = a.flag("align_corners")
    column = place(coordinates[..., 0], x.shape[3], corners)
    row = place(coordinates[..., 1], x.shape[2], corners)

    def at(rows: Tensor, columns: Tensor) -> Tensor:
        """(N, C, h, w): the padded picture at whole places."""
        y, z = rows.to(torch.int64), columns.to(torch.int64)
        batch = torch.arange(x.shape[0]).reshape(-1, 1, 1)
        found = x[batch, :, PADDINGS[padding](y, x.shape[2]), PADDINGS[padding](z, x.shape[3])]
        if padding == "constant":
            inside = (y >= 0) & (y < x.shape[2]) & (z >= 0) & (z < x.shape[3])
            found = torch.where(inside.unsqueeze(-1), found, torch.full_like(found, value))
        return found.permute(0, 3, 1, 2)

    if sampling == "nearest":
        return at(*(_nearest(places) for places in (row, column)))
    top, left = row.floor(), column.floor()
    down, right = ((p - q).unsqueeze(1) for p, q in ((row, top), (column, left)))
    above = at(top, left) * (1 - right) + at(top, left + 1) * right
    below = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    return above * (1 - down) + below * down


def _nearest(places: Tensor) -> Tensor:
    if bool((places - places.floor() == 0.5).any()):
        raise Unsupported("reads half way between two pixels; which is nearest is undocumented")
    return torch.floor(places + 0.5)


OPERATIONS = {
    "upsample_bilinear": Row(_upsample_bilinear),
    "upsample_nearest_neighbor": Row(_upsample_nearest),
    "resize_bilinear": Row(_resize_bilinear),
    "resample": Row(_resample),
}

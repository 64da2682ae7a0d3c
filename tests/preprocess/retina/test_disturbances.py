"""The disturbances say where the circle then is: the slow reference finds it there."""

from __future__ import annotations

import pytest

from retina import phantoms
from retina.boxes import circle_error
from retina.disturbances import DISTURBANCES
from retina.score import rng_of
from retina.slow_circle import find_circle

# Of the radius. Measured: at most 0.04 %, at a tenth of the light and with 40 % of the edge left.
PLACE_LIMIT = 0.001
NO_RIM = ("white surround", "grey surround", "blue surround", "retina throughout")
TOO_LITTLE = ("cut on three sides",)  # less than a quarter of the edge, in all three phantoms
RIM_KEPT = [row for row in DISTURBANCES if row not in NO_RIM + TOO_LITTLE]


@pytest.mark.parametrize("row", RIM_KEPT)
def test_disturbances_say_where_the_circle_then_is(row: str) -> None:
    # One phantom each: a fit takes half a second. Of some retinas too little is left for a fit.
    for key, photo, circle in phantoms.pictures():
        spoilt, moved = DISTURBANCES[row].spoil(photo, circle, rng_of(key, row))
        if moved.in_frame >= 0.25:
            found = find_circle(spoilt)
            assert circle_error(found, moved) < PLACE_LIMIT, (key, found, moved)
            return
    pytest.fail("no phantom has a quarter of its edge left")

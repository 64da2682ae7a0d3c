"""Each fault does what its grade says, nothing at neutral, and everything comes from the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mobileseg.data.augmentation.camera_faults import READ_SHARE, STOP_LEVELS, Levels
from mobileseg.data.augmentation.photometry import (
    CLEAN_SHARE,
    FAULTS,
    apply_grades,
    draw_grades,
    spoil,
)
from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import prepare
from mobileseg.errors import BadInput, UnknownName
from mobileseg.spec import RETINA_THRESHOLD, PreprocessSpec

SIDE = 128
LIGHTS_WAY = (
    *("vignetting", "defocus", "motion blur", "glare"),  # optics
    *("exposure", "white balance", "noise"),  # sensor
    *("gamma", "saturation", "jpeg"),  # processing and file
)
ENDS = [(f.name, end) for f in FAULTS.values() for end in (f.low, f.high) if end != f.neutral]
KEEP_BLACK = ("vignetting", "glare", "exposure", "white balance", "gamma", "saturation")


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def radii(side: int) -> NDArray[np.float64]:
    """Distance from the centre, 1 at the disc's edge."""
    place = (np.arange(side) + 0.5) * 2 / side - 1
    return np.hypot(place[:, None], place[None, :])


def disc(side: int = SIDE) -> Levels:
    """A reddish disc with texture fine and coarse, pure black around it."""
    rng = random(1)
    coarse = cv2.resize(rng.normal(size=(8, 8)), (side, side), interpolation=cv2.INTER_CUBIC)
    texture = 12 * coarse[..., None] + 8 * rng.normal(size=(side, side, 1))
    levels = np.clip(np.array([150.0, 85, 40]) + texture, 30, 250).astype(np.uint8)
    levels[radii(side) > 0.97] = 0
    return levels


def spoiled(name: str, grade: float, levels: Levels | None = None, seed: int = 0) -> Levels:
    return FAULTS[name].apply(disc() if levels is None else levels, grade, random(seed))


def light(levels: Levels) -> NDArray[np.float64]:
    """As the faults between pixels take it: the square of the level."""
    return (levels / 255) ** 2


def test_the_table_is_complete_and_in_the_order_of_the_light() -> None:
    assert tuple(FAULTS) == LIGHTS_WAY
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.low <= fault.neutral <= fault.high
        assert fault.low < fault.high
        assert 0 < fault.share < 1
        assert fault.unit
        # A year or a number of a paper or a law; a range from nowhere would have none.
        assert any(word in fault.source for word in ("arXiv", "doi", "PMID", " et al. "))


@pytest.mark.parametrize("name", FAULTS)
def test_a_neutral_grade_changes_no_level(name: str) -> None:
    every_level = np.arange(256, dtype=np.uint8).repeat(16).reshape(64, 64)
    levels = np.stack([every_level, every_level.T, every_level[::-1]], axis=-1)
    for seed in range(3):
        assert np.array_equal(spoiled(name, FAULTS[name].neutral, levels, seed), levels)


@pytest.mark.parametrize(("name", "end"), ENDS)
@pytest.mark.parametrize("side", [32, 65])
def test_a_fault_gives_a_picture_of_the_same_kind_and_leaves_its_own_alone(
    name: str, end: float, side: int
) -> None:
    levels = disc(side)
    before = levels.copy()
    levels.flags.writeable = False
    found = spoiled(name, end, levels)
    assert (found.shape, found.dtype) == (levels.shape, np.uint8)
    assert np.array_equal(levels, before)
    assert not np.array_equal(found, levels)
    mirrored = levels[:, ::-1]  # not contiguous
    assert np.array_equal(spoiled(name, end, mirrored), spoiled(name, end, mirrored.copy()))


def gradient_energy(levels: Levels) -> float:
    inside = levels[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4].astype(float)
    return float((np.diff(inside, axis=0) ** 2).mean() + (np.diff(inside, axis=1) ** 2).mean())


def error(levels: Levels) -> float:
    return float(((levels.astype(float) - disc()) ** 2).mean())


def colourfulness(levels: Levels) -> float:
    return float(np.ptp(levels.astype(float), axis=-1).mean())


def red_over_blue(levels: Levels) -> float:
    return float(levels[..., 0].mean() / levels[..., 2].mean())


QUANTITIES: dict[str, tuple[Callable[[Levels], float], int]] = {  # and whether it grows or falls
    "vignetting": (np.mean, -1),
    "defocus": (gradient_energy, -1),
    "motion blur": (gradient_energy, -1),
    "glare": (np.mean, 1),
    "exposure": (np.mean, 1),
    "white balance": (red_over_blue, 1),
    "noise": (error, 1),
    "gamma": (np.mean, -1),
    "saturation": (colourfulness, 1),
    "jpeg": (error, -1),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("seed", range(3))
def test_more_of_a_fault_is_more_of_what_it_is_about(name: str, seed: int) -> None:
    quantity, direction = QUANTITIES[name]
    grades = np.linspace(FAULTS[name].low, FAULTS[name].high, 6)
    found = [quantity(spoiled(name, float(grade), seed=seed)) for grade in grades]
    assert (direction * np.diff(found) > 0).all(), found


def test_a_stop_doubles_the_light() -> None:
    grey = np.full((32, 32, 3), 100, np.uint8)
    # sRGB: level 100 is 0.1274 of white; twice that is level 138.
    assert (spoiled("exposure", 1, grey) == 138).all()
    assert (spoiled("exposure", -1, spoiled("exposure", 1, grey)) == 100).all()
    assert (spoiled("exposure", 8, grey) == 255).all()


def test_white_balance_moves_red_against_blue_by_its_stops() -> None:
    grey = np.full((32, 32, 3), 100, np.uint8)
    warm = spoiled("white balance", 2.0, grey)[0, 0]
    assert (warm[0], warm[2]) == (138, 71)  # a stop more red, one less blue (sRGB)
    tints = {int(spoiled("white balance", 2.0, grey, seed)[0, 0, 1]) for seed in range(9)}
    assert len(tints) > 3
    assert min(tints) >= 84  # half a stop each way at most: 84 and 118
    assert max(tints) <= 118


def test_gamma_keeps_black_and_white() -> None:
    ends = np.zeros((32, 32, 3), np.uint8)
    ends[16:] = 255
    assert np.array_equal(spoiled("gamma", 1.5, ends), ends)
    grey = np.full((32, 32, 3), 128, np.uint8)
    assert (spoiled("gamma", 2.0, grey) == 64).all()  # 255 (128 / 255)^2 = 64.25


def test_no_saturation_is_grey_of_the_same_luma() -> None:
    red = np.zeros((32, 32, 3), np.uint8) + np.array([200, 0, 0], np.uint8)
    assert (spoiled("saturation", 0.0, red) == 60).all()  # 0.299 · 200


def point(side: int = 65) -> Levels:
    levels = np.zeros((side, side, 3), np.uint8)
    levels[side // 2, side // 2] = 255
    return levels


def moments(levels: Levels) -> tuple[float, float]:
    """The light's total, and the mean square of its distance from the middle, pixels²."""
    found = light(levels)[..., 0]
    away = np.arange(len(found)) - len(found) // 2
    square = away[:, None] ** 2 + away[None, :] ** 2
    return float(found.sum()), float((found * square).sum() / found.sum())


def test_defocus_makes_of_a_point_a_disc_of_its_radius() -> None:
    total, square = moments(spoiled("defocus", 4 / 65, point()))
    # A disc of radius r has r²/2; sharing between neighbours adds up to 1/4 of a pixel each way,
    # and levels round. A radius of 3.8 or 4.2 would be off by 0.8.
    assert square == pytest.approx(8 + 1 / 3, abs=0.4)
    assert total == pytest.approx(1, rel=0.03)  # 50 levels, rounded by up to a half of about 36


def test_motion_makes_of_a_point_a_line_of_its_length() -> None:
    for seed in range(4):
        streak = spoiled("motion blur", 9 / 65, point(), seed)
        total, square = moments(streak)
        assert square == pytest.approx(81 / 12 + 1 / 3, abs=0.4)  # a line of length l has l²/12
        assert total == pytest.approx(1, rel=0.03)
        y, x = np.nonzero(streak[..., 0])
        across = np.linalg.eigvalsh(np.cov(y, x, aweights=light(streak)[y, x, 0]))[0]
        assert across < 0.5  # a disc of that spread has 3.5; sharing between neighbours has 0.2
    directions = {tuple(spoiled("motion blur", 9 / 65, point(), s).nonzero()[0]) for s in range(4)}
    assert len(directions) == 4


def test_vignetting_takes_its_share_one_radius_from_the_axis() -> None:
    white = np.full((256, 256, 3), 255, np.uint8)
    left = light(spoiled("vignetting", 0.6, white))[..., 0]
    middle = np.array(np.unravel_index(left.argmax(), left.shape))
    assert np.hypot(*(middle - 127.5)) <= 0.25 * 128 + 1
    y, x = np.mgrid[:256, :256]
    rim = np.abs(np.hypot(y - middle[0], x - middle[1]) - 128) < 1
    assert left[rim].mean() == pytest.approx(0.4, abs=0.02)  # the axis is known to a pixel or two


def test_glare_adds_its_peak_within_the_disc_and_nothing_outside() -> None:
    levels = disc()
    added = light(spoiled("glare", 0.3, levels)) - light(levels)
    assert added.max() == pytest.approx(0.3, abs=0.06)  # white of 246 to 251, or a tint below
    assert not added[radii(SIDE) > 0.97].any()
    place = np.unravel_index(added[..., 1].argmax(), (SIDE, SIDE))
    assert radii(SIDE)[place] < 0.97


def test_glare_ends_where_the_finder_has_its_retina_begin() -> None:
    assert STOP_LEVELS[1] == RETINA_THRESHOLD
    dark = np.full((SIDE, SIDE, 3), int(STOP_LEVELS[0]), np.uint8)
    assert np.array_equal(spoiled("glare", 1.0, dark), dark)


@pytest.mark.parametrize("level", [80, 160, 220])
def test_noise_has_the_size_that_its_grade_says(level: int) -> None:
    grey = np.full((256, 256, 3), level, np.uint8)
    amount, white = 0.03, (level / 255) ** 2
    noisy = light(spoiled("noise", amount, grey))
    expected = amount * np.sqrt(white + READ_SHARE**2)
    # 196,608 deviates: an SD is known to 0.2 %; rounding to levels adds 1 % at the darkest.
    assert noisy.std() == pytest.approx(expected, rel=0.03)
    assert noisy.mean() == pytest.approx(white, abs=0.001)
    channels = (noisy - noisy.mean()).reshape(-1, 3)
    assert np.abs(np.corrcoef(channels.T) - np.eye(3)).max() < 0.02  # each of its own


def test_jpeg_knows_red_from_blue_and_100_is_none() -> None:
    red = np.zeros((32, 32, 3), np.uint8) + np.array([200, 30, 30], np.uint8)
    assert np.abs(spoiled("jpeg", 90, red).astype(int) - red).max() <= 2  # flat: nothing to lose
    assert np.array_equal(spoiled("jpeg", 99.6, disc()), disc())
    assert not np.array_equal(spoiled("jpeg", 99.4, disc()), disc())


@pytest.mark.parametrize("name", FAULTS)
def test_black_stays_as_a_camera_has_it(name: str) -> None:
    levels, outside = disc(), radii(SIDE) > 1.08  # beyond the reach of blur, and of JPEG's blocks
    for _, end in (pair for pair in ENDS if pair[0] == name):
        found = spoiled(name, end, levels)
        if name in KEEP_BLACK:
            assert not found[radii(SIDE) > 0.97].any()
        elif name == "noise":  # read noise alone: 255 sqrt(2.9 SD · 0.13 · 0.03) = 27
            assert 0 < found[outside].max() <= 27
            assert found[outside].mean() < 10
        elif name == "jpeg":  # the mean of an 8x8 block is rounded too, coarsely
            assert found[radii(SIDE) > 1.3].max() <= 2
        else:
            assert not found[outside].any()


def test_strength_0_gives_the_very_same_array() -> None:
    levels = disc()
    assert all(spoil(levels, random(seed), 0) is levels for seed in range(20))


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_its_range_is_refused(strength: float) -> None:
    with pytest.raises(BadInput, match=r"strength .*: expected 0 \(no faults\) to 1"):
        spoil(disc(), random(), strength)


MANY = 4000


def test_as_many_pictures_are_clean_and_spoiled_as_the_table_says() -> None:
    drawn = [draw_grades(random(seed), 1.0) for seed in range(MANY)]
    unspoiled = np.prod([1 - fault.share for fault in FAULTS.values()])
    clean = CLEAN_SHARE + (1 - CLEAN_SHARE) * unspoiled
    # Shares of 4000 draws have an SD of at most 0.008; four of them.
    assert np.mean([not grades for grades in drawn]) == pytest.approx(clean, abs=0.032)
    for name, fault in FAULTS.items():
        share = (1 - CLEAN_SHARE) * fault.share
        assert np.mean([name in grades for grades in drawn]) == pytest.approx(share, abs=0.032)


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("name", FAULTS)
def test_grades_fill_the_part_of_their_range_that_strength_allows(
    name: str, strength: float
) -> None:
    fault = FAULTS[name]
    drawn = np.array([fault.draw(random(seed), strength) for seed in range(500)])
    low, high = (
        fault.neutral + strength * (end - fault.neutral) for end in (fault.low, fault.high)
    )
    room = 0.02 * (high - low)  # of 500 even draws the outermost is within 0.4 % of the end
    assert low <= drawn.min() <= low + room
    assert high - room <= drawn.max() <= high
    if fault.low < fault.neutral < fault.high:
        assert np.mean(drawn < fault.neutral) == pytest.approx(0.5, abs=0.09)  # four SD


def test_a_picture_depends_on_its_seed_alone() -> None:
    levels = disc()
    first = [spoil(levels, np.random.default_rng([0, 3, 2, 1 + i]), 1.0) for i in range(8)]
    np.random.default_rng(99).random(5)
    cv2.setRNGSeed(7)
    again = [
        spoil(levels, np.random.default_rng([0, 3, 2, 1 + i]), 1.0) for i in reversed(range(8))
    ]
    assert all(np.array_equal(a, b) for a, b in zip(first, again[::-1], strict=True))
    other = [spoil(levels, np.random.default_rng([0, 4, 2, 1 + i]), 1.0) for i in range(8)]
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = cv2.getNumThreads()
    yield cv2.setNumThreads
    cv2.setNumThreads(before)


def test_threads_change_no_level_and_are_left_as_they_were(
    threads: Callable[[int], None],
) -> None:
    levels, grades = disc(256), dict(ENDS)
    found = []
    for count in (1, 4):
        threads(count)
        found.append(apply_grades(levels, grades, random(5)))
        assert cv2.getNumThreads() == count
    assert np.array_equal(*found)


def test_known_grades_are_applied_in_the_order_of_the_light() -> None:
    forth = apply_grades(disc(), {"exposure": -1, "jpeg": 60}, random())
    back = apply_grades(disc(), {"jpeg": 60, "exposure": -1}, random())
    assert np.array_equal(forth, back)
    assert np.array_equal(forth, spoiled("jpeg", 60, spoiled("exposure", -1)))
    levels = disc()
    assert apply_grades(levels, {}, random()) is levels


def test_an_unknown_fault_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="no fault 'dust'; choose from vignetting, defocus"):
        apply_grades(disc(), {"dust": 1.0}, random())


def test_a_real_picture_stays_one_that_can_be_read(idrid512: Path) -> None:
    sample = read_idrid(idrid512).split("train", ("EX",))[0]
    levels = prepare(sample, ("EX",), PreprocessSpec(256, (512, 512))).picture.levels
    retina = levels.max(axis=-1) > RETINA_THRESHOLD
    for name, end in ENDS:
        found = spoiled(name, end, levels)[retina]
        # Green, where lesions show: neither black nor white, and no less than half its contrast.
        assert 10 < found[:, 1].mean() < 200, name
        assert found[:, 1].std() > 0.5 * levels[retina][:, 1].std(), name

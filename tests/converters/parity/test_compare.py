"""Parity: the verdict by hand, phantoms, and real eyes; test_parity_faults.py is about faults."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters import coreml_program
from converters.bundle import open_bundle
from converters.parity import TOLERANCES, Case, Parity, PictureParity, Verdict, compare
from converters.parity_cases import PHANTOMS, idrid_cases, phantom_cases
from converters.targets import TARGETS, Check
from mobileseg.errors import BadInput

NAN = float("nan")

# The verdict, from figures.

LIMIT = TOLERANCES["fp32"]
PICTURE = PictureParity(
    name="eye",
    cropped=True,
    finite=True,
    same_tensor=LIMIT.same_tensor,
    end_to_end=0.4,  # has no limit of its own: a flipped level may move a probability
    mean=1e-6,
    flipped=1,
    mask_pixels=10_000,
    level_pixels=10_000,
    level_flips=1,
    moved=10,
    moved_levels=LIMIT.moved_levels,
    box_equal=True,
)
AT_THE_LIMIT = Parity(
    bundle="b",
    target="executorch",
    precision="fp32",
    made="fp32",
    data="one picture",
    checks=[Check("a check", True, "1")],
    pictures=[PICTURE],
    dice={},
)


def with_picture(**changed) -> Parity:
    return replace(AT_THE_LIMIT, pictures=[PICTURE, replace(PICTURE, **changed)])


def test_figures_at_their_limits_agree():
    assert AT_THE_LIMIT.faults() == []
    assert AT_THE_LIMIT.verdict is Verdict.AGREES
    assert with_picture().verdict is Verdict.AGREES


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"same_tensor": LIMIT.same_tensor * 1.001}, "max |Δp| from the same tensor"),
        ({"flipped": 2}, "share of flipped mask pixels 0.00015, at most 0.0001"),
        ({"level_flips": 2}, "share of levels flipped before CLAHE 0.00015, at most 0.0001"),
        ({"moved": 11}, "share of levels moved after CLAHE 0.00105, at most 0.001"),
        ({"moved_levels": 1.001}, "levels moved after CLAHE 1, at most 1"),
        ({"box_equal": False}, "eye: crop or retina share differs"),
        ({"finite": False}, "eye: not finite"),
        ({"same_tensor": NAN}, "max |Δp| from the same tensor nan, at most 0.0001"),
        ({"moved_levels": NAN}, "levels moved after CLAHE nan"),
    ],
)
def test_a_hair_over_any_limit_differs_and_says_which(changed, said):
    result = with_picture(**changed)
    assert result.verdict is Verdict.DIFFERS
    (fault,) = result.faults()
    assert fault.startswith(said)


def test_one_bad_picture_is_not_outvoted_by_good_ones():
    pictures = [*[PICTURE] * 50, replace(PICTURE, same_tensor=2e-4), *[PICTURE] * 50]
    assert replace(AT_THE_LIMIT, pictures=pictures).verdict is Verdict.DIFFERS


def test_not_run_is_never_agreement():
    not_run = replace(AT_THE_LIMIT, pictures=[], not_run="no Apple here")
    assert not_run.verdict is Verdict.NOT_RUN
    assert replace(not_run, not_run=None).verdict is Verdict.NOT_RUN  # no pictures
    # Contradictory, and yet: what says it was not run does not agree.
    assert replace(AT_THE_LIMIT, not_run="half of it").verdict is Verdict.NOT_RUN


def test_a_failing_check_differs_even_when_nothing_was_run():
    broken = [Check("a check", True, "1"), Check("no inverse", False, "2")]
    for result in (
        replace(AT_THE_LIMIT, checks=broken),
        replace(AT_THE_LIMIT, checks=broken, pictures=[], not_run="no Apple here"),
    ):
        assert result.verdict is Verdict.DIFFERS
        assert result.faults() == ["no inverse: found 2"]


def test_every_precision_that_runs_here_has_a_tolerance():
    for row in TARGETS.values():
        if row.converter().why_not(row.order([(128, 160)])) is None:
            assert set(row.choices["precision"]) <= set(TOLERANCES)


# What is written agrees.


@pytest.mark.parametrize("target", ["executorch", "torchscript"])
def test_the_demos_files_agree_on_phantoms(target, bundles, cases):
    if target == "executorch":
        pytest.importorskip("executorch", reason="not run: executorch is not installed")
    ticks = []
    result = compare(open_bundle(bundles / target), cases, "phantoms", lambda: ticks.append(1))
    assert result.faults() == [] and result.verdict is Verdict.AGREES
    assert len(ticks) == len(result.pictures) == PHANTOMS
    assert result.cropped == PHANTOMS
    assert result.share("level_flips") == result.share("moved") == 0
    reference, artifact = result.dice["EX"]
    assert reference == pytest.approx(artifact, abs=1e-3)  # a mask pixel at the threshold


def test_the_lively_network_agrees_too(tiny_bundle, cases):
    """The demo's answers lie close together and agree easily; these span 0..1."""
    result = compare(open_bundle(tiny_bundle), cases, "phantoms")
    assert result.verdict is Verdict.AGREES, result.faults()
    assert result.share("level_flips") == 0


def test_core_ml_is_not_run_here_and_its_checks_are(bundles, cases):
    result = compare(open_bundle(bundles / "coreml"), cases, "phantoms")
    assert result.verdict is Verdict.NOT_RUN
    assert result.not_run == coreml_program.NOT_HERE
    assert len(result.checks) >= 14 and all(c.holds for c in result.checks)


def test_without_pictures_nothing_was_run(tiny_bundle):
    result = compare(open_bundle(tiny_bundle), [], "nothing")
    assert (result.verdict, result.not_run) == (Verdict.NOT_RUN, "no pictures")


def test_the_phantoms_are_of_four_shapes_and_have_masks(cases):
    shapes = {case.photo.shape for case in cases}
    assert len(shapes) == phantom_cases().count == PHANTOMS
    assert any(max(s) > 1024 for s in shapes) and any(max(s) < 1024 for s in shapes)
    assert all(set(case.masks) == {"MA", "HE", "EX", "SE"} for case in cases)


# Real eyes, as cameras write them.


@pytest.fixture(scope="module")
def camera_cases(idrid_fullres) -> list[Case]:
    return list(idrid_cases([idrid_fullres], ["EX"], most=4).read)


@pytest.mark.parametrize("target", ["executorch", "torchscript"])
def test_camera_photos_agree_and_the_crop_is_at_work(target, bundles, camera_cases):
    if target == "executorch":
        pytest.importorskip("executorch", reason="not run: executorch is not installed")
    result = compare(open_bundle(bundles / target), camera_cases, "idrid-fullres")
    assert result.verdict is Verdict.AGREES, result.faults()
    assert len(result.pictures) == result.cropped == 4
    assert result.largest("same_tensor") <= 1e-4
    assert result.share("level_flips") <= 1e-4 and result.share("moved") <= 1e-3
    assert result.share("flipped", "mask_pixels") <= 1e-4
    assert set(result.dice) == {"EX"}


def test_camera_photos_agree_with_the_lively_network(tiny_bundle, camera_cases):
    result = compare(open_bundle(tiny_bundle), camera_cases, "idrid-fullres")
    assert result.verdict is Verdict.AGREES, result.faults()
    assert result.cropped == 4


@pytest.mark.parametrize("target", ["executorch", "torchscript"])
def test_the_512_pixel_set_agrees(target, bundles, idrid512):
    if target == "executorch":
        pytest.importorskip("executorch", reason="not run: executorch is not installed")
    chosen = idrid_cases([idrid512], ["EX"], most=4)
    result = compare(open_bundle(bundles / target), chosen.read, chosen.label)
    assert result.verdict is Verdict.AGREES, result.faults()
    assert result.data == "idrid512 (4)"
    assert result.largest("same_tensor") <= 1e-4
    assert result.share("flipped", "mask_pixels") <= 1e-4


# Which pictures are taken.


def test_pictures_are_spread_evenly_over_the_test_set(phantoms):
    chosen = idrid_cases([phantoms], ["EX"], most=2)
    assert [case.name for case in chosen.read] == ["phantom_07", "phantom_09"]
    assert idrid_cases([phantoms], ["EX"], most=99).count == 3


def test_only_the_runs_lesions_are_read_and_an_absent_one_is_an_empty_mask(phantoms, tmp_path):
    folder = shutil.copytree(phantoms, tmp_path / "set")
    for mask in folder.rglob("phantom_08_EX.*"):
        mask.unlink()
    found = {case.name: case.masks for case in idrid_cases([folder], ["EX"], most=9).read}
    assert all(set(masks) == {"EX"} for masks in found.values())
    assert not found["phantom_08"]["EX"].any() and found["phantom_08"]["EX"].shape == (256, 256)


def test_a_mask_of_another_size_than_its_picture_is_refused(phantoms, tmp_path):
    from PIL import Image

    folder = shutil.copytree(phantoms, tmp_path / "set")
    mask: Path = next(folder.rglob("phantom_07_EX.*"))
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(mask)
    with pytest.raises(BadInput, match=r"phantom_07_EX\.\w+: found 50x40 pixels; expected the pic"):
        list(idrid_cases([folder], ["EX"], most=9).read)


def test_two_sets_are_taken_one_after_the_other(phantoms):
    both = idrid_cases([phantoms], ["EX"], 1).and_also(phantom_cases())
    assert (both.count, both.label) == (1 + PHANTOMS, f"{phantoms.name} (1) and fresh phantoms (4)")
    assert next(both.read).name == "phantom_07"

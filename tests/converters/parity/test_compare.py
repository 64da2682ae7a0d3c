"""What is written agrees, stage by stage: on phantoms and on real eyes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from converters.bundle.read import open_bundle
from converters.parity import stages
from converters.parity.cases import PHANTOMS, Case, idrid_cases, phantom_cases
from converters.parity.compare import compare
from converters.parity.edge_cases import HARD, hard_cases
from converters.parity.metrics import faults, in_words, verdict
from converters.parity.result import Verdict
from converters.parity.tolerances import TOLERANCES
from converters.targets import TARGETS
from mobileseg.errors import BadInput


def test_every_precision_that_runs_here_has_a_tolerance():
    for row in TARGETS.values():
        if row.converter().why_not(row.order([(128, 160)])) is None:
            assert set(row.choices["precision"]) <= set(TOLERANCES)


# What is written agrees.


IN_FLOAT32 = [stages.PREPROCESSING, stages.EAGER, stages.EXPORTED, stages.ARTIFACT]


@pytest.mark.parametrize("target", ["executorch", "torchscript"])
def test_the_demos_files_agree_on_phantoms(target, bundles, cases):
    if target == "executorch":
        pytest.importorskip("executorch", reason="not run: executorch is not installed")
    ticks = []
    bundle = open_bundle(bundles / target)
    result = compare(bundle, cases[:4], "phantoms", lambda: ticks.append(1))
    assert faults(result) == [] and in_words(result) == "agrees"
    assert len(ticks) == len(result.pictures) == result.cropped == result.labelled == 4
    assert result.stages == IN_FLOAT32 and list(result.task["EX"]) == [
        stages.REFERENCE,
        *IN_FLOAT32,
    ]
    assert result.share("level_flips", "level_pixels") == 0
    assert result.share("moved", "level_pixels") == 0
    reference, artifact = (result.task["EX"][s] for s in (stages.REFERENCE, stages.ARTIFACT))
    assert reference.lesions == artifact.lesions > 4
    assert reference.aupr == pytest.approx(artifact.aupr, abs=1e-4)
    assert reference.dice == pytest.approx(artifact.dice, abs=1e-3)


def test_the_lively_network_agrees_too_and_on_hard_pictures(tiny_bundle, cases):
    """The demo's answers lie close together and agree easily; these span 0..1."""
    ticks = []
    result = compare(
        open_bundle(tiny_bundle),
        cases,
        "phantoms",
        lambda: ticks.append(1),
        hard=hard_cases().read,
    )
    assert verdict(result) is Verdict.AGREES, faults(result)
    assert len(result.pictures) == PHANTOMS and len(ticks) == PHANTOMS + len(HARD)
    assert [p.name for p in result.hard] == list(HARD)
    assert not any(p.labelled for p in result.hard)
    assert result.worst is not None
    furthest = max(result.pictures, key=lambda p: p.end_to_end.max)
    assert (result.worst.name, result.worst.picture.shape) == (furthest.name, (64, 64, 3))
    off = np.abs(result.worst.found - result.worst.expected)
    assert float(off.max()) == furthest.end_to_end.max


def test_without_pictures_nothing_was_run(tiny_bundle):
    result = compare(open_bundle(tiny_bundle), [], "nothing")
    assert (verdict(result), result.not_run) == (Verdict.NOT_RUN, "no pictures")


def test_the_phantoms_are_of_many_shapes_and_have_masks(cases):
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
    assert verdict(result) is Verdict.AGREES, faults(result)
    assert len(result.pictures) == result.cropped == 4
    assert set(result.task) == {"EX"}


def test_camera_photos_agree_with_the_lively_network(tiny_bundle, camera_cases):
    result = compare(open_bundle(tiny_bundle), camera_cases, "idrid-fullres")
    assert verdict(result) is Verdict.AGREES, faults(result)
    assert result.cropped == 4


@pytest.mark.parametrize("target", ["executorch", "torchscript"])
def test_the_512_pixel_set_agrees(target, bundles, idrid512):
    if target == "executorch":
        pytest.importorskip("executorch", reason="not run: executorch is not installed")
    chosen = idrid_cases([idrid512], ["EX"], most=4)
    result = compare(open_bundle(bundles / target), chosen.read, chosen.label)
    assert verdict(result) is Verdict.AGREES, faults(result)
    assert result.data == "idrid512 (4)"


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
    assert (both.count, both.label) == (1 + PHANTOMS, f"{phantoms.name} (1) and fresh phantoms (8)")
    assert next(both.read).name == "phantom_07"

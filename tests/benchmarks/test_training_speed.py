"""The published loop learns, ours is measured beside it, and without a GPU the rows say so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import published_loop
import pytest
import torch
import training_speed
from click.testing import CliRunner
from gpu_idle import busy_s, covered, idle_share
from published_loop import Photos, PublishedLoop, affine, best_workers
from training_contestants import Contestant

from converters.bench.results import FIELDS
from mobileseg.data.config import AugmentRanges
from mobileseg.data.idrid import Sample, read_idrid

CPU = torch.device("cpu")


@pytest.fixture
def samples(phantoms: Path) -> list[Sample]:
    return read_idrid(phantoms).split("train", ("EX",))


def test_the_published_loop_takes_steps_and_its_loss_falls(samples):
    loop = PublishedLoop(
        samples[:4], variant="xs", side=32, batch=4, workers=0, device=CPU, times=6
    )
    speed = loop.run()
    assert (speed.images, len(speed.losses)) == (24, 6)
    assert speed.losses[-1] < 0.85 * speed.losses[0]
    assert speed.images_per_s == 24 / speed.seconds


def test_every_number_of_workers_up_to_the_cores_is_tried(samples, monkeypatch):
    monkeypatch.setattr(published_loop, "FEWEST_STEPS", 1)
    monkeypatch.setattr(published_loop, "WORKERS", (0, 1, 10**6))
    found = best_workers(samples[:2], variant="xs", side=32, batch=2, device=CPU)
    assert list(found) == [0, 1]
    assert min(found.values()) > 0


def test_a_picture_is_read_moved_and_normalised_with_its_mask(samples):
    photos = Photos(samples, 64, times=3)
    picture, mask = photos[len(samples)]  # the first, for the second time
    assert len(photos) == 3 * len(samples)
    assert (picture.shape, mask.shape) == ((3, 64, 64), (1, 64, 64))
    assert picture.dtype == mask.dtype == torch.float32
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert not torch.equal(picture, photos[0][0])  # moved anew


def test_no_range_moves_nothing_and_a_turn_keeps_the_centre():
    still = AugmentRanges(rotate_deg=0, scale=(1, 1), translate=0, shear_deg=0, flip=0)
    assert affine(np.random.default_rng(0), 9, still) == pytest.approx(np.eye(2, 3))
    turned = affine(np.random.default_rng(0), 9, AugmentRanges(translate=0))
    assert turned @ [4, 4, 1] == pytest.approx([4, 4])


def test_without_a_gpu_nothing_is_run_and_the_rows_name_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    results = tmp_path / "results.json"
    done = CliRunner().invoke(training_speed.main, ["-o", str(results)])
    assert done.exit_code == 3
    assert "no GPU: not run" in done.output
    rows = json.loads(results.read_text())
    # Four variants in three forms alone; XS together, in the one form that runs have there.
    assert [r["part"] for r in rows] == ["single"] * 12 + ["together"]
    for found in rows:
        assert list(found)[: len(FIELDS)] == list(FIELDS)
        asked = f"--parts {found['part']} --variants {found['variant']} --forms {found['form']}"
        assert asked in found["not_measured"]
        assert "ratio_to_published_loop" not in found


def test_a_check_on_a_cpu_has_figures_and_claims_nothing(phantoms, tmp_path, monkeypatch):
    monkeypatch.setattr(published_loop, "FEWEST_STEPS", 1)
    monkeypatch.setattr(published_loop, "WORKERS", (0,))
    monkeypatch.setattr(training_speed, "WARM_UP", 0)
    results = tmp_path / "results.json"
    asked = f"--device cpu --data {phantoms} --side 32 --variants xs --forms default --runs 2"
    short = ["--rounds", "1", "--epochs", "1", "--batch", "5", "-o", str(results)]
    done = CliRunner().invoke(training_speed.main, [*asked.split(), *short])
    assert done.exit_code == 0, done.output
    single, together = json.loads(results.read_text())
    for found in (single, together):
        assert list(found)[: len(FIELDS)] == list(FIELDS)
        assert found["ratio_to_published_loop"] == pytest.approx(
            found["images_per_s"] / found["published_images_per_s"], rel=0.01
        )
        assert 0 < found["images_per_s_with_validation"] < found["images_per_s"]
        assert (found["aim_met"], found["gpu_idle_share"]) == (None, None)
        assert "no claim" in found["note"]
    assert (single["runs"], together["runs"]) == (1, 2)
    assert together["images_per_s_per_run"] == pytest.approx(together["images_per_s"] / 2, abs=0.01)


def test_a_new_row_takes_the_place_of_the_one_of_the_same_thing():
    def of(variant: str, figure: int) -> dict[str, object]:
        return dict.fromkeys(training_speed.SAME, "") | {"variant": variant, "figure": figure}

    kept = training_speed.merged([of("xs", 1), of("s", 2)], [of("xs", 3), of("m", 4)])
    assert kept == [of("xs", 3), of("s", 2), of("m", 4)]


def test_rounds_that_warm_up_are_not_counted():
    one = Contestant(6, lambda: None)
    one.round(CPU, counted=False)
    one.round(CPU, counted=True)
    assert (len(one.training), len(one.whole)) == (1, 1)
    assert one.per_s([1.0, 2.0, 9.0]) == 3


def test_spans_that_overlap_count_once():
    assert covered([]) == 0
    assert covered([(5, 7), (0, 2), (1, 3), (1, 2)]) == 5
    assert idle_share(0.25, 1.0) == 0.75


def test_a_cpu_has_no_idle_share():
    busy = busy_s(lambda: pytest.fail("called"), CPU)
    assert busy is None
    assert idle_share(busy, 1.0) is None

"""Constants found, and what calibrated probabilities are measured by."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from mobileseg.errors import BadInput
from mobileseg.evaluation.calibration import fit_platt
from mobileseg.evaluation.metrics import aupr
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.evaluation.reliability import reliability
from mobileseg.platt import EPSILON, Calibration

Labelled = tuple[NDArray[np.bool_], NDArray[np.float32]]


@pytest.fixture(scope="module")
def too_sure() -> Labelled:
    """Pixels whose true probability is sigmoid(0.6 z - 1), and a network that says sigmoid(z)."""
    random = np.random.default_rng(1)
    z = random.normal(-3, 3, 400_000)
    truth = random.random(z.size) < expit(0.6 * z - 1)
    return truth, expit(z).astype(np.float32)


def test_constants_are_found_again(too_sure):
    found = fit_platt(*too_sure)
    # Standard error of a logistic slope from these pixels: 0.003; four of them.
    assert (found.a, found.b) == pytest.approx((0.6, -1.0), abs=0.012)


def test_it_is_logistic_regression(too_sure):
    truth, p = (values[:40_000] for values in too_sure)
    clamped = np.clip(p.astype(np.float64), EPSILON, 1 - EPSILON)
    other = LogisticRegression(C=np.inf, tol=1e-8).fit(logit(clamped)[:, None], truth)
    found = fit_platt(truth, p)
    # Bins of 0.003 in the logit, and Platt's targets, which move one pixel in thousands.
    wanted = float(other.coef_[0, 0]), float(other.intercept_[0])
    assert (found.a, found.b) == pytest.approx(wanted, abs=1e-3)


def test_errors_halve_and_aupr_stays(too_sure):
    truth, p = too_sure
    after = fit_platt(truth, p).of(p)
    before, now = reliability(truth, p), reliability(truth, after)
    assert now.ece < before.ece / 2 and now.adaptive_ece < before.adaptive_ece / 2
    assert now.brier < before.brier
    # Pixels surer than EPSILON become ties.
    assert aupr(truth, after) == pytest.approx(aupr(truth, p), abs=1e-4)


def test_a_calibrated_networks_constants_are_one_and_zero(too_sure):
    truth, p = too_sure
    once = fit_platt(truth, p)
    again = fit_platt(truth, once.of(p))
    assert (again.a, again.b) == pytest.approx((1, 0), abs=1e-3)  # but for the clamp, twice


def test_pixels_told_apart_perfectly_do_not_ask_for_infinity():
    truth = np.arange(100) >= 50
    found = fit_platt(truth, np.where(truth, 0.9, 0.1).astype(np.float32))
    # Platt's targets: 51 / 52 and 1 / 52, so a · logit(0.9) = log 51.
    assert found.a == pytest.approx(np.log(51) / np.log(9), rel=1e-3)


@pytest.mark.parametrize("share", [0, 1])
def test_nothing_to_tell_apart_is_refused(share):
    with pytest.raises(BadInput, match=r"lesion pixels of 8; expected some, and not all"):
        fit_platt(np.full(8, bool(share)), np.linspace(0, 1, 8, dtype=np.float32))


def test_lesions_where_probabilities_are_low_are_refused():
    truth = np.arange(1000) < 100
    with pytest.raises(BadInput, match="lesions are not where probabilities are higher"):
        fit_platt(truth, np.linspace(0.1, 0.9, 1000, dtype=np.float32))


def test_no_number_is_refused():
    with pytest.raises(BadInput, match="no number"):
        fit_platt(np.array([True, False]), np.array([0.5, np.nan], np.float32))


# Measures


def test_the_errors_are_their_definitions(too_sure):
    truth, p = (values[:5000] for values in too_sure)
    found = reliability(truth, p)
    ece, edges = 0.0, np.linspace(0, 1, 16)
    for low, high in pairwise(edges):
        inside = (p >= low) & ((p < high) | (high == 1))
        if inside.any():
            ece += inside.sum() * abs(p[inside].mean() - truth[inside].mean())
    adaptive = sum(
        len(part) * abs(p[part].mean() - truth[part].mean())
        for part in np.array_split(np.argsort(p, kind="stable"), 15)
    )
    assert found.ece == pytest.approx(ece / 5000, abs=1e-6)  # float32 edges and means
    assert found.adaptive_ece == pytest.approx(adaptive / 5000, abs=1e-4)  # 5000 / 15 is not whole
    assert found.brier == pytest.approx(((p - truth) ** 2).mean(), abs=1e-7)
    assert (found.pixels, found.share) == (5000, pytest.approx(truth.mean()))
    assert sum(one.pixels for one in found.bins) == 5000


def test_a_perfect_answer_has_no_error_and_a_wrong_one_all_of_it():
    truth = np.array([True, False, False, False])
    sure = truth.astype(np.float32)
    assert reliability(truth, sure).ece == reliability(truth, sure).brier == 0
    wrong = reliability(truth, 1 - sure)
    assert (wrong.ece, wrong.adaptive_ece, wrong.brier) == (1, 1, 1)


def test_the_reference_calibrates_last_and_leaves_the_outside_at_zero(make_run, tmp_path):
    """Averaged first: a mean of calibrated probabilities is another."""
    from mobileseg.data.phantom.generate import make_phantom
    from mobileseg.preprocess.reference import preprocess
    from mobileseg.runs import Run
    from mobileseg.spec import photo_to_frame

    run = make_run(tmp_path / "run")
    frame = photo_to_frame(make_phantom(3, 120, aspect=1.2).picture, (128, 160))
    picture = preprocess(frame, run.config.preprocess)
    one = Calibration(0.5, 1.0)
    calibrated = Run(run.path, run.config.calibrated({"EX": one}))
    before, after = (reference_probabilities(r, picture) for r in (run, calibrated))
    disc = picture.disc
    assert disc is not None and not disc.all() and disc.any()
    assert np.array_equal(after[:, disc], one.of(before)[:, disc])
    assert (after[:, ~disc] == 0).all()
    flipped = (before >= 0.5) != (after >= np.float32(calibrated.config.thresholds["EX"]))
    assert flipped.sum() == 0

"""Fitting: constants that were put in come out again, and what is off is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mobileseg.data.augmentation.photometry import apply_grades
from mobileseg.data.idrid import read_idrid
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.data.prepared import read_framed
from mobileseg.errors import BadInput
from mobileseg.evaluation import quality_fit
from mobileseg.evaluation.quality_fit import Observation, agreement, fit, fit_quality
from mobileseg.evaluation.spoiling import SPOILS, Cut, spoiled
from mobileseg.preprocess.reference import preprocess
from mobileseg.quality.limits import limits_of
from mobileseg.quality.values import NAMES, measure
from mobileseg.runs import Run, open_run
from mobileseg.spec import PreprocessSpec, photo_to_frame

SPEC = PreprocessSpec(128, (160, 160))


@pytest.fixture(scope="module")
def seen() -> list[Observation]:
    """Phantoms, spoiled; a made-up network finds less the less sharp and the darker they are."""
    found = []
    for i in range(8):
        photo = make_phantom(41, 160, index=i).picture
        clean = preprocess(photo_to_frame(photo, SPEC.frame_hw), SPEC)
        assert clean.disc is not None
        for place, grades in enumerate(({}, *SPOILS)):
            rng = np.random.default_rng([i, place])
            levels = apply_grades(clean.levels, grades, rng) * clean.disc[..., None]
            one = measure(levels, clean.disc, True)
            left = min(1.0, one.sharpness / 0.6) * min(1.0, one.light / 0.3)
            name = ", ".join(f"{k} {v}" for k, v in grades.items())
            found.append(Observation(str(i), name, one, {"EX": left if name else 1.0}, {"EX": 20}))
    return found


def test_what_is_left_is_said(seen: list[Observation]) -> None:
    model = fit(seen, ("EX",))
    held = agreement(model, seen, "EX")
    # The aims, where what is left follows from two of the values.
    assert held.rank_correlation_spoils > 0.8
    assert held.mean_error_spoils < 0.1
    weights = model.lesions["EX"].weights
    assert weights["blur"] > 0.5
    assert weights["dark"] > 0.5


def test_limits_lie_beyond_every_training_picture(seen: list[Observation]) -> None:
    model = fit(seen, ("EX",))
    clean = [model.values(one.seen) for one in seen if not one.spoil]
    for name in NAMES:
        limits = model.limits[name]
        for value in clean:
            assert limits.least is None or value[name] >= limits.least, name
            assert limits.most is None or value[name] <= limits.most, name
    dark = limits_of({name: [value[name] for value in clean] for name in NAMES})["light"]
    assert dark.least is not None
    assert all(0.25 * value["light"] < dark.least for value in clean)


def test_a_fit_is_the_same_again(seen: list[Observation]) -> None:
    assert fit(seen, ("EX",)).to_json() == fit(seen, ("EX",)).to_json()


@pytest.fixture(scope="module")
def run() -> Run:
    shipped = open_run(Path("xs-ex"))
    spec = replace(shipped.config.preprocess, finder=2, side_px=128, frame_hw=(256, 256))
    return Run(shipped.path, replace(shipped.config, preprocess=spec))


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mobileseg.data.phantom.generate import write_phantoms

    folder = tmp_path_factory.mktemp("phantoms")
    write_phantoms(folder / "data", 12, 256, 3)
    return folder / "data"


def test_a_run_fits_on_its_pictures(run: Run, phantoms: Path) -> None:
    samples = read_idrid(phantoms).samples["train"]
    said: list[str] = []
    told: list[tuple[int, int]] = []
    spoils = ({"exposure": -4.0}, {"defocus": 0.015})
    model = fit_quality(
        run, samples, log=said.append, on_progress=lambda *at: told.append(at),
        spoils=spoils, cuts=(Cut(left=0.4),),
    )  # fmt: skip
    assert told[-1] == (len(samples), len(samples))
    assert said[0].startswith("EX: off by")
    assert set(model.lesions) == {"EX"}
    framed = read_framed(samples[0], ("EX",), run.config.preprocess)
    pictures = [v.picture for v in spoiled(framed, run.config, [0], spoils, ())]
    shares = [
        model.judge(quality_fit.measured(picture), ("EX",)).lesions[0] for picture in pictures
    ]
    assert shares[2] < shares[0]


def test_too_few_pictures_and_an_old_finder_are_refused(run: Run, phantoms: Path) -> None:
    samples = read_idrid(phantoms).samples["train"]
    with pytest.raises(BadInput, match="found 7 of its training pictures; expected at least 8"):
        fit_quality(run, samples[:7])
    old = replace(run.config, preprocess=replace(run.config.preprocess, finder=1))
    with pytest.raises(BadInput, match="retina finder 1; expected 2"):
        fit_quality(Run(run.path, old), samples)
